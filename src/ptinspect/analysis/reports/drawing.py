"""Histograms as small drawings in SVG: numbers and fixed words only, nothing of a file's own text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ptinspect.analysis.compare.difference import PairHistograms
from ptinspect.analysis.histogram import Histogram

_WIDTH, _HEIGHT = 180, 40


def overlaid_drawing(found: PairHistograms) -> str:
    """Both sides on one scale."""
    top = max((*_heights(found.left), *_heights(found.right)), default=1.0) or 1.0
    return _drawing(_shape(found.left, top, "left") + _shape(found.right, top, "right"), found.left)


def difference_drawing(found: PairHistograms) -> str:
    """The difference, on its own scale."""
    top = max(_heights(found.apart), default=1.0) or 1.0
    return _drawing(_shape(found.apart, top, "apart"), found.apart)


def _drawing(inner: str, over: Histogram) -> str:
    low, high = float(over.edges[0]), float(over.edges[-1])
    title = f"<title>{low:.4g} to {high:.4g}</title>"
    return f'<svg width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{title}{inner}</svg>'


def _heights(one: Histogram) -> list[float]:
    """Bars whose areas tell the counts, where bins are wide and narrow; on a scale of exponents every bin is as wide as the next."""
    counts = [float(count) for count in one.counts]
    edges = [float(edge) for edge in one.edges]
    whole = (edges[-1] - edges[0]) or 1.0
    if one.scale != "linear" or not math.isfinite(whole):
        return counts
    return [count * whole / ((edges[at + 1] - edges[at]) or whole) for at, count in enumerate(counts)]


def _places(one: Histogram) -> Sequence[float]:
    count = len(one.counts)
    low, high = float(one.edges[0]), float(one.edges[-1])
    whole = high - low
    if one.scale != "linear" or not math.isfinite(whole) or not whole:
        return [_WIDTH * at / count for at in range(count + 1)]
    return [_WIDTH * ((float(edge) - low) / whole) for edge in one.edges]


def _shape(one: Histogram, top: float, name: str) -> str:
    places, steps = _places(one), [f"M{0:.1f} {_HEIGHT}"]
    for at, height in enumerate(_heights(one)):
        y = _HEIGHT - (_HEIGHT - 2) * height / top
        steps.append(f"V{y:.1f}H{places[at + 1]:.1f}")
    return f'<path class="{name}" d="{"".join(steps)}V{_HEIGHT}Z"/>'
