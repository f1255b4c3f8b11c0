"""The sums of many small pairs at once: beside a hundred thousand of them, what numpy does for each array costs more than its values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ptinspect.analysis.compare.difference import PairSums
from ptinspect.analysis.compare.pair_tally import LARGE, SMALL, alike, changed_places, small_sums
from ptinspect.analysis.compare.rounding import near_places
from ptinspect.dtypes import BY_NAME

Array = np.ndarray[Any, Any]
Arrays = tuple[Array, Array]


def sums_of_each(pairs: Sequence[Arrays], units: tuple[str, ...]) -> list[PairSums]:
    """The sums of pairs of one kind, without their counts for histograms. What needs care is added up by itself."""
    left, right = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
    one, other = alike(left, right)
    if one.dtype.kind != "f" or any(BY_NAME[name].family != "float" for name in units):
        return [small_sums(*pair, units, counting=False) for pair in pairs]
    sizes = np.array([pair[0].size for pair in pairs])
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    near = np.zeros(sizes.size, np.bool_)
    for name in units:
        near |= np.logical_and.reduceat(near_places(left, right, BY_NAME[name]), starts)
    changed = np.add.reduceat(changed_places(left, right).astype(np.int64), starts)
    plain, numbers = _added(one.astype(np.float64), other.astype(np.float64), starts)
    columns = zip(sizes.tolist(), changed.tolist(), *(column.tolist() for column in numbers), near.tolist(), strict=True)
    made = [
        PairSums(count, count, moved, largest, total, x, y, apart, product, flips, near=is_near)
        for count, moved, largest, total, x, y, apart, product, flips, is_near in columns
    ]
    return [sums if fits else small_sums(*pair, units, counting=False) for sums, fits, pair in zip(made, plain, pairs, strict=True)]


def _added(left: Array, right: Array, starts: Array) -> tuple[list[bool], list[Array]]:
    """Which stretches have finite squares, and of each: largest, all changes, lengths of left, right and change, product, flips."""
    with np.errstate(over="ignore", invalid="ignore"):
        apart = right - left
        sizes = np.abs(apart)
        ends = [np.maximum.reduceat(values, starts) for values in (np.abs(left), np.abs(right), sizes)]
        squares = [np.sqrt(np.add.reduceat(values * values, starts)) for values in (left, right, apart)]
        product = np.add.reduceat(left * right, starts)
    flips = np.add.reduceat((((left > 0) & (right < 0)) | ((left < 0) & (right > 0))).astype(np.int64), starts)
    plain = np.all([(end == 0) | ((end > SMALL) & (end < LARGE)) for end in ends], axis=0)  # NaN is neither
    return plain.tolist(), [ends[2], np.add.reduceat(sizes, starts), *squares, product, flips]


__all__ = ["Arrays", "sums_of_each"]
