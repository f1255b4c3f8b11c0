"""How many values lie where: exact for few or narrow ones, in bins of less than 0.8 % for the rest. Quantiles and counts follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ptinspect.analysis.coarse import Grid, ends, grid_of, numbers_of
from ptinspect.frozen import frozen

Array = np.ndarray[Any, Any]


@frozen
class Census:
    """Bins in the order of their values: the lowest and highest value in each, and how many. Exact bins hold one value.

    A coarse census can be merged with an exact one: the exact one takes its bins.
    """

    low: Array
    high: Array
    counts: Array
    grid: Grid | None = None

    @property
    def total(self) -> int:
        """How many values."""
        return int(self.counts.sum())

    def merged(self, other: Census) -> Census:
        """Both together."""
        if not self.counts.size or not other.counts.size:
            return self if self.counts.size else other
        grid = self.grid or other.grid
        mine, its = (part if grid is None or part.grid is not None else coarsened(part, grid) for part in (self, other))
        low = np.concatenate((mine.low, its.low))
        high, counts = np.concatenate((mine.high, its.high)), np.concatenate((mine.counts, its.counts))
        kept, first, inverse = np.unique(low, return_index=True, return_inverse=True)
        summed = np.zeros(kept.size, np.int64)
        np.add.at(summed, inverse, counts)
        return Census(kept, high[first], summed, grid)

    def times(self, repeats: int) -> Census:
        """The same values, each so often."""
        return Census(self.low, self.high, self.counts * repeats, self.grid)

    def between(self, lowest: Any, highest: Any) -> Census:
        """The same bins, no wider than the values in them are known to be."""
        if self.grid is None:
            return self
        kind = self.low.dtype.type
        return Census(np.maximum(self.low, kind(lowest)), np.minimum(self.high, kind(highest)), self.counts, self.grid)

    def quantiles(self, shares: Sequence[float], finer: Census | None = None) -> list[float]:
        """As numpy's: between the two values on either side of the place. Inside a coarse bin values count as spread evenly.

        `finer` is another census of the same values; the one with the narrower bin at a place is asked.
        """
        last = self.total - 1
        places = np.array(shares) * last
        before = places.astype(np.int64)
        both = np.concatenate((before, np.minimum(before + 1, last)))
        if self.grid is None:
            values = self.low[np.cumsum(self.counts).searchsorted(both, side="right")].astype(np.float64)
        else:
            values, widths = self.at(both)
        if finer is not None and self.grid is not None:
            others, narrower = finer.at(both)
            values = np.where(narrower < widths, others, values)
        rest = places - before
        low, high = values[: rest.size], values[rest.size :]
        found: list[float] = (low * (1 - rest) + high * rest).tolist()
        return found

    def at(self, places: Array) -> tuple[Array, Array]:
        """The values that so many others stand before, and how wide the bins are that they were found in."""
        behind = np.cumsum(self.counts)
        bins = np.searchsorted(behind, places, side="right")
        low, high = self.low[bins].astype(np.float64), self.high[bins].astype(np.float64)
        inside = (places - (behind - self.counts)[bins] + 0.5) / self.counts[bins]
        return np.where(low == high, low, low * (1 - inside) + high * inside), high - low


def exact_census(values: Array, counts: Array | None = None) -> Census:
    """Of values one by one, or of distinct sorted values and how often each is there."""
    if counts is None:
        return _sorted_census(np.sort(values))
    kept = counts > 0
    return Census(values[kept], values[kept], counts[kept].astype(np.int64))


def _sorted_census(values: Array) -> Census:
    """As numpy.unique does it, without the calls that take longer than a small tensor."""
    differ = np.empty(values.size + 1, np.bool_)
    differ[0] = differ[-1] = True
    np.not_equal(values[1:], values[:-1], out=differ[1:-1])
    places = differ.nonzero()[0]
    distinct = values[places[:-1]]
    return Census(distinct, distinct, places[1:] - places[:-1])


def coarse_census(counts: Array, numbers: Array, zeros: int, grid: Grid) -> Census:
    """Of counts by bin number, and the zeros beside them."""
    kept = counts > 0
    low, high = ends(numbers[kept], grid)
    counts = counts[kept].astype(np.int64)
    if zeros:
        place = int(np.searchsorted(low, 0))
        zero = low.dtype.type(0)
        low, high, counts = (np.insert(array, place, item) for array, item in ((low, zero), (high, zero), (counts, zeros)))
    return Census(low, high, counts, grid)


def coarsened(census: Census, grid: Grid) -> Census:
    """An exact census in the bins of a grid."""
    is_zero = census.low == 0
    kind = grid.whole if grid.whole is not None else np.dtype(grid.kind)
    numbers, inverse = np.unique(numbers_of(census.low[~is_zero].astype(kind), grid), return_inverse=True)
    counts = np.zeros(numbers.size, np.int64)
    np.add.at(counts, inverse, census.counts[~is_zero])
    return coarse_census(counts, numbers, int(census.counts[is_zero].sum()), grid)


EMPTY = Census(np.empty(0), np.empty(0), np.empty(0, np.int64))

__all__ = ["EMPTY", "Census", "coarse_census", "coarsened", "exact_census", "grid_of"]
