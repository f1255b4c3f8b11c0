"""Counting values between given edges, where the census of their bits is too coarse to tell."""

from __future__ import annotations

from typing import Any

import numpy as np

from ptinspect.analysis.histogram import Edges, Histogram
from ptinspect.analysis.tensor_stats import real
from ptinspect.dtypes import DType

Array = np.ndarray[Any, Any]


class Between:
    """Adds up chunks between edges; used by one thread."""

    def __init__(self, edges: Edges, kernels: Any = None) -> None:
        self.edges = edges
        self.kernels = kernels
        values = edges.values
        self.counters = np.zeros(values.size + 2, np.int64)
        width = float(values[-1]) / 2 - float(values[0]) / 2  # all of it may be more than a float can say
        self.scale = (values.size - 1) / width if width else 0.0

    def add(self, values: Array) -> None:
        """Count a chunk."""
        values = real(values)
        if self.kernels is not None and values.dtype.kind == "f":
            self.kernels.between_chunk(values, self.edges.values, self.scale, self.counters)
            return
        edges, last = self.edges.values, self.edges.values.size - 1
        if values.dtype.kind == "f":
            values = values[np.isfinite(values)]
        places = np.searchsorted(edges, values, side="right")
        places[values == edges[-1]] = last  # the last edge is inside
        self.counters[: last + 2] += np.bincount(places, minlength=last + 2)

    def take(self) -> Histogram:
        """What was counted."""
        last = self.edges.values.size - 1
        below, above = int(self.counters[0]), int(self.counters[last + 1])
        return Histogram(self.edges.values, self.counters[1 : last + 1].copy(), below, above, self.edges.scale)


def between_for(edges: Edges, dtype: DType, kernels: Any = None) -> Between:
    """A count between edges for values of this type; symmetric-log edges are too uneven for the compiled guess."""
    return Between(edges, kernels if edges.scale == "linear" else None)


__all__ = ["Between", "between_for"]
