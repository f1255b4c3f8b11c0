"""The bytes of storages, however the file keeps them: at an offset, in a record, deflated, or inside a text of the pickle.

Most lie in the file as they are and are read by offset into a buffer that is used again, from several threads. A deflated record
is inflated from its beginning on, so a reader that goes forward pays for it once.
"""

from __future__ import annotations

import threading
import zlib
from types import TracebackType
from typing import Protocol, Self

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.errors import Corrupt, Truncated, Unsupported
from ptinspect.formats.document import Record
from ptinspect.formats.source import FileSource
from ptinspect.formats.zip_directory import DEFLATED, ZipDirectory
from ptinspect.limits import DEFAULT, Limits
from ptinspect.tensors import StorageRef

_PACKED = 1 << 16
_MISSING = "Save the file again, or get the whole of it."


class Bytes(Protocol):
    """A storage's bytes, by their place in it. `big` says that its numbers have their highest byte first."""

    big: bool

    def into(self, at: int, buffer: memoryview) -> int:
        """Fill the buffer from there on; says how many bytes there were."""


class StorageBytes:
    """Every storage of one checkpoint, readable between `with` and its end. Raises ChangedOnDisk where the file became another.

    `big` is the byte order of the archive's records; what stands in a pickle has its own, so ask the bytes.
    """

    def __init__(self, checkpoint: Checkpoint, limits: Limits = DEFAULT) -> None:
        self.source = checkpoint.source
        self.document = checkpoint.document
        self.limits = limits
        self.big = self.document.facts.get("byteorder") == "big"
        self._records = ZipDirectory.of_records(self.source, limits, self.document.records)
        self._held: tuple[str, bytes] = ("", b"")
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self.source.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.source.__exit__(kind, error, trace)

    def of(self, storage: StorageRef) -> Bytes:
        """The bytes of one storage. What inflating costs is paid again for every reader made here."""
        if storage.offset is not None:
            return InFile(self.source, storage.offset, storage.present)
        if storage.key in self.document.held:
            return InMemory(self._of_text(storage.key))
        record = None if storage.record is None else self.document.records.get(storage.record)
        if record is None:
            raise Unsupported("its values stand where they cannot be read", "Load the file and save it again.", storage.key)
        if record.is_plain:
            return InFile(self.source, self._records.locate(record), storage.present, self.big)
        if record.method != DEFLATED or record.flags & 0x61:
            raise Unsupported(f"the record {record.name!r} is encrypted or packed in an unknown way", _MISSING, record.name)
        return Inflated(self.source, self._records.locate(record), record, self.limits, self.big)

    def _of_text(self, key: str) -> bytes:
        """Bytes that stand in a text; the last ones are kept, since tensors of one storage follow each other."""
        with self._lock:
            if self._held[0] != key:
                self._held = (key, self.document.held[key]())
            return self._held[1]


class InFile:
    """Bytes that lie in the file as they are."""

    def __init__(self, source: FileSource, begin: int, size: int, big: bool = False) -> None:
        self.big = big
        self.source = source
        self.begin = begin
        self.size = size

    def into(self, at: int, buffer: memoryview) -> int:
        """Fill the buffer from there on."""
        return self.source.read_into(self.begin + at, buffer[: max(0, self.size - at)])


class InMemory:
    """Bytes that are in memory already. They come out of texts, which hold the lowest byte first whatever the archive around them does."""

    big = False

    def __init__(self, data: bytes) -> None:
        self.data = data

    def into(self, at: int, buffer: memoryview) -> int:
        """Fill the buffer from there on."""
        found = self.data[at : at + len(buffer)]
        buffer[: len(found)] = found
        return len(found)


class Inflated:
    """A deflated record, read forwards; a step back begins again."""

    def __init__(self, source: FileSource, begin: int, record: Record, limits: Limits, big: bool = False) -> None:
        if record.size > max(record.stored, 1) * max(limits.inflate_ratio, 1_100) and record.size > 1 << 20:
            raise Corrupt(f"the record {record.name!r} claims more than deflating can hold", _MISSING, record.name)
        self.big = big
        self.source = source
        self.begin = begin
        self.record = record
        self._restart()

    def _restart(self) -> None:
        self._stream = zlib.decompressobj(-15)
        self._packed_at = 0
        self._at = 0

    def into(self, at: int, buffer: memoryview) -> int:
        """Fill the buffer from there on."""
        if at < self._at:
            self._restart()
        while self._at < at:
            if not self._next(min(at - self._at, 1 << 20)):
                return 0
        got = 0
        while got < len(buffer):
            piece = self._next(len(buffer) - got)
            if not piece:
                break
            buffer[got : got + len(piece)] = piece
            got += len(piece)
        return got

    def _next(self, most: int) -> bytes:
        """Some bytes more, none where the record ends."""
        try:
            while not self._stream.eof:
                packed = self._stream.unconsumed_tail or self._packed()
                piece = self._stream.decompress(packed, most)
                self._at += len(piece)
                if piece or not packed:
                    return piece
        except zlib.error:
            raise Corrupt(f"the record {self.record.name!r} cannot be decompressed", _MISSING, self.record.name) from None
        return b""

    def _packed(self) -> bytes:
        found = self.source.read(self.begin + self._packed_at, min(_PACKED, self.record.stored - self._packed_at))
        self._packed_at += len(found)
        return found


def exactly(data: Bytes, at: int, buffer: memoryview) -> None:
    """Fill the whole buffer, or say that the bytes end."""
    got = data.into(at, buffer)
    if got != len(buffer):
        raise Truncated(f"its bytes end after {at + got:,}", _MISSING)


__all__ = ["Bytes", "StorageBytes", "exactly"]
