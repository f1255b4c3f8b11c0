"""Three matrices side by side as colours on one scale: left, right, and the difference, on which the pointer reads all three."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from ptinspect.session.words import signed
from ptinspect.ui import theme
from ptinspect.ui.widgets.heat_map import BROKEN, STEPS, ZERO, image_of
from ptinspect.ui.widgets.readout import Readout

GAP, TITLE, SCALE, MOST_HEIGHT = 12, 20, 24, 190
TITLES = (("Left", "left"), ("Right", "right"), ("Difference", "text2"))


def codes(cells: Any, reach: float) -> Any:
    """Numbers as places of the colour table between -reach and reach."""
    with np.errstate(all="ignore"):
        places = np.clip(np.round((cells / reach + 1) / 2 * (STEPS - 1)), 0, STEPS - 1)
    places = np.where(np.isfinite(cells), np.where(cells == 0, ZERO, places), BROKEN)
    return np.ascontiguousarray(places.astype(np.uint8))


class HeatTrio(QWidget):
    """Draws the three; all say the same place when the pointer is over one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: tuple[Any, ...] = ()
        self._images: list[QImage] = []
        self._reach = 1.0
        self.at: tuple[int, int] | None = None
        self._readout = Readout(self)
        self.setMouseTracking(True)
        self.setAccessibleName("Left, right and their difference as colours on one scale")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_cells(self, left: Any, right: Any, apart: Any, reach: float) -> None:
        """Draw these."""
        self.cells, self._reach, self.at = (left, right, apart), reach, None
        self._readout.hide()
        self._paint_images()
        self._fit()
        self.update()

    def _paint_images(self) -> None:
        self._images = [image_of(codes(cells, self._reach)) for cells in self.cells]

    def _fit(self) -> None:
        if self.cells:
            rows, columns = self.cells[0].shape
            wide = (self.width() - 2 * GAP) / 3
            self.setFixedHeight(int(TITLE + max(36.0, min(float(MOST_HEIGHT), wide * rows / columns)) + SCALE))

    def sizeHint(self) -> QSize:
        return QSize(400, 160)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._fit()

    def _box(self, which: int) -> QRectF:
        wide = (self.width() - 2 * GAP) / 3
        return QRectF(which * (wide + GAP), TITLE, wide, self.height() - TITLE - SCALE)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._images:
            return
        look, painter = theme.tokens(), QPainter(self)
        for which, (image, (title, tone)) in enumerate(zip(self._images, TITLES, strict=True)):
            box = self._box(which)
            painter.setFont(theme.font(11, 500))
            painter.setPen(look.pen(tone))
            painter.drawText(QRectF(box.left(), 0, box.width(), TITLE - 3), int(Qt.AlignmentFlag.AlignVCenter), title)
            small = image.width() > box.width() or image.height() > box.height()
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, small)
            painter.drawImage(box, image)
            if self.at is not None:
                rows, columns = self.cells[0].shape
                cell = QRectF(0, 0, max(4.0, box.width() / columns), max(4.0, box.height() / rows))
                cell.moveTopLeft(box.topLeft() + QPointF(self.at[1] * box.width() / columns, self.at[0] * box.height() / rows))
                painter.setPen(QPen(look.colour("text"), 1.2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(cell)
        self._scale(painter)

    def _scale(self, painter: QPainter) -> None:
        look, y = theme.tokens(), self.height() - 14
        painter.setFont(theme.font(11))
        painter.setPen(look.pen("muted"))
        low, high = f"−{self._reach:.3g}", f"{self._reach:.3g}"
        left = painter.fontMetrics().horizontalAdvance(low) + 8
        painter.drawText(QRectF(0, y - 3, left, 14), int(Qt.AlignmentFlag.AlignVCenter), low)
        painter.drawImage(QRectF(left, y, 160, 8), image_of(np.arange(STEPS, dtype=np.uint8).reshape(1, -1)))
        painter.drawText(QRectF(left + 168, y - 3, 90, 14), int(Qt.AlignmentFlag.AlignVCenter), high)

    def _cell_at(self, point: QPointF) -> tuple[int, int] | None:
        for which in range(len(self._images)):
            box = self._box(which)
            if box.contains(point):
                rows, columns = self.cells[0].shape
                row, column = int((point.y() - box.top()) / box.height() * rows), int((point.x() - box.left()) / box.width() * columns)
                return min(rows - 1, row), min(columns - 1, column)
        return None

    def show_at(self, at: tuple[int, int] | None, point: QPoint | None = None) -> None:
        """Mark a place in all three, and tell what stands there."""
        self.at = at
        if at is None or not self.cells:
            self._readout.hide()
        else:
            lines = [(title, signed(f"{float(cells[at]):.5g}")) for (title, _), cells in zip(TITLES, self.cells, strict=True)]
            self._readout.tell(point or QPoint(0, TITLE), f"row {at[0]:,}, column {at[1]:,}", lines)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.show_at(self._cell_at(event.position()), event.position().toPoint())

    def leaveEvent(self, event: QEvent) -> None:
        self.show_at(None)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange and self.cells:
            self._paint_images()
        super().changeEvent(event)
