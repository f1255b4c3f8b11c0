"""The power law in the tail of a matrix's eigenvalues, by the definition of WeightWatcher 0.7.7.

The eigenvalues are the squares of the singular values. Those above 1e-5 are fitted: for each of them as the tail's beginning `xmin`,
alpha = 1 + n / sum(log(x / xmin)) over the n values from there on; the beginning is the one at which the fitted distribution and
that of the values (0, 1/n, ... (n-1)/n) are least apart. Fewer than 20 values: n - 1 in place of n, and tails of at least 8.

https://github.com/CalculatedContent/WeightWatcher, `WWFit` in WW_powerlaw.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ptinspect.frozen import frozen

Array = np.ndarray[Any, Any]

LEAST = 8
"""Eigenvalues without which WeightWatcher leaves a layer out."""

THRESHOLD = 1e-5
_FEW = 20


@frozen
class PowerLaw:
    """Density ~ x ** -alpha from `xmin` on. `sigma` is the standard error of alpha, `distance` that of Kolmogorov and Smirnov.

    `tail` says how many eigenvalues lie in the tail, `count` among how many it was looked for.
    """

    alpha: float
    sigma: float
    distance: float
    xmin: float
    tail: int
    count: int


def power_law(eigenvalues: Array, go_on: Callable[[], None] | None = None) -> PowerLaw | None:
    """The best fit, None where there are too few values or all of them are the same. `go_on` is called every few milliseconds."""
    found = np.sort(eigenvalues[eigenvalues > THRESHOLD]).astype(np.float64)
    if found.size < LEAST:
        return None
    best = _best(np.log(found), go_on or (lambda: None))
    if best is None:
        return None
    begin, alpha, distance = best
    length = found.size - begin
    tail = int((found >= found[begin]).sum())
    return PowerLaw(alpha, (alpha - 1) / math.sqrt(length), distance, float(found[begin]), tail, found.size)


def _best(logs: Array, go_on: Callable[[], None]) -> tuple[int, float, float] | None:
    """Where the tail begins, its alpha, and how far it is from a power law."""
    few = logs.size < _FEW
    best = None
    nearest = 1.0
    for begin in range(logs.size - (LEAST - 1 if few else 1)):
        if begin % 16 == 0:
            go_on()
        above = logs[begin:] - logs[begin]
        n, total = above.size, float(above.sum())
        if total <= 1e-12:  # one value many times: any alpha fits
            continue
        alpha = 1 + (n - 1 if few else n) / total
        # 1 - (x / xmin) ** (1 - alpha), from logarithms: a power costs four times as much.
        distance = float(np.abs(-np.expm1((1 - alpha) * above) - np.arange(n) / n).max())
        if distance < nearest:
            best, nearest = (begin, alpha), distance
    return None if best is None else (*best, nearest)


__all__ = ["LEAST", "THRESHOLD", "PowerLaw", "power_law"]
