"""TorchScript: a zip with the module's attributes in `data.pkl`, tensors of its code in `constants.pkl`, its text in `code/`.

Mobile archives add `bytecode.pkl` and debug handles, traced ones `traced_inputs.pkl`; torch 1.0 to 1.3 wrote `model.json`
instead (torchscript_table). What torch itself goes by is `constants.pkl`: `torch.load` hands such a file to `torch.jit.load`,
which fails without it. An archive with program text and no constants counts too, with a finding that says so.

The pickles are TorchScript's own dialect (script_walk); each keeps its storages in the folder of its name. Texts are read on
demand, `*.debug_pkl` (source ranges of the text) not at all.
"""

from __future__ import annotations

from ptinspect.formats import torchscript_table
from ptinspect.formats.archive import Archive
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.document import Document
from ptinspect.formats.script_pickles import KNOWN, add_facts, gather, gather_rest, texts
from ptinspect.formats.torchscript_code import Classes

FACTS = {"version": "version", ".data/version": "version", "byteorder": "byteorder"}
_WITHOUT_CONSTANTS = "torch.jit.load refuses the file; torch.load takes it for an ordinary checkpoint."


def offers(candidate: Candidate) -> bool:
    """Whether this is such a file."""
    folder = candidate.folder_of("data.pkl")
    if candidate.directory is None or folder is None:
        return torchscript_table.offers(candidate)
    records = candidate.directory.records
    if f"{folder}constants.pkl" in records or f"{folder}bytecode.pkl" in records:
        return True
    code = f"{folder}code/"
    has_text = code in candidate.listing and any(name.startswith(code) and name.endswith(".py") for name in candidate.names)
    return has_text or torchscript_table.offers(candidate)


def read(candidate: Candidate) -> Document:
    """The document in it."""
    if torchscript_table.offers(candidate):  # torch looks for model.json first
        return torchscript_table.read(candidate)
    folder = candidate.folder_of("data.pkl") or ""
    archive = Archive(candidate, "torchscript")
    records, document = archive.directory.records, archive.document
    root = gather(archive, records[f"{folder}data.pkl"], f"{folder}data/", "")
    rest = gather_rest(archive, folder, [f"{folder}data.pkl"])
    if f"{folder}constants.pkl" not in records:
        archive.note("notice", "constants.pkl is missing", _WITHOUT_CONSTANTS)
    bytecode = rest.get("bytecode")
    if type(bytecode) is tuple and bytecode and type(bytecode[0]) is int:
        document.facts["bytecode version"] = str(bytecode[0])[:20]
    document.code = texts(archive, folder, ("code/",))
    document.classes = Classes(document.code, "code/")
    add_facts(archive, folder, FACTS)
    return archive.finish(root, tuple(f"{folder}{name}/" for name in KNOWN))
