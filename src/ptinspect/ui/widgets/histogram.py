"""A histogram, or several over each other: a box strip above, a readout under the pointer, linear or logarithmic counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ptinspect.frozen import frozen
from ptinspect.ui import theme
from ptinspect.ui.widgets.plot import Plot, pen

HEIGHT, STRIP, FLOOR = 158, 22, -0.35
INKS = ("accent", "right", "good", "shape", "left", "warnicon", "danger", "text2")
Label = Callable[[int], tuple[str, Sequence[tuple[str, str]]]]


@frozen
class Bars:
    """One histogram to draw: its edges, counts, and the quantiles of 1, 25, 50, 75 and 99 % where they are known.

    `names` gives each edge a label where edges are not drawn at their own distances.
    """

    title: str
    edges: Any
    counts: Any
    quantiles: tuple[float, ...] | None = None
    names: Callable[[int], str] | None = None
    is_guess: bool = False


class Strip(QWidget):
    """The middle half as a box, the median in it, 1 % and 99 % at the ends."""

    def __init__(self, plot: Plot) -> None:
        super().__init__()
        self._plot = plot
        self.quantiles: tuple[float, ...] | None = None
        self.setFixedHeight(STRIP)
        plot.box.sigRangeChanged.connect(lambda *_: self.update())

    def _x(self, value: float) -> float:
        scene = self._plot.box.mapViewToScene(QPointF(value, 0))
        return float(self._plot.mapFromScene(scene).x())

    def _ends(self) -> tuple[float, ...]:
        """Where the quantiles stand, none beyond the plot."""
        left, right = self._plot.left.width(), self.width()
        return tuple(max(left, min(right - 1.0, self._x(value))) for value in self.quantiles or ())

    def names(self) -> dict[str, QRectF]:
        """Where the ends are named: beyond them, or on the line where there is no room beyond."""
        if self.quantiles is None:
            return {}
        low, first, _, third, high = self._ends()
        metrics = QFontMetricsF(theme.font(11))
        found = {}
        for text, outside, inside, towards in (
            ("1\u2009%", (float(self._plot.left.width()), low - 8), (low + 6, first - 8), 1),
            ("99\u2009%", (high + 8, float(self.width())), (third + 8, high - 6), 0),
        ):
            wide = metrics.horizontalAdvance(text) + 4
            fits = next(((box, at) for at, box in enumerate((outside, inside)) if box[1] - box[0] >= wide), None)
            if fits is not None:
                (begin, end), is_inside = fits
                found[text] = QRectF(end - wide if towards != is_inside else begin, 0, wide, STRIP)
        return found

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.quantiles is None:
            return
        look, painter = theme.tokens(), QPainter(self)
        low, first, middle, third, high = self._ends()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        y = self.height() / 2
        painter.setPen(QPen(look.colour("text2"), 1))
        painter.drawLine(QPointF(low, y), QPointF(high, y))
        for x in (low, high):
            painter.drawLine(QPointF(x, y - 4), QPointF(x, y + 4))
        painter.setBrush(look.brush("surface"))
        painter.drawRoundedRect(QRectF(first, y - 5, max(2.0, third - first), 10), 2, 2)
        painter.setPen(QPen(look.colour("text"), 2))
        painter.drawLine(QPointF(middle, y - 5), QPointF(middle, y + 5))
        painter.setFont(theme.font(11))
        painter.setPen(look.pen("muted"))
        for text, box in self.names().items():
            painter.fillRect(box, look.colour("surface"))
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), text)


class _Field(Plot):
    """The plot itself."""

    def __init__(self) -> None:
        super().__init__("Distribution of the values")
        self.bars: tuple[Bars, ...] = ()
        self.xs: list[Any] = []
        self.is_log = False
        self.label: Label = lambda _: ("", ())
        self.setFixedHeight(HEIGHT)
        self._lit = pg.PlotCurveItem()

    def draw(self) -> None:
        """Everything anew."""
        for item in [item for item in self.plotItem.items if item is not self.marker]:
            self.removeItem(item)
        self.dress()
        self.left.is_log = self.is_log and len(self.bars) == 1
        self.xs = [np.arange(bars.counts.size + 1.0) if bars.names else np.asarray(bars.edges, np.float64) for bars in self.bars]
        tops = [self._add(at, bars) for at, bars in enumerate(self.bars)]
        if not tops:
            return
        single = self.bars[0] if len(self.bars) == 1 else None
        names = single.names if single is not None else None
        self.bottom.names = (lambda value: names(round(value))) if names is not None else None
        self.bottom.places = [float(x) for x in np.linspace(0, self.xs[0].size - 1, 5).round()] if names is not None else None
        self.left.names = (lambda value: f"{100 * value:.0f}\u2009%") if single is None else None
        low, high = min(float(x[0]) for x in self.xs), max(float(x[-1]) for x in self.xs)
        if high <= low:
            low, high = low - 0.5, high + 0.5
        floor, top = FLOOR if self.left.is_log else 0.0, max(tops) * 1.04 if max(tops) > 0 else 1.0
        self.show_range(low, high, floor or -0.004 * top, top)  # zero would have no label at the very end
        brush, none = theme.tokens().brush("accent2"), QPen(Qt.PenStyle.NoPen)
        self._lit = pg.PlotCurveItem([low, high], [floor], stepMode="center", fillLevel=floor, brush=brush, pen=none)
        self._lit.setVisible(False)
        self.addItem(self._lit, ignoreBounds=True)
        if single is not None and single.quantiles is not None and names is None:
            self._drop(single.quantiles)

    def _heights(self, bars: Bars) -> Any:
        counts = bars.counts.astype(np.float64)
        if len(self.bars) > 1:
            return counts / max(1.0, counts.max())
        return np.log10(np.maximum(counts, 10**FLOOR)) if self.left.is_log else counts

    def _add(self, at: int, bars: Bars) -> float:
        look, heights, xs = theme.tokens(), self._heights(bars), self.xs[at]
        ink = look.colour(INKS[at % len(INKS)])
        fill = QColor(look.colour("accent2") if at == 0 else ink)
        fill.setAlphaF((0.2 if look.name == "light" else 0.3) if len(self.bars) == 1 else (0.16 if look.name == "light" else 0.22))
        style = Qt.PenStyle.DashLine if bars.is_guess else Qt.PenStyle.SolidLine
        outline = pen(INKS[at % len(INKS)], 1.25 if len(self.bars) == 1 else 1.4, style)
        if xs[-1] <= xs[0]:  # one value: a bar of some width
            xs = np.array([xs[0] - 0.5, xs[0] + 0.5])
            self.xs[at] = xs
        floor = FLOOR if self.left.is_log else 0
        curve = pg.PlotCurveItem(xs, heights[: xs.size - 1], stepMode="center", fillLevel=floor, brush=fill, pen=outline)
        self.addItem(curve)
        return float(heights.max()) if heights.size else 0.0

    def _drop(self, quantiles: tuple[float, ...]) -> None:
        for value in (quantiles[0], quantiles[2], quantiles[4]):
            self.addItem(pg.InfiniteLine(value, angle=90, pen=pen("muted", 1.0, Qt.PenStyle.DotLine)), ignoreBounds=True)

    def count(self) -> int:
        return int(self.bars[0].counts.size) if len(self.bars) == 1 else 0

    def place(self, x: float) -> int:
        if not self.count():
            return -1
        return max(0, min(self.count() - 1, int(np.searchsorted(self.xs[0], x, side="right")) - 1))

    def middle(self, at: int) -> float:
        xs = self.xs[0]
        return float((xs[at] + xs[min(at + 1, xs.size - 1)]) / 2)

    def tell(self, at: int, point: QPoint) -> None:
        title, lines = self.label(at)
        self.readout.tell(point, title, lines)

    def show_at(self, at: int, y: int | None = None) -> None:
        super().show_at(at, y)
        self._lit.setVisible(at >= 0)
        if at >= 0:
            xs = self.xs[0]
            self._lit.setData(xs[at : at + 2], self._heights(self.bars[0])[at : at + 1])


class HistogramPlot(QWidget):
    """The strip and the plot below it."""

    def __init__(self) -> None:
        super().__init__()
        self.field = _Field()
        self.strip = Strip(self.field)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.strip)
        layout.addWidget(self.field)

    def show_bars(self, bars: Sequence[Bars], label: Label) -> None:
        """Draw these; `label` says what a bin of a single one holds."""
        self.field.bars, self.field.label = tuple(bars), label
        single = bars[0] if len(bars) == 1 else None
        self.strip.quantiles = single.quantiles if single is not None and single.names is None else None
        self.strip.setVisible(self.strip.quantiles is not None)
        self.field.draw()
        self.strip.update()

    def set_log(self, is_log: bool) -> None:
        """Counts by their powers of ten."""
        self.field.is_log = is_log
        self.field.draw()

    @property
    def is_log(self) -> bool:
        """Whether they are."""
        return self.field.is_log

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange and self.field.bars:
            self.field.draw()
        super().changeEvent(event)


def ink(at: int) -> str:
    """The colour of the histogram at this place, by its name."""
    return INKS[at % len(INKS)]
