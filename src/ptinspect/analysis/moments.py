"""Count, mean and deviation of numbers, which merge in any order.

A plain sum of squares loses what it is for where the mean is large: 1000 + 1e-3 x noise misses by 2.5e-5 in one pass. So every
stretch of numbers is taken relative to a number of its own, and stretches are merged by their means. No sum of squares is kept: it
would overflow for float64 values beyond 1e154, and even its root for many values near the end of float64.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ptinspect.frozen import frozen

Array = np.ndarray[Any, Any]

_LARGE, _SMALL = 1e150, 1e-120  # the last bit of a small one must have a square
_BELOW_ONE = math.nextafter(1.0, 0.0)  # what rounding took to one would be too much when it is scaled back


@frozen
class Moments:
    """How many numbers, their mean, and the root of the mean of their squared distances from it.

    The mean is counted from `origin`, so that whole numbers beyond 2**53 keep what tells them apart.
    """

    count: int = 0
    apart: float = 0.0
    deviation: float = 0.0
    origin: int = 0

    @property
    def mean(self) -> float:
        """The mean."""
        return self.origin + self.apart

    def merged(self, other: Moments) -> Moments:
        """Both together."""
        if not self.count or not other.count:
            return self if self.count else other
        count = self.count + other.count
        # Halves first: two means at either end of float64 are further apart than it can say.
        half = other.apart / 2 - self.apart / 2 + (other.origin - self.origin) / 2
        mine, its = self.count / count, other.count / count
        apart = self.apart + 2 * (half * its)
        between = half * (2 * math.sqrt(mine * its))
        deviation = math.hypot(self.deviation * math.sqrt(mine), other.deviation * math.sqrt(its), between)
        return Moments(count, apart, deviation, self.origin)

    def times(self, repeats: int) -> Moments:
        """The same numbers, each so often."""
        return Moments(self.count * repeats, self.apart, self.deviation, self.origin)

    @property
    def std(self) -> float | None:
        """The standard deviation of a population."""
        return self.deviation if self.count else None

    @property
    def l2(self) -> float | None:
        """The root of the sum of squares."""
        return math.hypot(self.deviation, self.mean) * math.sqrt(self.count) if self.count else None


def moments_of(values: Array) -> Moments:
    """Of finite numbers of any kind. A stretch relative to its own first number loses at most its length in units of rounding."""
    if not values.size:
        return Moments()
    if values.dtype.kind in "iu":
        return _of_integers(values)
    wide = values.astype(np.float64, copy=False)
    largest = float(np.abs(wide).max())
    if not (largest > _LARGE or 0 < largest < _SMALL):
        return _of_floats(wide)
    exponent = math.frexp(largest)[1]
    scaled = _of_floats(np.ldexp(np.ldexp(wide, -exponent // 2), -exponent - (-exponent // 2)))
    apart, deviation = (max(-_BELOW_ONE, min(part, _BELOW_ONE)) for part in (scaled.apart, scaled.deviation))
    return Moments(scaled.count, math.ldexp(apart, exponent), math.ldexp(deviation, exponent))


def _of_floats(wide: Array) -> Moments:
    pivot = float(wide[0])
    apart = wide - pivot
    mean = float(apart.sum()) / wide.size
    square = float(np.dot(apart, apart)) - mean * mean * wide.size
    return Moments(wide.size, pivot + mean, math.sqrt(max(0.0, square) / wide.size))


def _of_integers(values: Array) -> Moments:
    """Whole numbers of 64 bits are further apart than float64 can tell: distances from one of them are taken as whole numbers."""
    low, high = int(values.min()), int(values.max())
    if high - low >= 1 << 53:
        return _of_floats(values.astype(np.float64))
    if values.dtype.itemsize < 8:
        return _of_floats(values.astype(np.float64))
    distances = _of_floats((values - values.dtype.type(low)).astype(np.float64))
    return Moments(values.size, distances.apart, distances.deviation, low)


def weighted(values: Array, counts: Array) -> Moments:
    """Of values that stand there so often each."""
    total = int(counts.sum())
    if not total:
        return Moments()
    wide, weights = values.astype(np.float64), counts.astype(np.float64)
    pivot = float(wide[int(counts.argmax())])
    mean = pivot + float(np.dot(wide - pivot, weights)) / total
    return Moments(total, mean, math.sqrt(float(np.dot((wide - mean) ** 2, weights)) / total))


def together(parts: Iterable[Moments]) -> Moments:
    """All of them merged."""
    whole = Moments()
    for part in parts:
        whole = whole.merged(part)
    return whole
