"""Bins that the bits of a number name: sign, exponent and the first seven bits behind it.

The upper 16 bits of a float32 are such a bin number, so a census of them is a shift and a count; a float64 takes 19. Each bin is
less than 0.8 % wide, and where one ends is known to the last bit, so counts between such ends are exact. A whole number of 64 bits
takes the bin of the float64 that is next to it on the way to zero; below 256 each has a bin of its own.

Bins are numbered in the order of their values: negative ones from -1 down. Zero is in none: zeros are counted by themselves.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


class Grid(NamedTuple):
    """How one type is cut into bins: its float, its unsigned twin, and how many bits below the bin number."""

    kind: type[np.floating[Any]]
    twin: type[np.unsignedinteger[Any]]
    shift: int
    whole: np.dtype[Any] | None = None

    @property
    def bins(self) -> int:
        """How many bit patterns a bin number can have."""
        return 1 << (np.dtype(self.kind).itemsize * 8 - self.shift)

    @property
    def finite(self) -> int:
        """How many of them on one side of zero stand for finite numbers."""
        return int(np.array(np.inf, self.kind).view(self.twin)) >> self.shift


FLOAT32 = Grid(np.float32, np.uint32, 16)
FLOAT64 = Grid(np.float64, np.uint64, 45)


def grid_of(dtype: np.dtype[Any]) -> Grid:
    """The grid for arrays of this type."""
    if dtype.kind in "iu":
        return FLOAT64._replace(whole=dtype)
    return FLOAT32 if dtype.itemsize == 4 else FLOAT64


def numbers_of(values: Array, grid: Grid) -> Array:
    """The bin numbers of finite values that are not zero."""
    patterns: Array = (floats(values).view(grid.twin) >> grid.twin(grid.shift)).astype(np.int64)
    half = grid.bins // 2
    return np.where(patterns < half, patterns, half - 1 - patterns)


def floats(values: Array) -> Array:
    """Whole numbers as the float64 next to them on the way to zero; floats as they are."""
    if values.dtype.kind not in "iu":
        return values
    if values.dtype.itemsize < 8:
        return values.astype(np.float64)
    negative = values < 0
    size = np.where(negative, -values, values).view(np.uint64) if values.dtype.kind == "i" else values
    size = np.where(size >> np.uint64(53) != 0, size & ~np.uint64(0x7FF), size).astype(np.float64)
    return np.where(negative, -size, size)


def ordered(counts: Array) -> Array:
    """Counts by bit pattern as counts by bin number, from the lowest bin to the highest."""
    half = counts.size // 2
    return np.concatenate((counts[half:][::-1], counts[:half]))


def ends(numbers: Array, grid: Grid) -> tuple[Array, Array]:
    """The lowest and the highest value that each bin can hold."""
    below = numbers < 0
    size = np.where(below, -1 - numbers, numbers).astype(np.uint64)
    near = size << np.uint64(grid.shift)
    far = near | np.uint64((1 << grid.shift) - 1)
    near = np.maximum(near, np.uint64(1))  # zeros have no bin
    if grid.whole is not None:
        return _whole_ends(near, far, below, grid.whole)
    low, high = (bits.astype(grid.twin).view(grid.kind).astype(np.float64) for bits in (near, far))
    return np.where(below, -high, low), np.where(below, -low, high)


def _whole_ends(near: Array, far: Array, below: Array, dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """Whole numbers between the ends of a bin of floats. The bin behind the last one that fits is cut off by the type's own end."""
    limits = np.iinfo(dtype)
    low = [int(np.ceil(value)) for value in near.view(np.float64).tolist()]
    high = [int(value) for value in far.view(np.float64).tolist()]
    exact = [(-b, -a) if negative else (a, b) for a, b, negative in zip(low, high, below.tolist(), strict=True)]
    first = np.array([min(max(a, int(limits.min)), int(limits.max)) for a, _ in exact], dtype)
    last = np.array([min(max(b, int(limits.min)), int(limits.max)) for _, b in exact], dtype)
    return first, last
