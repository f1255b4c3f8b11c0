"""The members of a tar archive: 512-byte headers, each before its bytes. Nothing is extracted and no name is ever a path.

Python's tarfile would do, but it raises what the file pleases and reads sparse maps, links and compression; torch wrote plain members.
"""

from __future__ import annotations

from typing import NamedTuple

from ptinspect.pickles.window import Source

BLOCK = 512
MOST_MEMBERS = 10_000
PLAIN = b"0\x007"
EXTENDED = b"x"
LONGEST_EXTENDED = 1 << 16


class Member(NamedTuple):
    """Where the bytes of a member lie; `size` is what its header says."""

    name: str
    offset: int
    size: int


def is_tar(head: bytes) -> bool:
    """Whether the first block is the header of a member: its checksum says so, with or without the later magic."""
    return len(head) >= BLOCK and _checksum(head[:BLOCK]) and head[:1] != b"\x00"


def members(source: Source) -> dict[str, Member]:
    """Every plain member by its name, the last of a name counting; a broken header ends the list."""
    found: dict[str, Member] = {}
    at, longer = 0, None
    for _ in range(MOST_MEMBERS):
        header = source.read(at, BLOCK)
        if len(header) < BLOCK or not _checksum(header):
            break
        size = _number(header[124:136]) if longer is None else longer
        if size is None:
            break
        kind, data = header[156:157], at + BLOCK
        longer = _pax_size(source.read(data, min(size, LONGEST_EXTENDED))) if kind == EXTENDED else None
        if kind in PLAIN:
            name = header[:100].rstrip(b"\x00").decode("utf-8", "backslashreplace")
            found[name.removeprefix("./")] = Member(name, data, size)
        at = data + -(-size // BLOCK) * BLOCK
    return found


def _checksum(header: bytes) -> bool:
    """The sum of all bytes, its own eight counted as blanks; an empty block has none."""
    said = _number(header[148:156])
    return said is not None and said > 0 and said == sum(header) - sum(header[148:156]) + 8 * 32


def _number(field: bytes) -> int | None:
    """An octal number, or a binary one where the first bit is set."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    text = field.split(b"\x00")[0].strip()
    return int(text, 8) if text and all(digit in b"01234567" for digit in text) else None


def _pax_size(records: bytes) -> int | None:
    """The size of the next member where it did not fit its header: lines of `length key=value`."""
    for line in records.split(b"\n"):
        key, _, value = line.partition(b" ")[2].partition(b"=")
        if key == b"size" and value.isdigit() and len(value) < 20:
            return int(value)
    return None
