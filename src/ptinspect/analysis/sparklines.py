"""Histograms as pictures of 36 bars, small enough for the cell of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ptinspect.analysis.statistics import Statistics

Array = np.ndarray[Any, Any]
BARS, MANY = 36, 400
NOWHERE = 255
_OUTSIDE = 0.004  # of the values, left out at either end


def sparkline(found: Sequence[Statistics]) -> bytes:
    """The heights of one histogram, or of several put together, and the place of zero; empty where there is nothing to show."""
    parts = [one.histogram for one in found if one.histogram is not None and one.histogram.counts.size]
    if not parts:
        return b""
    if len(parts) == 1 and parts[0].scale == "symlog":  # its bins are even where its values are not
        return _drawn(np.arange(parts[0].counts.size + 1.0), parts[0].counts.astype(np.float64), _zero(parts[0].edges))
    starts = np.concatenate([part.edges[:-1].astype(np.float64) for part in parts])
    ends = np.concatenate([part.edges[1:].astype(np.float64) for part in parts])
    counts = np.concatenate([part.counts.astype(np.float64) for part in parts])
    low, high = _inner(starts, ends, counts)
    edges = np.linspace(low, high, BARS + 1)
    zero = -low / (high - low) if high > low else 0.5
    return _drawn(edges, _spread(starts, ends, counts, edges), zero)


def _inner(starts: Array, ends: Array, counts: Array) -> tuple[float, float]:
    """The range without the few at either end."""
    order = np.argsort(starts, kind="stable")
    behind = np.cumsum(counts[order])
    first = int(np.searchsorted(behind, _OUTSIDE * behind[-1], side="right"))
    last = int(np.searchsorted(behind, (1 - _OUTSIDE) * behind[-1]))
    low, high = float(starts[order[min(first, order.size - 1)]]), float(ends[order[min(last, order.size - 1)]])
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _spread(starts: Array, ends: Array, counts: Array, edges: Array) -> Array:
    """Counts in bins of any width, as the share of each bar that lies over them."""
    if starts.size >= MANY:  # each counts where its middle is
        totals, _ = np.histogram((starts + ends) / 2, edges, weights=counts)
        return np.asarray(totals)
    widths = np.maximum(ends - starts, np.finfo(np.float64).tiny)
    with np.errstate(over="ignore"):
        behind = np.clip((edges - starts[:, None]) / widths[:, None], 0, 1)
    return np.diff(counts @ behind)


def _zero(edges: Array) -> float:
    """Where zero is among the edges, 0 to 1."""
    return (float(np.searchsorted(edges, 0, side="right")) - 0.5) / (edges.size - 1)


def _drawn(edges: Array, counts: Array, zero: float) -> bytes:
    if counts.size != BARS:
        found = np.interp(np.linspace(edges[0], edges[-1], BARS + 1), edges, np.concatenate(([0.0], np.cumsum(counts))))
        counts = np.diff(found)
    top = counts.max()
    heights = np.round(255 * counts / top).astype(np.uint8) if top > 0 else np.zeros(BARS, np.uint8)
    place = round(zero * (BARS - 1)) if 0 <= zero <= 1 else NOWHERE
    return heights.tobytes() + bytes([place])


__all__ = ["BARS", "NOWHERE", "sparkline"]
