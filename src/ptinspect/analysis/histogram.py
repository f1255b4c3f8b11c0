"""Histograms that stay readable: a fixed number of bins over the range where the values are, the rest counted beside it.

Edges are values of the tensor's own type. Where the census has an end of a bin near enough to each even step, that is the edge
and its counts follow without another look at the values; otherwise the values are counted once more, between even edges.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ptinspect.analysis.census import Census
from ptinspect.analysis.coarse import Grid, ends, numbers_of
from ptinspect.analysis.tensor_stats import TensorStats
from ptinspect.frozen import frozen

Array = np.ndarray[Any, Any]
Scale = Literal["linear", "symlog", "whole"]

BINS = 72
_NEAR = 0.3  # of a bin: how far an edge may lie from its even step
_REACH = 0.75  # how far beyond the inner 98 % the range goes, in units of their width
_CROWDED = 0.6  # of the values that are not zero in one bin: an even scale shows nothing then


@frozen
class Histogram:
    """Counts between edges, the last one included, and what lies outside."""

    edges: Array
    counts: Array
    below: int = 0
    above: int = 0
    scale: Scale = "linear"

    def merged(self, other: Histogram) -> Histogram:
        """Of two parts that were counted between the same edges."""
        if not np.array_equal(self.edges, other.edges):
            raise ValueError("histograms with different edges cannot be merged")
        return Histogram(self.edges, self.counts + other.counts, self.below + other.below, self.above + other.above, self.scale)

    @property
    def total(self) -> int:
        """How many values were counted."""
        return int(self.counts.sum()) + self.below + self.above

    def with_zeros(self, count: int) -> Histogram:
        """Zeros that a sparse tensor does not store."""
        if not count:
            return self
        edges, counts = self.edges, self.counts.copy()
        if edges[0] > 0 or edges[-1] < 0:
            below, above = (count, 0) if edges[0] > 0 else (0, count)
            return Histogram(edges, counts, self.below + below, self.above + above, self.scale)
        counts[min(int(np.searchsorted(edges, 0, side="right")) - 1, counts.size - 1)] += count
        return Histogram(edges, counts, self.below, self.above, self.scale)

    def times(self, repeats: int) -> Histogram:
        """The same values, each so often."""
        return Histogram(self.edges, self.counts * repeats, self.below * repeats, self.above * repeats, self.scale)


@frozen
class Edges:
    """Edges that were chosen for some values; `need_count` says that the census cannot tell what lies between them."""

    values: Array
    scale: Scale
    need_count: bool = False


def choose_edges(stats: TensorStats, kind: np.dtype[Any], bins: int = BINS, inner: tuple[float, float] | None = None) -> Edges:
    """Edges for values of this type. Two tensors share edges when those of both merged are chosen.

    `inner` is where the inner 98 % of the values end, if that is known already.
    """
    census = stats.census
    if census.low.dtype.kind in "iu":
        return _whole_edges(stats, kind, bins)
    low, high = _range(stats, inner)
    even = _even(low, high, bins)
    chosen = _own(even, kind, stats)
    if bins > 2 and _is_crowded(census, chosen):  # symmetric-log takes a bin for what is around zero and one on either side
        log = _symlog(census, low, high, bins)
        if log is not None:
            return _fitted(_own(log, kind, stats), "symlog", stats)
    return _fitted(chosen, "linear", stats)


def counted(census: Census, edges: Edges) -> Histogram:
    """What the census says about the values between edges."""
    values = edges.values
    places = np.searchsorted(values, census.low, side="right")
    last = values.size - 1
    places[(places == last + 1) & (census.high <= values[-1])] = last  # the last edge is inside
    totals = _summed(places, census.counts, last + 2)
    return Histogram(values, totals[1 : last + 1], int(totals[0]), int(totals[last + 1]), edges.scale)


def _summed(places: Array, counts: Array, size: int) -> Array:
    return np.bincount(places, counts, size).astype(np.int64)  # float64 on the way: exact to 2**53 values


def _range(stats: TensorStats, inner: tuple[float, float] | None = None) -> tuple[float, float]:
    """From end to end, but for outliers that would squeeze all others into one bin."""
    first, last = (float(end) for end in stats.ends)
    low, high = inner or stats.census.quantiles((0.01, 0.99))
    beyond = _REACH * (high - low)
    return (max(first, low - beyond), min(last, high + beyond)) if beyond else (first, last)


def _even(low: float, high: float, bins: int) -> Array:
    steps = np.arange(bins + 1) / bins
    return low * (1 - steps) + high * steps  # high - low may be more than a float can say


def _own(edges: Array, kind: np.dtype[Any], stats: TensorStats) -> Array:
    """The edges as values of the tensor's type, each once, between its ends."""
    own = edges.astype(kind).astype(np.float64)
    low, high = stats.ends
    own = np.minimum(np.maximum(own, low), high)
    found = own[np.concatenate(([True], own[1:] != own[:-1]))]
    return found if found.size > 1 else np.repeat(found, 2)


def _is_crowded(census: Census, edges: Array) -> bool:
    """Whether one bin would hold most values, though they differ."""
    there = census.low != 0
    low, counts = census.low[there], census.counts[there]
    if counts.size < 24:
        return False
    places = np.searchsorted(edges, low, side="right")
    totals = _summed(places, counts, edges.size + 1)
    fullest = int(totals.argmax())
    return bool(totals[fullest] > _CROWDED * totals.sum() and np.count_nonzero(places == fullest) > 16)


def _symlog(census: Census, low: float, high: float, bins: int) -> Array | None:
    """Even steps of the exponent on either side of zero, from where the smaller values are."""
    size = np.maximum(np.abs(census.low), np.abs(census.high))
    order = np.argsort(size)
    order = order[size[order] > 0]
    behind = np.cumsum(census.counts[order])
    small = float(size[order][np.searchsorted(behind, 0.01 * behind[-1])])
    large = max(abs(low), abs(high), abs(float(census.low[0])), abs(float(census.high[-1])))
    if not 0 < small < large / 10:
        return None
    sides = int(census.low[0] < 0) + int(census.high[-1] > 0)
    steps = np.geomspace(small, large, max(2, (bins - 1) // sides) + (1 if sides == 1 else 0))
    negative = -steps[::-1] if census.low[0] < 0 else np.array([0.0] if census.low[0] == 0 else [float(census.low[0])])
    positive = steps if census.high[-1] > 0 else np.array([0.0])
    return np.unique(np.concatenate((negative, positive)))


def _fitted(edges: Array, scale: Scale, stats: TensorStats) -> Edges:
    """The edges moved to ends of census bins, or as they are where that would move them too far."""
    grid = stats.census.grid
    if grid is None:
        return Edges(edges, scale)
    moved = _snapped(edges, stats, grid)
    widths = np.diff(edges)
    room = np.minimum(np.concatenate(([widths[0]], widths)), np.concatenate((widths, [widths[-1]])))
    if moved.size == edges.size and (np.abs(moved - edges) <= _NEAR * room).all() and (np.diff(moved) > 0).all():
        return Edges(moved, scale)
    return Edges(edges, scale, need_count=True)


def _snapped(edges: Array, stats: TensorStats, grid: Grid) -> Array:
    """Each edge at the nearer end of its census bin. The ends of the tensor stay: nothing lies beyond them."""
    inside = edges[1:-1]
    numbers = np.where(inside == 0, 0, numbers_of(inside.astype(grid.kind), grid))
    here, _ = ends(numbers, grid)
    next_, _ = ends(numbers + 1, grid)
    moved = np.where(np.abs(inside - here) <= np.abs(next_ - inside), here, next_)
    moved = np.where(inside == 0, 0.0, moved)
    (lowest, highest), first, last = stats.ends, edges[0], edges[-1]
    if first > lowest:
        first = ends(numbers_of(np.array([first]).astype(grid.kind), grid), grid)[0][0] if first != 0 else 0.0
    if last < highest:
        last = ends(numbers_of(np.array([last]).astype(grid.kind), grid), grid)[1][0] if last != 0 else last
    return np.concatenate(([first], moved, [last]))


def _whole_edges(stats: TensorStats, kind: np.dtype[Any], bins: int) -> Edges:
    """Integers: one bin each where they are few, else equal runs of them.

    The last bin includes its end. Where no value of the type lies behind the highest one, that one stands there twice.
    """
    low, high = int(stats.low or 0), int(stats.high or 0)
    if high - low >= bins and stats.census.counts.size > 2:
        low, high = _whole_range(stats.known().census, low, high)
    width = -(-(high - low + 1) // bins)
    limit = 1 if kind == np.bool_ else int(np.iinfo(kind).max)
    edges = [*range(low, high + 1, width), min(high + 1, limit)]
    values = np.array(edges, np.uint8 if kind == np.bool_ else kind)
    return Edges(values, "whole", stats.census.grid is not None)


def _whole_range(census: Census, low: int, high: int) -> tuple[int, int]:
    """The same range in whole numbers, counted from the lowest one where float64 cannot tell them apart."""
    wide = census.low.dtype.type if census.low.dtype.itemsize == 8 else np.int64
    origin = wide(low if high - low < 1 << 53 else 0)
    apart = Census(census.low.astype(wide) - origin, census.high.astype(wide) - origin, census.counts, census.grid)
    first, last = _range(TensorStats(low=low - int(origin), high=high - int(origin), census=apart))
    return max(low, int(first) + int(origin)), min(high, int(last) + int(origin))


__all__ = ["BINS", "Edges", "Histogram", "choose_edges", "counted"]
