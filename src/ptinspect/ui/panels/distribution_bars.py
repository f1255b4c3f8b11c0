"""Measures as what is drawn: bars of a plot, lines of rows, and the legend that names them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

from ptinspect.frozen import replace
from ptinspect.session.distributions import readable
from ptinspect.session.tensor_page import Measure, bin_text
from ptinspect.session.words import number_text, plain, signed
from ptinspect.ui import plots, theme
from ptinspect.ui.widgets.text import Elided, Text, row

if TYPE_CHECKING:
    from ptinspect.analysis.statistics import Statistics
    from ptinspect.ui.widgets.histogram import Bars
    from ptinspect.ui.widgets.histogram_rows import Line


class LegendLine(QWidget):
    """The colour of a histogram, its name, its mean and deviation."""

    def __init__(self, name: str, statistics: Statistics, at: int) -> None:
        super().__init__()
        self.mark = _Swatch(at)
        self.setLayout(row(self.mark, Elided(plain(name, 300), 12, 400, middle=True), Text(_numbers(statistics), 12, 400, "text2"), gap=8))


class _Swatch(QWidget):
    """A short line in the colour of its histogram."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at
        self.setFixedSize(14, 14)

    def paintEvent(self, event: Any) -> None:
        from PySide6.QtGui import QPainter  # noqa: PLC0415

        from ptinspect.ui.widgets.histogram import ink  # noqa: PLC0415

        if plots.is_ready():
            QPainter(self).fillRect(0, 5, 14, 3, theme.tokens().colour(ink(self._at)))


def readable_measure(measure: Measure) -> Measure:
    """With as few bins as its values need."""
    return measure if measure.statistics is None else replace(measure, statistics=readable(measure.statistics))


def _numbers(statistics: Statistics) -> str:
    return f"{number_text(statistics.mean)} ± {number_text(statistics.std)}" if statistics.mean is not None else "no finite value"


def line_of(name: str, measure: Measure, at: int) -> Line:
    """One of several that stand below each other."""
    import numpy as np  # noqa: PLC0415 - it is there by now

    from ptinspect.ui.widgets.histogram import ink  # noqa: PLC0415
    from ptinspect.ui.widgets.histogram_rows import Line  # noqa: PLC0415

    bars, statistics = bars_of(name, measure), measure.statistics
    edges = bars.edges if bars.names is None else np.arange(bars.edges.size, dtype=float)
    if statistics is None or statistics.histogram is None:
        raise ValueError("nothing to draw")
    own = statistics.histogram.edges
    ends = signed(f"{float(own[0]):.4g}"), signed(f"{float(own[-1]):.4g}")
    return Line(plain(name, 300), _numbers(statistics), edges, bars.counts.astype(float), ends, ink(at), label_of(statistics))


def bars_of(name: str, measure: Measure) -> Bars:
    """One of several over each other."""
    from ptinspect.ui.widgets.histogram import Bars  # noqa: PLC0415

    statistics = measure.statistics
    if statistics is None or statistics.histogram is None:
        raise ValueError("nothing to draw")
    histogram, shares = statistics.histogram, statistics.quantiles
    edges = histogram.edges.astype(float)
    if histogram.scale == "whole" and (edges[1:] - edges[:-1] <= 1).all():
        edges = edges - 0.5  # a whole number stands in the middle of its bar
        if edges[-1] == edges[-2]:
            edges[-1] += 1
    marks = (shares[0], shares[2], shares[3], shares[4], shares[6]) if shares else None
    names: Callable[[int], str] | None = None
    if histogram.scale == "symlog":
        names = lambda at: signed(f"{float(histogram.edges[min(at, histogram.edges.size - 1)]):.1g}")  # noqa: E731 - as short as a table entry
    return Bars(name, edges, histogram.counts, marks, names, measure.seen is not None)


def label_of(statistics: Statistics | None) -> Callable[[int], tuple[str, Sequence[tuple[str, str]]]]:
    """What a bin holds, in words."""
    if statistics is None or statistics.histogram is None:
        return lambda _: ("", ())
    histogram = statistics.histogram
    return lambda at: bin_text(histogram, at)
