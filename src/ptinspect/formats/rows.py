"""Pickles that follow each other in one source: legacy files, plain pickle files, and whatever hangs behind either."""

from __future__ import annotations

import time

from ptinspect.formats.document import Document, Pickle
from ptinspect.limits import Limits
from ptinspect.pickles.machine import run
from ptinspect.pickles.stream import Stream
from ptinspect.pickles.traces import Traces
from ptinspect.pickles.window import Source, Window

AHEAD = 1 << 15


class Row:
    """Walks one pickle after another; `at` is where the next one begins.

    Most are a few dozen bytes and are walked inside one stretch that was read once; a longer one is walked again over the whole
    source. Together they may cost what one pickle may: a file of a million empty pickles is no way around the limits.
    """

    def __init__(self, source: Source, limits: Limits, at: int = 0, ahead: int = AHEAD) -> None:
        self.source = source
        self.limits = limits
        self.at = at
        self.walked = 0
        self.size = ahead
        self._ahead = _Ahead(source, at, b"")
        self._until = time.monotonic() + limits.seconds

    @property
    def spent(self) -> bool:
        """Whether the file asked for more pickles, or more time for them, than it may."""
        return self.walked >= self.limits.pickles or time.monotonic() > self._until

    def next(self, name: str) -> Pickle:
        """Walk the pickle that begins at `at` and move behind it; one that breaks leaves `at` where it is."""
        pickle = self._short(name) or self._long(name)
        self.walked += 1
        if pickle.stream.problem is None:
            self.at = pickle.stream.end
        return pickle

    def _short(self, name: str) -> Pickle | None:
        ahead = self._ahead
        if not ahead.start <= self.at <= ahead.end - self.size // 2:
            ahead = self._ahead = _Ahead(self.source, self.at, self.source.read(self.at, self.size))
        pickle = self._walk(name, ahead, ahead.end)
        return pickle if pickle.stream.problem is None or ahead.end >= self.source.size else None

    def _long(self, name: str) -> Pickle:
        return self._walk(name, self.source, None)

    def _walk(self, name: str, source: Source, end: int | None) -> Pickle:
        traces = Traces()
        stream = run(Window(source, end, traces), self.limits, self.at)
        return Pickle(name, stream, self.source, traces)

    def rest(self, document: Document, name: str) -> None:
        """Walk every further pickle into the document; what breaks ends the row, kept where it could have run something."""
        while self.at < self.source.size and not self.spent:
            pickle = self.next(name)
            if pickle.stream.problem is None or would_run(pickle.stream):
                document.pickles.append(pickle)
            if pickle.stream.problem is not None:
                return


class _Ahead:
    """A stretch read once, under the offsets of the source it is from."""

    __slots__ = ("data", "end", "size", "source", "start")

    def __init__(self, source: Source, start: int, data: bytes) -> None:
        self.source = source
        self.start = start
        self.data = data
        self.end = start + len(data)
        self.size = source.size

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on; nobody asks for a byte before the stretch."""
        return self.data[offset - self.start : offset - self.start + length]


def would_run(stream: Stream) -> bool:
    """Whether a stream calls something by a name that could be one, before wherever it ends (S-05)."""
    return any(found.called and _is_name(found.name) for found in stream.globals.values()) or bool(stream.computed)


def _is_name(name: str) -> bool:
    """Random bytes spell no dotted identifier."""
    return name.isascii() and all(part.isidentifier() for part in name.split("."))
