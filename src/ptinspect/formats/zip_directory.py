"""A zip's directory, read by hand.

`zipfile` would do, at four times the cost for 100,000 entries, and it hides what a checkpoint reader has to see: duplicate
names, encryption flags, overlapping entries, a local header that tells another name than the directory.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

from ptinspect.errors import Corrupt, LimitExceeded, Truncated, Unsupported
from ptinspect.findings import Finding
from ptinspect.formats.document import Record
from ptinspect.formats.source import Source
from ptinspect.limits import Limits

LOCAL = b"PK\x03\x04"
_END = b"PK\x05\x06"
_LOCATOR = b"PK\x06\x07"
_TAIL = 22 + 0xFFFF
_FULL = 0xFFFFFFFF

_ENTRY = struct.Struct("<IHHHHHHIIIHHHHHII").unpack_from
_HEADER = struct.Struct("<4sHHHHHIIIHH")

STORED, DEFLATED = 0, 8
CHECKED_HEADERS = 4_096


class ZipDirectory:
    """Every entry in file order, by name, with what is wrong about the archive as a whole."""

    def __init__(self, source: Source, limits: Limits) -> None:
        self.source = source
        self.limits = limits
        self.findings: list[Finding] = []
        self.records: dict[str, Record] = {}
        count, size, offset, self.shift = self._locate()
        self._entries(source.read(offset + self.shift, size), count)
        self._overlaps()

    def _locate(self) -> tuple[int, int, int, int]:
        """Count, size and place of the directory, and how many foreign bytes stand before the archive."""
        source = self.source
        start = max(0, source.size - _TAIL)
        tail = source.read(start, _TAIL)
        found = tail.rfind(_END)
        if found < 0 or found + 22 > len(tail):
            raise Truncated("the end of this zip archive is missing", "Download or copy the file again.")
        count, size, offset = struct.unpack_from("<HII", tail, found + 10)
        end = start + found
        if count == 0xFFFF or _FULL in (size, offset) or tail[found - 20 : found - 16] == _LOCATOR:
            count, size, offset, end = self._zip64(tail, found, start) or (count, size, offset, end)
        after = source.size - (start + found) - 22 - struct.unpack_from("<H", tail, found + 20)[0]
        if after > 0:
            self._note("info", "bytes after the archive", f"{after:,} bytes follow the end of the zip archive; they belong to no record.")
        if count > self.limits.zip_entries or size > self.limits.header_bytes:
            raise LimitExceeded(f"a zip directory of {count:,} entries goes over the limit `zip_entries`", "No honest file needs that.")
        shift = end - size - offset
        if size < 46 * count or shift < 0:
            raise Corrupt("the directory of this zip archive contradicts itself", "Get the file again from its source.")
        if shift:
            self._note("notice", "bytes before the archive", f"{shift:,} bytes stand before the zip archive in this file.")
        return count, size, offset, shift

    def _zip64(self, tail: bytes, found: int, start: int) -> tuple[int, int, int, int] | None:
        locator = tail.rfind(_LOCATOR, 0, found)
        if locator < 0 or locator + 16 > len(tail):
            return None
        (place,) = struct.unpack_from("<Q", tail, locator + 8)
        for candidate in (place, start + locator - 56):
            end = self.source.read(candidate, 56)
            if len(end) == 56 and end[:4] == b"PK\x06\x06":
                count, size, offset = struct.unpack_from("<QQQ", end, 32)
                return count, size, offset, candidate
        return None

    def _entries(self, data: bytes, count: int) -> None:
        """The directory's entries, `count` of them."""
        at, records, shift = 0, self.records, self.shift
        try:
            for _ in range(count):
                signature, _, _, flags, method, _, _, crc, stored, size, n, e, c, _, _, _, header = _ENTRY(data, at)
                if signature != 0x02014B50:
                    raise Corrupt("an entry of this zip archive's directory is damaged", "Get the file again from its source.")
                raw = data[at + 46 : at + 46 + n]
                at += 46 + n
                if _FULL in (stored, size, header):
                    size, stored, header = _wide(data[at : at + e], size, stored, header)
                name = raw.decode("utf-8" if flags & 0x800 else "cp437", "replace") if not raw.isascii() else raw.decode("ascii")
                if name in records:
                    self._note("warning", "a name stands twice in the archive", "Readers disagree on which one counts; torch takes the last.", name)
                records[name] = Record(name, header + shift, None, size, stored, method, crc, flags)
                at += e + c
        except struct.error:
            raise Corrupt("the directory of this zip archive ends too early", "Get the file again from its source.") from None

    def _overlaps(self) -> None:
        """Entries that lie on top of each other make a small file claim a large content."""
        previous, end = None, 0
        for record in sorted(self.records.values(), key=lambda record: record.header):
            if record.header < end and previous is not None:
                self._note("warning", "records overlap", f"It begins inside {previous.name!r}; one of the two shows foreign bytes.", record.name)
            if record.header + 30 + record.stored > self.source.size:
                self._note("warning", "a record reaches past the end of the file", "Its bytes are cut off.", record.name)
            previous, end = record, record.header + 30 + len(record.name) + record.stored

    def check_headers(self, records: Iterable[Record]) -> None:
        """Compare local headers with the directory: a different name there fools readers that trust the other one."""
        for record in records:
            raw = self.source.read(record.header, 30 + 1_024)
            if len(raw) < 30 or raw[:4] != LOCAL:
                self._note("warning", "a record has no header of its own", "The directory points to something else.", record.name)
                continue
            _, _, flags, method, _, _, _, _, _, length, _ = _HEADER.unpack_from(raw)
            name = raw[30 : 30 + length].decode("utf-8", "replace")
            if name != record.name and len(record.name) < 1_000 and raw[30 : 30 + length].decode("cp437") != record.name:
                self._note("warning", "a record has two names", f"The directory says {record.name!r}, its own header {name!r}.", record.name)
            elif method != record.method or (flags ^ record.flags) & 1:
                self._note("warning", "a record's header contradicts the directory", "Compression or encryption differ.", record.name)

    def _note(self, severity: str, title: str, detail: str, where: str | None = None) -> None:
        if len(self.findings) < self.limits.findings:
            self.findings.append(Finding(severity, title, detail, where))  # type: ignore[arg-type]

    def locate(self, record: Record) -> int:
        """Where a record's bytes begin, which only its local header tells."""
        raw = self.source.read(record.header, 30)
        if len(raw) < 30 or raw[:4] != LOCAL:
            raise Corrupt(f"the record {record.name!r} is not where the directory says", "Get the file again from its source.", record.name)
        *_, name_length, extra_length = _HEADER.unpack(raw)
        return record.header + 30 + name_length + extra_length  # type: ignore[no-any-return]

    def read(self, record: Record, most: int | None = None) -> bytes:
        """A record's bytes, inflated if need be, bounded by the limits and by `most`."""
        if record.flags & 0x61:
            raise Unsupported(f"the record {record.name!r} is encrypted or patched", "Ask for a file that is not.", record.name)
        wanted = record.size if most is None else min(most, record.size)
        if wanted > self.limits.inflate_bytes:
            raise LimitExceeded(f"the record {record.name!r} goes over the limit `inflate_bytes`", "No honest pickle is that long.", record.name)
        begin = self.locate(record)
        if record.method == STORED:
            return self.source.read(begin, min(wanted, record.stored))
        if record.method == DEFLATED:
            return self._inflate(record, begin, wanted)
        raise Unsupported(f"the record {record.name!r} uses compression method {record.method}", "torch cannot read it either.", record.name)

    def _inflate(self, record: Record, begin: int, wanted: int) -> bytes:
        if wanted > max(record.stored, 1) * self.limits.inflate_ratio and wanted > 1 << 20:
            hint = "A small record that unpacks to so much is a bomb."
            raise LimitExceeded(f"the record {record.name!r} goes over the limit `inflate_ratio`", hint, record.name)
        stream, parts, got, at = zlib.decompressobj(-15), [], 0, begin
        end = begin + record.stored
        try:
            while got < wanted and not stream.eof:
                packed = stream.unconsumed_tail or self.source.read(at, min(1 << 16, end - at))
                if not packed:
                    break
                at += 0 if stream.unconsumed_tail else len(packed)
                parts.append(stream.decompress(packed, wanted - got))
                got += len(parts[-1])
        except zlib.error:
            raise Corrupt(f"the record {record.name!r} cannot be decompressed", "Get the file again from its source.", record.name) from None
        return b"".join(parts)


def _wide(extra: bytes, size: int, stored: int, header: int) -> tuple[int, int, int]:
    """The 64-bit sizes of a zip64 extra field, which holds only those that did not fit."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            values = iter(struct.unpack_from(f"<{length // 8}Q", extra, at + 4))
            size = next(values, size) if size == _FULL else size
            stored = next(values, stored) if stored == _FULL else stored
            return size, stored, (next(values, header) if header == _FULL else header)
        at += 4 + length
    return size, stored, header
