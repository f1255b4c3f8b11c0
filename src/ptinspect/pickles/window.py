"""A moving view of a byte source, so that a pickle with gigabytes inline costs a few hundred kilobytes to walk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ptinspect.errors import LimitExceeded, Truncated

CHUNK = 1 << 18
LINE_LIMIT = 1 << 16


class Source(Protocol):
    """Bytes by offset. A read past the end returns what is there."""

    @property
    def size(self) -> int:
        """How many bytes there are."""

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on."""


class Memory:
    """Bytes that are in memory already, as a source."""

    __slots__ = ("data", "size")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on."""
        return self.data[offset : offset + length]


class Window:
    """`data` holds the source's bytes from `start` on; `tap` is shown the strings of the stream, some hundred at a time."""

    __slots__ = ("data", "end", "source", "start", "tap")

    def __init__(self, source: Source, end: int | None = None, tap: Callable[[list[str]], None] | None = None) -> None:
        self.source = source
        self.end = source.size if end is None else min(end, source.size)
        self.tap = tap
        self.start = 0
        self.data = b""

    def fill(self, at: int) -> None:
        """Move the view so that it begins at `at`."""
        self.data = self.source.read(at, max(0, min(CHUNK, self.end - at)))
        self.start = at

    def take(self, at: int, length: int) -> bytes:
        """Exactly `length` bytes at `at`; nothing is allocated before it is known that they are there."""
        self.require(at, length)
        inside = at - self.start
        if 0 <= inside and inside + length <= len(self.data):
            return self.data[inside : inside + length]
        return self.source.read(at, length)

    def require(self, at: int, length: int) -> None:
        """Raise Truncated unless `length` bytes follow `at`."""
        if length < 0 or at + length > self.end:
            missing = at + length - self.end
            raise Truncated(f"a pickle ends {missing:,} bytes too early", "Download or copy the file again.", f"byte {at:,}")

    def line(self, at: int) -> tuple[bytes, int]:
        """The text up to the next newline, and where the following byte stands."""
        inside = at - self.start
        found = self.data.find(b"\n", inside) if inside >= 0 else -1
        if found >= 0:
            return self.data[inside:found], self.start + found + 1
        text = self.source.read(at, max(0, min(LINE_LIMIT, self.end - at)))
        found = text.find(b"\n")
        if found >= 0:
            return text[:found], at + found + 1
        if len(text) == LINE_LIMIT:
            raise LimitExceeded("a line in a pickle is longer than 65,536 bytes", "No honest pickle was seen to do that.")
        raise Truncated("a pickle ends inside a line", "Download or copy the file again.", f"byte {at:,}")
