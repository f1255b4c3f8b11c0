"""Where a zip's directory is: the record at the end of the file, its 64-bit twin, and what stands around them.

Two readings exist where foreign bytes stand before the directory: torch (miniz) believes the offset that is written there,
Python's zipfile counts back from the end. A file for which both lead to a directory shows a scanner one content and torch
another; torch's is taken, and said so.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from ptinspect.errors import Corrupt, LimitExceeded, Truncated
from ptinspect.findings import Finding
from ptinspect.formats.source import Source
from ptinspect.limits import Limits

LOCAL, CENTRAL, END, LOCATOR, WIDE_END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06"
AGAIN = "Get the file again from its source."
FULL = 0xFFFFFFFF

_TAIL = 22 + 0xFFFF


class End(NamedTuple):
    """How many entries the directory has, its bytes and their place, and how far every offset in it is shifted."""

    entries: int
    size: int
    place: int
    shift: int


def find_end(source: Source, limits: Limits, findings: list[Finding]) -> End:
    """The directory's place; what is odd about it is added to `findings`."""
    start = max(0, source.size - _TAIL)
    tail = source.read(start, _TAIL)
    found = tail.rfind(END)
    if found < 0 or found + 22 > len(tail):
        raise Truncated("the end of this zip archive is missing", "Download or copy the file again.")
    count, size, offset, comment = struct.unpack_from("<HIIH", tail, found + 10)
    _note_tail(findings, len(tail) - found - 22, comment)
    end = start + found
    wide = _wide_end(source, tail, found, start)
    if wide is not None:
        count, size, offset, end = wide
    elif count == 0xFFFF and size >= FULL:
        raise Corrupt("the 64-bit directory of this zip archive is missing", AGAIN)
    if count > limits.zip_entries or size > limits.header_bytes:
        raise LimitExceeded(f"a zip directory of {count:,} entries goes over the limit `zip_entries`", "No honest file needs that.")
    return _placed(source, End(count, size, offset, 0), end, findings)


def _note_tail(findings: list[Finding], after: int, comment: int) -> None:
    if after > comment:
        detail = f"{after - comment:,} bytes follow the end of the zip archive; they belong to no record."
        findings.append(Finding("info", "bytes after the archive", detail))
    elif comment:
        findings.append(Finding("info", "the archive has a comment", f"{comment:,} bytes that no loader reads."))


def _wide_end(source: Source, tail: bytes, found: int, start: int) -> tuple[int, int, int, int] | None:
    """The 64-bit end record: where its locator says, or right before the locator."""
    locator = found - 20
    if locator < 0 or tail[locator : locator + 4] != LOCATOR:
        return None
    (written,) = struct.unpack_from("<Q", tail, locator + 8)
    for place in (written, start + locator - 56):
        record = source.read(place, 56) if place >= 0 else b""
        if len(record) == 56 and record[:4] == WIDE_END:
            count, size, offset = struct.unpack_from("<QQQ", record, 32)
            return count, size, offset, place
    return None


def _placed(source: Source, written: End, end: int, findings: list[Finding]) -> End:
    """The directory where its end record says, or right before that record where foreign bytes shift the archive."""
    count, size, offset, _ = written
    back = end - size
    if size < 46 * count or back < 0 or (offset > back and not _is_directory(source, back)):
        raise Corrupt("the directory of this zip archive contradicts itself", AGAIN)
    if count == 0 or back == offset:
        return End(count, size, back, 0)
    if _is_directory(source, offset) and offset + size <= end:
        if _is_directory(source, back):
            detail = "Readers that count from the end see other records than torch, which takes the place that is written."
            findings.append(Finding("danger", "the archive has two directories", detail))
        return written
    if not _is_directory(source, back):
        raise Corrupt("the directory of this zip archive is not where it should be", AGAIN)
    if back < offset:
        raise Corrupt("the directory of this zip archive lies before the place that is written", AGAIN)
    findings.append(Finding("notice", "bytes before the archive", f"{back - offset:,} bytes stand before the zip archive in this file."))
    return End(count, size, back, back - offset)


def hanging(source: Source) -> int | None:
    """Where a zip archive begins that stands at the end of something else; None where there is none."""
    start = max(0, source.size - _TAIL)
    tail = source.read(start, _TAIL)
    found = tail.rfind(END)
    if found < 0 or len(tail) < found + 22:
        return None
    size, offset = struct.unpack_from("<II", tail, found + 12)
    for back in (0, 76):  # a 64-bit end record and its locator may stand between
        place = start + found - back - size
        if place >= offset and _is_directory(source, place):
            return place - offset  # type: ignore[no-any-return]
    return None


def _is_directory(source: Source, place: int) -> bool:
    return source.read(place, 4) == CENTRAL
