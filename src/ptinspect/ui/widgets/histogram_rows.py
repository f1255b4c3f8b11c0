"""Histograms one below the other, each on its own range: what lies far apart cannot be compared on one axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from ptinspect.frozen import frozen
from ptinspect.ui import theme
from ptinspect.ui.widgets.focus_ring import FocusRing
from ptinspect.ui.widgets.readout import Readout

TITLE, TALL, ENDS, GAP, SWATCH = 18, 40, 15, 10, 14
ROW = TITLE + TALL + ENDS + GAP
Label = Callable[[int], tuple[str, Sequence[tuple[str, str]]]]
_STEPS = {
    Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0),
}  # fmt: skip


@frozen
class Line:
    """One histogram: its name, its numbers in a few words, bars at `xs`, the ends of its range in words, and the colour's name."""

    title: str
    numbers: str
    xs: Any
    heights: Any
    ends: tuple[str, str]
    tone: str
    label: Label


class HistogramRows(QWidget):
    """The pointer and the arrow keys read their bins."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: tuple[Line, ...] = ()
        self.at: tuple[int, int] | None = None
        self.readout = Readout(self)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Distributions, each on its own range")
        FocusRing(self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Draw these."""
        self.lines = tuple(lines)
        self.setFixedHeight(max(1, len(self.lines)) * ROW)
        self.setAccessibleDescription(", ".join(f"{line.title} {line.numbers}" for line in self.lines))
        self.show_at(None)

    def show_at(self, at: tuple[int, int] | None) -> None:
        """Mark a bin of a row and tell of it."""
        self.at = at
        if at is None:
            self.readout.hide()
        else:
            line = self.lines[at[0]]
            x = float(self._places(line)[at[1] : at[1] + 2].mean())
            self.readout.tell(QPoint(int(x), at[0] * ROW), *line.label(at[1]))
        self.update()

    def _places(self, line: Line) -> Any:
        low, high, width = float(line.xs[0]), float(line.xs[-1]), self.width() - 1
        if high <= low:  # a single value: a bar of some width
            return np.linspace(0.45, 0.55, line.xs.size) * width
        return (line.xs - low) / (high - low) * width

    def _outline(self, at: int, line: Line) -> QPolygonF:
        """Its steps, from the left end of the floor to the right one."""
        floor = at * ROW + TITLE + TALL
        tops = floor - line.heights / (float(line.heights.max()) or 1.0) * (TALL - 2)
        places = self._places(line)
        points = [QPointF(float(places[0]), floor)]
        for left, right, top in zip(places[:-1].tolist(), places[1:].tolist(), tops.tolist(), strict=True):
            points += [QPointF(left, top), QPointF(right, top)]
        return QPolygonF([*points, QPointF(float(places[-1]), floor)])

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for at, line in enumerate(self.lines):
            self._words(painter, at, line)
            self._bars(painter, at, line)

    def _words(self, painter: QPainter, at: int, line: Line) -> None:
        look, top, left, right = theme.tokens(), at * ROW, Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.fillRect(QRectF(0, top + 7, SWATCH, 3), look.colour(line.tone))
        painter.setFont(theme.font(12))
        painter.setPen(look.pen("text2"))
        metrics = painter.fontMetrics()
        wide = metrics.horizontalAdvance(line.numbers) + 12
        painter.drawText(QRectF(0, top, self.width(), TITLE), int(right | middle), line.numbers)
        painter.setPen(look.pen("text"))
        room = QRectF(SWATCH + 8, top, max(20.0, self.width() - SWATCH - 8 - wide), TITLE)
        painter.drawText(room, int(left | middle), metrics.elidedText(line.title, Qt.TextElideMode.ElideMiddle, int(room.width())))
        painter.setFont(theme.font(11))
        painter.setPen(look.pen("muted"))
        ends = QRectF(0, top + TITLE + TALL + 1, self.width(), ENDS)
        painter.drawText(ends, int(left | middle), line.ends[0])
        painter.drawText(ends, int(right | middle), line.ends[1])

    def _bars(self, painter: QPainter, at: int, line: Line) -> None:
        look, floor = theme.tokens(), at * ROW + TITLE + TALL
        ink = look.colour(line.tone)
        fill = QColor(ink)
        fill.setAlphaF(0.2 if look.name == "light" else 0.3)
        painter.setPen(QPen(ink, 1.25))
        painter.setBrush(fill)
        painter.drawPolygon(self._outline(at, line))
        if self.at is not None and self.at[0] == at:
            places = self._places(line)[self.at[1] : self.at[1] + 2]
            tall = float(line.heights[self.at[1]]) / (float(line.heights.max()) or 1.0) * (TALL - 2)
            painter.fillRect(QRectF(places[0], floor - max(1.0, tall), max(1.0, places[1] - places[0]), max(1.0, tall)), ink)
        painter.setPen(QPen(look.colour("border2"), 1))
        painter.drawLine(QPointF(0, floor), QPointF(self.width(), floor))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        row = int(event.position().y()) // ROW
        if not 0 <= row < len(self.lines):
            self.show_at(None)
            return
        line = self.lines[row]
        found = int(np.searchsorted(self._places(line), event.position().x(), side="right")) - 1
        self.show_at((row, max(0, min(line.heights.size - 1, found))))

    def leaveEvent(self, event: QEvent) -> None:
        self.show_at(None)

    def focusOutEvent(self, event: Any) -> None:
        self.show_at(None)
        super().focusOutEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = _STEPS.get(Qt.Key(event.key()))
        if step is None or not self.lines:
            event.ignore()
            return
        row, found = self.at or (0, 0)
        row = max(0, min(len(self.lines) - 1, row + step[0]))
        self.show_at((row, max(0, min(self.lines[row].heights.size - 1, found + step[1]))))
