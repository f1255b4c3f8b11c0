"""Tensors inside byte strings: what `pickle.dumps(tensor)` writes in place of a storage is a whole torch file.

`torch.storage._load_from_bytes(b'...')` holds a legacy stream (in principle a zip) whose root is a storage. It is read by the same
code through a slice of the file, so nothing is copied and its bytes keep their place in the file. Protocol 2 writes bytes as text
(`_codecs.encode(text, 'latin1')`); those, and what lies in a deflated record, have no place in the file and are given by `held`.
Storages before 0.4 wrote their numbers one by one: `torch.FloatStorage([1.0, 2.0])`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import NamedTuple

from ptinspect.dtypes import BY_STORAGE, DType, from_global
from ptinspect.errors import FileProblem, Unsupported
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.document import Document, Pickle
from ptinspect.formats.legacy_stream import Saved
from ptinspect.formats.rebuild import Shelf, View
from ptinspect.formats.record_shelf import RecordShelf
from ptinspect.formats.rows import Row
from ptinspect.formats.shapes import Array
from ptinspect.formats.source import Slice
from ptinspect.formats.written_numbers import as_stored, converted, packed
from ptinspect.pickles.instructions import EMBEDDED
from ptinspect.pickles.machine import run
from ptinspect.pickles.values import Bytes, Call, Persistent, Value
from ptinspect.pickles.window import Memory, Source, Window
from ptinspect.tensors import StorageRef

AHEAD = 2_048
LATIN = frozenset({"latin1", "latin-1", "iso-8859-1"})
HARMLESS = frozenset(f"torch.{name}" for name in BY_STORAGE) | {"torch.storage.UntypedStorage", "torch.UntypedStorage"}

Found = StorageRef | View | str


class NoShelf:
    """Where a plain pickle keeps its storages: nowhere."""

    def storage(self, value: Value) -> str:
        """What is wrong with every reference out of it."""
        return "its bytes are not in this file" if type(value) is Persistent else "its storage is not described in a way that torch knows"


class Inner(NamedTuple):
    """An embedded file: its bytes, and what to call them."""

    source: Source
    name: str


class EmbeddedShelf:
    """Storages written into the pickle itself; all others as the container's own shelf finds them.

    `source` is what the pickle's offsets count in. How many there may be and how deep they may nest is limited.
    """

    def __init__(self, outer: Shelf, source: Source, candidate: Candidate, document: Document) -> None:
        self.outer = outer
        self.source = source
        self.candidate = candidate
        self.document = document
        self.known: dict[int, Found] = {}
        self.arrays: dict[tuple[int, str], StorageRef] = {}

    def storage(self, value: Value) -> Found:
        """The storage that a value of the stream stands for, or what is wrong with it."""
        if type(value) is not Call:
            return self.outer.storage(value)
        found = self.known.get(id(value))
        if found is None:
            found = self.known[id(value)] = self._written(value)
        return found

    def _written(self, call: Call) -> Found:
        args = call.args if type(call.args) is tuple else ()
        if call.name != EMBEDDED:
            return self._numbers(call, args)
        limits = self.candidate.limits
        if self.candidate.depth >= limits.nesting:
            return "it lies deeper inside other files than the limit `nesting` allows"
        if len(self.known) >= limits.pickles:
            return "it lies behind more files inside this one than the limit `pickles` allows"
        inner = self._inner(args[0] if args else None)
        if inner is None:
            return "its bytes are missing"
        try:
            return self._open(inner)
        except FileProblem as problem:
            return f"the file inside this one cannot be read: {problem.message}"

    def _numbers(self, call: Call, args: tuple[Value, ...]) -> Found:
        """A storage whose numbers are written one by one."""
        dtype = from_global(call.name)
        if dtype is None or len(args) != 1 or type(args[0]) is not list:
            return "its storage is not described in a way that torch knows"
        nbytes, numbers = len(args[0]) * dtype.itemsize, args[0]
        ref = StorageRef(f"numbers {len(self.document.held) + 1:,}", dtype, nbytes, nbytes)
        self.document.held[ref.key] = lambda: packed(numbers, dtype)
        return ref

    def array(self, value: Value, array: Array, dtype: DType) -> StorageRef:
        """The storage that a numpy array becomes: its own bytes, or its numbers in another type."""
        found = self.arrays.get((id(value), dtype.name))
        if found is None:
            found = self.arrays[id(value), dtype.name] = self._converted(array, dtype)
        return found

    def _converted(self, array: Array, dtype: DType) -> StorageRef:
        count = prod(array.shape)
        data, nbytes, place = array.data, dtype.nbytes(count), None
        if type(data) is Bytes and as_stored(array.code, array.order, dtype):
            place = place_in_file(self.source, data.offset)
        ref = StorageRef(f"array {len(self.arrays) + len(self.document.held) + 1:,}", dtype, nbytes, nbytes, None, place)
        if place is None:
            self.document.held[ref.key] = lambda: converted(self._read(data), count, array.code, array.order, dtype)
        return ref

    def _read(self, data: Value) -> bytes:
        """The bytes behind a value, wherever they stand."""
        if type(data) is Bytes:
            return self.source.read(data.offset, data.length)
        found = data if type(data) is bytes else latin_bytes(data)
        if found is None:
            raise Unsupported("its array keeps objects in place of numbers", "Load the file and save it again.")
        return found

    def _inner(self, data: Value) -> Inner | None:
        if type(data) is Bytes:
            at = place_in_file(self.source, data.offset)
            return Inner(Slice(self.source, data.offset, data.length), f"bytes at {data.offset if at is None else at:,}")
        raw = data if type(data) is bytes else latin_bytes(data)
        return None if raw is None else Inner(Memory(raw), f"text {len(self.document.held) + 1:,}")

    def _open(self, inner: Inner) -> Found:
        candidate = Candidate(inner.source, self.candidate.limits, depth=self.candidate.depth + 1)
        document = Document("torch-legacy", None)
        if candidate.directory is not None:
            root, shelf = _zipped(candidate, document)
        else:
            saved = Saved(Row(inner.source, candidate.limits, ahead=AHEAD), document).walk()
            root, shelf = saved.root, saved.shelf
        self._tell(document, inner.name)
        if type(root) is Call:  # a file inside the file inside this one; it finds its own place
            return EmbeddedShelf(NoShelf(), inner.source, candidate, self.document).storage(root)
        found = shelf.storage(root)
        if type(found) is View:
            return View(self._placed(found.whole, inner, candidate), found.start, found.size)
        return self._placed(found, inner, candidate) if type(found) is StorageRef else found

    def _tell(self, document: Document, name: str) -> None:
        """Pickles inside are loaded as well: keep each that names anything but a storage type."""
        mine, limits = self.document.pickles, self.candidate.limits
        for pickle in document.pickles:
            told = pickle.stream.problem is not None or not pickle.stream.globals.keys() <= HARMLESS
            if told and len(mine) < limits.pickles:
                mine.append(Pickle(f"{name}: {pickle.name}", pickle.stream, pickle.source, pickle.traces))

    def _placed(self, ref: StorageRef, inner: Inner, candidate: Candidate) -> StorageRef:
        """What was found inside, under a name and a place of the file around it."""
        name, at, directory = f"{inner.name}/{ref.key}", ref.offset, candidate.directory
        if ref.record is not None and directory is not None:
            record = directory.records[ref.record]
            at = directory.locate(record) if record.is_plain else None
            if at is None:
                self.document.held[name] = lambda: directory.read(record)
        place = None if at is None else place_in_file(inner.source, at)
        if at is not None and place is None:
            self.document.held[name] = _stretch(inner.source, at, ref.present)
        return StorageRef(name, ref.dtype, ref.nbytes, ref.present, None, place, ref.location)


def _stretch(source: Source, at: int, length: int) -> Callable[[], bytes]:
    return lambda: source.read(at, length)


def _zipped(candidate: Candidate, document: Document) -> tuple[Value, Shelf]:
    """The root of an embedded zip, and where its storages are."""
    folder, directory = candidate.folder_of("data.pkl"), candidate.directory
    if folder is None or directory is None:
        raise Unsupported("it is a zip that torch.save did not write")
    record = directory.records[f"{folder}data.pkl"]
    source: Source = Slice(candidate.source, directory.locate(record), record.stored) if record.is_plain else Memory(directory.read(record))
    stream = run(Window(source), candidate.limits)
    document.pickles.append(Pickle(record.name, stream, source))
    return stream.root, RecordShelf(directory, f"{folder}data/")


def place_in_file(source: Source, offset: int) -> int | None:
    """Where in the whole file a byte of a slice lies; None where the slice is of something made in memory."""
    around = source
    while isinstance(around, Slice):
        offset += around.offset
        around = around.source
    return None if isinstance(around, Memory) else offset


def latin_bytes(value: Value) -> bytes | None:
    """Bytes as protocol 2 and below write them: `_codecs.encode(text, 'latin1')`, or `bytes()` where there are none."""
    if type(value) is not Call or type(value.args) is not tuple:
        return None
    if value.name == "_codecs.encode" and [type(arg) for arg in value.args] == [str, str] and value.args[1] in LATIN:
        return value.args[0].encode("latin-1", "replace")  # type: ignore[no-any-return]
    return b"" if value.name in ("__builtin__.bytes", "builtins.bytes") and not value.args else None
