"""A plain pickle of any protocol, or several in a row; the first is what loading returns.

From protocol 2 on a pickle begins with its version, and one that breaks off still shows what it had built. Before that there is no
mark at all: such a file is a pickle if the machine reaches its STOP and little else follows, or if what it does before it breaks
would already run something (S-05). Text, JSON, pages and random bytes do neither.
"""

from __future__ import annotations

from ptinspect.errors import Truncated, Unsupported
from ptinspect.findings import Finding, Severity
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.document import Document
from ptinspect.formats.embedded import EmbeddedShelf, NoShelf
from ptinspect.formats.reach import Walk
from ptinspect.formats.rebuild import Rebuilder
from ptinspect.formats.rows import Row, would_run
from ptinspect.formats.source import Slice
from ptinspect.pickles.machine import run
from ptinspect.pickles.stream import Stream
from ptinspect.pickles.values import Call, Dict, Set
from ptinspect.pickles.window import Source, Window

PROTO = 0x80
BLANKS = b" \t\r\n\x00"
FIRST_LOOK = 1 << 16
JOBLIB = ("joblib.numpy_pickle.NumpyArrayWrapper", "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper")


def offers(candidate: Candidate) -> bool:
    """Whether loading the file as a pickle would succeed, or get anywhere."""
    head = candidate.head
    if candidate.directory is not None or candidate.zip_problem is not None or len(head) < 2:
        return False
    if head[0] == PROTO:
        return 2 <= head[1] <= 5 and _leads_somewhere(candidate)
    return _is_bare(candidate)


def _look(candidate: Candidate) -> Stream:
    """The first pickle, inside the first stretch if that tells enough: not where it is only cut off by the end of the stretch."""
    stream = run(Window(Slice(candidate.source, 0, FIRST_LOOK)), candidate.limits)
    if isinstance(stream.problem, Truncated) and candidate.source.size > FIRST_LOOK and not would_run(stream):
        stream = run(Window(candidate.source), candidate.limits)
    return stream


def _leads_somewhere(candidate: Candidate) -> bool:
    """A version and then a pickle, or the beginning of one: it builds something or names something."""
    stream = _look(candidate)
    return stream.problem is None or bool(stream.globals) or _is_built(stream)


def _is_built(stream: Stream) -> bool:
    """Whether a broken stream left anything; an empty stack is an empty list."""
    root = stream.root
    return type(root) in (Call, Dict, Set, str, tuple) or (type(root) is list and bool(root))


def _is_bare(candidate: Candidate) -> bool:
    """Protocols 0 and 1: the whole file, up to blanks, is pickles."""
    stream = _look(candidate)
    if stream.problem is not None:
        return would_run(stream)
    return bool(stream.globals) or stream.end == candidate.source.size or _rest_is_pickles(candidate, stream.end)


def _rest_is_pickles(candidate: Candidate, at: int) -> bool:
    row = Row(candidate.source, candidate.limits, at)
    while not _is_blank(candidate.source, row.at):
        if row.spent or row.next("further").stream.problem is not None:
            return False
    return True


def _is_blank(source: Source, at: int) -> bool:
    return source.size - at <= FIRST_LOOK and not source.read(at, FIRST_LOOK).strip(BLANKS)


def read(candidate: Candidate) -> Document:
    """The document in it."""
    document = Document("pickle", None)
    row = Row(candidate.source, candidate.limits)
    first = row.next("pickle")
    document.pickles.append(first)
    document.root = first.stream.root
    shelf = EmbeddedShelf(NoShelf(), candidate.source, candidate, document)
    reached = Walk(Rebuilder(shelf), candidate.limits).over(document.root)
    document.tensors, document.places, document.by_value = reached.tensors, reached.places, reached.by_value
    document.facts["protocol"] = str(first.stream.protocol)
    if first.stream.problem is not None:
        _broken(document, first.stream)
    elif row.at < candidate.source.size:
        _further(document, row)
    return document


def _broken(document: Document, stream: Stream) -> None:
    """What was built before it breaks is shown. joblib writes the bytes of arrays between the instructions, unmarked."""
    problem = stream.problem
    if any(name in stream.globals for name in JOBLIB):
        message = "a joblib file: the bytes of its arrays lie between its instructions"
        document.problem = Unsupported(message, "Save the arrays with numpy.save or the tensors with torch.save.")
        _note(document, "notice", "a joblib file", "What stands before the first array is shown; what follows it is not read.")
    elif problem is not None:
        document.problem = problem
        _note(document, "warning", "a pickle breaks off", f"{problem.message}. What it holds before that is shown.", problem.where)


def _further(document: Document, row: Row) -> None:
    """Whatever follows the first pickle: more of them, blanks, or bytes that mean nothing."""
    known = len(document.pickles)
    row.rest(document, "further pickle")
    more, left = len(document.pickles) - known, row.source.size - row.at
    if more:
        detail = "pickle.load returns the first; a program that goes on loads them too."
        _note(document, "notice", f"{more:,} more pickles follow the first", detail)
    if row.spent and left:
        detail = f"{left:,} bytes were not read: over the limits `pickles` or `seconds`."
        _note(document, "warning", "too many pickles in a row", detail)
    elif left and not _is_blank(row.source, row.at):
        _note(document, "notice", "bytes after the last pickle", f"{left:,} bytes from byte {row.at:,} on are no pickle.")


def _note(document: Document, severity: Severity, title: str, detail: str, where: str | None = None) -> None:
    document.findings.append(Finding(severity, title, detail, where))
