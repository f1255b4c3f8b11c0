"""Pickles inside pickles: in byte strings, and in text as base64, hexadecimal, latin-1 or plain protocol 0 (S-16).

Loading the outer pickle does not run them; whatever reads the string later may. Reported only where the bytes parse to their end and
name something: random bytes begin like a pickle often, and end like one almost never.
"""

from __future__ import annotations

from collections.abc import Iterator

from ptinspect.errors import FileProblem
from ptinspect.formats.document import Pickle
from ptinspect.formats.source import Slice
from ptinspect.formats.zip_directory import ZipDirectory
from ptinspect.frozen import frozen, replace, slotted
from ptinspect.limits import Limits
from ptinspect.pickles.machine import run
from ptinspect.pickles.stream import Stream
from ptinspect.pickles.traces import Traces
from ptinspect.pickles.values import Bytes
from ptinspect.pickles.window import Memory, Source, Window

FIRST_BYTES = 64
MOST = 200
TRIALS = 20_000
OPCODES = 1_500_000
ALL_OPCODES = 4_000_000
STRING_BYTES = 64 << 20
SECONDS = 5.0
STARTS = 16
STACKED = 16
EMBEDDED = "torch.storage._load_from_bytes"

ZIP = b"PK\x03\x04"

_TEXT_STARTS = b"(c]}ild"
_HEADERS = tuple(bytes((0x80, protocol)) for protocol in range(2, 6))


@frozen
class Nested:
    """One pickle that was found inside another: in which form, and in which pickle of the file.

    `is_embedded` says that the outer pickle hands byte strings to torch, which is how tensors lie in plain pickles.
    """

    stream: Stream
    form: str
    where: str
    is_embedded: bool


@slotted
class _Effort:
    """What may still be spent on one pickle of the file; `found_all` says that it was enough."""

    limits: Limits
    trials: int = TRIALS
    opcodes: int = ALL_OPCODES
    found_all: bool = True

    def walk(self, source: Source, at: int) -> tuple[Stream, Traces] | None:
        """The bytes as a pickle, or None where nothing is left to spend."""
        if self.trials <= 0 or self.opcodes <= 0:
            self.found_all = False
            return None
        traces = Traces()
        inner = run(Window(source, tap=traces), self.limits, at)
        self.trials -= 1
        self.opcodes -= inner.opcodes
        return inner, traces


@frozen
class Inside:
    """What was found in one pickle, and whether all of it was looked at."""

    found: tuple[Nested, ...]
    complete: bool


def look_inside(pickle: Pickle, limits: Limits) -> Inside:
    """Every pickle inside one of the file's pickles, level by level down to the limit `nesting`."""
    effort = _Effort(replace(limits, opcodes=OPCODES, seconds=SECONDS, string_bytes=min(limits.string_bytes, STRING_BYTES)))
    found: list[Nested] = []
    level: list[tuple[Stream, Source, Traces | None]] = [(pickle.stream, pickle.source, pickle.traces)]
    for _ in range(limits.nesting):
        below: list[tuple[Stream, Source, Traces | None]] = []
        for stream, source, traces in level:
            for form, inner, data, seen in _inside(stream, source, traces, effort):
                below.append((inner, data, seen))
                if inner.globals and len(found) < MOST:
                    found.append(Nested(inner, form, pickle.name, EMBEDDED in stream.globals))
        level = below
        if not level:
            break
    return Inside(tuple(found), effort.found_all and not level)


_Found = tuple[str, Stream, Source, Traces]


def _inside(stream: Stream, source: Source, traces: Traces | None, effort: _Effort) -> Iterator[_Found]:
    """The whole pickles one level down. Those without names count too: what they hold may have some."""
    for value in stream.byte_strings:
        yield from _in_bytes(value, source, effort)
    more = Traces()
    more(_texts_of_bytes(stream))
    for seen in [more] if traces is None else [more, traces]:
        effort.found_all = effort.found_all and not seen.full
        for (data, at), form in seen.encoded.items():
            yield from _try(form, Memory(data), at, effort)


def _texts_of_bytes(stream: Stream) -> list[str]:
    """Byte strings that may hold base64 or hexadecimal text."""
    return [value.decode("latin-1") for value in stream.byte_strings if type(value) is bytes and len(value) >= STARTS and value.isascii()]


def _in_bytes(value: bytes | Bytes, source: Source, effort: _Effort) -> Iterator[_Found]:
    if isinstance(value, Bytes):
        head = source.read(value.offset, min(FIRST_BYTES, value.length))
        if head.startswith(ZIP):
            yield from _in_archive(Slice(source, value.offset, value.length), effort)
        elif may_be_pickle(head):
            yield from _try("a byte string", Slice(source, value.offset, value.length), 0, effort)
        return
    if value.startswith(ZIP):
        yield from _in_archive(Memory(value), effort)
    elif may_be_pickle(value):
        yield from _try("a byte string", Memory(value), 0, effort)
    else:
        for at in _starts(value):
            yield from _try("a byte string", Memory(value), at, effort)


def _in_archive(source: Source, effort: _Effort) -> Iterator[_Found]:
    """A whole torch file in a byte string may be a zip; `_load_from_bytes` opens that too."""
    try:
        directory = ZipDirectory(source, effort.limits)
        records = [record for record in directory.records.values() if record.name.endswith(".pkl")]
        for record in records[:STACKED]:
            yield from _try("an archive in a byte string", Memory(directory.read(record)), 0, effort)
    except FileProblem:
        return


def _starts(value: bytes) -> Iterator[int]:
    """Where a protocol header stands inside a byte string, the first few."""
    at = value.find(b"\x80", 1)
    for _ in range(STARTS):
        if at < 0:
            return
        if value.startswith(_HEADERS, at):
            yield at
        at = value.find(b"\x80", at + 1)


def may_be_pickle(head: bytes) -> bool:
    """Whether bytes begin as a pickle: a protocol header, or an instruction of protocol 0 and text after it."""
    if head.startswith(_HEADERS) or head[:2] in (b"\x80\x00", b"\x80\x01"):
        return True
    return len(head) > 3 and head[0] in _TEXT_STARTS and head[1:2].isascii() and (b"\n" in head or head[0] in b"(]}")


def _try(form: str, source: Source, at: int, effort: _Effort) -> Iterator[_Found]:
    """Walk the bytes as pickles in a row (a torch file has five); only those that end well count."""
    for _ in range(STACKED):
        walked = effort.walk(source, at) if at < source.size else None
        if walked is None or walked[0].problem is not None:
            return
        yield form, walked[0], source, walked[1]
        at = walked[0].end
