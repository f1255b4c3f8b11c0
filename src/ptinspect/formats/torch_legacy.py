"""`torch.save` from 0.1.10 to 1.5, and since then with `_use_new_zipfile_serialization=False`: pickles in a row, then raw bytes.

A file is one of these when its first pickle is the magic number, or computes something where torch.load looks for it and the
protocol version follows: torch.load runs the first pickle before it compares (S-15).
"""

from __future__ import annotations

from ptinspect.errors import Truncated
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.document import Document
from ptinspect.formats.embedded import EmbeddedShelf
from ptinspect.formats.legacy_stream import MAGIC, PROTOCOL, Saved, sources_of
from ptinspect.formats.reach import Walk
from ptinspect.formats.rebuild import Rebuilder
from ptinspect.formats.rows import Row, would_run
from ptinspect.pickles.values import Call, Global, Unknown
from ptinspect.pickles.window import Memory


def offers(candidate: Candidate) -> bool:
    """Whether the first pickle is the magic number, or stands where it would."""
    if candidate.directory is not None or not candidate.head:
        return False
    row = Row(Memory(candidate.head), candidate.limits)
    first = row.next("magic number").stream
    if first.problem is not None:
        return False
    if type(first.root) is int:
        return first.root == MAGIC
    return type(first.root) in (Call, Global, Unknown) and _is_protocol(row)


def _is_protocol(row: Row) -> bool:
    second = row.next("protocol version").stream
    return second.problem is None and type(second.root) is int and second.root == PROTOCOL


def read(candidate: Candidate) -> Document:
    """The document in it."""
    document = Document("torch-legacy", None)
    saved = Saved(Row(candidate.source, candidate.limits), document).walk()
    if type(document.pickles[0].stream.root) is not int:
        saved.note("warning", "the magic number is computed", "Loading runs what computes it; honest files write the number itself.")
    document.root, document.problem = saved.root, saved.problem
    reached = Walk(Rebuilder(EmbeddedShelf(saved.shelf, candidate.source, candidate, document)), candidate.limits).over(saved.root)
    document.tensors, document.places, document.by_value = reached.tensors, reached.places, reached.by_value
    _records(document, saved)
    document.code.update(sources_of(saved.references))
    if isinstance(saved.problem, Truncated):
        saved.note("warning", "the file is incomplete", f"{saved.problem.message.removeprefix('incomplete: ')}. What is whole can be used.")
    elif saved.problem is not None:
        where = saved.problem.where
        saved.note("warning", "the file breaks off", f"{saved.problem.message}. What it holds before that is shown.", where)
    if document.pickles[-1].stream.problem is None and saved.expected < candidate.source.size:
        _behind(document, saved)
    return document


def _records(document: Document, saved: Saved) -> None:
    """Every storage by name, and those that no tensor stands on."""
    used = {ref.key for tensor in document.tensors for ref in tensor.storages()}
    for key, record in saved.shelf.records.items():
        document.records[record.name] = record
        if saved.prefix + key not in used:
            document.unused.append(record)


def _behind(document: Document, saved: Saved) -> None:
    """What follows the last storage: nothing that torch.load reads, but several objects may be saved one after another."""
    row, known = saved.row, len(document.pickles)
    left, objects = row.source.size - saved.expected, 1
    row.at = saved.expected
    while row.at < row.source.size and not row.spent:
        begin = row.at
        pickle = row.next("after the end")
        if pickle.stream.problem is not None:
            document.pickles += [pickle] if would_run(pickle.stream) else []
            break
        if type(pickle.stream.root) is not int or pickle.stream.root != MAGIC:
            document.pickles.append(pickle)
            continue
        row.at, objects = begin, objects + 1
        next_one = Saved(row, document, f"object {objects:,}: ").walk()
        row.at = next_one.expected
        if next_one.problem is not None:
            break
    also = f" {len(document.pickles) - known:,} more pickles are in them." if len(document.pickles) > known else ""
    saved.note("notice", "bytes after the end", f"{left:,} bytes follow the last storage; torch.load does not read them.{also}")
