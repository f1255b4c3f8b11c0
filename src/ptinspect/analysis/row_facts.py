"""What one pass over the rows of a tensor finds: how large each is, which hold zeros alone, which are copies of another.

A row's key is the sum of its 64-bit words times random odd numbers: equal rows have equal keys, and rows with equal keys are read
again and compared byte for byte before anybody is told. Per float32 value: 0.22 ns for the sizes and 0.21 ns for the keys.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np

from ptinspect.analysis.rows import Block, blocks, row_of, rows_and_width
from ptinspect.checkpoint.storage_bytes import Inflated, StorageBytes
from ptinspect.checkpoint.values import numpy_type, whole
from ptinspect.frozen import frozen
from ptinspect.tensors import TensorInfo

Array = np.ndarray[Any, Any]

MOST_ROWS = 1 << 21
MOST_ROW_BYTES = 1 << 24  # longer rows are not compared
MOST_COMPARED = 2_048
MOST_READ_AGAIN = 1 << 28
_LEAST_VALUES, _LEAST_BITS, _LEAST_DISTINCT = 16, 128, 4  # fewer are alike by chance
_USUAL = 1 << 15  # words
_NEAR_ZERO = 1e-30  # of a sum of squares in float32


@frozen
class RowFacts:
    """By row: the mean square, whether it is all zeros, and its key; keys only where rows are long enough to tell."""

    width: int
    squares: Array
    is_zero: Array
    keys: Array | None


def row_facts(storages: StorageBytes, tensor: TensorInfo, told: Callable[[int], None]) -> RowFacts:
    """One pass; `told` hears how many values were read, and may raise Cancelled."""
    count, width = rows_and_width(tensor)
    squares, zeros = np.zeros(count), np.ones(count, np.bool_)
    nbytes = width * numpy_type(tensor.dtype).itemsize
    long_enough = width >= _LEAST_VALUES and nbytes * 8 >= _LEAST_BITS
    keys = np.zeros(count, np.uint64) if long_enough and nbytes <= MOST_ROW_BYTES else None
    factors = _factors(nbytes) if keys is not None else None
    for block in blocks(storages, tensor):
        at = slice(block.row, block.row + len(block.values))
        sums, nothing = _sizes(block.values)
        squares[at] += sums
        zeros[at] &= nothing
        if keys is not None and factors is not None:
            found = _keys(block, factors, nbytes)
            if found is None:
                keys = None
            else:
                keys[at] += found
        told(block.values.size)
    return RowFacts(width, squares / width, zeros, keys)


def _sizes(rows: Array) -> tuple[Array, Array]:
    """Sums of squares, and which rows are all zeros. Float32 has none below 1e-45, so what comes out small is taken again."""
    wide = _wide(rows)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        sums = np.einsum("ij,ij->i", wide, wide).astype(np.float64)
        small = np.flatnonzero(sums < _NEAR_ZERO)
        zeros = np.zeros(len(rows), np.bool_)
        if small.size:
            picked = wide[small].astype(np.float64)
            sums[small] = np.einsum("ij,ij->i", picked, picked)
            zeros[small] = ~picked.any(axis=1)
    return sums, zeros


def _wide(rows: Array) -> Array:
    """As float32 or float64. Upper halves of float32 are moved into place; other short types have few codes and a table."""
    kind = rows.dtype
    if kind.kind == "c":
        return np.ascontiguousarray(rows).view(np.float32 if kind.itemsize == 8 else np.float64)
    if kind in (np.float32, np.float64):
        return rows
    if kind.name == "bfloat16":
        return (rows.view(np.uint16).astype(np.uint32) << np.uint32(16)).view(np.float32)
    if kind.itemsize == 1 and kind.kind not in "iu":
        with np.errstate(invalid="ignore"):
            table = np.arange(256, dtype=np.uint8).view(kind).astype(np.float32)
        return table[rows.view(np.uint8)]
    return rows.astype(np.float32)


def _word(nbytes: int) -> np.dtype[Any]:
    return np.dtype(next(f"u{size}" for size in (8, 4, 2, 1) if nbytes % size == 0))


def _factors(nbytes: int) -> Array:
    words = nbytes // _word(nbytes).itemsize
    return _usual_factors()[:words] if words <= _USUAL else _random_odd(words)


@lru_cache(maxsize=1)
def _usual_factors() -> Array:
    return _random_odd(_USUAL)


def _random_odd(words: int) -> Array:
    return np.random.default_rng(words).integers(1 << 63, size=words, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


def _keys(block: Block, factors: Array, nbytes: int) -> Array | None:
    """None where a part of a row ends within a word, as a view in steps may be cut."""
    kind = _word(nbytes)
    size = block.values.dtype.itemsize
    if (block.column * size) % kind.itemsize or (block.values.shape[1] * size) % kind.itemsize:
        return None
    words = np.ascontiguousarray(block.values).view(np.uint8).view(kind).astype(np.uint64, copy=False)
    begin = block.column * size // kind.itemsize
    keys: Array = np.einsum("ij,j->i", words, factors[begin : begin + words.shape[1]])
    return keys


def copies(storages: StorageBytes, tensor: TensorInfo, facts: RowFacts, told: Callable[[int], None]) -> tuple[list[list[int]], bool]:
    """Groups of equal rows, compared byte for byte, and whether these are all. Rows of zeros, or of next to no different values,
    are none."""
    candidates = _candidates(facts)
    spare = _affordable(storages, tensor) if candidates else 0
    found: list[list[int]] = []
    for members in candidates:
        if spare < 2:
            return found, False
        told(0)  # a moment to stop at
        group = _equal(storages, tensor, members[:spare])
        spare -= len(members)
        found += [group] if len(group) > 1 else []
    return found, spare >= 0


def _candidates(facts: RowFacts) -> list[list[int]]:
    """Rows with equal keys."""
    if facts.keys is None:
        return []
    there = np.flatnonzero(~facts.is_zero)
    keys = facts.keys[there]
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    differs = ordered[1:] != ordered[:-1]
    if differs.all():
        return []
    starts = np.flatnonzero(np.concatenate(([True], differs)))
    sizes = np.diff(np.append(starts, ordered.size))
    shared = sizes > 1
    pairs = zip(starts[shared].tolist(), sizes[shared].tolist(), strict=True)
    return [there[order[start : start + size]].tolist() for start, size in islice(pairs, MOST_COMPARED)]


def _affordable(storages: StorageBytes, tensor: TensorInfo) -> int:
    """How many rows may be read again: one that is spread over its storage, or stands behind much that is deflated, costs more."""
    first = row_of(tensor, 0)
    cost = first.span[1] - first.span[0]
    if tensor.storage is not None and isinstance(storages.of(tensor.storage), Inflated):
        cost = max(cost, tensor.storage.nbytes)
    return max(2, min(MOST_COMPARED, MOST_READ_AGAIN // max(1, cost)))


def _equal(storages: StorageBytes, tensor: TensorInfo, members: list[int]) -> list[int]:
    first = whole(storages, row_of(tensor, members[0])).reshape(-1)
    data = first.tobytes()
    patterns = first[:4_096].view(np.uint8).reshape(-1, first.itemsize)
    if len(np.unique(patterns, axis=0)) < _LEAST_DISTINCT:
        return []
    return [members[0], *(row for row in members[1:] if whole(storages, row_of(tensor, row)).tobytes() == data)]


__all__ = ["MOST_ROWS", "RowFacts", "copies", "row_facts"]
