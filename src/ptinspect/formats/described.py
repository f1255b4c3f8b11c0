"""Tensors that a file describes by other means than a rebuild call: a JSON entry, a row of a table."""

from __future__ import annotations

from ptinspect.dtypes import DType
from ptinspect.formats.archive import RecordShelf
from ptinspect.formats.rebuild import Rebuilder, Shelf, misfit
from ptinspect.pickles.values import Call, Global, Value
from ptinspect.tensors import StorageRef, TensorInfo


class WholeRecords(RecordShelf):
    """Storages that are a record each, whole, whose size nobody declares but the record itself."""

    def whole(self, name: str, dtype: DType) -> StorageRef | str:
        """The storage in the record of that name below the folder, or what is wrong with it."""
        known = self.known.get(name)
        if known is None:
            record = self.directory.records.get(self.folder + name)
            if record is None:
                return f"its bytes are missing: there is no record {self.folder + name!r}"
            known = StorageRef(record.name, dtype, record.size, self._present(record), record.name)
            self.known[name] = known
        return known

    def view(
        self,
        name: str,
        dtype: DType,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        *,
        offset: int,
        grad: bool,
        is_parameter: bool = False,
    ) -> TensorInfo:
        """A view of such a record. One without bytes is a shape without values: torch fills it with zeros."""
        ref = self.whole(name, dtype)
        if isinstance(ref, str):
            return TensorInfo("", shape, strides, dtype, None, problem=ref)
        if ref.nbytes == 0 and 0 not in shape:
            ref = StorageRef(ref.key, dtype, 0, 0, ref.record, location="meta")
        problem = misfit(shape, strides, offset, dtype, ref)
        return TensorInfo("", shape, strides, dtype, ref, offset, grad, is_parameter=is_parameter, problem=problem)


class Described(Rebuilder):
    """A rebuilder that also knows tensors which were described elsewhere, by the value that stands for them."""

    def __init__(self, shelf: Shelf, described: dict[int, TensorInfo] | None = None) -> None:
        super().__init__(shelf)
        self.described = {} if described is None else described
        self.kept: list[Value] = []

    def add(self, tensor: TensorInfo, kind: str) -> Call:
        """A value that stands for a described tensor; it is kept alive, since it is known by its identity."""
        value = Call(Global(kind), (), "tensor")
        self.kept.append(value)
        self.described[id(value)] = tensor
        return value

    def tensor(self, value: Value, depth: int = 0) -> TensorInfo | None:
        """The tensor that a value would become, or None where it is no tensor."""
        known = self.described.get(id(value))
        return super().tensor(value, depth) if known is None else known
