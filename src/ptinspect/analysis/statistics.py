"""The numbers that people read about one tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from ptinspect.analysis.census import Census
from ptinspect.analysis.histogram import Histogram
from ptinspect.analysis.tensor_stats import Number, TensorStats
from ptinspect.checkpoint.values import numpy_type
from ptinspect.dtypes import DType
from ptinspect.frozen import frozen

SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@frozen
class Statistics:
    """Over finite values; None where there is none. `problem` says why a tensor has no statistics at all."""

    count: int = 0
    mean: float | None = None
    std: float | None = None
    low: Number | None = None
    high: Number | None = None
    l2: float | None = None
    zeros: int = 0
    nans: int = 0
    infs: int = 0
    quantiles: tuple[float, ...] | None = None
    histogram: Histogram | None = None
    problem: str | None = None


def told(stats: TensorStats, histogram: Histogram | None) -> Statistics:
    """What was counted, as people read it."""
    if not stats.count:
        return Statistics(nans=stats.nans, infs=stats.infs)
    moments = stats.moments
    finer = None if histogram is None or stats.census.grid is None else _as_census(histogram, stats)
    quantiles = tuple(stats.census.quantiles(SHARES, finer))
    ends = (stats.low, stats.high)
    return Statistics(stats.count, moments.mean, moments.std, *ends, moments.l2, stats.zeros, stats.nans, stats.infs, quantiles, histogram)


def _as_census(histogram: Histogram, stats: TensorStats) -> Census:
    """A histogram with what lies outside as bins: it tells more than the census about a narrow range, or one below 1e-38."""
    low, high = stats.ends
    edges = histogram.edges
    counts = np.concatenate(([histogram.below], histogram.counts, [histogram.above]))
    return Census(np.concatenate(([low], edges)), np.concatenate((edges, [high])), counts)


def edge_type(dtype: DType) -> np.dtype[Any]:
    """The type of a histogram's edges: the tensor's own, or that of the sizes of its complex numbers."""
    kind = numpy_type(dtype)
    return np.dtype(np.float64 if kind == np.complex128 else np.float32) if kind.kind == "c" else kind


__all__ = ["SHARES", "Statistics", "edge_type", "told"]
