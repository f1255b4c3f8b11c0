"""A zip archive that was cut short: its directory stood at the end and is gone, what is whole still opens.

The records are found again from the front, one local header after another. torch writes those headers before it knows the
sizes (flag bit 3, zeros) and puts the pickle first, and the pickle tells how long each storage is; for the rest (TorchScript
writes its tensors before its pickle) the mark that follows each record is searched for. Other writers put the sizes into the
header. The rebuilt directory goes to the ordinary readers: a tensor whose bytes are cut keeps its row and says so.
"""

from __future__ import annotations

import struct
import time
import zlib

from ptinspect.dtypes import from_global
from ptinspect.errors import Corrupt, FileProblem, LimitExceeded, Truncated
from ptinspect.findings import Finding
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.document import Document, Record
from ptinspect.formats.source import Memory, Slice
from ptinspect.formats.zip_directory import DEFLATED, ENCRYPTED, STORED, ZipDirectory
from ptinspect.formats.zip_end import CENTRAL, FULL, LOCAL
from ptinspect.frozen import replace
from ptinspect.pickles.machine import run
from ptinspect.pickles.values import Global, Persistent, Value, children
from ptinspect.pickles.window import Window

DESCRIPTOR = b"PK\x07\x08"
SIZES_FOLLOW = 8
MOST_NAME = 1 << 12
MOST_BYTES = 1 << 50
ALIGNMENT = 64
ENTRY = 46  # bytes of a directory entry beside its name
ENDS = 98  # the end records of the directory
NOTES = 350  # what torch writes after the last storage: version and serialization id

_HEADER = struct.Struct("<4sHHHHHIIIHH").unpack_from
_STEP = 1 << 20


class Salvage:
    """The records of one archive, found without its directory."""

    def __init__(self, candidate: Candidate) -> None:
        self.source = candidate.source
        self.limits = candidate.limits
        self.records: dict[str, Record] = {}
        self.expected: dict[str, int] = {}
        self.pickle_whole = False
        self.reached = 0
        self.deadline = time.monotonic() + self.limits.seconds / 5
        self._walk()
        self.missing = [name for name in self.expected if name not in self.records]
        self.found = len(self.records)
        for name in self.missing:
            size = self.expected[name]
            self.records[name] = Record(name, self.source.size, self.source.size, size, size, STORED, 0, 0)

    def _walk(self) -> None:
        at: int | None = 0
        while at is not None and len(self.records) < self.limits.zip_entries and time.monotonic() < self.deadline:
            record = self._record(at)
            if record is None:
                return
            self.records[record.name] = record
            if record.name.endswith(".pkl") and record.method in (STORED, DEFLATED) and not record.flags & ENCRYPTED:
                self._expect(record)
            at = self._after(record)

    def _record(self, at: int) -> Record | None:
        """The record whose header stands at `at`; None where the records end, or the header itself is cut."""
        raw = self.source.read(at, 30 + MOST_NAME)
        if raw[:4] != LOCAL or len(raw) < 30:
            return None
        _, _, flags, method, _, _, crc, stored, size, name_length, extra_length = _HEADER(raw)
        data = at + 30 + name_length + extra_length
        if len(raw) < 30 + min(name_length, MOST_NAME):
            return None
        raw_name = raw[30 : 30 + name_length]
        name = str(raw_name, "ascii") if raw_name.isascii() else str(raw_name, "utf-8" if flags & 0x800 else "cp437", "replace")
        if FULL in (stored, size):
            stored, size = _wide(self.source.read(at + 30 + name_length, extra_length), stored, size)
        if flags & SIZES_FOLLOW and not stored:
            stored, size = self._measure(name, method, data)
        elif method == DEFLATED and data + stored > self.source.size:
            size = min(size, self._inflated(data)[1])  # what can still be had of it
        self.reached = min(data + stored, self.source.size)
        return Record(name, at, data, size, stored, method, crc, flags)

    def _measure(self, name: str, method: int, data: int) -> tuple[int, int]:
        """How many bytes a record takes whose header does not say so, and how many they become."""
        if method == DEFLATED:
            return self._inflated(data)
        known = self.expected.get(name)
        if known is not None:
            following = self.source.read(data + known, 4)
            if following == DESCRIPTOR or (len(following) < 4 and DESCRIPTOR.startswith(following)):
                return known, known
        size = self._descriptor(data)
        return size, size

    def _inflated(self, data: int) -> tuple[int, int]:
        """Inflate a record to find its end. Nothing is kept; a cut one counts what can be had of it."""
        stream, size, at = zlib.decompressobj(-15), 0, data
        try:
            while not stream.eof and time.monotonic() < self.deadline:
                packed = stream.unconsumed_tail
                if not packed:
                    packed = self.source.read(at, _STEP)
                    at += len(packed)
                if not packed:
                    break
                size += len(stream.decompress(packed, _STEP))
        except zlib.error:
            return self.source.size - data, size
        return at - data - len(stream.unused_data), size

    def _descriptor(self, data: int) -> int:
        """The distance to the mark that follows a record and repeats its size; to the end of the file where it is cut."""
        at = data
        while time.monotonic() < self.deadline:
            chunk = self.source.read(at, _STEP)
            found = chunk.find(DESCRIPTOR)
            while 0 <= found <= len(chunk) - 16:
                size = at + found - data
                if struct.unpack_from("<I", chunk, found + 8)[0] == size & FULL:
                    return size
                found = chunk.find(DESCRIPTOR, found + 1)
            if len(chunk) < _STEP:
                break
            at += _STEP - 15
        return max(0, self.source.size - data)

    def _after(self, record: Record) -> int | None:
        """Where the next header stands: right after the bytes, or after a mark of one of four lengths."""
        end = (record.data or 0) + record.stored
        following = self.source.read(end, 28)
        marked = (16, 24) if following[:4] == DESCRIPTOR else (0, 12, 20)
        return next((end + skip for skip in marked if following[skip : skip + 4] in (LOCAL, CENTRAL)), None)

    def _expect(self, record: Record) -> None:
        """Learn from a pickle how long the storages beside it are."""
        directory = ZipDirectory.of_records(self.source, self.limits, {})
        try:
            source = Slice(self.source, record.data or 0, record.stored) if record.is_plain else Memory(directory.read(record))
        except FileProblem:
            return
        # The pickle is walked twice, here and by its reader, so this first walk gets a part of the limits only.
        stream = run(Window(source), replace(self.limits, seconds=self.limits.seconds / 5, opcodes=self.limits.opcodes // 4))
        folder = record.name[: -len(".pkl")] + "/"
        for key, nbytes in storages(stream.root):
            self.expected[folder + key] = nbytes
        if record.name.endswith("data.pkl"):
            self.pickle_whole = stream.problem is None

    def whole_size(self) -> int | None:
        """About how long the file was, counted from what its pickle promises; None where the pickle is cut too."""
        if not self.pickle_whole:
            return None
        at = self.reached
        for name, record in self.records.items():
            if record.data is not None and name in self.expected:
                begin = record.data if record.data < self.source.size else -(-(at + 46 + len(name)) // ALIGNMENT) * ALIGNMENT
                at = max(at, begin + self.expected[name])
        names = sum(len(name) for name in self.records)
        notes = 0 if any(name.endswith("/version") for name in self.records) else NOTES
        return max(at, self.source.size) + ENTRY * len(self.records) + names + ENDS + notes


def storages(root: Value) -> list[tuple[str, int]]:
    """Key and size of every storage that a pickle refers to, in the order they are met."""
    found: dict[str, int] = {}
    seen: set[int] = set()
    todo = [root]
    while todo:
        value = todo.pop()
        if id(value) in seen:
            continue
        if type(value) is Persistent:
            _storage(value.id, found)
        else:
            seen.add(id(value))
            todo.extend(item for item in children(value) if item.__class__ not in _LEAVES)
    return list(found.items())


_LEAVES = (str, int, bool, float, bytes, type(None), Global)


def _storage(identity: Value, found: dict[str, int]) -> None:
    if type(identity) is not tuple or len(identity) < 5:
        return
    _, kind, key, _, count = identity[:5]
    dtype = from_global(kind.name) if type(kind) is Global else None
    if dtype is not None and type(key) is str and type(count) is int and 0 < count and dtype.nbytes(count) < MOST_BYTES:
        found[key] = dtype.nbytes(count)


def _wide(extra: bytes, stored: int, size: int) -> tuple[int, int]:
    """The 64-bit sizes of a local header: the size first, then the stored one."""
    at = 0
    while at + 20 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1 and length >= 16:
            wide_size, wide_stored = struct.unpack_from("<QQ", extra, at + 4)
            return wide_stored if stored == FULL else stored, wide_size if size == FULL else size
        at += 4 + length
    return stored, size


def recover(candidate: Candidate) -> Salvage | None:
    """Give a candidate whose zip directory is missing or damaged one that is rebuilt from the front."""
    if candidate.directory is not None or candidate.zip_problem is None or isinstance(candidate.zip_problem, LimitExceeded):
        return None
    salvage = Salvage(candidate)
    candidate.take(ZipDirectory.of_records(candidate.source, candidate.limits, salvage.records))
    return salvage


def told(salvage: Salvage, problem: FileProblem) -> FileProblem:
    """What people read about the damage."""
    there = salvage.source.size
    if isinstance(problem, Corrupt):
        return Corrupt(f"{problem.message}; its records were found again one by one", problem.hint)
    whole = salvage.whole_size()
    amount = f"{there:,} of about {whole:,} bytes are there" if whole is not None else f"the end is missing, {there:,} bytes are there"
    return Truncated(f"incomplete: {amount}", "Download or copy the file again; what is whole can be looked at.")


def mark(document: Document, salvage: Salvage, problem: FileProblem) -> Document:
    """Say on a salvaged document that it is one; where not even a name was left, that is all there is to say."""
    if not document.tensors and all(pickle.stream.problem for pickle in document.pickles) and not document.only_members:
        raise told(salvage, problem)
    document.problem = told(salvage, problem)
    cut = sum(1 for tensor in document.tensors if tensor.problem)
    amount, count = document.problem.message.removeprefix("incomplete: "), len(document.tensors)
    detail = f"{amount}. {count - cut:,} of {count:,} tensors are whole."
    document.findings.insert(0, Finding("warning", "the file is incomplete", detail))
    return document
