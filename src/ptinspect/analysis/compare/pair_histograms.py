"""Both sides of a pair between shared edges, and their difference between its own, from what was counted in the one stream.

The counts are exact: every edge is an end of a bin of the census. Where even steps would need finer ends than the census has, the
census' own bins are the histogram's, however uneven.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptinspect.analysis.compare.difference import PairHistograms
from ptinspect.analysis.histogram import BINS, Edges, Histogram, choose_edges, counted
from ptinspect.analysis.tensor_stats import TensorStats

if TYPE_CHECKING:
    from ptinspect.analysis.compare.difference import Stats

_MOST = 4_096


def pair_histograms(stats: Stats, bins: int = BINS) -> PairHistograms | None:
    """None where a side has no finite value."""
    left, right, apart = stats
    if not (left.count and right.count and apart.count):
        return None
    both = left.merged(right)
    shared = _edges(both, bins)
    return PairHistograms(_between(left, both, shared), _between(right, both, shared), _between(apart, apart, _edges(apart, bins)))


def _between(stats: TensorStats, whole: TensorStats, edges: Edges) -> Histogram:
    """A side's counts; its bins are no wider than the values of both are known to be."""
    return counted(stats.census.between(*whole.ends), edges)


def _edges(stats: TensorStats, bins: int) -> Edges:
    stats = stats.known()
    kind = stats.census.low.dtype
    found = choose_edges(stats, kind, bins)
    if not found.need_count:
        return found
    ends = np.unique(np.concatenate((stats.census.low, stats.census.high[-1:])))
    step = max(1, -(-ends.size // min(_MOST, 4 * bins)))
    values = np.unique(np.concatenate((ends[::step], ends[-1:])))
    return Edges(values if values.size > 1 else np.repeat(values, 2), found.scale)
