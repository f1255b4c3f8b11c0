"""Pickles among the members of an ordinary archive: whatever the name says, what parses as a pickle to its end is one (S-17).

A member is judged by its bytes: its first 64 decide whether more is read. One that breaks off after it has named something
is kept too (S-05): what comes first in a stream has run by the time the rest fails. Archives in archives are entered.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator

from ptinspect.errors import FileProblem, LimitExceeded
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.document import Pickle, Record
from ptinspect.formats.source import Memory, Slice, Source
from ptinspect.formats.zip_directory import ENCRYPTED, LOCAL, PATCHED, ZipDirectory
from ptinspect.frozen import replace
from ptinspect.limits import Limits
from ptinspect.pickles.machine import run
from ptinspect.pickles.stream import Stream
from ptinspect.pickles.traces import Traces
from ptinspect.pickles.window import Window

SNIFFED = 64
STREAMS = 16
ARCHIVES = 3
MEMBERS = 100_000
SHARE = 10

_PICKLE_NAMES = (".pkl", ".pickle", ".pt", ".pth", ".bin", ".ckpt", ".th", ".p", ".joblib", ".dill", ".dat", ".data")
_CHECKPOINT_NAMES = (".pt", ".pth", ".ckpt", ".th", ".bin", ".pkl", ".pickle", ".safetensors", ".ptl", ".pt2", ".mar")
_NUMPY = b"\x93NUMPY"
_TENSORS = re.compile(rb'^.{8}\{\s*"', re.DOTALL)


def is_closed(record: Record) -> bool:
    """Encrypted or patched: nothing can be told about its bytes."""
    return bool(record.flags & (ENCRYPTED | PATCHED))


def everything(directory: ZipDirectory) -> tuple[Record, ...]:
    """Every member, also those whose name a later one took."""
    return (*directory.records.values(), *directory.shadowed)


class Search:
    """The pickles of one archive and of the archives in it, with the names of members that could be opened once unpacked."""

    def __init__(self, limits: Limits) -> None:
        # All members together may cost what one file may: each gets a share, and what it built is not kept.
        self.limits = replace(limits, seconds=limits.seconds / SHARE, opcodes=limits.opcodes // SHARE)
        self.pickles: list[Pickle] = []
        self.openable: list[str] = []
        self.left_out = 0
        self.seen = 0
        self.opcodes = 0
        self.inflated = 0
        self.deadline = time.monotonic() + self.limits.seconds

    def through(self, directory: ZipDirectory, records: Iterable[Record], prefix: str = "", depth: int = 0) -> None:
        """Look at these members of one directory."""
        for record in records:
            if record.name.endswith("/") or not record.size:
                continue
            if self._is_spent():
                self.left_out += 1
                continue
            self.seen += 1
            try:
                self._member(directory, record, prefix + record.name, depth)
            except FileProblem:  # what cannot be read is told by the directory's own findings
                self.left_out += not is_closed(record)

    def _is_spent(self) -> bool:
        """Whether the budget that all members share is used up."""
        over = self.seen >= MEMBERS or self.opcodes > SHARE * self.limits.opcodes or self.inflated > self.limits.inflate_bytes
        return over or time.monotonic() > self.deadline or len(self.pickles) >= self.limits.pickles

    def _member(self, directory: ZipDirectory, record: Record, name: str, depth: int) -> None:
        head = b"" if is_closed(record) else directory.read(record, SNIFFED)
        if depth == 0 and _may_open(record, head):
            self.openable.append(record.name)
        if is_closed(record) or not _may_be_pickle(head):
            return
        source = self._source(directory, record)
        if head[:4] == LOCAL:
            inner = Candidate(source, self.limits, depth=depth + 1).directory if depth < ARCHIVES else None
            if inner is not None:
                self.through(inner, everything(inner), f"{name}/", depth + 1)
            return
        for pickle in pickles_in(source, name, self.limits, numpy_pickle(head) if head[:6] == _NUMPY else 0):
            self.opcodes += pickle.stream.opcodes
            pickle.stream.root = None
            self.pickles.append(pickle)

    def _source(self, directory: ZipDirectory, record: Record) -> Source:
        if record.is_plain:
            return Slice(directory.source, directory.locate(record), record.stored)
        self.inflated += record.size
        if self.inflated > self.limits.inflate_bytes:
            raise LimitExceeded("the members go over the limit `inflate_bytes`", "Unpack the archive.")
        return Memory(directory.read(record))


def _may_open(record: Record, head: bytes) -> bool:
    if is_closed(record):
        return record.name.lower().endswith(_CHECKPOINT_NAMES)
    named = record.name.lower().endswith(_CHECKPOINT_NAMES)
    pickle = head[:1] == b"\x80" and head[1:2] in b"\x01\x02\x03\x04\x05"
    return pickle or (named and head[:4] == LOCAL) or (_TENSORS.match(head) is not None and head[4:8] == bytes(4))


def _may_be_pickle(head: bytes) -> bool:
    """Whether a first byte is one with which a pickle can begin; archives and numpy files with objects are looked into too."""
    return head[:4] == LOCAL or (head[:6] == _NUMPY) or head[:1] in _OPENERS


_OPENERS = frozenset(bytes([code]) for code in b"\x80\x95(cCBUTSVXIJKLMGFNP]}l)d\x8a\x8b\x8c\x8d\x8e\x8f\x88\x89\x90\x93\x96i")


def numpy_pickle(head: bytes) -> int:
    """Where the pickle of a .npy file with objects begins; past every end where it holds plain numbers."""
    wide = head[6:7] != b"\x01"
    length = int.from_bytes(head[8:12] if wide else head[8:10], "little")
    objects = re.search(rb"'descr'\s*:\s*(\[|'\|?O)", head) is not None
    return (12 if wide else 10) + length if objects else 1 << 62


def pickles_in(source: Source, name: str, limits: Limits, start: int = 0) -> Iterator[Pickle]:
    """The pickles that stand one after another in a source, as far as each parses."""
    at, first = start, source.read(start, 1)
    honest = first == b"\x80" or name.lower().endswith(_PICKLE_NAMES) or start > 0
    for number in range(STREAMS):
        if at >= source.size:
            return
        traces = Traces()
        stream = run(Window(source, tap=traces), limits, at)
        if stream.problem is not None:
            if honest and stream.globals:
                yield Pickle(name if not number else f"{name} ({number + 1})", stream, source, traces)
            return
        if _is_told(stream, honest, source.size):
            yield Pickle(name if not number else f"{name} ({number + 1})", stream, source, traces)
        at = stream.end


def _is_told(stream: Stream, honest: bool, size: int) -> bool:
    """A text that happens to begin with `N.` is no pickle; one that names something or fills its member is."""
    return honest or bool(stream.globals) or (stream.end == size and stream.opcodes > 1)
