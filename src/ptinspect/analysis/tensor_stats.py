"""What is known of a tensor's values, in a form that merges: chunks may be counted anywhere, in any order, and put together."""

from __future__ import annotations

from typing import Any

import numpy as np

from ptinspect.analysis.census import EMPTY, Census, exact_census
from ptinspect.analysis.moments import Moments, moments_of, weighted
from ptinspect.frozen import frozen

Array = np.ndarray[Any, Any]
Number = int | float


@frozen
class TensorStats:
    """Finite values by their moments, their ends and their census; zeros among them; and what is not finite beside them."""

    moments: Moments = Moments()
    low: Number | None = None
    high: Number | None = None
    zeros: int = 0
    nans: int = 0
    infs: int = 0
    census: Census = EMPTY

    @property
    def count(self) -> int:
        """How many finite values."""
        return self.moments.count

    @property
    def ends(self) -> tuple[Number, Number]:
        """The lowest and the highest value of some."""
        if self.low is None or self.high is None:
            raise ValueError("there are no values")
        return self.low, self.high

    def merged(self, other: TensorStats) -> TensorStats:
        """Both together."""
        return TensorStats(
            self.moments.merged(other.moments),
            _first(min, self.low, other.low),
            _first(max, self.high, other.high),
            self.zeros + other.zeros,
            self.nans + other.nans,
            self.infs + other.infs,
            self.census.merged(other.census),
        )

    def times(self, repeats: int) -> TensorStats:
        """The same values, each so often, as an expanded tensor shows them."""
        if repeats == 1:
            return self
        zeros, nans, infs = self.zeros * repeats, self.nans * repeats, self.infs * repeats
        return TensorStats(self.moments.times(repeats), self.low, self.high, zeros, nans, infs, self.census.times(repeats))

    def with_zeros(self, count: int) -> TensorStats:
        """Zeros that a sparse tensor does not store."""
        if count <= 0:
            return self
        zero = self.census.low.dtype.type(0)
        census = exact_census(np.array([zero]), np.array([count]))
        return self.merged(TensorStats(Moments(count), 0, 0, count, census=census))

    def known(self) -> TensorStats:
        """With a census that is no wider than the ends."""
        if self.low is None:
            return self
        census = self.census.between(self.low, self.high)
        return TensorStats(self.moments, self.low, self.high, self.zeros, self.nans, self.infs, census)


def _first(choose: Any, one: Number | None, other: Number | None) -> Number | None:
    return other if one is None else one if other is None else choose(one, other)


def stats_of(values: Array) -> TensorStats:
    """Of values that are few enough to be sorted: everything is exact."""
    values = real(values)
    nans = infs = 0
    if values.dtype.kind == "f":
        fits = np.isfinite(values)
        if not fits.all():
            nans = int(np.isnan(values).sum())
            infs = values.size - int(fits.sum()) - nans
            values = values[fits]
    if not values.size:
        return TensorStats(nans=nans, infs=infs)
    census = exact_census(values)
    low, high = census.low[0].item(), census.low[-1].item()
    return TensorStats(moments_of(values), low, high, int(values.size - np.count_nonzero(values)), nans, infs, census)


def stats_of_counts(values: Array, counts: Array) -> TensorStats:
    """Of each value that a type of few bits can have, and how often it is there."""
    nans = infs = 0
    if values.dtype.kind == "f":
        nans = int(counts[np.isnan(values)].sum())
        infs = int(counts[np.isinf(values)].sum())
    there = (counts > 0) & np.isfinite(values)
    values, counts = values[there], counts[there]
    if not values.size:
        return TensorStats(nans=nans, infs=infs)
    order = np.argsort(values, kind="stable")
    values, counts = values[order], counts[order]
    starts = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))  # both zeros of a float are one
    distinct, sums = values[starts], np.add.reduceat(counts, starts)
    zeros = int(counts[values == 0].sum())
    census = exact_census(distinct, sums)
    return TensorStats(weighted(distinct, sums), distinct[0].item(), distinct[-1].item(), zeros, nans, infs, census)


def real(values: Array) -> Array:
    """Numbers that have an order and that numpy computes with: complex ones by their size, short floats widened without loss."""
    if values.dtype.kind == "c":
        return np.abs(values)
    if values.dtype.kind == "b":
        return values.astype(np.uint8)
    if values.dtype.kind in "iu" or values.dtype in (np.float32, np.float64):
        return values
    return values.astype(np.int8 if values.dtype.name.startswith(("int", "uint")) else np.float32)


__all__ = ["TensorStats", "real", "stats_of", "stats_of_counts"]
