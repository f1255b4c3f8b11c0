"""The walk over what TorchScript's own pickler writes, which differs from Python's in four ways.

- Lists and dicts pass through `torch.jit._pickle.build_*list` and `restore_type_tag`, which return their argument: they are
  no step of a path.
- Archives of torch 1.0 to 1.3 keep their tensors in a table, and the pickles name them by number.
- Sparse tensors have their layout as a number and a flat argument tuple.
- Traced inputs are kept without their bytes: a shape and an empty record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ptinspect.formats.archive import RecordShelf
from ptinspect.formats.described import Described
from ptinspect.formats.reach import Reached, Step, Walk
from ptinspect.formats.rebuild import Rebuilder, changed
from ptinspect.formats.zip_directory import ZipDirectory
from ptinspect.limits import Limits
from ptinspect.pickles.values import Call, Dict, Global, Set, Value
from ptinspect.tensors import StorageRef, TensorInfo

_PICKLE = "torch.jit._pickle."
_LISTS = ("build_intlist", "build_tensorlist", "build_doublelist", "build_boollist")
TRANSPARENT = frozenset(_PICKLE + name for name in ("restore_type_tag", *_LISTS))
FROM_TABLE = frozenset({f"{_PICKLE}build_tensor_from_id", "__main__.TensorID"})
_SPARSE = "torch._utils._rebuild_sparse_tensor"
_LAYOUTS = {1: "sparse_coo", 2: "sparse_csr", 4: "sparse_csc", 5: "sparse_bsr", 6: "sparse_bsc"}


def unwrapped(value: Value, table: Sequence[Value] = ()) -> Value:
    """What a call of TorchScript's pickler stands for: its argument, a tensor of the table, or itself."""
    if type(value) is not Call:
        return value
    name, args = value.name, value.args if type(value.args) is tuple else ()
    if name in TRANSPARENT:
        return args[0] if args else value
    if name in FROM_TABLE:
        number = args[0] if args else value.state
        return table[number] if type(number) is int and 0 <= number < len(table) else value
    return value.state if name == "__main__.IntList" else value


@contextmanager
def outside_weights(reached: Reached) -> Iterator[None]:
    """Names met in here are no weights: constants of the code, bytecode, traced and example inputs."""
    start = len(reached.places)
    yield
    for place in reached.places[start:]:
        place.in_weights = False


class ScriptWalk(Walk):
    """A walk that looks through the wrappers; the table, where there is one, holds tensors by number."""

    def __init__(self, rebuilder: Rebuilder, limits: Limits, reached: Reached, table: Sequence[Value] = ()) -> None:
        super().__init__(rebuilder, limits, reached)
        self.table = table

    def _call(self, call: Call, step: Step, todo: list[tuple[Value, Step]]) -> None:
        value = unwrapped(call, self.table)
        if value is call:
            super()._call(call, step, todo)
        elif type(value) in (Call, Dict, Set, list, tuple):
            todo.append((value, step))


class ScriptRebuilder(Described):
    """Knows the sparse form of TorchScript's pickler: (layout, shape, requires_grad, indices..., values, hooks)."""

    def tensor(self, value: Value, depth: int = 0) -> TensorInfo | None:
        """The tensor that a value would become, or None where it is no tensor."""
        args = value.args if type(value) is Call else None
        if type(args) is not tuple or len(args) < 5 or type(args[0]) is not int or value.name != _SPARSE:
            return super().tensor(value, depth)
        layout = _LAYOUTS.get(args[0], "?")
        parts = args[3:5] if layout == "sparse_coo" else args[3:6]
        found = super().tensor(Call(value.fn, (Global(f"torch.{layout}"), (*parts, args[1]))), depth)
        return None if found is None else changed(found, requires_grad=args[2] is True)


class ScriptShelf(RecordShelf):
    """Storages of TorchScript's pickles; with `shapes_only` a record without bytes is a shape without values."""

    def __init__(self, directory: ZipDirectory, folder: str, shapes_only: bool = False) -> None:
        super().__init__(directory, folder)
        self.shapes_only = shapes_only

    def _describe(self, identity: tuple[Value, ...], key: str) -> StorageRef | str:
        found = super()._describe(identity, key)
        record = self.directory.records.get(self.folder + key)
        if self.shapes_only and isinstance(found, StorageRef) and record is not None and record.size == 0:
            return StorageRef(found.key, found.dtype, 0, 0, record.name, location="meta")
        return found
