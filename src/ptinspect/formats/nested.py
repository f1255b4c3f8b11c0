"""A zip of torch inside an archive: `torch.export` keeps example inputs, and once its weights, as whole `torch.save` files.

A stored member is read in place, so that its tensors have offsets in the file as any other; nothing is copied or unpacked.
"""

from __future__ import annotations

from ptinspect.errors import FileProblem, LimitExceeded
from ptinspect.findings import Finding
from ptinspect.formats.archive import Archive, RecordShelf
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.document import Record
from ptinspect.formats.script_walk import ScriptRebuilder, ScriptWalk
from ptinspect.formats.zip_directory import ZipDirectory
from ptinspect.pickles.values import Value
from ptinspect.tensors import StorageRef

_TWICE = "its bytes lie in a compressed archive inside the archive, where they are not read"


class NestedShelf(RecordShelf):
    """Storages of an archive that lies in a member of another; `begin` is that member's place in the file."""

    def __init__(self, directory: ZipDirectory, folder: str, member: str, begin: int | None) -> None:
        super().__init__(directory, folder)
        self.member = member
        self.begin = begin

    def _describe(self, identity: tuple[Value, ...], key: str) -> StorageRef | str:
        found = super()._describe(identity, key)
        if isinstance(found, str):
            return found
        record = self.directory.records.get(found.record or "")
        own = f"{self.member}/{found.key}"
        if record is None:
            return StorageRef(own, found.dtype, found.nbytes, found.present, location=found.location)
        if self.begin is None or not record.is_plain:
            return _TWICE
        try:
            offset = self.begin + self.directory.locate(record)
        except FileProblem as problem:
            return problem.message
        return StorageRef(own, found.dtype, found.nbytes, found.present, None, offset, found.location)


def read_nested(archive: Archive, record: Record, prefix: str, depth: int = 1) -> Value:
    """The root of the archive in a member, its tensors reached under `prefix`; None, with a finding, where that cannot be."""
    if record.size == 0:
        return None  # torch.export writes nothing where there is nothing to write
    try:
        return _read(archive, record, prefix, depth)
    except FileProblem as problem:
        archive.note("warning", "a member cannot be opened", f"{problem.message}.", record.name)
        archive.document.problem = archive.document.problem or problem
        return None


def _read(archive: Archive, record: Record, prefix: str, depth: int) -> Value:
    if depth > archive.limits.nesting:
        raise LimitExceeded("archives inside archives go over the limit `nesting`", "No honest file does that.", record.name)
    begin = archive.directory.locate(record) if record.is_plain else None
    candidate = Candidate(archive.source_of(record), archive.limits, record.name, depth)
    folder = candidate.folder_of("data.pkl")
    if candidate.zip_problem is not None:
        raise candidate.zip_problem
    if candidate.directory is None or folder is None:
        archive.note("notice", "a member is no archive of torch.save", "It is not read.", record.name)
        return None
    inner = Archive(candidate, archive.document.container)
    shelf = NestedShelf(candidate.directory, f"{folder}data/", record.name, begin)
    root = inner.parse(candidate.directory.records[f"{folder}data.pkl"])
    ScriptWalk(ScriptRebuilder(shelf), archive.limits, archive.reached).over(root, prefix)
    _merge(archive, inner, record)
    return root


def _merge(archive: Archive, inner: Archive, record: Record) -> None:
    """What the inner archive had to tell, told as part of the outer one."""
    document = archive.document
    for pickle in inner.document.pickles:
        pickle.name = f"{record.name}/{pickle.name}"
        document.pickles.append(pickle)
    document.problem = document.problem or inner.document.problem
    for finding in [*inner.document.findings, *inner.directory.findings]:
        where = f"{record.name}/{finding.where}" if finding.where else record.name
        if len(document.findings) < archive.limits.findings:
            document.findings.append(Finding(finding.severity, finding.title, finding.detail, where))
