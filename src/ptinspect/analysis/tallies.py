"""Counting the values of large tensors, a chunk at a time: each kind of number has its tally, compiled or in numpy.

    Codes    types of 16 bits or fewer: how often each bit pattern is there, from which everything follows exactly
    Floats   float32 and float64: moments, ends, and a census of the upper bits
    Wholes   integers of 32 and 64 bits: the same, with ends that are exact

A tally is fed arrays and gives a TensorStats for what it was fed since the last time; it is used by one thread.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from ptinspect.analysis.census import coarse_census
from ptinspect.analysis.coarse import FLOAT32, FLOAT64, Grid, floats, ordered
from ptinspect.analysis.moments import Moments, moments_of
from ptinspect.analysis.tensor_stats import TensorStats, stats_of_counts
from ptinspect.checkpoint.values import numpy_type
from ptinspect.dtypes import BY_NAME, DType

Array = np.ndarray[Any, Any]

_LARGEST, _SMALLEST = 1e140, 1e-120  # between them squares add up without care
_EXACT = 1 << 53  # whole numbers below it are float64 numbers
_FULL = 1 << 31  # counters of 32 bits are emptied before they can overflow


class Tally(Protocol):
    """Adds up chunks of one kind of number."""

    def add(self, values: Array) -> None:
        """Count a chunk: flat and contiguous."""

    def take(self) -> TensorStats:
        """What was counted since the last time."""


class Codes:
    """Bit patterns of up to 16 bits, given as unsigned integers; `dtype` says what they stand for."""

    def __init__(self, dtype: DType, kernels: Any = None) -> None:
        self.dtype = dtype
        self.kernels = kernels
        self.bits = 16 if dtype.itemsize == 2 else 8
        self._lanes = np.zeros((4, 1 << self.bits), np.uint32)
        self._total = np.zeros(1 << self.bits, np.int64)
        self._since = 0

    def add(self, values: Array) -> None:
        """Count a chunk."""
        codes: Array = values.view(np.uint16 if self.bits == 16 else np.uint8)
        if self.dtype.per_item == 2 and values.dtype != np.uint8:
            codes = codes[::2] + 16 * codes[1::2]  # unpacked on the way, and counted by the byte
        per_word = 64 // self.bits
        even = codes.size - codes.size % per_word if self.kernels is not None else 0
        if even:
            words = codes[:even].view(np.uint64)
            if self.bits == 16:
                self.kernels.code16_chunk(words, *self._lanes)
            else:
                self.kernels.code8_chunk(words, self._lanes)
        if even < codes.size:
            self._total += np.bincount(codes[even:], minlength=1 << self.bits)
        self._since += even
        if self._since >= _FULL:
            self._flush()

    def _flush(self) -> None:
        self._total += self._lanes.sum(axis=0, dtype=np.int64)
        self._lanes.fill(0)
        self._since = 0

    def take(self) -> TensorStats:
        """What was counted."""
        self._flush()
        found = stats_of_counts(*_values_of(self.dtype, self._total))
        self._total.fill(0)
        return found


def _values_of(dtype: DType, counts: Array) -> tuple[Array, Array]:
    """The value of each code, and how often it is there; a byte of float4 is two."""
    codes = np.arange(counts.size, dtype=np.uint16 if counts.size > 256 else np.uint8)
    if dtype.per_item == 2:
        grid = counts.reshape(16, 16)
        counts, codes = grid.sum(axis=0) + grid.sum(axis=1), codes[:16]
    if dtype.family == "bool":
        return np.array([0, 1], np.uint8), np.array([counts[0], counts[1:].sum()])
    order, values = _in_order(dtype.name, codes.size)
    return values, counts[order]


@lru_cache(maxsize=32)
def _in_order(name: str, count: int) -> tuple[Array, Array]:
    """The codes of a type in the order of their values, and the values; sorting 65,536 of them for each portion would show."""
    dtype = BY_NAME[name]
    codes = np.arange(count, dtype=np.uint16 if count > 256 else np.uint8)
    wide = np.int64 if dtype.family in ("int", "uint", "bits") else np.float64
    with np.errstate(invalid="ignore"):  # a signalling NaN among the codes of a float
        values = codes.view(numpy_type(dtype)).astype(wide)
    order = np.argsort(values, kind="stable")
    return order, values[order]


class Floats:
    """float32 or float64."""

    def __init__(self, grid: Grid, kernels: Any = None) -> None:
        self.grid = grid
        self.kernels = kernels
        self._lanes = np.zeros((2 if grid is FLOAT32 else 1, grid.bins), np.uint32)
        self._reset()

    def _reset(self) -> None:
        self._total: Array | None = None
        self._since = 0
        self._moments = Moments()
        self._sums = np.zeros(3)
        self._ends = np.array([np.inf, -np.inf])
        self._numbers = np.zeros(4, np.int64)  # NaN, infinite, zero, and of those the negative ones

    def add(self, values: Array) -> None:
        """Count a chunk."""
        self._since += values.size
        if self._since >= _FULL:
            self._flush()
            self._since = values.size
        if self.kernels is not None and self.grid is FLOAT32:
            even = values.size - values.size % 2
            pairs = values[:even].view(np.uint64)
            self.kernels.float32_chunk(values.view(np.int32), values, pairs, *self._lanes, self._sums, self._ends, self._numbers)
        elif self.kernels is None or not self._add_wide(values):
            self._add_slowly(values)

    def _add_wide(self, values: Array) -> bool:
        """A chunk of float64 in one pass, unless something in it needs care."""
        low, high = float(values.min()), float(values.max())
        largest = max(-low, high)
        if not (largest == 0 or _SMALLEST < largest < _LARGEST):  # NaN is neither
            return False
        self.kernels.float64_chunk(values, values.view(np.uint64), self.grid.shift, self._lanes[0], self._sums)
        self._ends[:] = min(self._ends[0], low), max(self._ends[1], high)
        zeros = values.size - int(np.count_nonzero(values))
        if zeros:
            self._numbers[2:] += (zeros, int(np.signbit(values[values == 0]).sum()))
        return True

    def _add_slowly(self, values: Array) -> None:
        self._count(values)
        finite = values
        fits = np.isfinite(values)
        if not fits.all():
            finite = values[fits]
            nans = int(np.isnan(values).sum())
            self._numbers[:2] += (nans, values.size - finite.size - nans)
        if finite.size:
            self._moments = self._moments.merged(moments_of(finite))
            self._ends[:] = min(self._ends[0], finite.min()), max(self._ends[1], finite.max())
            zeros = finite[finite == 0]
            self._numbers[2:] += (zeros.size, int(np.signbit(zeros).sum()))

    def _count(self, values: Array) -> None:
        patterns = values.view(self.grid.twin)
        if self._total is None:
            self._total = np.zeros(self.grid.bins, np.int64)
        self._total += np.bincount((patterns >> self.grid.twin(self.grid.shift)).astype(np.int64), minlength=self.grid.bins)

    def _flush(self) -> Array:
        summed: Array = self._lanes.sum(axis=0, dtype=np.int64)
        self._total = summed = summed if self._total is None else self._total + summed
        self._lanes.fill(0)
        return summed

    def take(self) -> TensorStats:
        """What was counted."""
        total = self._flush()
        nans, infs, zeros, negative = (int(number) for number in self._numbers)
        moments = self._moments.merged(_moments_in(self._sums))
        low, high = (float(end) for end in self._ends)
        counts = finite_counts(total, self.grid, zeros, negative)
        numbers = np.arange(-(counts.size // 2), counts.size // 2)
        census = coarse_census(counts, numbers, zeros, self.grid)
        self._reset()
        if not moments.count:
            return TensorStats(nans=nans, infs=infs)
        return TensorStats(moments, low, high, zeros, nans, infs, census)


def _moments_in(sums: Array) -> Moments:
    """What a compiled loop has added up: count, mean, squares."""
    count, mean, squares = (float(number) for number in sums)
    return Moments(int(count), mean, math.sqrt(squares / count)) if count else Moments()


def finite_counts(counts: Array, grid: Grid, zeros: int, negative: int) -> Array:
    """Counts by bin number without what is not finite, and without zeros of either sign."""
    kept = ordered(counts)
    half = kept.size // 2
    kept[: half - grid.finite] = 0
    kept[half + grid.finite :] = 0
    kept[half] -= zeros - negative
    kept[half - 1] -= negative
    return kept


class Wholes:
    """Integers of 32 or 64 bits."""

    def __init__(self, dtype: np.dtype[Any], kernels: Any = None) -> None:
        self.dtype = dtype
        self.kernels = kernels
        self._lanes = np.zeros(FLOAT64.bins, np.uint32)
        self._reset()

    def _reset(self) -> None:
        self._total = np.zeros(FLOAT64.bins, np.int64)
        self._since = 0
        self._moments = Moments()
        self._sums = np.zeros(3)
        self._ends: tuple[int, int] | None = None
        self._zeros = 0

    def add(self, values: Array) -> None:
        """Count a chunk."""
        low, high = int(values.min()), int(values.max())
        self._ends = (low, high) if self._ends is None else (min(low, self._ends[0]), max(high, self._ends[1]))
        if self.kernels is not None and -_EXACT < low and high < _EXACT:
            wide = values.astype(np.float64)
            self.kernels.float64_chunk(wide, wide.view(np.uint64), FLOAT64.shift, self._lanes, self._sums)
        else:
            patterns = floats(values).view(np.uint64)
            self._total += np.bincount((patterns >> np.uint64(FLOAT64.shift)).astype(np.int64), minlength=FLOAT64.bins)
            self._moments = self._moments.merged(moments_of(values))
        self._zeros += values.size - int(np.count_nonzero(values))
        self._since += values.size
        if self._since >= _FULL:
            self._flush()

    def _flush(self) -> None:
        self._total += self._lanes
        self._lanes.fill(0)
        self._since = 0

    def take(self) -> TensorStats:
        """What was counted."""
        self._flush()
        grid = FLOAT64._replace(whole=self.dtype)
        counts = finite_counts(self._total, FLOAT64, self._zeros, 0)
        census = coarse_census(counts, np.arange(-(counts.size // 2), counts.size // 2), self._zeros, grid)
        ends, moments, zeros = self._ends, self._moments.merged(_moments_in(self._sums)), self._zeros
        self._reset()
        return TensorStats() if ends is None else TensorStats(moments, *ends, zeros, census=census)


def tally_for(dtype: DType, kernels: Any = None) -> Tally:
    """The tally for values of this type, as `real` gives them."""
    if dtype.family == "complex":
        return Floats(FLOAT64 if dtype.bits == 128 else FLOAT32, kernels)
    if dtype.family == "quantized":
        return Floats(FLOAT32, kernels)
    if dtype.bits <= 16:
        return Codes(dtype, kernels)
    if dtype.family == "float":
        return Floats(FLOAT32 if dtype.bits == 32 else FLOAT64, kernels)
    return Wholes(numpy_type(dtype), kernels)


__all__ = ["Codes", "Floats", "Tally", "Wholes", "tally_for"]
