"""Bars of a number for each layer, which can be clicked, and a line of throughput over batch sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent

from ptinspect.session.batch.heard import figure
from ptinspect.session.words import size_text
from ptinspect.ui import theme
from ptinspect.ui.widgets.plot import Curve

Label = Callable[[int], tuple[str, Sequence[tuple[str, str]]]]
HEIGHT = 168


class LayerBars(Curve):
    """One bar for each layer, in the order of the rows."""

    chosen = Signal(str)

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.setFixedHeight(HEIGHT)
        self.left.setWidth(62)
        self.paths: list[str] = []
        self._pressed: QPoint | None = None

    def show_layers(self, paths: list[str], values: Sequence[float], label: Label, name: Callable[[float], str]) -> None:
        """Draw these; labels at the bottom are numbers of layers, the readout says which."""
        self.paths, self.label = paths, label
        self.draw(values, is_bars=True)
        self.left.names = name
        self.left.picture = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A click without a drag chooses the layer under it."""
        if isinstance(event, QMouseEvent) and event.button() == Qt.MouseButton.LeftButton:
            point = event.position().toPoint()
            if event.type() == QEvent.Type.MouseButtonPress:
                self._pressed = point
            elif event.type() == QEvent.Type.MouseButtonRelease and self._pressed is not None:
                if (point - self._pressed).manhattanLength() < 4:
                    self._choose(self.place(self.box.mapSceneToView(self.mapToScene(point)).x()))
                self._pressed = None
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose(self.at)
        else:
            super().keyPressEvent(event)

    def _choose(self, at: int) -> None:
        if 0 <= at < len(self.paths):
            self.chosen.emit(self.paths[at])


class SizeCurve(Curve):
    """Samples a second over batch sizes, which double from point to point; the best is a dot."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.setFixedHeight(HEIGHT)
        self.left.setWidth(62)

    def show_sizes(self, rows: Sequence[tuple[int, float, float, int | None]]) -> None:
        """Draw these."""
        rates = [rate for _, _, rate, _ in rows]

        def label(at: int) -> tuple[str, Sequence[tuple[str, str]]]:
            size, spent, rate, peak = rows[at]
            memory = (("Peak memory", size_text(peak)),) if peak is not None else ()
            return f"Batch of {size:,}", (("Samples/s", figure(rate, 1)), ("Latency", f"{figure(spent, 1)} ms"), *memory)

        self.label = label
        self.draw(rates)
        self.bottom.names = lambda value: f"{rows[round(value)][0]:,}" if 0 <= round(value) < len(rows) else ""
        self.bottom.places = [float(at) for at in range(len(rows))]
        best = max(range(len(rows)), key=lambda at: rates[at])
        look = theme.tokens()
        dots = pg.ScatterPlotItem(list(range(len(rows))), rates, size=7, pen=None, brush=look.colour("accent"))
        star = pg.ScatterPlotItem([best], [rates[best]], size=13, symbol="star", pen=None, brush=look.colour("warnicon"))
        self.addItem(dots)
        self.addItem(star)
        low, high = min(rates), max(rates)
        room = (high - low or high or 1.0) * 0.12
        self.show_range(-0.4, len(rows) - 0.6, max(0.0, low - room), high + room)
