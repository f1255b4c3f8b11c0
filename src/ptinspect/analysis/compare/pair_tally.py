"""Adding up two tensors a chunk at a time: compiled for floats of 32 bits and less, in numpy for all other types.

Short floats are widened without loss; whole numbers of one type keep exact distances; what has nothing else in common is compared as
float64. A tally is used by one thread.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ptinspect.analysis.census import coarse_census
from ptinspect.analysis.coarse import FLOAT32, FLOAT64
from ptinspect.analysis.compare.difference import PairSums
from ptinspect.analysis.compare.rounding import is_near
from ptinspect.analysis.moments import Moments
from ptinspect.analysis.tallies import Floats, finite_counts
from ptinspect.analysis.tensor_stats import TensorStats, stats_of
from ptinspect.dtypes import BY_NAME, DType
from ptinspect.frozen import replace

if TYPE_CHECKING:
    from ptinspect.analysis.compare.difference import Stats

Array = np.ndarray[Any, Any]

_KINDS = {"float32": 1, "bfloat16": 2, "float16": 4}  # as the compiled loop has them
_FULL = 1 << 31
LARGE, SMALL = 1e150, 1e-150  # between them squares add up without care
_EXACT = 1 << 52


class PairTally:
    """Counts pairs of chunks of one kind. `units` are the types whose rounding is the measure; more than one means either."""

    def __init__(self, units: tuple[str, ...], counting: bool, kernels: Any = None) -> None:
        self.units = [BY_NAME[name] for name in units]
        self.counting = counting
        self.kernels = kernels
        self._compiled: _Compiled | None = None
        self._tallies: tuple[Floats, Floats, Floats] | None = None
        self._reset()

    def _reset(self) -> None:
        self._sums = PairSums()
        self._near = list(self.units)

    def add(self, left: Array, right: Array) -> None:
        """Count a chunk of each: flat, contiguous, of one length."""
        if self.kernels is not None and left.dtype.name in _KINDS and right.dtype.name in _KINDS:
            self._near = self._loop().add(left, right, self._near)
            return
        one, other = alike(left, right)
        changed = count_changed(left, right)
        if changed and self._near:  # what says the same is near in any unit
            self._near = [unit for unit in self._near if self._is_near(left, right, unit)]
        if self.kernels is not None and one.dtype == np.float32:
            self._loop().add(one, other, [], changed)
            return
        found = wide_sums(one, other, changed, self.kernels) if self.kernels is not None else None
        sums, apart = found or sums_of(one, other, changed)
        if self.counting:
            self._count(one, other, apart)
        self._sums = self._sums.merged(sums)

    def _is_near(self, left: Array, right: Array, unit: DType) -> bool:
        if self.kernels is not None and unit.name == "float32" and left.dtype.kind == right.dtype.kind == "f":
            return bool(self.kernels.single_near(*alike(left, right), self._loop().room))
        return is_near(left, right, unit)

    def _loop(self) -> _Compiled:
        if self._compiled is None:
            self._compiled = _Compiled(self.kernels, self.counting)
        return self._compiled

    def _count(self, *three: Array) -> None:
        if self._tallies is None:
            grid = FLOAT32 if three[0].dtype in (np.float32, np.complex64) else FLOAT64
            self._tallies = (Floats(grid, self.kernels), Floats(grid, self.kernels), Floats(grid, self.kernels))
        for tally, values in zip(self._tallies, three, strict=True):
            tally.add(np.ascontiguousarray(_sizes(values).astype(tally.grid.kind, copy=False)))

    def take(self) -> PairSums:
        """What was counted since the last time."""
        sums = self._sums
        if self._tallies is not None and sums.count:
            left, right, apart = (tally.take() for tally in self._tallies)
            sums = replace(sums, stats=(left, right, apart))
        if self._compiled is not None:
            sums = sums.merged(self._compiled.take())
        found = replace(sums, near=bool(self._near))
        self._reset()
        return found


class _Compiled:
    """Counters for the compiled loop."""

    def __init__(self, kernels: Any, counting: bool) -> None:
        self.kernels = kernels
        self.counting = counting
        self.room = np.empty((kernels.ROWS, kernels.BLOCK), np.float32)
        self._census = np.zeros((6, FLOAT32.bins if counting else 1), np.uint32)
        self._reset()

    def _reset(self) -> None:
        self._count = 0
        self._sums = np.zeros(6)
        self._numbers = np.zeros(12, np.int64)
        self._census.fill(0)

    def add(self, left: Array, right: Array, near: list[DType], changed: int | None = None) -> list[DType]:
        """Count a chunk of each. Of the units, those in which they are still near; what has `changed` may be known already."""
        self._count += left.size
        if self._count >= _FULL:
            raise OverflowError("a portion is longer than its counters can count")
        kinds = _KINDS[left.dtype.name], _KINDS[right.dtype.name]
        before, units = int(self._numbers[1]), sum(_KINDS[unit.name] for unit in near)
        codes = left.view(np.uint16), right.view(np.uint16)
        found = self.kernels.float_pair(*codes, kinds, self.room, self._census, self._sums, self._numbers, units, self.counting)
        if changed is not None:
            self._numbers[1] = before + changed
        return [unit for unit in near if found & _KINDS[unit.name]]

    def take(self) -> PairSums:
        """What was counted."""
        if not self._count:
            return PairSums()
        largest, total, left, right, apart, product = (float(number) for number in self._sums)
        finite, changed, flips, gained, lost, infinite = (int(number) for number in self._numbers[:6])
        lengths = math.sqrt(left), math.sqrt(right), math.sqrt(apart)
        stats = self._stats(lengths) if self.counting else None
        numbers = (self._count, finite, changed, largest, total, *lengths, product, flips, gained, lost, infinite)
        self._reset()
        return PairSums(*numbers, stats=stats)

    def _stats(self, lengths: tuple[float, float, float]) -> Stats:
        left, right, apart = (self._one(place, length) for place, length in enumerate(lengths))
        return left, right, apart

    def _one(self, place: int, length: float) -> TensorStats:
        zeros, negative = (int(number) for number in self._numbers[6 + 2 * place : 8 + 2 * place])
        summed = self._census[2 * place : 2 * place + 2].sum(axis=0, dtype=np.int64)
        counts = finite_counts(summed, FLOAT32, zeros, negative)
        census = coarse_census(counts, np.arange(-(counts.size // 2), counts.size // 2), zeros, FLOAT32)
        if not census.counts.size:
            return TensorStats()
        return TensorStats(Moments(census.total, 0.0, length), float(census.low[0]), float(census.high[-1]), zeros, census=census)


def small_sums(left: Array, right: Array, units: tuple[str, ...], counting: bool) -> PairSums:
    """Of tensors that are few enough to be sorted."""
    one, other = alike(left, right)
    sums, apart = sums_of(one, other, count_changed(left, right))
    near = any(is_near(left, right, BY_NAME[name]) for name in units)
    if counting:
        sums = replace(sums, stats=(stats_of(one), stats_of(other), stats_of(apart)))
    return replace(sums, near=near)


def alike(left: Array, right: Array) -> tuple[Array, Array]:
    """Both as the narrowest type that holds either and that numpy computes with."""
    kind = _common(left.dtype, right.dtype)
    return widened(left, kind), widened(right, kind)


def _common(left: np.dtype[Any], right: np.dtype[Any]) -> np.dtype[Any]:
    kinds = {left.kind, right.kind}
    if "c" in kinds:
        return np.dtype(np.complex64 if left.itemsize <= 8 and right.itemsize <= 8 and not kinds & set("iu") else np.complex128)
    if left == right and left.kind in "iub":
        return left if left.kind != "b" else np.dtype(np.uint8)
    short = all(kind == np.float32 or (kind.kind not in "iubf") or kind == np.float16 for kind in (left, right))
    whole = any(kind.name.startswith(("int", "uint", "bool")) for kind in (left, right))
    return np.dtype(np.float32 if short and not whole else np.float64)


def widened(values: Array, kind: np.dtype[Any]) -> Array:
    """The same numbers in a wider type."""
    if values.dtype.name == "bfloat16" and kind == np.float32:
        return (values.view(np.uint16).astype(np.uint32) << np.uint32(16)).view(np.float32)
    with np.errstate(invalid="ignore"):  # a signalling NaN
        return values.astype(kind, copy=False)


def count_changed(left: Array, right: Array) -> int:
    """How many values differ."""
    return int(np.count_nonzero(changed_places(left, right)))


def changed_places(left: Array, right: Array) -> Array:
    """Where values differ in their bits, or across types in what they say."""
    if left.dtype != right.dtype:
        one, other = alike(left, right)
        both_nan = np.isnan(one) & np.isnan(other)
        found: Array = (one != other) & ~both_nan
        return found
    size = left.dtype.itemsize
    if size == 16:
        wide: Array = (_bytes_of(left) != _bytes_of(right)).any(axis=1)
        return wide
    bits = np.dtype(f"u{size}")
    different: Array = left.view(bits) != right.view(bits)
    return different


def _bytes_of(values: Array) -> Array:
    return values.view(np.uint8).reshape(values.size, -1)


def sums_of(left: Array, right: Array, changed: int) -> tuple[PairSums, Array]:
    """The sums of a chunk, and its differences: those that are finite, as numbers to count."""
    if left.dtype.kind in "iu":
        return _sums_of_integers(left, right, changed)
    fits = np.isfinite(left) & np.isfinite(right)
    if fits.all():
        one, other, odd = left, right, PairSums()
    else:
        odd = _odd(left[~fits], right[~fits])
        one, other = left[fits], right[fits]
    wide = np.complex128 if left.dtype.kind == "c" else np.float64
    x, y = one.astype(wide), other.astype(wide)
    with np.errstate(over="ignore", invalid="ignore"):
        d = y - x
        sizes = np.abs(d)
        flips = 0 if d.dtype.kind == "c" else int(np.count_nonzero(((x > 0) & (y < 0)) | ((x < 0) & (y > 0))))
        product = float(np.vdot(x, y).real)
        largest = float(sizes.max()) if sizes.size else 0.0
        lengths = length(x), length(y), length(d)
        sums = PairSums(left.size, x.size, changed, largest, float(sizes.sum()), *lengths, product, flips)
        apart = d.astype(left.dtype) if d.dtype.kind != "c" else d
    return replace(sums, gained=odd.gained, lost=odd.lost, infinite=odd.infinite), apart


def wide_sums(left: Array, right: Array, changed: int, kernels: Any) -> tuple[PairSums, Array] | None:
    """The same by the compiled loop; None where something in it needs care."""
    whole = left.dtype.kind in "iu"
    if left.dtype.kind == "c" or (whole and left.itemsize == 8 and not (_is_exact(left) and _is_exact(right))):
        return None
    one, other = (values.astype(np.float64, copy=False) for values in (left, right))
    apart, out = np.empty(one.size), np.empty(8)
    flips = int(kernels.wide_pair(one, other, apart, out))
    largest, total, x, y, d, product, *ends = (float(number) for number in out)
    if not math.isfinite(total + x + y + d) or not all(end == 0 or SMALL < end < LARGE for end in (largest, *ends)):
        return None
    lengths = math.sqrt(x), math.sqrt(y), math.sqrt(d)
    sums = PairSums(left.size, left.size, changed, int(largest) if whole else largest, total, *lengths, product, flips)
    return sums, apart


def _is_exact(values: Array) -> bool:
    """Whether whole numbers, and how far they are apart, are float64 numbers too."""
    return bool(-_EXACT < values.min() and values.max() < _EXACT)


def _odd(left: Array, right: Array) -> PairSums:
    one, other = np.isnan(left), np.isnan(right)
    apart = ~one & ~other & (left != right)
    return PairSums(gained=int((~one & other).sum()), lost=int((one & ~other).sum()), infinite=int(apart.sum()))


def _sums_of_integers(left: Array, right: Array, changed: int) -> tuple[PairSums, Array]:
    """Distances of whole numbers are exact, whatever their size."""
    unsigned = np.dtype(f"u{left.dtype.itemsize}")
    high, low = np.maximum(left, right), np.minimum(left, right)
    sizes = high.view(unsigned) - low.view(unsigned)  # wraps around to the right number
    x, y = left.astype(np.float64), right.astype(np.float64)
    d = np.where(right >= left, 1.0, -1.0) * sizes
    flips = int(np.count_nonzero(((left > 0) & (right < 0)) | ((left < 0) & (right > 0))))
    largest = int(sizes.max()) if sizes.size else 0
    sums = (left.size, left.size, changed, largest, float(np.abs(d).sum()), length(x), length(y), length(d), float(x @ y), flips)
    return PairSums(*sums), d


def length(values: Array) -> float:
    """The root of the sum of squares, also of numbers whose squares a float cannot say."""
    if not values.size:
        return 0.0
    flat = values.view(np.float64) if values.dtype.kind == "c" else values
    largest = float(np.abs(flat).max())
    if SMALL < largest < LARGE or not largest or not math.isfinite(largest):
        return math.sqrt(float(flat @ flat))
    return largest * math.sqrt(float(((flat / largest) ** 2).sum()))


def _sizes(values: Array) -> Array:
    return np.abs(values) if values.dtype.kind == "c" else values


__all__ = ["LARGE", "SMALL", "PairTally", "alike", "changed_places", "small_sums"]
