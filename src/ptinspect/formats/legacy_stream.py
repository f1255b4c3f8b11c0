"""One object as `torch.save` wrote it from 0.1.10 to 1.5: five pickles in a row, then the bytes of its storages.

The pickles: a magic number, a protocol version, what the writing machine was like, the object, the list of storage keys. Then, in
the order of that list, the number of elements of each storage (8 bytes) and its bytes. Nothing says how wide an element is but the
first reference to that storage in the object, so a storage is found only once all before it are known.

The bytes are little-endian, whatever machine wrote them: torch swaps them while it writes and while it reads, and never looks at
what the file says about its machine (torch/csrc/serialization.cpp). Only the number of elements is in the machine's own order,
in files that torch before 1.0 wrote on a big-endian machine.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from ptinspect.dtypes import DType, from_global
from ptinspect.errors import Corrupt, FileProblem, Truncated
from ptinspect.findings import Finding, Severity
from ptinspect.formats.document import Document, Pickle, Record
from ptinspect.formats.rebuild import View
from ptinspect.formats.rows import Row
from ptinspect.pickles.values import Global, Persistent, Value, class_outside, lookup
from ptinspect.tensors import StorageRef

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1_001
HEADERS = ("magic number", "protocol version", "system information")
MOST_NUMEL = 1 << 62
COUNT = 8


class Declared(NamedTuple):
    """What the object says about a storage where it first refers to it."""

    dtype: DType
    numel: int
    location: str

    @property
    def nbytes(self) -> int:
        """How many bytes its elements take."""
        return self.numel * self.dtype.itemsize


class LegacyShelf:
    """Storages that lie behind the pickles, in the order of the list of keys; `prefix` keeps those of several objects apart."""

    def __init__(self, references: list[Persistent], prefix: str = "") -> None:
        self.prefix = prefix
        self.declared: dict[str, Declared] = {}
        self.records: dict[str, Record] = {}
        self.present: dict[str, int] = {}
        self.wrong: dict[str, str] = {}
        self.known: dict[str, StorageRef | str] = {}
        for reference in references:
            identity = reference.id
            if type(identity) is tuple and len(identity) >= 5 and text_of(identity[0]) == "storage":
                self._declare(key_of(identity[2]), identity)

    def _declare(self, key: str, identity: tuple[Value, ...]) -> None:
        if key in self.declared or key in self.wrong:
            return
        dtype = from_global(identity[1].name) if type(identity[1]) is Global else None
        numel = identity[4]
        if dtype is None:
            self.wrong[key] = "its storage has a type that is not known"
        elif type(numel) is not int or not 0 <= numel < MOST_NUMEL:
            self.wrong[key] = "its storage has a size that is no number of elements"
        else:
            self.declared[key] = Declared(dtype, numel, text_of(identity[3]) or "cpu")

    def storage(self, value: Value) -> StorageRef | View | str:
        """The storage behind ("storage", type, key, location, elements, None or a view of it)."""
        identity = value.id if type(value) is Persistent else None
        if type(identity) is not tuple or len(identity) < 5 or text_of(identity[0]) != "storage":
            return "its storage is not described in a way that torch knows"
        key = key_of(identity[2])
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self._find(key)
        view = identity[5] if len(identity) > 5 else None
        if view is None or isinstance(found, str):
            return found
        return view_of(found, view)

    def _find(self, key: str) -> StorageRef | str:
        if key in self.wrong:
            return self.wrong[key]
        declared = self.declared.get(key)
        if declared is None:
            return "its storage is not described in a way that torch knows"
        record, name = self.records.get(key), self.prefix + key
        if record is not None and record.data is not None:
            return StorageRef(name, declared.dtype, declared.nbytes, self.present[key], None, record.data, declared.location)
        if declared.nbytes == 0 or declared.location == "meta":
            return StorageRef(name, declared.dtype, declared.nbytes, declared.nbytes, location=declared.location)
        return StorageRef(name, declared.dtype, declared.nbytes, 0, location=declared.location)


def view_of(whole: StorageRef, view: Value) -> View | str:
    """A stretch of a storage: (key of the view, offset, size), in elements."""
    if type(view) is not tuple or len(view) != 3 or type(view[1]) is not int or type(view[2]) is not int:
        return "its storage is a view that is not described in a way that torch knows"
    if not 0 <= view[1] <= view[1] + view[2]:
        return "its storage is a view with a negative place or size"
    return View(whole, view[1], view[2])


def text_of(value: Value) -> str:
    """A text, which Python 2 may have written as bytes; empty for anything else."""
    if type(value) is bytes:
        return value.decode("ascii", "replace")
    return value if type(value) is str else ""


def key_of(value: Value) -> str:
    """A storage's key: text, or a number in the oldest files."""
    return str(value) if type(value) is int and value.bit_length() < 128 else text_of(value)


def sources_of(references: list[Persistent]) -> dict[str, Callable[[], str]]:
    """The source text of each module's class, which torch before 1.6 kept to warn when it had changed."""
    return {
        named.name: partial(str, reference.id[-1])
        for reference in references
        if (named := class_outside(reference)) is not None and type(reference.id[-1]) is str
    }


class Saved:
    """One such object while it is read: its pickles go into the document, its storages on `shelf`.

    `problem` says where it breaks off; what stands before that is kept.
    """

    def __init__(self, row: Row, document: Document, prefix: str = "") -> None:
        self.row = row
        self.document = document
        self.prefix = prefix
        self.root: Value = None
        self.problem: FileProblem | None = None
        self.expected = row.at
        self.swapped = False
        self.references: list[Persistent] = []
        self.shelf = LegacyShelf([])

    def walk(self) -> Saved:
        """Read it all but the bytes of the storages."""
        begin = self.row.at
        system = [self._next(name) for name in HEADERS if self.problem is None]
        if self.problem is not None:
            return self
        self._system(system[2].stream.root)
        found = self._next("object")
        self.root, self.references = found.stream.root, found.stream.persistent
        self.shelf = LegacyShelf(self.references, self.prefix)
        if self.problem is None:
            self._keys(self._next("storage keys"))
            self._measure(begin)
        return self

    def _measure(self, begin: int) -> None:
        """Whether all is there that the pickles promise."""
        there, whole = self.row.source.size - begin, self.expected - begin
        if self.problem is None and whole > there:
            self.problem = Truncated(f"incomplete: {there:,} of {whole:,} bytes are there", "Download or copy the file again.")

    def _next(self, name: str) -> Pickle:
        pickle = self.row.next(self.prefix + name)
        self.document.pickles.append(pickle)
        problem = pickle.stream.problem
        if isinstance(problem, Truncated):
            there = self.row.source.size
            message = f"incomplete: the file ends after {there:,} bytes, inside its {name}"
            problem = Truncated(message, "Download or copy the file again.", problem.where)
        self.problem = problem
        self.expected = self.row.at
        return pickle

    def _system(self, system: Value) -> None:
        """A big-endian machine only changes the order of the counts, and that in old files only."""
        self.swapped = lookup(system, "little_endian") is False
        if self.swapped:
            self.document.facts.setdefault("written on", "a big-endian machine (the numbers are little-endian all the same)")

    def _keys(self, pickle: Pickle) -> None:
        keys = pickle.stream.root
        if type(keys) is not list:
            self.note("warning", "the list of storages is no list", "torch.load stops there; nothing says where the bytes of a tensor lie.")
            if self.shelf.declared:
                self.problem = Corrupt("the list of storages is no list", "Get the file again from its source.")
            return
        if len(set(map(key_of, keys))) != len(keys):
            self.note("warning", "the list of storages names one twice", "The last of them counts.")
        for key in map(key_of, keys):
            if not self._place(key):
                return

    def _place(self, key: str) -> bool:
        """Find the bytes of the next storage; False where nothing behind it can be found."""
        shelf, source = self.shelf, self.row.source
        declared = shelf.declared.get(key)
        if declared is None:
            where = f"storage {key}"
            detail = "Nothing says how long it is, nor where those after it lie."
            self.note("warning", "a storage is listed and never described", detail, where)
            self.problem = Corrupt("a storage is listed and never described", "Get the file again from its source.", where)
            return False
        count = self._count(declared)
        data = self.expected + COUNT
        if count != declared.numel:
            detail = f"The object says {declared.numel:,} elements, its bytes begin with {count:,}. torch refuses such a file."
            self.note("warning", "a storage has two sizes", detail, f"storage {key}")
            shelf.wrong[key] = f"its storage is said to have {declared.numel:,} elements and has {count:,}"
            if count < 0:
                self.problem = Corrupt("a storage has a negative size", "Get the file again from its source.", f"byte {self.expected:,}")
                return False
        size = count * declared.dtype.itemsize
        shelf.records[key] = Record(f"{self.prefix}storage {key}", self.expected, data, size, size, 0, 0, 0)
        shelf.present[key] = max(0, min(size, source.size - data))
        self.expected = data + size
        return True

    def _count(self, declared: Declared) -> int:
        """The number of elements that the stream itself gives; behind the end of a cut file, what the object says."""
        raw = self.row.source.read(self.expected, COUNT)
        if len(raw) < COUNT:
            return declared.numel
        count = int.from_bytes(raw, "little", signed=True)
        if self.swapped and count != declared.numel and int.from_bytes(raw, "big", signed=True) == declared.numel:
            return declared.numel
        return count

    def note(self, severity: Severity, title: str, detail: str, where: str | None = None) -> None:
        """Add a finding, up to the limit."""
        if len(self.document.findings) < self.row.limits.findings:
            self.document.findings.append(Finding(severity, title, detail, where))
