"""Tensors as matrices, in blocks of rows: float64 or complex128, never more of them at once than asked for.

A matrix is shown so that it is at least as tall as it is wide, since what is computed of it grows with its columns; a wide one is
read turned, unless it is so large that only some of its singular values will be looked for: those are found faster in the order of
the file. A convolution is one matrix of output channels by all else, and one of output by input channels for each position of
its kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import numpy as np

from ptinspect.checkpoint.storage_bytes import StorageBytes
from ptinspect.checkpoint.values import inner, value_shape, values, whole
from ptinspect.errors import Unsupported
from ptinspect.frozen import frozen
from ptinspect.tensors import TensorInfo

Array = np.ndarray[Any, Any]

MOST_HELD = 1 << 26
MOST_POSITIONS = 1 << 10
MOST_UPRIGHT = 4_096
MOST_LYING = 1 << 16
_HINT = "Statistics and a histogram are there for every tensor."


@frozen
class Matrix:
    """A matrix inside a tensor. `position` is the place in a convolution's kernel, None for all of it side by side."""

    tensor: TensorInfo
    shape: tuple[int, int]
    position: tuple[int, ...] | None = None

    @property
    def turned(self) -> bool:
        """Whether it is read column by column."""
        wide = self.shape[0] < self.shape[1]
        return wide and (self.shape[0] <= MOST_UPRIGHT or self.shape[1] > MOST_LYING)

    @property
    def rows(self) -> int:
        """How many rows are read."""
        return self.shape[1] if self.turned else self.shape[0]

    @property
    def columns(self) -> int:
        """How long each of them is: at most as many as there are rows where that is no more than MOST_UPRIGHT."""
        return self.shape[0] if self.turned else self.shape[1]


def matrix_of(tensor: TensorInfo) -> Matrix:
    """The first dimension by all others. Raises Unsupported for what is no matrix."""
    shape = value_shape(tensor)
    if len(shape) < 2:
        size = "a single number" if not shape else "a list of numbers"
        raise Unsupported(f"it is {size}; singular values are those of matrices and convolutions", _HINT, tensor.name)
    if not prod(shape):
        raise Unsupported("it has no values", _HINT, tensor.name)
    if len(shape) == 3 and shape[0] == 1:  # a matrix with a dimension for the batch
        return Matrix(tensor, (shape[1], shape[2]))
    return Matrix(tensor, (shape[0], prod(shape[1:])))


def kernel_matrices(tensor: TensorInfo) -> list[Matrix] | None:
    """One matrix for each position of a convolution's kernel; none for a plain matrix, or where they are too many for a kernel."""
    shape = value_shape(tensor)
    if len(shape) < 3 or (len(shape) == 3 and shape[0] == 1) or prod(shape[2:]) > MOST_POSITIONS:
        return None
    return [Matrix(tensor, (shape[0], shape[1]), position) for position in product(*map(range, shape[2:]))]


class Rows:
    """Reads the matrices of one tensor.

    A plain one is read as a view, however it is turned. What is quantized, packed or sparse is streamed too, unless it has to be
    turned or taken apart: then it is held in memory, up to a bound.
    """

    def __init__(self, storages: StorageBytes, tensor: TensorInfo) -> None:
        self.storages = storages
        self.tensor = inner(tensor) if tensor.layout == "wrapper" else tensor
        self._held: Array | None = None

    def sizes(self) -> Iterator[Array]:
        """The magnitudes of all values, flat, in some order."""
        for chunk in values(self.storages, self.tensor):
            yield np.abs(chunk.astype(np.complex128 if chunk.dtype.kind == "c" else np.float64))

    def blocks(self, matrix: Matrix, most: int) -> Iterator[Array]:
        """All rows of the matrix as it is read, at most so many at a time."""
        if _is_plain(self.tensor):
            stream = values(self.storages, _view(self.tensor, matrix))
        elif matrix.turned or matrix.position is not None:
            stream = iter([self._taken(matrix).reshape(-1)])
        else:
            stream = values(self.storages, self.tensor)
        yield from _cut(stream, matrix, most)

    def _taken(self, matrix: Matrix) -> Array:
        """A matrix out of the whole, turned upright."""
        if self.tensor.elements > MOST_HELD:
            reason = f"its {self.tensor.elements:,} values are packed in a way that cannot be read column by column"
            raise Unsupported(reason, _HINT, self.tensor.name)
        if self._held is None:
            self._held = whole(self.storages, self.tensor)
        # Every channel by every channel, at one position or at all of them.
        index: Any = ... if matrix.position is None else (slice(None), slice(None), *matrix.position)
        found: Array = self._held[index].reshape(matrix.shape)
        return found.T if matrix.turned else found


def _is_plain(tensor: TensorInfo) -> bool:
    """Whether any view of it can be read by strides."""
    dtype = tensor.dtype
    return tensor.layout == "strided" and dtype.family != "quantized" and dtype.bits >= 8 and dtype.per_item == 1


def _view(tensor: TensorInfo, matrix: Matrix) -> TensorInfo:
    """The tensor with other loops: those of the matrix."""
    loops, start = list(zip(tensor.shape, tensor.strides, strict=True)), tensor.storage_offset
    if matrix.position is not None:
        start += sum(at * stride for at, (_, stride) in zip(matrix.position, loops[2:], strict=True))
        loops = loops[:2]
    if matrix.turned:
        head = 2 if len(loops) == 3 and loops[0][0] == 1 else 1
        loops = [*loops[head:], *loops[:head]]
    shape, strides = tuple(size for size, _ in loops), tuple(stride for _, stride in loops)
    return TensorInfo(tensor.name, shape, strides, tensor.dtype, tensor.storage, start, problem=tensor.problem, pending=tensor.pending)


def _cut(stream: Iterator[Array], matrix: Matrix, most: int) -> Iterator[Array]:
    """A flat stream in blocks of rows."""
    left = matrix.rows * matrix.columns
    block, filled = np.empty(0), 0
    for chunk in stream:
        at = 0
        while at < chunk.size:
            if not filled:
                kind = np.complex128 if chunk.dtype.kind == "c" else np.float64
                block = np.empty(min(most * matrix.columns, left), kind)
            taken = min(block.size - filled, chunk.size - at)
            block[filled : filled + taken] = chunk[at : at + taken]
            at, filled, left = at + taken, filled + taken, left - taken
            if filled == block.size:
                yield block.reshape(-1, matrix.columns)
                filled = 0


__all__ = ["MOST_UPRIGHT", "Matrix", "Rows", "kernel_matrices", "matrix_of"]
