"""What all zip containers of torch share: pickles beside numbered storage records."""

from __future__ import annotations

from ptinspect.dtypes import from_global
from ptinspect.errors import FileProblem, NotACheckpoint
from ptinspect.findings import Finding
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.document import Container, Document, Pickle, Record
from ptinspect.formats.reach import Reached, Walk
from ptinspect.formats.rebuild import Rebuilder
from ptinspect.formats.source import Memory, Slice
from ptinspect.formats.zip_directory import CHECKED_HEADERS, STORED, ZipDirectory
from ptinspect.limits import Limits
from ptinspect.pickles.machine import run
from ptinspect.pickles.traces import Traces
from ptinspect.pickles.values import Global, Persistent, Value
from ptinspect.pickles.window import Source, Window
from ptinspect.tensors import StorageRef

BOMB_BYTES = 64 << 20
MOST_NUMEL = 1 << 62


class RecordShelf:
    """Storages that lie in records: `folder` + key."""

    def __init__(self, directory: ZipDirectory, folder: str) -> None:
        self.directory = directory
        self.folder = folder
        self.known: dict[str, StorageRef | str] = {}

    def storage(self, value: Value) -> StorageRef | str:
        """The storage behind a persistent id: ("storage", type, key, location, elements)."""
        identity = value.id if type(value) is Persistent else None
        if type(identity) is not tuple or len(identity) < 5:
            return "its storage is not described in a way that torch knows"
        key = identity[2]
        if type(key) is not str:
            key = str(key) if type(key) is int else ""
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self._describe(identity, key)
        return found

    def _describe(self, identity: tuple[Value, ...], key: str) -> StorageRef | str:
        _, kind, _, location, numel = identity[:5]
        dtype = from_global(kind.name) if type(kind) is Global else None
        if dtype is None:
            return "its storage has a type that is not known"
        if type(numel) is not int or not 0 <= numel < MOST_NUMEL:
            return "its storage has a size that is no number of elements"
        record = self.directory.records.get(self.folder + key)
        nbytes = dtype.nbytes(numel)
        where = location if type(location) is str else "cpu"
        if record is None:
            if nbytes == 0 or where == "meta":
                return StorageRef(self.folder + key, dtype, nbytes, nbytes, None, None, where)
            return f"its bytes are missing: there is no record {self.folder + key!r}"
        return StorageRef(record.name, dtype, nbytes, min(nbytes, self._present(record)), record.name, None, where)

    def _present(self, record: Record) -> int:
        if record.method != STORED:
            return record.size
        begin = record.header + 30 if record.data is None else record.data
        return max(0, min(record.size, record.stored, self.directory.source.size - begin))


class Archive:
    """A zip container while it is read: its pickles, one after another, into one Document."""

    def __init__(self, candidate: Candidate, container: Container) -> None:
        if candidate.directory is None:
            raise NotACheckpoint("this is no zip archive", "Open a file that torch.save wrote.")
        self.directory = candidate.directory
        self.limits: Limits = candidate.limits
        self.document = Document(container, None, records=self.directory.records)
        self.reached = Reached()

    def source_of(self, record: Record) -> Source:
        """A record's bytes as a source: in place where they are stored, inflated in memory otherwise."""
        if record.is_plain:
            return Slice(self.directory.source, self.directory.locate(record), record.stored)
        return Memory(self.directory.read(record))

    def pickle(self, record: Record, storages: str, prefix: str = "") -> Value:
        """Walk the pickle in a record, whose storages lie in the folder `storages`, and gather its tensors."""
        root = self.parse(record)
        Walk(Rebuilder(RecordShelf(self.directory, storages)), self.limits, self.reached).over(root, prefix)
        return root

    def parse(self, record: Record) -> Value:
        """The root of the pickle in a record; its tensors are gathered by whoever knows where their bytes lie."""
        source, traces = self.source_of(record), Traces()
        stream = run(Window(source, tap=traces), self.limits)
        self.document.pickles.append(Pickle(record.name, stream, source, traces))
        if stream.problem is not None:
            self.broken(record.name, stream.problem)
        elif stream.end < source.size:
            after = source.size - stream.end
            self.note("notice", "bytes after a pickle", f"{after:,} bytes follow its end; no loader reads them.", record.name)
        return stream.root

    def broken(self, name: str, problem: FileProblem) -> None:
        """A pickle that breaks off: what it had built is shown, and that it is not all."""
        self.document.problem = self.document.problem or problem
        self.note("warning", "a pickle breaks off", f"{problem.message}. What it holds before that is shown.", problem.where or name)

    def note(self, severity: str, title: str, detail: str, where: str | None = None) -> None:
        """Add a finding, up to the limit."""
        if len(self.document.findings) < self.limits.findings:
            self.document.findings.append(Finding(severity, title, detail, where))  # type: ignore[arg-type]

    def text(self, name: str, most: int = 64) -> str | None:
        """A short text record such as `version`, or None."""
        record = self.directory.records.get(name)
        if record is None:
            return None
        try:
            return self.directory.read(record, most).decode("utf-8", "replace").strip()
        except FileProblem:
            return None

    def finish(self, root: Value, data_folders: tuple[str, ...]) -> Document:
        """Close the document: tensors, unused records, and what the directory had to say."""
        document, reached = self.document, self.reached
        document.root = root
        document.tensors, document.places, document.by_value = reached.tensors, reached.places, reached.by_value
        used = {ref.record for tensor in reached.tensors for ref in tensor.storages()}
        for record in self.directory.records.values():
            if record.name not in used and record.name.startswith(data_folders) and not record.name.endswith("/"):
                document.unused.append(record)
        self._compressed()
        pickles = [self.directory.records[pickle.name] for pickle in document.pickles if pickle.name in self.directory.records]
        few = len(self.directory.records) <= CHECKED_HEADERS
        self.directory.check_headers(self.directory.records.values() if few else pickles)
        self.directory.check_sums(pickles)
        document.findings.extend(self.directory.findings)
        return document

    def _compressed(self) -> None:
        for record in self.directory.records.values():
            if record.flags & 1:
                self.note("warning", "a record is encrypted", "torch cannot read it, and nor can we.", record.name)
            elif record.method != STORED and record.size > BOMB_BYTES and record.size > record.stored * self.limits.inflate_ratio:
                detail = f"{record.stored:,} bytes claim {record.size:,}, {record.size // max(1, record.stored):,} times as much."
                self.note("warning", "a record unpacks to very much", detail, record.name)
