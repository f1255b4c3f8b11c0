"""What all zip containers of torch share: pickles beside numbered storage records."""

from __future__ import annotations

from ptinspect.errors import FileProblem, NotACheckpoint
from ptinspect.findings import Finding
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.document import Container, Document, Pickle, Record
from ptinspect.formats.embedded import EmbeddedShelf
from ptinspect.formats.reach import Reached, Walk
from ptinspect.formats.rebuild import Rebuilder
from ptinspect.formats.record_shelf import RecordShelf
from ptinspect.formats.source import Memory, Slice
from ptinspect.formats.zip_directory import CHECKED_HEADERS, STORED
from ptinspect.limits import Limits
from ptinspect.pickles.machine import run
from ptinspect.pickles.traces import Traces
from ptinspect.pickles.values import Value
from ptinspect.pickles.window import Source, Window

__all__ = ["Archive", "RecordShelf"]

BOMB_BYTES = 64 << 20


class Archive:
    """A zip container while it is read: its pickles, one after another, into one Document."""

    def __init__(self, candidate: Candidate, container: Container) -> None:
        if candidate.directory is None:
            raise NotACheckpoint("this is no zip archive", "Open a file that torch.save wrote.")
        self.candidate = candidate
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
        shelf = EmbeddedShelf(RecordShelf(self.directory, storages), self.document.pickles[-1].source, self.candidate, self.document)
        Walk(Rebuilder(shelf), self.limits, self.reached).over(root, prefix)
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
            if record.flags & 0x61:
                self.note("warning", "a record is encrypted", "torch cannot read it, and nor can we.", record.name)
            elif record.method != STORED and record.size > BOMB_BYTES and record.size > record.stored * self.limits.inflate_ratio:
                detail = f"{record.stored:,} bytes claim {record.size:,}, {record.size // max(1, record.stored):,} times as much."
                self.note("warning", "a record unpacks to very much", detail, record.name)
