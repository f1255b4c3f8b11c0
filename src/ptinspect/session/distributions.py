"""How histograms are shown: as coarse as few values need, and one below the other where one axis would squeeze some of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ptinspect.frozen import replace

if TYPE_CHECKING:
    from ptinspect.analysis.histogram import Histogram
    from ptinspect.analysis.statistics import Statistics

FEWEST = 8
APART = 3.0  # the narrowest range that still fills a third of the axis can be read


def readable(found: Statistics) -> Statistics:
    """With neighbouring bins put together where there are far more of them than values: every count stays exact."""
    histogram = found.histogram
    if histogram is None or histogram.scale == "whole":
        return found
    most = max(FEWEST, math.ceil(2 * math.sqrt(max(1, histogram.total))))
    return replace(found, histogram=_together(histogram, most)) if histogram.counts.size > most else found


def _together(histogram: Histogram, most: int) -> Histogram:
    """Equally many bins each, so that heights stay comparable; as they are where no number of bins divides them."""
    bins = int(histogram.counts.size)
    group = next((size for size in range(2, bins // 2 + 1) if bins % size == 0 and bins // size <= most), 1)
    counts = histogram.counts.reshape(-1, group).sum(axis=1)
    return replace(histogram, edges=histogram.edges[::group], counts=counts)


def are_apart(found: Sequence[Statistics]) -> bool:
    """Whether one axis for all of them would leave one with less than a third of it, or an axis cannot be shared."""
    drawn = [one.histogram for one in found if one.histogram is not None]
    if len(drawn) < 2:
        return False
    if any(histogram.scale == "symlog" for histogram in drawn):
        return True
    ends = [(float(histogram.edges[0]), float(histogram.edges[-1])) for histogram in drawn]
    whole = max(high for _, high in ends) - min(low for low, _ in ends)
    return whole > APART * min(high - low for low, high in ends)


__all__ = ["are_apart", "readable"]
