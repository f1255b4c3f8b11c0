"""The numbers of a changed pair, and the sums that they come from, which merge: parts may be counted anywhere, in any order.

Largest, mean, l2 and cosine are over the places where both values are finite. Where one is infinite and the other is not the same,
the largest difference is infinite. What has become NaN, or no longer is, is counted beside it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ptinspect.frozen import frozen, replace

if TYPE_CHECKING:  # they want numpy, which a look at headers does without
    from ptinspect.analysis.histogram import Histogram
    from ptinspect.analysis.tensor_stats import TensorStats

    Stats = tuple[TensorStats, TensorStats, TensorStats]  # of the left, the right, and the difference


@frozen
class PairSums:
    """What merges. `near` says that every value is within one unit in the last place of the narrower type."""

    count: int = 0
    finite: int = 0
    changed: int = 0
    largest: float = 0
    total: float = 0.0
    left: float = 0.0
    right: float = 0.0
    apart: float = 0.0
    product: float = 0.0
    flips: int = 0
    gained: int = 0
    lost: int = 0
    infinite: int = 0
    near: bool = True
    stats: Stats | None = None

    def merged(self, other: PairSums) -> PairSums:
        """Both together. The lengths of left, right and difference are roots: their squares may be more than a float can say."""
        if not self.count or not other.count:
            return self if self.count else other
        stats = None
        if self.stats is not None and other.stats is not None:
            stats = (
                self.stats[0].merged(other.stats[0]),
                self.stats[1].merged(other.stats[1]),
                self.stats[2].merged(other.stats[2]),
            )
        return PairSums(
            self.count + other.count,
            self.finite + other.finite,
            self.changed + other.changed,
            max(self.largest, other.largest),
            self.total + other.total,
            math.hypot(self.left, other.left),
            math.hypot(self.right, other.right),
            math.hypot(self.apart, other.apart),
            self.product + other.product,
            self.flips + other.flips,
            self.gained + other.gained,
            self.lost + other.lost,
            self.infinite + other.infinite,
            self.near and other.near,
            stats,
        )

    def times(self, repeats: int) -> PairSums:
        """The same pairs of values, each so often, as expanded tensors show them."""
        if repeats == 1:
            return self
        counts = ("count", "finite", "changed", "total", "product", "flips", "gained", "lost", "infinite")
        made = replace(self, **{name: getattr(self, name) * repeats for name in counts})
        root = math.sqrt(repeats)
        stats = None
        if self.stats is not None:
            stats = (self.stats[0].times(repeats), self.stats[1].times(repeats), self.stats[2].times(repeats))
        return replace(made, left=self.left * root, right=self.right * root, apart=self.apart * root, stats=stats)


@frozen
class PairHistograms:
    """Both sides between the same edges, and the difference between its own."""

    left: Histogram
    right: Histogram
    apart: Histogram


@frozen
class Difference:
    """How far two tensors are apart. None where there is nothing to say: no finite pair of values, no length to compare with."""

    max_abs: float | None = 0.0
    mean_abs: float | None = 0.0
    relative_l2: float | None = 0.0
    cosine: float | None = 1.0
    changed_fraction: float | None = 0.0
    within_rounding: bool | None = True
    sign_flips: int = 0
    nans_gained: int = 0
    nans_lost: int = 0
    infinities: int = 0
    left_l2: float | None = None
    right_l2: float | None = None
    l2: float | None = 0.0
    histograms: PairHistograms | None = None

    def is_within(self, tolerance: float) -> bool:
        """Whether every value is so near; one that became NaN, or no longer is, is not."""
        return not self.nans_gained and not self.nans_lost and self.max_abs is not None and self.max_abs <= tolerance


SAME = Difference()


def told(sums: PairSums, histograms: PairHistograms | None = None) -> Difference:
    """The numbers as people read them."""
    if not sums.count:
        return SAME
    known = sums.finite > 0
    largest = sums.largest if known else None
    relative = sums.apart / sums.left if sums.left else (0.0 if not sums.apart else math.inf)
    return Difference(
        max_abs=math.inf if sums.infinite else largest,
        mean_abs=sums.total / sums.finite if known else None,
        relative_l2=relative if known else None,
        cosine=_cosine(sums),
        changed_fraction=sums.changed / sums.count,
        within_rounding=sums.near,
        sign_flips=sums.flips,
        nans_gained=sums.gained,
        nans_lost=sums.lost,
        infinities=sums.infinite,
        left_l2=sums.left,
        right_l2=sums.right,
        l2=sums.apart,
        histograms=histograms,
    )


def _cosine(sums: PairSums) -> float | None:
    if not sums.left or not sums.right or not sums.finite:
        return None
    found = sums.product / sums.left / sums.right
    return max(-1.0, min(1.0, found)) if math.isfinite(found) else None
