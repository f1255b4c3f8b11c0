"""The numbers that people read about one tensor."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Any

import numpy as np

from ptinspect.analysis.census import Census
from ptinspect.analysis.extremes import NONE, Extremes, extremes_of
from ptinspect.analysis.histogram import Histogram
from ptinspect.analysis.tensor_stats import Number, TensorStats
from ptinspect.checkpoint.values import numpy_type
from ptinspect.dtypes import DType
from ptinspect.frozen import frozen

SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_EXTREMES = ("overflowing", "vanishing", "faint", "subnormal")


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
    extremes: Extremes = NONE


def told(stats: TensorStats, histogram: Histogram | None, quantiles: Sequence[float] | None = None) -> Statistics:
    """What was counted, as people read it."""
    if not stats.count:
        return Statistics(nans=stats.nans, infs=stats.infs)
    moments = stats.moments
    if quantiles is None:
        finer = None if histogram is None or stats.census.grid is None else _as_census(histogram, stats)
        quantiles = stats.census.quantiles(SHARES, finer)
    numbers = (stats.count, moments.mean, moments.std, stats.low, stats.high, moments.l2, stats.zeros, stats.nans, stats.infs)
    return Statistics(*numbers, tuple(quantiles), histogram, extremes=extremes_of(stats.census))


def as_fields(found: Statistics) -> dict[str, Any]:
    """The numbers by the names that `stats --json` gives them."""
    histogram, shares = found.histogram, found.quantiles
    fields = {
        "count": found.count,
        "mean": found.mean,
        "std": found.std,
        "min": found.low,
        "max": found.high,
        "l2": found.l2,
        "zeros": found.zeros,
        "nans": found.nans,
        "infs": found.infs,
        "quantiles": None if shares is None else {str(share): value for share, value in zip(SHARES, shares, strict=True)},
        "histogram": None
        if histogram is None
        else {
            "edges": histogram.edges.tolist(),
            "counts": histogram.counts.tolist(),
            "below": histogram.below,
            "above": histogram.above,
            "scale": histogram.scale,
        },
        "extremes": {name: getattr(found.extremes, name) for name in _EXTREMES},
    }
    if found.problem is None:
        return fields
    return {**dict.fromkeys(fields), "problem": found.problem}


def of_fields(fields: dict[str, Any]) -> Statistics:
    """The same numbers read back. Raises KeyError, TypeError or ValueError for what is none of ours."""
    same = {name: fields[name] for name in ("count", "mean", "std", "l2", "zeros", "nans", "infs")}
    numbers: dict[str, Any] = {**same, "low": fields["min"], "high": fields["max"]}
    if any(type(number) not in (int, float, NoneType) for number in numbers.values()):
        raise TypeError("a number is none")
    shares, bins = fields["quantiles"], fields["histogram"]
    quantiles = None if shares is None else tuple(float(shares[str(share)]) for share in SHARES)
    histogram = None if bins is None else _histogram_of(bins)
    extremes = Extremes(*(int(fields["extremes"][name]) for name in _EXTREMES))
    return Statistics(**numbers, quantiles=quantiles, histogram=histogram, extremes=extremes)


def _histogram_of(bins: dict[str, Any]) -> Histogram:
    most = max(bins["edges"])
    edges = np.array(bins["edges"], np.uint64 if type(most) is int and most >= 1 << 63 else None)  # numpy would take a float for both
    counts = np.array(bins["counts"], np.int64)
    if edges.dtype.kind not in "iuf":
        raise TypeError("an edge is no number")
    if edges.ndim != 1 or counts.ndim != 1 or edges.size != counts.size + 1 or bins["scale"] not in ("linear", "symlog", "whole"):
        raise ValueError("edges and counts do not fit")
    return Histogram(edges, counts, int(bins["below"]), int(bins["above"]), bins["scale"])


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


__all__ = ["SHARES", "Statistics", "as_fields", "edge_type", "of_fields", "told"]
