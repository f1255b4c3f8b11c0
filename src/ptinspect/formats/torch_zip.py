"""`torch.save` since 1.6: a zip with `data.pkl`, one record a storage under `data/`, and small notes beside them.

The top folder may have any name or be missing, records may be deflated, checksums absent, `byteorder` little, big or not there.
"""

from __future__ import annotations

from ptinspect.formats.archive import Archive
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.document import Document

_FACTS = {"version": "version", "byteorder": "byteorder", ".format_version": "format version", ".storage_alignment": "storage alignment"}


def offers(candidate: Candidate) -> bool:
    """Whether this is such a file."""
    return candidate.directory is not None and candidate.folder_of("data.pkl") is not None


def read(candidate: Candidate) -> Document:
    """The document in it."""
    folder = candidate.folder_of("data.pkl") or ""
    archive = Archive(candidate, "torch-zip")
    records = archive.directory.records
    main = f"{folder}data.pkl"
    root = archive.pickle(records[main], f"{folder}data/")
    for record in [record for name, record in records.items() if name.lower().endswith(".pkl") and name != main]:
        if record.name.lower() == main.lower():
            detail = "torch.load finds names without regard to case: it may load this one."
            archive.note("warning", "two pickles whose names differ in case", detail, record.name)
        else:
            archive.note("notice", "a second pickle in the archive", "torch.load does not read it.", record.name)
        archive.pickle(record, f"{folder}data/", prefix=record.name)
    for name, title in _FACTS.items():
        text = archive.text(folder + name)
        if text is not None:
            archive.document.facts[title] = text
    return archive.finish(root, (f"{folder}data/",))
