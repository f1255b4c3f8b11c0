"""A tensor as rows along one of its dimensions, read in blocks of whole rows, or in parts of rows that are too long."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ptinspect.checkpoint.storage_bytes import StorageBytes
from ptinspect.checkpoint.values import value_shape, values
from ptinspect.tensors import TensorInfo

Array = np.ndarray[Any, Any]

BLOCK = 1 << 18  # values


class Block(NamedTuple):
    """Values of some rows from this row and this column on: rows by columns; one row where it is only a part."""

    row: int
    column: int
    values: Array


def turned(tensor: TensorInfo, axis: int) -> TensorInfo:
    """The same values with a dimension of a plain tensor moved to the front."""
    order = [axis, *(place for place in range(len(tensor.shape)) if place != axis)]
    shape, strides = (tuple(sizes[place] for place in order) for sizes in (tensor.shape, tensor.strides))
    return view(tensor, shape, strides, tensor.storage_offset)


def row_of(tensor: TensorInfo, row: int) -> TensorInfo:
    """One row of a plain tensor, as a tensor."""
    return view(tensor, (1, *tensor.shape[1:]), tensor.strides, tensor.storage_offset + row * tensor.strides[0])


def view(tensor: TensorInfo, shape: tuple[int, ...], strides: tuple[int, ...], offset: int) -> TensorInfo:
    """Another view of a plain tensor's storage."""
    return TensorInfo(tensor.name, shape, strides, tensor.dtype, tensor.storage, offset, quantizer=tensor.quantizer, pending=tensor.pending)


def rows_and_width(tensor: TensorInfo) -> tuple[int, int]:
    """How many rows there are along the first dimension, and how many values in each."""
    shape = value_shape(tensor)
    return (shape[0], prod(shape[1:])) if shape else (1, 1)


def blocks(storages: StorageBytes, tensor: TensorInfo, most: int = BLOCK) -> Iterator[Block]:
    """All rows in order, about `most` values at a time."""
    _, width = rows_and_width(tensor)
    if not width:
        return
    packed = tensor.dtype.per_item
    step = width // packed
    most = max(1, most // packed)
    at = 0
    for chunk in values(storages, tensor, most - most % step if step <= most else most):
        for begin, end in _cuts(at, chunk.size, width):
            row, column = divmod(at + begin, width)
            is_whole = column == 0 and end - begin >= width
            yield Block(row, column, chunk[begin:end].reshape(-1, width if is_whole else end - begin))
        at += chunk.size


def _cuts(at: int, size: int, width: int) -> Iterator[tuple[int, int]]:
    """A chunk that begins at this place of the tensor: the end of a row, whole rows, the beginning of another."""
    head = min(-at % width, size)
    whole = (size - head) // width * width
    for begin, end in ((0, head), (head, head + whole), (head + whole, size)):
        if begin < end:
            yield begin, end


__all__ = ["BLOCK", "Block", "blocks", "row_of", "rows_and_width", "turned"]
