"""Zips made by hand, entry by entry, so that every field can lie."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

import torch

from ptinspect.formats.document import Document
from ptinspect.formats.zip_directory import ZipDirectory
from ptinspect.limits import DEFAULT
from ptinspect.pickles.window import Memory

WEIGHTS = {"a": torch.arange(6.0), "b": torch.ones(5)}


@dataclass(frozen=True)
class Entry:
    """One record of an archive made by hand; what is None is honest."""

    name: bytes
    data: bytes = b"data"
    local_name: bytes | None = None
    method: int = 0
    flags: int = 0
    local_flags: int | None = None
    size: int | None = None
    stored: int | None = None
    crc: int | None = None
    header: int | None = None
    extra: bytes = b""
    local_sizes: bool = True


def archive(*entries: Entry, count: int | None = None, comment: bytes = b"", tail: bytes = b"", head: bytes = b"") -> bytes:
    data, directory = bytearray(head), bytearray()
    for entry in entries:
        at = len(data) - len(head)
        crc = zlib.crc32(entry.data) if entry.crc is None else entry.crc
        size = len(entry.data) if entry.size is None else entry.size
        stored = len(entry.data) if entry.stored is None else entry.stored
        name = entry.name if entry.local_name is None else entry.local_name
        flags = entry.flags if entry.local_flags is None else entry.local_flags
        sizes = (crc, len(entry.data), min(size, 0xFFFFFFFF)) if entry.local_sizes else (0, 0, 0)
        data += struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, flags, entry.method, 0, 0, *sizes, len(name), 0) + name + entry.data
        where = at if entry.header is None else entry.header
        row = (b"PK\1\2", 20, 20, entry.flags, entry.method, 0, 0, crc, stored, size, len(entry.name), len(entry.extra), 0, 0, 0, 0, where)
        directory += struct.pack("<4sHHHHHHIIIHHHHHII", *row) + entry.name + entry.extra
    begin = len(data) - len(head)
    total = len(entries) if count is None else count
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, total, total, len(directory), begin, len(comment)) + comment
    return bytes(data) + bytes(directory) + end + tail


def directory_of(data: bytes) -> ZipDirectory:
    return ZipDirectory(Memory(data), DEFAULT)


def every_record(data: bytes) -> list[bytes]:
    found = directory_of(data)
    return [found.read(record) for record in found.records.values()]


def titles(found: ZipDirectory | Document) -> list[str]:
    return [finding.title for finding in found.findings]


def saved(content: object, **options: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def with_flags(data: bytes, bit: int, local: bool = True, central: bool = True) -> bytes:
    """A torch file with a flag bit set on every record, in either of the two places."""
    made, at = bytearray(data), 0
    while (at := made.find(b"PK", at)) >= 0:
        if made[at : at + 4] == b"PK\3\4" and local:
            made[at + 6] |= bit
        if made[at : at + 4] == b"PK\1\2" and central:
            made[at + 8] |= bit
        at += 4
    return bytes(made)
