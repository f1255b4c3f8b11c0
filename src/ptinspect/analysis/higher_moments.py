"""Skewness and kurtosis of one tensor: how lopsided its values lie, and how heavy their tails are.

Read on their own, for the tensor that somebody looks at: in the loop that counts a whole file they would cost a third of its speed.
Stretches merge in any order. What is kept of each is standardized (mean cubes and fourth powers of distances in units of the
deviation), so nothing overflows that is finite itself, however large or small the numbers are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ptinspect.analysis.moments import Moments, moments_of
from ptinspect.analysis.portions import CHUNK_BYTES, chunks, portions
from ptinspect.analysis.tensor_stats import real
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.storage_bytes import StorageBytes
from ptinspect.frozen import frozen
from ptinspect.tensors import TensorInfo

Array = np.ndarray[Any, Any]
Progress = Callable[[int, int], None]


@frozen
class HigherMoments:
    """`third` and `fourth` are the means of the third and fourth powers of standardized values; both 0 where all are equal."""

    moments: Moments = Moments()
    third: float = 0.0
    fourth: float = 0.0

    @property
    def skewness(self) -> float | None:
        """0 where values lie evenly to either side of their mean, above 0 where the tail to the right is longer."""
        return self.third if self.moments.deviation else None

    @property
    def kurtosis(self) -> float | None:
        """Above that of a normal distribution, which has 0: heavy tails are positive."""
        return self.fourth - 3 if self.moments.deviation else None

    def merged(self, other: HigherMoments) -> HigherMoments:
        """Both together: Pébay's formulas, divided by the deviation of the whole."""
        both = self.moments.merged(other.moments)
        if not self.moments.count or not other.moments.count:
            return self if self.moments.count else other
        if not both.deviation:
            return HigherMoments(both)
        mine, its = self.moments.count / both.count, other.moments.count / both.count
        wide, narrow = self.moments.deviation / both.deviation, other.moments.deviation / both.deviation
        half = other.moments.apart / 2 - self.moments.apart / 2 + (other.moments.origin - self.moments.origin) / 2
        step = 2 * (half / both.deviation)
        third = mine * wide**3 * self.third + its * narrow**3 * other.third
        third += mine * its * (step**3 * (mine - its) + 3 * step * (narrow**2 - wide**2))
        fourth = mine * wide**4 * self.fourth + its * narrow**4 * other.fourth
        fourth += mine * its * (
            step**4 * (mine * mine - mine * its + its * its)
            + 6 * step**2 * (mine * narrow**2 + its * wide**2)
            + 4 * step * (narrow**3 * other.third - wide**3 * self.third)
        )  # fmt: skip
        return HigherMoments(both, third, fourth)

    def with_zeros(self, count: int) -> HigherMoments:
        """Zeros that a sparse tensor does not store."""
        return self.merged(HigherMoments(Moments(count))) if count > 0 else self


def of_values(values: Array) -> HigherMoments:
    """Of finite numbers of any kind, few enough to stand in memory several times."""
    moments = moments_of(values)
    if not moments.deviation:
        return HigherMoments(moments)
    if moments.origin:  # whole numbers beyond what float64 tells apart
        apart = (values - values.dtype.type(moments.origin)).astype(np.float64) - moments.apart
        standard = apart / moments.deviation
    else:  # halves first: the two ends of float64 are further apart than it can say
        standard = (values.astype(np.float64) / 2 - moments.apart / 2) / (moments.deviation / 2)
    squares = standard * standard
    return HigherMoments(moments, float(np.dot(squares, standard)) / values.size, float(np.dot(squares, squares)) / values.size)


def higher_moments(checkpoint: Checkpoint, tensor: TensorInfo, progress: Progress | None = None) -> HigherMoments:
    """Of the finite values of a tensor, read once. Raises FileProblem where they cannot be read.

    An expanded tensor's values count once: repeated equally often they give the same. `progress(done, total)` is told the
    bytes, in this thread, and may raise Cancelled to end the work.
    """
    found, seen, done = HigherMoments(), 0, 0
    with StorageBytes(checkpoint) as storages:
        buffer = np.empty(CHUNK_BYTES, np.uint8)
        parts = list(portions(storages, tensor))
        total = sum(part.nbytes for part in parts)
        for part in parts:
            for chunk in chunks(storages, part, buffer):
                values = real(chunk)
                seen += values.size
                done += chunk.nbytes
                found = found.merged(of_values(values[np.isfinite(values)] if values.dtype.kind == "f" else values))
                if progress is not None:
                    progress(min(done, total), total)
    return found.with_zeros(tensor.elements - seen) if tensor.layout.startswith("sparse") else found


__all__ = ["HigherMoments", "higher_moments", "of_values"]
