"""Hostile pickles, written instruction by instruction. They are parsed and never loaded."""

from __future__ import annotations

import struct

from ptinspect.checkpoint.safety import Safety, assess
from ptinspect.formats.document import Document, Pickle
from ptinspect.limits import DEFAULT
from ptinspect.pickles.machine import run
from ptinspect.pickles.stream import Stream
from ptinspect.pickles.traces import Traces
from ptinspect.pickles.window import Memory, Window

P2 = b"\x80\x02"
P4 = b"\x80\x04"
STOP = b"."


def name(module: str, attribute: str) -> bytes:
    return b"c" + module.encode() + b"\n" + attribute.encode() + b"\n"


def text(value: str) -> bytes:
    raw = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(raw)) + raw


def short(value: str) -> bytes:
    raw = value.encode()
    return b"\x8c" + bytes((len(raw),)) + raw


def raw(value: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(value)) + value


def call(module: str, attribute: str, *args: bytes) -> bytes:
    return name(module, attribute) + b"(" + b"".join(args) + b"tR"


def pickled(body: bytes, head: bytes = P2) -> bytes:
    return head + body + STOP


SYSTEM = pickled(call("posix", "system", text("touch marker")))


def parsed(*payloads: bytes, container: str = "pickle") -> tuple[Safety, list[Stream]]:
    """What we say about some pickles that lie one after another in a file."""
    data = b"".join(payloads)
    source, document, at = Memory(data), Document(container, None), 0  # type: ignore[arg-type]
    for number in range(len(payloads)):
        traces = Traces()
        stream = run(Window(source, tap=traces), DEFAULT, at)
        document.pickles.append(Pickle(f"pickle {number}", stream, source, traces))
        document.root = stream.root
        if stream.problem is not None:
            break
        at = stream.end
    return assess(document), [pickle.stream for pickle in document.pickles]


def verdicts(safety: Safety) -> dict[str, str]:
    return {found.name: found.verdict for found in safety.globals}
