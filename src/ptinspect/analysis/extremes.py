"""How many values are so large or so small that a narrower type, or a processor, would not keep them as they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from ptinspect.analysis.census import Census
from ptinspect.frozen import frozen

OVERFLOWS = 65_520.0  # half of them become infinite in float16: the largest it has is 65504, and this is where rounding turns
VANISHES = 2.0**-25  # below it, values become zero in float16
FAINT = 2.0**-14  # below it, float16 has fewer bits for them the smaller they are
SUBNORMAL = 2.0**-126  # the same for float32 and bfloat16; many processors take a hundred times as long over them
_ENDS = (VANISHES, FAINT, SUBNORMAL)


@frozen
class Extremes:
    """Counts of finite values. All but `overflowing`, which is at least so many, are exact; zeros are in none."""

    overflowing: int = 0
    vanishing: int = 0
    faint: int = 0
    subnormal: int = 0


NONE = Extremes()


def extremes_of(census: Census) -> Extremes:
    """What a census says. Its bins end at powers of two, so nothing has to be guessed below."""
    low, high = census.low, census.high
    if low.dtype.kind != "f" or not low.size:
        return NONE
    before = np.concatenate(([0], np.cumsum(census.counts)))
    zeros = int(before[np.searchsorted(low, 0, side="right")] - before[np.searchsorted(low, 0, side="left")])
    return Extremes(_beyond(low, high, before), *(_inside(low, high, before, end) - zeros for end in _ENDS))


def _inside(low: Any, high: Any, before: Any, end: float) -> int:
    return int(before[np.searchsorted(high, end, side="left")] - before[np.searchsorted(low, -end, side="right")])


def _beyond(low: Any, high: Any, before: Any) -> int:
    """The bin that the border runs through counts as one value, its own end."""
    if low[0] > -OVERFLOWS and high[-1] < OVERFLOWS:
        return 0
    positive = before[-1] - before[np.searchsorted(low, OVERFLOWS, side="left")]
    negative = before[np.searchsorted(high, -OVERFLOWS, side="right")]
    return max(int(positive), int(high[-1] >= OVERFLOWS)) + max(int(negative), int(low[0] <= -OVERFLOWS))


__all__ = ["NONE", "Extremes", "extremes_of"]
