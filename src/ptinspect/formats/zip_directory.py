"""A zip's directory, read by hand.

`zipfile` would do, at four times the cost for 100,000 entries, and it hides what a checkpoint reader has to see: duplicate
names, encryption flags, overlapping entries, a local header that tells another name than the directory.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from operator import attrgetter
from typing import Self

from ptinspect.errors import Corrupt, LimitExceeded, Unsupported
from ptinspect.findings import Finding, Severity
from ptinspect.formats.document import Record
from ptinspect.formats.source import Source
from ptinspect.formats.torch_choice import SortedNames
from ptinspect.formats.zip_end import AGAIN, CENTRAL, FULL, LOCAL, find_end
from ptinspect.limits import Limits

_ENTRY = struct.Struct("<4s4xHH4xIIIHHH8xI").unpack_from  # without versions, dates and attributes
_HEADER = struct.Struct("<4sHHHHHIIIHH")

STORED, DEFLATED = 0, 8
ENCRYPTED = 0x41  # bit 0, and bit 6 for strong encryption
PATCHED = 0x20
CHECKED_HEADERS = 4_096
SUMMED = 64 << 20
SORTED = 20_000  # entries; sorting more of them as miniz does would take seconds


class ZipDirectory:
    """Every entry in file order, by name; `shadowed` are those whose name another one took; and what is wrong about the whole."""

    def __init__(self, source: Source, limits: Limits) -> None:
        self.source = source
        self.limits = limits
        self.findings: list[Finding] = []
        self.shadowed: list[Record] = []
        self.rebuilt = False
        end = find_end(source, limits, self.findings)
        entries = self._entries(source.read(end.place, end.size), end.entries, end.shift)
        self.records = {record.name: record for record in entries[: end.entries]}
        if len(self.records) < min(len(entries), end.entries):
            self._doubled(entries[: end.entries])
        self._uncounted(entries[end.entries :])
        self._overlaps()

    @classmethod
    def of_records(cls, source: Source, limits: Limits, records: dict[str, Record]) -> Self:
        """A directory that was put together by other means, for an archive that has none."""
        made = cls.__new__(cls)
        made.source, made.limits, made.records, made.findings, made.shadowed = source, limits, records, [], []
        made.rebuilt = True
        return made

    def _entries(self, data: bytes, count: int, shift: int) -> list[Record]:
        """The directory's entries; also those beyond the `count`, which readers that go by size see."""
        at, total, most, record = 0, len(data), self.limits.zip_entries, Record._make
        found: list[Record] = []
        try:
            while len(found) < count or data[at : at + 4] == CENTRAL:
                signature, flags, method, crc, stored, size, n, e, c, header = _ENTRY(data, at)
                if signature != CENTRAL:
                    raise Corrupt("an entry of this zip archive's directory is damaged", AGAIN)
                raw = data[at + 46 : at + 46 + n]
                at += 46 + n
                if FULL in (stored, size, header):
                    size, stored, header = _wide(data[at : at + e], size, stored, header)
                at += e + c
                if at > total:
                    raise Corrupt("the directory of this zip archive ends too early", AGAIN)
                name = raw.decode() if raw.isascii() else raw.decode("utf-8" if flags & 0x800 else "cp437", "replace")
                found.append(record((name, header + shift, None, size, stored, method, crc, flags)))
                if len(found) > most:
                    raise LimitExceeded("a zip directory goes over the limit `zip_entries`", "No honest file needs that.")
        except struct.error:
            raise Corrupt("the directory of this zip archive ends too early", AGAIN) from None
        return found

    def _doubled(self, entries: list[Record]) -> None:
        """Let the entry that torch finds stand for a name that is there twice, and keep the others in its shadow."""
        places: dict[str, list[int]] = {}
        for place, record in enumerate(entries):
            places.setdefault(record.name, []).append(place)
        search = SortedNames([record.name.encode("utf-8", "replace") for record in entries]) if len(entries) <= SORTED else None
        for name, found in places.items():
            if len(found) == 1:
                continue
            detail = "Readers disagree on which one counts: zipfile takes the last, torch the one that it happens to find first."
            self.note("warning", "a name stands twice in the archive", detail, name)
            place = search.place(name.encode("utf-8", "replace")) if search else -1
            taken = place if place in found else found[-1]
            self.records[name] = entries[taken]
            self.shadowed += [entries[other] for other in found if other != taken]

    def _uncounted(self, entries: list[Record]) -> None:
        for record in entries:
            detail = "torch does not see this one; other readers do."
            self.note("warning", "the directory holds more entries than it counts", detail, record.name)
            if self.records.setdefault(record.name, record) is not record:
                self.shadowed.append(record)

    def _overlaps(self) -> None:
        """Entries that lie on top of each other make a small file claim a large content."""
        previous, end, size = None, 0, self.source.size
        for record in sorted(self.records.values(), key=attrgetter("header")):
            header = record.header
            if header < end and previous is not None and len(self.findings) < self.limits.findings:
                inside = f"It begins inside {previous.name!r}; one of the two shows foreign bytes."
                self.note("warning", "records overlap", inside, record.name)
            reach = header + 30 + record.stored
            if reach > size:
                self.note("warning", "a record reaches past the end of the file", "Its bytes are cut off.", record.name)
            previous, end = record, reach

    def check_headers(self, records: Iterable[Record]) -> None:
        """Compare local headers with the directory: a different name there fools readers that trust the other one."""
        for record in () if self.rebuilt else records:
            raw = self.source.read(record.header, 30 + 1_024)
            if len(raw) < 30 or raw[:4] != LOCAL:
                self.note("warning", "a record has no header of its own", "The directory points to something else.", record.name)
                continue
            _, _, flags, method, _, _, _, stored, size, length, _ = _HEADER.unpack_from(raw)
            name = raw[30 : 30 + length].decode("utf-8", "replace")
            if name != record.name and len(record.name) < 1_000 and raw[30 : 30 + length].decode("cp437") != record.name:
                self.note("warning", "a record has two names", f"The directory says {record.name!r}, its own header {name!r}.", record.name)
            elif method != record.method or (flags ^ record.flags) & (ENCRYPTED | PATCHED):
                self.note("warning", "a record's header contradicts the directory", "Compression or encryption differ.", record.name)
            elif not flags & 8 and FULL not in (stored, size) and (stored, size) != (record.stored, record.size):
                self.note("warning", "a record's header contradicts the directory", "Its sizes differ.", record.name)

    def check_sums(self, records: Iterable[Record]) -> None:
        """Compare the checksums of small stored records; 0 means that none was stored, and torch checks none."""
        for record in records:
            if not (record.is_plain and record.crc and record.stored <= SUMMED):
                continue
            if zlib.crc32(self.source.read(self.locate(record), record.stored)) != record.crc:
                self.note("warning", "a checksum does not fit", "The bytes were changed after they were saved.", record.name)

    def note(self, severity: Severity, title: str, detail: str, where: str | None = None) -> None:
        """Add a finding, up to the limit."""
        if len(self.findings) < self.limits.findings:
            self.findings.append(Finding(severity, title, detail, where))

    def locate(self, record: Record) -> int:
        """Where a record's bytes begin, which only its local header tells."""
        if record.data is not None:
            return record.data
        raw = self.source.read(record.header, 30)
        if len(raw) < 30 or raw[:4] != LOCAL:
            raise Corrupt(f"the record {record.name!r} is not where the directory says", AGAIN, record.name)
        *_, name_length, extra_length = _HEADER.unpack(raw)
        return record.header + 30 + name_length + extra_length  # type: ignore[no-any-return]

    def read(self, record: Record, most: int | None = None) -> bytes:
        """A record's bytes, inflated if need be, bounded by the limits and by `most`."""
        if record.flags & (ENCRYPTED | PATCHED):
            raise Unsupported(f"the record {record.name!r} is encrypted or patched", "Ask for a file that is not.", record.name)
        wanted = record.size if most is None else min(most, record.size)
        if wanted > self.limits.inflate_bytes:
            message = f"the record {record.name!r} goes over the limit `inflate_bytes`"
            raise LimitExceeded(message, "No honest pickle is that long.", record.name)
        begin = self.locate(record)
        if record.method == STORED:
            return self.source.read(begin, min(wanted, record.stored))
        if record.method == DEFLATED:
            return self._inflate(record, begin, wanted)
        message = f"the record {record.name!r} uses compression method {record.method}"
        raise Unsupported(message, "torch cannot read it either; unpack it and pack it again.", record.name)

    def _inflate(self, record: Record, begin: int, wanted: int) -> bytes:
        if wanted > max(record.stored, 1) * self.limits.inflate_ratio and wanted > 1 << 20:
            hint = "A small record that unpacks to so much is a bomb."
            raise LimitExceeded(f"the record {record.name!r} goes over the limit `inflate_ratio`", hint, record.name)
        stream, parts, got, at = zlib.decompressobj(-15), [], 0, begin
        end = begin + record.stored
        try:
            while got < wanted and not stream.eof:
                packed = stream.unconsumed_tail
                if not packed:
                    packed = self.source.read(at, min(1 << 16, end - at))
                    at += len(packed)
                if not packed:
                    break
                parts.append(stream.decompress(packed, wanted - got))
                got += len(parts[-1])
        except zlib.error:
            raise Corrupt(f"the record {record.name!r} cannot be decompressed", AGAIN, record.name) from None
        return b"".join(parts)


def _wide(extra: bytes, size: int, stored: int, header: int) -> tuple[int, int, int]:
    """The 64-bit sizes of a zip64 extra field, which holds only those that did not fit."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            values = iter(struct.unpack_from(f"<{length // 8}Q", extra, at + 4))
            size = next(values, size) if size == FULL else size
            stored = next(values, stored) if stored == FULL else stored
            return size, stored, (next(values, header) if header == FULL else header)
        at += 4 + length
    return size, stored, header


__all__ = ["CHECKED_HEADERS", "DEFLATED", "ENCRYPTED", "LOCAL", "PATCHED", "STORED", "ZipDirectory"]
