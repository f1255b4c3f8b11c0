"""Pickles in records that no loader of torch takes for one: `archive/data/0`, odd endings, hidden members (S-17).

Only the first bytes of each record are read; where they begin as a pickle does, the record is walked. It counts if it ends well and
names something: the numbers of a tensor may begin like a pickle, but do not end like one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ptinspect.checkpoint.safety.nested import FIRST_BYTES, OPCODES, SECONDS, may_be_pickle
from ptinspect.errors import FileProblem
from ptinspect.findings import Finding
from ptinspect.formats.document import Document, Pickle, Record
from ptinspect.formats.source import Slice
from ptinspect.formats.zip_directory import ZipDirectory
from ptinspect.frozen import replace
from ptinspect.limits import DEFAULT, Limits
from ptinspect.pickles.machine import run
from ptinspect.pickles.traces import Traces
from ptinspect.pickles.window import Memory, Source, Window

HEADER = struct.Struct("<26xHH")
NEAR = 512
WALKED = 1_000
CLOSED = 0x61


def look_into_records(document: Document, source: Source, limits: Limits = DEFAULT) -> list[Finding]:
    """Walk what begins as a pickle, and add each that names something to the document's pickles, so that its names are judged."""
    known = {pickle.name for pickle in document.pickles}
    bounded = replace(limits, opcodes=OPCODES, seconds=SECONDS)
    findings: list[Finding] = []
    walked = 0
    for record, head in _heads(document, source):
        if record.name in known or not may_be_pickle(head) or walked >= WALKED:
            continue
        walked += 1
        found = _walk(record, source, bounded)
        if found is not None:
            document.pickles.append(found)
            names = ", ".join(list(found.stream.globals)[:8])
            findings.append(Finding("warning" if len(names) else "notice", "a record is a pickle", f"It names {names}.", record.name))
    return findings


def _heads(document: Document, source: Source) -> Iterator[tuple[Record, bytes]]:
    """The first bytes of every record; one read each where the record is stored as it is."""
    for record in document.records.values():
        if record.size == 0 or record.flags & CLOSED:
            continue
        if not record.is_plain:
            yield record, _inflated(record, source)
            continue
        raw = source.read(record.header, 30 + NEAR)
        if len(raw) < 30:
            continue
        begin = 30 + sum(HEADER.unpack_from(raw))
        head = raw[begin : begin + FIRST_BYTES] if begin + FIRST_BYTES <= len(raw) else source.read(record.header + begin, FIRST_BYTES)
        yield record, head[: record.size]


def _inflated(record: Record, source: Source) -> bytes:
    try:
        return _directory(record, source).read(record, FIRST_BYTES)
    except FileProblem:
        return b""


def _directory(record: Record, source: Source, limits: Limits = DEFAULT) -> ZipDirectory:
    return ZipDirectory.of_records(source, limits, {record.name: record})


def _walk(record: Record, source: Source, limits: Limits) -> Pickle | None:
    """The record as a pickle, or None where it is none or names nothing."""
    directory = _directory(record, source, limits)
    try:
        inner: Source = Slice(source, directory.locate(record), record.stored) if record.is_plain else Memory(directory.read(record))
    except FileProblem:
        return None
    traces = Traces()
    stream = run(Window(inner, tap=traces), limits)
    if stream.problem is not None or not stream.globals:
        return None
    return Pickle(record.name, stream, inner, traces)
