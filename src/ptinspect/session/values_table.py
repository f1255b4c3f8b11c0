"""Any tensor as a table of rows and columns, however large: blocks are read where somebody looks, and the last ones are kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from math import prod
from typing import Any

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.frozen import frozen
from ptinspect.session.words import signed
from ptinspect.tensors import TensorInfo

ROWS, COLUMNS = 128, 32  # of a block
MOST_ROWS, MOST_COLUMNS = 100_000, 2_000  # of a page: Qt keeps a place for each row it could show
KEPT = 96
Place = tuple[int, int]


@frozen
class Grid:
    """A tensor as a table: the last dimension goes to the right, all others down; a vector goes down alone."""

    shape: tuple[int, ...]

    @property
    def rows(self) -> int:
        """All of them."""
        return prod(self.shape[:-1]) if len(self.shape) > 1 else prod(self.shape)

    @property
    def columns(self) -> int:
        """All of them."""
        return self.shape[-1] if len(self.shape) > 1 else 1

    def index(self, row: int) -> tuple[int, ...]:
        """The places of a row in the dimensions that go down."""
        found: list[int] = []
        for size in reversed(self.shape[:-1] if len(self.shape) > 1 else self.shape):
            found.append(row % size)
            row //= size
        return tuple(reversed(found))

    def row_text(self, row: int) -> str:
        """`2, 0, 1`."""
        return ", ".join(map(str, self.index(row)))


def grid_of(tensor: TensorInfo) -> Grid:
    """The table of a tensor. Packed values count one by one."""
    shape = tensor.parts[0].shape if tensor.layout == "nested" and tensor.parts else tensor.shape
    packed = tensor.dtype.per_item
    return Grid((*shape[:-1], shape[-1] * packed) if packed > 1 and shape else shape)


class Blocks:
    """The blocks of one tensor that were read last, as texts."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self._known: OrderedDict[Place, tuple[tuple[str, ...], ...]] = OrderedDict()

    def text(self, row: int, column: int) -> str | None:
        """The value there; None where it has not been read."""
        found = self._known.get((row // ROWS, column // COLUMNS))
        return None if found is None else found[row % ROWS][column % COLUMNS]

    def put(self, place: Place, texts: tuple[tuple[str, ...], ...]) -> None:
        """A block that was read."""
        self._known[place] = texts
        self._known.move_to_end(place)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)

    def missing(self, places: Sequence[Place]) -> tuple[Place, ...]:
        """Those that are not there."""
        return tuple(place for place in places if place not in self._known)


def read_block(checkpoint: Checkpoint, tensor: TensorInfo, place: Place) -> tuple[tuple[str, ...], ...]:
    """The texts of a block. Its rows may begin in the middle of a dimension, so they are read run by run."""
    from ptinspect.analysis.slices import block  # noqa: PLC0415 - numpy comes after the first paint
    from ptinspect.checkpoint.storage_bytes import StorageBytes  # noqa: PLC0415

    grid = grid_of(tensor)
    first, last = place[0] * ROWS, min(grid.rows, (place[0] + 1) * ROWS)
    columns = range(place[1] * COLUMNS, min(grid.columns, (place[1] + 1) * COLUMNS))
    lines: list[tuple[str, ...]] = []
    with StorageBytes(checkpoint) as storages:
        while first < last:
            if not grid.shape:
                return ((_text(block(storages, tensor, [])[()]),),)
            index = grid.index(first)
            count = min(last - first, grid.shape[len(index) - 1] - index[-1])
            spans = [*(range(at, at + 1) for at in index[:-1]), range(index[-1], index[-1] + count)]
            found = block(storages, tensor, [*spans, columns] if len(grid.shape) > 1 else spans)
            lines += [tuple(_text(value) for value in line) for line in found.reshape(count, -1)]
            first += count
    return tuple(lines)


def _text(value: Any) -> str:
    """A value as it is: whole numbers in full, others with the digits that tell them apart."""
    kind = value.dtype.kind
    if kind == "b":
        return "true" if value else "false"
    if kind in "iu":
        return signed(str(int(value)))
    if kind == "c":
        return f"{value.real:.6g}{value.imag:+.6g}j".replace("-", "−")
    name = value.dtype.name
    if kind == "f" and name in ("float32", "float64"):
        return signed(f"{float(value):.6g}")
    return signed(str(int(value))) if name.startswith(("int", "uint")) else signed(f"{float(value):.5g}")
