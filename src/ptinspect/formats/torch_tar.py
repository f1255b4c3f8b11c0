"""`torch.save` of 0.1.x: a tar with the members `sys_info`, `storages`, `tensors` and `pickle`.

`storages` and `tensors` begin with a count; then each has a small pickle that names it and its bytes behind that: the elements of a
storage, or the sizes, strides and offset of a tensor. The object in `pickle` refers to both by number. torch refuses such files
with weights_only=True (CVE-2025-32434). A tar without `tensors` whose object rebuilds its tensors itself is an imitation that torch
cannot load; it is read all the same.
"""

from __future__ import annotations

import struct

from ptinspect.dtypes import DType, from_global
from ptinspect.errors import Corrupt, FileProblem, Truncated
from ptinspect.findings import Finding, Severity
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.document import Document, Pickle, Record
from ptinspect.formats.legacy_stream import COUNT, MOST_NUMEL, key_of, sources_of, text_of, view_of
from ptinspect.formats.reach import Reached, Step, Walk
from ptinspect.formats.rebuild import Rebuilder, View
from ptinspect.formats.rows import Row
from ptinspect.formats.source import Slice
from ptinspect.formats.tar_members import Member, is_tar, members
from ptinspect.limits import Limits
from ptinspect.pickles.values import Global, Persistent, Value
from ptinspect.pickles.window import Source
from ptinspect.tensors import StorageRef, TensorInfo

MOST_DIMENSIONS = 64
HINT = "Download or copy the file again."


def offers(candidate: Candidate) -> bool:
    """A tar that holds a pickle and its storages."""
    if candidate.directory is not None or not is_tar(candidate.head):
        return False
    found = members(candidate.source)
    return "pickle" in found and "storages" in found


def read(candidate: Candidate) -> Document:
    """The document in it."""
    tar = Tar(candidate)
    tar.system()
    tar.storages()
    tar.tensors()
    return tar.close()


class TarShelf:
    """Storages and tensors by number."""

    def __init__(self) -> None:
        self.storages: dict[str, StorageRef | View] = {}
        self.tensors: dict[str, TensorInfo] = {}

    def storage(self, value: Value) -> StorageRef | View | str:
        """The storage behind a number, or behind the tuple that imitations write in its place."""
        identity = value.id if type(value) is Persistent else value
        if type(identity) is tuple:
            identity = identity[2] if len(identity) > 2 and text_of(identity[0]) == "storage" else None
        found = self.storages.get(key_of(identity))
        return "its bytes are missing: the archive lists no such storage" if found is None else found

    def tensor(self, value: Persistent) -> TensorInfo | None:
        """The tensor behind a number."""
        return self.tensors.get(key_of(value.id))


class TarRebuilder(Rebuilder):
    """Knows the tensors that are told by number."""

    def __init__(self, shelf: TarShelf) -> None:
        super().__init__(shelf)
        self.by_number = shelf

    def tensor(self, value: Value, depth: int = 0) -> TensorInfo | None:
        """The tensor that a value would become, or None where it is no tensor."""
        return self.by_number.tensor(value) if type(value) is Persistent else super().tensor(value, depth)


class TarWalk(Walk):
    """Meets tensors as references to the outside; the same number is the same tensor."""

    def __init__(self, shelf: TarShelf, limits: Limits) -> None:
        super().__init__(TarRebuilder(shelf), limits, Reached())
        self.shelf = shelf
        self.met: set[str] = set()

    def _outside(self, value: Persistent, step: Step) -> None:
        tensor = self.shelf.tensor(value)
        if tensor is None:
            return
        key = key_of(value.id)
        self.place(value, tensor, step, known=key in self.met)
        self.reached.by_value[id(value)] = tensor
        self.met.add(key)


class Tar:
    """Such a file while it is read."""

    def __init__(self, candidate: Candidate) -> None:
        self.candidate = candidate
        self.limits = candidate.limits
        self.source: Source = candidate.source
        self.members = members(candidate.source)
        self.document = Document("torch-tar", None)
        self.shelf = TarShelf()

    def _row(self, name: str) -> tuple[Row, int]:
        """The pickles of a member, and where the member begins in the file."""
        member = self.members.get(name, Member(name, 0, 0))
        if member.offset + member.size > self.source.size:
            self._broken(Truncated(f"incomplete: the file ends inside its member `{name}`", HINT))
        return Row(Slice(self.source, member.offset, member.size), self.limits), member.offset

    def _next(self, row: Row, name: str) -> Pickle | None:
        """The next pickle of a row; None where it breaks, which is noted."""
        if row.spent:
            self._broken(Corrupt(f"more pickles in `{name}` than the limits `pickles` and `seconds` allow", HINT))
            return None
        pickle = row.next(name)
        self.document.pickles.append(pickle)
        if pickle.stream.problem is not None:
            self._broken(pickle.stream.problem)
            return None
        return pickle

    def _broken(self, problem: FileProblem) -> None:
        self.document.problem = self.document.problem or problem

    def system(self) -> None:
        """What the writing machine was like; nothing follows from it (see legacy_stream)."""
        if "sys_info" in self.members:
            self._next(self._row("sys_info")[0], "sys_info")

    def storages(self) -> None:
        """A count, the storages, and the views of them."""
        row, begin = self._row("storages")
        for _ in range(self._count(row, "storages")):
            pickle = self._next(row, "storages")
            if pickle is None or not self._storage(row, begin, pickle.stream.root):
                return
        last = self._next(row, "storages") if row.at < row.source.size else None
        for view in last.stream.root if last is not None and type(last.stream.root) is list else ():
            self._view(view)

    def _count(self, row: Row, name: str) -> int:
        first = self._next(row, name)
        count = first.stream.root if first is not None else 0
        return count if type(count) is int and count > 0 else 0

    def _storage(self, row: Row, begin: int, described: Value) -> bool:
        """One storage: (number, location, type), then how many elements, then they."""
        if type(described) is not tuple or len(described) != 3:
            self._broken(Corrupt("a storage is not described in a way that torch knows", HINT))
            return False
        key, kind, raw = key_of(described[0]), described[2], row.source.read(row.at, COUNT)
        dtype: DType | None = from_global(kind.name) if type(kind) is Global else None
        count = int.from_bytes(raw, "little", signed=True)
        if dtype is None or len(raw) < COUNT or not 0 <= count < MOST_NUMEL:
            self._broken(Corrupt(f"the storage {key} has no known type or size", HINT, f"byte {begin + row.at:,}"))
            return False
        data, size = row.at + COUNT, count * dtype.itemsize
        present = max(0, min(size, row.source.size - data))
        if present < size:
            self._broken(Truncated(f"incomplete: {present:,} of the {size:,} bytes of storage {key} are there", HINT))
        self.shelf.storages[key] = StorageRef(key, dtype, size, present, None, begin + data, text_of(described[1]) or "cpu")
        self.document.records[f"storage {key}"] = Record(f"storage {key}", begin + row.at, begin + data, size, size, 0, 0, 0)
        row.at = data + size
        return True

    def _view(self, view: Value) -> None:
        """(number, number of the whole, offset, size)."""
        if type(view) is not tuple or len(view) != 4:
            return
        whole = self.shelf.storages.get(key_of(view[1]))
        found = view_of(whole, (view[0], view[2], view[3])) if isinstance(whole, StorageRef) else ""
        if isinstance(found, View):
            self.shelf.storages[key_of(view[0])] = found

    def tensors(self) -> None:
        """A count, then each tensor."""
        if "tensors" not in self.members:
            self.note("notice", "an imitation of the old tar format", "It has no member `tensors`; torch cannot load it.")
            return
        row, begin = self._row("tensors")
        for _ in range(self._count(row, "tensors")):
            pickle = self._next(row, "tensors")
            if pickle is None or not self._tensor(row, begin, pickle.stream.root):
                return

    def _tensor(self, row: Row, begin: int, described: Value) -> bool:
        """One tensor: (number, number of its storage, type), then its dimensions (4 bytes, 4 unused), sizes, strides, offset."""
        raw = row.source.read(row.at, 8 + 16 * MOST_DIMENSIONS + 8)
        dimensions = int.from_bytes(raw[:4], "little", signed=True)
        length = 16 + 16 * dimensions
        if type(described) is not tuple or len(described) != 3 or not 0 <= dimensions <= MOST_DIMENSIONS or len(raw) < length:
            self._broken(Corrupt("a tensor is not described in a way that torch knows", HINT, f"byte {begin + row.at:,}"))
            return False
        numbers = struct.unpack_from(f"<{2 * dimensions + 1}q", raw, 8)
        row.at += length
        sizes, strides, offset = numbers[:dimensions], numbers[dimensions:-1], numbers[-1]
        tensor = TarRebuilder(self.shelf).strided(described[1], offset, sizes, strides)
        self.shelf.tensors[key_of(described[0])] = tensor
        return True

    def close(self) -> Document:
        """Walk the object and gather what it reaches."""
        document, (row, _) = self.document, self._row("pickle")
        found = self._next(row, "pickle")
        document.root = document.pickles[-1].stream.root if found is None else found.stream.root
        document.code.update(sources_of(document.pickles[-1].stream.persistent))
        reached = TarWalk(self.shelf, self.limits).over(document.root)
        document.tensors, document.places, document.by_value = reached.tensors, reached.places, reached.by_value
        used = {f"storage {ref.key}" for tensor in document.tensors for ref in tensor.storages()}
        document.unused.extend(record for name, record in document.records.items() if name not in used)
        if found is not None and row.at < row.source.size:
            row.rest(document, "pickle")
            self.note("notice", "bytes after a pickle", "torch.load does not read what follows the object.", "pickle")
        if document.problem is not None:
            detail = f"{document.problem.message.removeprefix('incomplete: ')}. What is whole can be used."
            self.note("warning", "the file is incomplete" if isinstance(document.problem, Truncated) else "the file breaks off", detail)
        return document

    def note(self, severity: Severity, title: str, detail: str, where: str | None = None) -> None:
        """Add a finding."""
        self.document.findings.append(Finding(severity, title, detail, where))
