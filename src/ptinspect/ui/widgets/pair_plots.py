"""Plots of a pair: two histograms over each other on the same bins, and the histogram of their difference around zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ptinspect.frozen import frozen
from ptinspect.session.words import signed
from ptinspect.ui import theme
from ptinspect.ui.widgets.heat_map import DIVERGING
from ptinspect.ui.widgets.plot import Plot, pen

HEIGHT, LOW_HEIGHT, WORDS = 138, 118, 20
FLOOR, THINNEST = -0.35, 0.006


@frozen
class Bins:
    """Edges and counts; places instead of edges where those are exponents."""

    edges: Any
    counts: Any
    scale: str = "linear"

    @property
    def xs(self) -> Any:
        """Where the bins are drawn."""
        edges = np.asarray(self.edges, np.float64)
        if self.scale == "symlog":
            return np.arange(self.counts.size + 1.0)
        if self.scale == "whole" and (np.diff(edges) <= 1).all():
            edges = edges - 0.5
        xs = edges.copy()
        if xs[-1] <= xs[0]:
            xs = np.linspace(xs[0] - 0.5, xs[0] + 0.5, xs.size)
        return np.maximum.accumulate(np.where(np.diff(xs, prepend=xs[0] - 1) > 0, xs, np.nextafter(xs, np.inf)))

    @property
    def heights(self) -> Any:
        """Counts; where bins are wide and narrow, as high as their areas tell them."""
        counts, widths = self.counts.astype(np.float64), np.diff(self.xs)
        if not counts.size or self.scale == "symlog" or widths.min() <= 0 or widths.max() <= 1.5 * widths.min():
            return counts
        return counts * (np.median(widths) / widths)

    def name(self, at: int) -> str:
        """The edge at a place."""
        return signed(f"{float(self.edges[max(0, min(at, len(self.edges) - 1))]):.3g}")

    def around(self, at: int) -> str:
        """A bin by its edges."""
        return f"{self.name(at)} … {self.name(at + 1)}"


class WordsAbove(QWidget):
    """Words beside places of a plot below, each in the tone of what it says."""

    def __init__(self, plot: Plot) -> None:
        super().__init__()
        self._plot = plot
        self.words: tuple[tuple[float, str, str, bool], ...] = ()  # place, text, tone, whether it stands to the left of it
        self.setFixedHeight(WORDS)
        plot.box.sigRangeChanged.connect(lambda *_: self.update())

    def show_words(self, words: Sequence[tuple[float, str, str, bool]]) -> None:
        """Other words."""
        self.words = tuple(words)
        self.setAccessibleName(", ".join(text for _, text, _, _ in words))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        look, painter, font = theme.tokens(), QPainter(self), theme.font(11)
        painter.setFont(font)
        metrics, middle = QFontMetricsF(font), int(Qt.AlignmentFlag.AlignVCenter)
        end = float(self.width())
        for value, text, tone, to_left in sorted(self.words, key=lambda one: one[3]):  # what stands right of its place is pushed first
            x = float(self._plot.mapFromScene(self._plot.box.mapViewToScene(QPointF(value, 0))).x())
            wide = metrics.horizontalAdvance(text) + 2
            left = min(x - wide - 8, end - wide - 10) if to_left else max(4.0, min(self.width() - wide - 2, x + 8))
            end = left if not to_left else end
            painter.setPen(look.pen(tone))
            painter.drawText(QRectF(max(0.0, left), 0, wide, self.height()), middle, text)


class _Field(Plot):
    """What both plots share."""

    def clear_items(self) -> None:
        """Take away what was drawn."""
        for item in [item for item in self.plotItem.items if item is not self.marker]:
            self.removeItem(item)
        self.dress()

    def name_places(self, bins: Bins) -> None:
        """Exponents have names at the bottom, other numbers their own."""
        if bins.scale == "symlog":
            self.bottom.names = lambda value: bins.name(round(value))
            self.bottom.places = [float(x) for x in np.linspace(0, bins.counts.size, 5).round()]
        else:
            self.bottom.names = self.bottom.places = None


class _Overlaid(_Field):
    def __init__(self) -> None:
        super().__init__("Both distributions over each other")
        self.sides: tuple[Bins | None, Bins | None] = (None, None)
        self.is_log = self.are_shares = False
        self.setFixedHeight(HEIGHT)

    def draw(self) -> None:
        """Everything anew."""
        self.clear_items()
        found = [(side, bins) for side, bins in zip(("left", "right"), self.sides, strict=True) if bins is not None and bins.counts.size]
        if not found:
            return
        self.left.is_log = self.is_log
        self.left.names = (lambda value: f"{100 * value:.3g}\u2009%") if self.are_shares and not self.is_log else None
        self.name_places(found[0][1])
        tops = [self._add(side, bins) for side, bins in found]
        low, high = min(float(bins.xs[0]) for _, bins in found), max(float(bins.xs[-1]) for _, bins in found)
        top = max(tops) * 1.04 or 1.0
        self.show_range(low, high, FLOOR if self.is_log else -0.004 * top, top)

    def heights(self, bins: Bins) -> Any:
        """As they are drawn."""
        heights = bins.heights
        if self.are_shares:
            heights = heights / max(1.0, float(heights.sum()))
        return np.log10(np.maximum(heights, 10**FLOOR)) if self.is_log else heights

    def _add(self, side: str, bins: Bins) -> float:
        look, heights = theme.tokens(), self.heights(bins)
        fill = QColor(look.colour(f"{side}graphic"))
        fill.setAlphaF(0.16 if look.name == "light" else 0.22)
        floor = FLOOR if self.is_log else 0
        outline = pen(f"{side}graphic", 1.4)
        self.addItem(pg.PlotCurveItem(bins.xs, heights, stepMode="center", fillLevel=floor, brush=fill, pen=outline))
        return float(heights.max())

    def mark(self, value: float, side: str) -> None:
        """A line at a median."""
        self.addItem(pg.InfiniteLine(value, angle=90, pen=pen(f"{side}graphic", 1.0)), ignoreBounds=True)

    def count(self) -> int:
        left, right = self.sides
        return int(left.counts.size) if left is not None and right is not None and not self.are_shares else 0

    def place(self, x: float) -> int:
        left = self.sides[0]
        if not self.count() or left is None:
            return -1
        return max(0, min(self.count() - 1, int(np.searchsorted(left.xs, x, side="right")) - 1))

    def middle(self, at: int) -> float:
        left = self.sides[0]
        return 0.0 if left is None else float((left.xs[at] + left.xs[at + 1]) / 2)

    def tell(self, at: int, point: QPoint) -> None:
        left, right = self.sides
        if left is not None and right is not None:
            counts = ("Left", f"{int(left.counts[at]):,}"), ("Right", f"{int(right.counts[at]):,}")
            self.readout.tell(point, left.around(at), counts)


class OverlaidPlot(QWidget):
    """Left and right, with a line at each median."""

    def __init__(self) -> None:
        super().__init__()
        self.field = _Overlaid()
        self.words = WordsAbove(self.field)
        self._medians: tuple[float | None, float | None] = (None, None)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.words)
        layout.addWidget(self.field)

    def show_sides(self, left: Bins | None, right: Bins | None, medians: tuple[float | None, float | None], are_shares: bool) -> None:
        """Draw these; as shares where they are of different numbers of values."""
        self.field.sides, self.field.are_shares, self._medians = (left, right), are_shares, medians
        self.draw()

    def set_log(self, is_log: bool) -> None:
        """Counts by their powers of ten."""
        self.field.is_log = is_log
        self.draw()

    def draw(self) -> None:
        """Everything anew."""
        self.field.draw()
        bins = self.field.sides[0] or self.field.sides[1]
        known = [(value, side) for value, side in zip(self._medians, ("left", "right"), strict=True) if value is not None]
        if bins is None or bins.scale == "symlog":
            self.words.show_words([(0.0, f"median {_short(value)}", side, side == "left") for value, side in known])
            self.words.hide()
            return
        self.words.show()
        for value, side in known:
            self.field.mark(value, side)
        low = min((value for value, _ in known), default=0.0)
        is_first = [value == low for value, _ in known]
        if is_first == [True, True]:
            is_first = [True, False]
        words = [(value, f"median {_short(value)}", side, first) for (value, side), first in zip(known, is_first, strict=True)]
        self.words.show_words(words)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange and any(side is not None for side in self.field.sides):
            self.draw()
        super().changeEvent(event)


def _short(value: float) -> str:
    return signed(f"{value:.3f}" if 0.001 <= abs(value) < 1_000 else f"{value:.3g}")


class _Apart(_Field):
    def __init__(self) -> None:
        super().__init__("The difference, value by value")
        self.bins: Bins | None = None
        self.is_log = False
        self.setFixedHeight(LOW_HEIGHT)

    @property
    def zero(self) -> float:
        """Where no difference is drawn."""
        bins = self.bins
        if bins is None:
            return 0.0
        if bins.scale != "symlog":
            return 0.0
        edges = np.asarray(bins.edges, np.float64)
        at = int(np.searchsorted(edges, 0, side="right"))
        return max(0.0, at - (0.5 if at and edges[at - 1] < 0 else 1.0))

    def draw(self) -> None:
        """Everything anew."""
        self.clear_items()
        bins = self.bins
        if bins is None or not bins.counts.size:
            return
        xs, heights = bins.xs, bins.heights
        self.left.is_log = self.is_log
        if self.is_log:
            heights = np.log10(np.maximum(heights, 10**FLOOR))
        self.name_places(bins)
        floor = FLOOR if self.is_log else 0.0
        middles, widths = (xs[:-1] + xs[1:]) / 2, np.diff(xs)
        brushes = [QBrush(colour) for colour in _diverging(middles - self.zero)]
        none = QPen(Qt.PenStyle.NoPen)
        low, high = min(float(xs[0]), self.zero), max(float(xs[-1]), self.zero)
        drawn = np.maximum(widths * 0.9, (high - low) * THINNEST)  # far from zero all bins together may be thinner than a line
        self.addItem(pg.BarGraphItem(x=middles, y0=floor, height=heights - floor, width=drawn, brushes=brushes, pen=none))
        self.addItem(pg.InfiniteLine(self.zero, angle=90, pen=pen("muted", 1.0)), ignoreBounds=True)
        top = float(heights.max()) * 1.04 or 1.0
        room = (high - low) * THINNEST
        self.show_range(low - room, high + room, floor or -0.004 * top, top)

    def count(self) -> int:
        return 0 if self.bins is None else int(self.bins.counts.size)

    def place(self, x: float) -> int:
        if self.bins is None or not self.count():
            return -1
        return max(0, min(self.count() - 1, int(np.searchsorted(self.bins.xs, x, side="right")) - 1))

    def middle(self, at: int) -> float:
        return 0.0 if self.bins is None else float((self.bins.xs[at] + self.bins.xs[at + 1]) / 2)

    def tell(self, at: int, point: QPoint) -> None:
        if self.bins is not None:
            total = max(1, int(self.bins.counts.sum()))
            share = f"{100 * int(self.bins.counts[at]) / total:.1f} %"
            self.readout.tell(point, self.bins.around(at), (("Values", f"{int(self.bins.counts[at]):,}"), ("Share", share)))


def _diverging(places: Any) -> list[QColor]:
    """Blue where the right is smaller, orange where it is larger, further from zero stronger."""
    stops = [QColor(text) for text in DIVERGING[theme.tokens().name]]
    stops[2] = theme.tokens().colour("border2")
    parts = [[stop.red() for stop in stops], [stop.green() for stop in stops], [stop.blue() for stop in stops]]
    reach = float(np.abs(places).max()) or 1.0
    where = np.sign(places) * np.sqrt(np.abs(places) / reach) * 2 + 2
    channels = [np.interp(where, range(5), part).round().astype(int) for part in parts]
    return [QColor(int(r), int(g), int(b)) for r, g, b in zip(*channels, strict=True)]


class ApartPlot(QWidget):
    """Right minus left: bars around a line at zero, with the share on either side in words."""

    def __init__(self) -> None:
        super().__init__()
        self.field = _Apart()
        self.words = WordsAbove(self.field)
        self._said = ("", "")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.words)
        layout.addWidget(self.field)

    def show_bins(self, bins: Bins | None, said: tuple[str, str]) -> None:
        """Draw these."""
        self.field.bins, self._said = bins, said
        self.draw()

    def set_log(self, is_log: bool) -> None:
        """Counts by their powers of ten."""
        self.field.is_log = is_log
        self.draw()

    def draw(self) -> None:
        """Everything anew."""
        self.field.draw()
        zero = self.field.zero
        words = [(zero, text, tone, first) for text, tone, first in zip(self._said, ("left", "right"), (True, False), strict=True) if text]
        self.words.show_words(words)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange and self.field.bins is not None:
            self.draw()
        super().changeEvent(event)
