"""A quiet plot: one axis at the bottom, labels at the left, hairlines, and a readout that follows the pointer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPen, QWheelEvent

from ptinspect.session.words import count_text, signed
from ptinspect.ui import theme
from ptinspect.ui.widgets.focus_ring import FocusRing
from ptinspect.ui.widgets.readout import Readout

Names = Callable[[float], str]
LABEL = 13  # pixels: half of what a label of an axis takes


def pen(tone: str, width: float = 1.0, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    """A pen of the screen's own width: others would be as wide as a unit of the plot."""
    made = QPen(theme.tokens().colour(tone), width, style)
    made.setCosmetic(True)
    return made


class Axis(pg.AxisItem):  # type: ignore[misc]
    """Labels in the window's type; a name for each place where places are no numbers."""

    def __init__(self, side: str) -> None:
        super().__init__(side)
        self.names: Names | None = None
        self.places: Sequence[float] | None = None
        self.is_log = False
        self.setStyle(maxTickLevel=0, tickTextOffset=5, tickLength=4 if side == "bottom" else 0, hideOverlappingLabels=False)
        self.dress()

    def dress(self) -> None:
        """Put on the colours of the theme."""
        look, line = theme.tokens(), pen("border2")
        self.setPen(line if self.orientation == "bottom" else QPen(Qt.PenStyle.NoPen))
        self.setTickPen(line if self.orientation == "bottom" else pen("hair" if look.name == "light" else "border"))
        self.setTextPen(look.colour("muted"))
        self.setTickFont(theme.font(11))
        if self.orientation == "left":
            self.setGrid(255)

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        if self.places is not None:
            return [(1.0, [place for place in self.places if minVal <= place <= maxVal])]
        if self.is_log:
            first, last = math.ceil(minVal), math.floor(maxVal)
            step = max(1, (last - first) // 4)
            return [(float(step), [float(power) for power in range(first, last + 1, step)])]
        levels = super().tickValues(minVal, maxVal, size)
        if self.orientation == "bottom" and size > 0:  # a label at the very end would be cut
            room = LABEL * (maxVal - minVal) / size
            levels = [(spacing, [value for value in values if minVal + room <= value <= maxVal - room]) for spacing, values in levels]
        if len(levels) > 1 and len(levels[0][1]) < 3:  # too few of the first rank: those of the second beside them
            return [(levels[1][0], sorted({*levels[0][1], *levels[1][1]}))]
        return list(levels[:1])

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        if self.names is not None:
            return [self.names(value) for value in values]
        if self.is_log:
            return [count_text(round(10**value)).replace(".0 ", " ") for value in values]
        if self.orientation == "left":
            return [count_text(round(value)).replace(".0 ", " ") if value >= 1 or value == 0 else "" for value in values]
        digits = max(0, min(8, -math.floor(math.log10(spacing)))) if spacing > 0 else 2
        wide = max((abs(value) for value in values), default=0)
        plain = 1e-4 <= wide < 1e6 or wide == 0
        return [signed(f"{value + 0.0:.{digits}f}" if plain else f"{value:.3g}") for value in values]


class Plot(pg.PlotWidget):  # type: ignore[misc]
    """Zooms along its x axis: by a drag, by the wheel with Ctrl, by + and -; a double click or 0 shows all again."""

    def __init__(self, name: str) -> None:
        self.bottom, self.left = Axis("bottom"), Axis("left")
        super().__init__(axisItems={"bottom": self.bottom, "left": self.left}, enableMenu=False)
        self.setAccessibleName(name)
        FocusRing(self)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.setFrameShape(self.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setAntialiasing(True)
        self.left.setWidth(44)
        self.left.setZValue(-1000)  # its hairlines lie under what is drawn
        self.bottom.setHeight(22)
        self.plotItem.layout.setContentsMargins(0, 2, 0, 0)
        self.box = self.plotItem.getViewBox()
        self.box.setDefaultPadding(0)
        self.box.setMouseEnabled(x=True, y=False)
        self.box.setMouseMode(self.box.RectMode)
        self.range_: tuple[float, float] = (0.0, 1.0)
        self.readout = Readout(self)
        self.marker = pg.InfiniteLine(angle=90, movable=False)
        self.marker.setVisible(False)
        self.addItem(self.marker, ignoreBounds=True)
        self.at = -1
        self.viewport().installEventFilter(self)
        self.setBackground(theme.tokens().colour("surface"))

    def dress(self) -> None:
        """Put on the colours of the theme."""
        look = theme.tokens()
        self.setBackground(look.colour("surface"))
        self.bottom.dress()
        self.left.dress()
        self.marker.setPen(pen("muted"))
        self.box.rbScaleBox.setPen(pen("accent2"))
        self.box.rbScaleBox.setBrush(look.brush("accentbg"))
        self.box.rbScaleBox.setOpacity(0.5)

    def show_range(self, low: float, high: float, bottom: float, top: float) -> None:
        """What is seen at first, and again when somebody asks for all of it."""
        self.range_ = (low, high)
        self.box.setLimits(xMin=low, xMax=high, minXRange=(high - low) / 400 or 1e-12)
        self.box.setRange(xRange=(low, high), yRange=(bottom, top), padding=0)

    def show_all(self) -> None:
        """The whole range again."""
        self.box.setXRange(*self.range_, padding=0)

    def zoom(self, factor: float, middle: float | None = None) -> None:
        """Nearer or further, around a place."""
        low, high = self.box.viewRange()[0]
        middle = (low + high) / 2 if middle is None else middle
        self.box.setXRange(middle - (middle - low) * factor, middle + (high - middle) * factor, padding=0)

    # -- the place under the pointer --------------------------------------------------------------------------------------------------

    def place(self, x: float) -> int:
        """Which of the drawn things lies at x; -1 for none."""
        return -1

    def tell(self, at: int, point: QPoint) -> None:
        """Show what is known of it."""

    def middle(self, at: int) -> float:
        """Where it lies on the x axis."""
        return 0.0

    def count(self) -> int:
        """How many there are."""
        return 0

    def show_at(self, at: int, y: int | None = None) -> None:
        """Mark one and tell of it; -1 for none."""
        self.at = at
        self.marker.setVisible(at >= 0)
        if at < 0:
            self.readout.hide()
            return
        self.marker.setValue(self.middle(at))
        point = self.mapFromScene(self.box.mapViewToScene(QPointF(self.middle(at), 0)))
        self.tell(at, QPoint(point.x(), self.height() // 4 if y is None else y))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.MouseMove and isinstance(event, QMouseEvent) and not event.buttons():
            where = self.box.mapSceneToView(self.mapToScene(event.position().toPoint()))
            inside = QRectF(self.box.sceneBoundingRect()).contains(self.mapToScene(event.position().toPoint()))
            self.show_at(self.place(where.x()) if inside else -1, event.position().toPoint().y())
        elif kind == QEvent.Type.Leave:
            self.show_at(-1)
        elif kind == QEvent.Type.MouseButtonDblClick:
            self.show_all()
            return True
        return bool(super().eventFilter(watched, event))

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            where = self.box.mapSceneToView(self.mapToScene(event.position().toPoint()))
            self.zoom(0.8 if event.angleDelta().y() > 0 else 1.25, where.x())
            event.accept()
        else:
            event.ignore()  # the page scrolls

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and self.count():
            step = 1 if key == Qt.Key.Key_Right else -1
            self.show_at(max(0, min(self.count() - 1, self.at + step)) if self.at >= 0 else self.count() // 2)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self.zoom(1.25 if key == Qt.Key.Key_Minus else 0.8, self.middle(self.at) if self.at >= 0 else None)
        elif key == Qt.Key.Key_0:
            self.show_all()
        else:
            event.ignore()

    def focusOutEvent(self, event: Any) -> None:
        self.show_at(-1)
        super().focusOutEvent(event)


class Curve(Plot):
    """Points from left to right, told by their place: channels, singular values, a long vector as a band of low and high."""

    _again: Callable[[], None] | None = None  # pyqtgraph changes palettes before an instance has anything of its own
    _ys: Any = None
    _low: Any = None

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.label: Callable[[int], tuple[str, Sequence[tuple[str, str]]]] = lambda at: (str(at), ())
        self.setFixedHeight(190)

    def draw(self, ys: Any, low: Any = None, is_bars: bool = False, is_log: bool = False) -> None:
        """A line, bars from zero, or a band between two lines."""
        import numpy as np  # noqa: PLC0415

        look = theme.tokens()
        self._again = lambda: self.draw(ys, low, is_bars, is_log)
        for item in [item for item in self.plotItem.items if item is not self.marker]:
            self.removeItem(item)
        self.dress()
        values = np.asarray(ys, np.float64)
        if is_log:
            positive = values[values > 0]
            floor = positive.min() if positive.size else 1.0
            values = np.log10(np.maximum(values, floor))
        self._ys, self._low = values, None if low is None else np.asarray(low, np.float64)
        ink = pen("accent", 1.5)
        xs = np.arange(values.size, dtype=np.float64)
        drawn = np.where(np.isfinite(values), values, np.nan)
        if is_bars:
            brush, none = look.brush("accent2"), QPen(Qt.PenStyle.NoPen)
            self.addItem(pg.BarGraphItem(x=xs, height=np.nan_to_num(drawn), width=0.84, brush=brush, pen=none))
        else:
            upper = pg.PlotCurveItem(xs, drawn, pen=ink, connect="finite")
            self.addItem(upper)
            if self._low is not None:
                lower = pg.PlotCurveItem(xs, np.where(np.isfinite(self._low), self._low, np.nan), pen=ink, connect="finite")
                self.addItem(lower)
        every = drawn if self._low is None else np.concatenate((drawn, self._low))
        every = every[np.isfinite(every)]
        bottom, top = (float(every.min()), float(every.max())) if every.size else (0.0, 1.0)
        if is_bars:
            bottom, top = min(0.0, bottom), max(0.0, top)
        room = (top - bottom or abs(top) or 1.0) * 0.06
        self.left.is_log = False
        self.left.names = (lambda value: signed(f"{10**value:.3g}")) if is_log else (lambda value: signed(f"{value:.4g}"))
        self.bottom.names = lambda value: f"{round(value):,}"
        self.show_range(-0.5, max(0.5, values.size - 0.5), bottom - (0 if is_bars and bottom == 0 else room), top + room)

    def count(self) -> int:
        return 0 if self._ys is None else int(self._ys.size)

    def place(self, x: float) -> int:
        return max(0, min(self.count() - 1, round(x))) if self.count() else -1

    def middle(self, at: int) -> float:
        return float(at)

    def tell(self, at: int, point: QPoint) -> None:
        title, lines = self.label(at)
        self.readout.tell(point, title, lines)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange and self._again is not None:
            self._again()
        super().changeEvent(event)
