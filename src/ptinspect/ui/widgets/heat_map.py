"""Numbers as colours: blue below zero, orange above, the same length to either side; zero itself looks empty."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from ptinspect.session.words import signed
from ptinspect.ui import theme
from ptinspect.ui.widgets.focus_ring import FocusRing
from ptinspect.ui.widgets.readout import Readout

DIVERGING = {
    "light": ("#085487", "#62B2E4", "#F4F5F7", "#F0A468", "#9C4206"),
    "dark": ("#8CCFFA", "#2B77AB", "#262930", "#AE6429", "#FFBE8C"),
}
SEQUENTIAL = {
    "light": ("#F1F1FC", "#CDCFF4", "#9194E6", "#5456C4", "#25266B"),
    "dark": ("#20222B", "#363978", "#5D60CC", "#9EA1F5", "#ECEDFE"),
}
STEPS, ZERO, BROKEN = 253, 253, 254
SCALE, MOST_HEIGHT, LEAST_CELL, MOST_CELL = 22, 300, 4, 26
Label = Callable[[int, int], tuple[str, Sequence[tuple[str, str]]]]


def colour_table(maps: Mapping[str, Sequence[str]] = DIVERGING) -> list[int]:
    """253 even steps of a map, then exact zero, then what is no number."""
    look = theme.tokens()
    stops = [QColor(text).getRgb()[:3] for text in maps[look.name]]  # type: ignore[index]
    places = np.linspace(0, 4, STEPS)
    channels = [np.interp(places, range(5), [stop[at] for stop in stops]).round().astype(int) for at in range(3)]
    table = [0xFF000000 | (int(r) << 16) | (int(g) << 8) | int(b) for r, g, b in zip(*channels, strict=True)]
    return [*table, look.colour("inset").rgb(), look.colour("danger").rgb()]


def coded(cells: Any) -> tuple[Any, float]:
    """Each number as a place in the colour table, and the value at its ends: the 99.5th percentile of sizes, so that few do not dim all."""
    with np.errstate(all="ignore"):
        sizes = np.abs(cells[np.isfinite(cells)])
        reach = float(np.quantile(sizes, 0.995)) if sizes.size else 0.0
        reach = reach or (float(sizes.max()) if sizes.size else 0.0) or 1.0
        codes = np.clip(np.round((cells / reach + 1) / 2 * (STEPS - 1)), 0, STEPS - 1)
    codes = np.where(np.isnan(cells), BROKEN, np.where(cells == 0, ZERO, codes))
    codes = np.where(np.isinf(cells), BROKEN, codes)
    return np.ascontiguousarray(codes.astype(np.uint8)), reach


def amounts(cells: Any) -> Any:
    """Numbers from zero on as places in the sequential map."""
    with np.errstate(all="ignore"):
        top = float(np.nanmax(np.where(np.isfinite(cells), cells, 0))) or 1.0
        codes = np.clip(np.round(cells / top * (STEPS - 1)), 0, STEPS - 1)
    return np.ascontiguousarray(np.where(np.isfinite(cells), codes, BROKEN).astype(np.uint8))


def image_of(codes: Any, maps: Mapping[str, Sequence[str]] = DIVERGING) -> QImage:
    """An image with the colours of the theme; it holds its own copy."""
    rows, columns = codes.shape
    image = QImage(codes.tobytes(), columns, rows, columns, QImage.Format.Format_Indexed8)
    image.setColorTable(colour_table(maps))
    return image.copy()


def paint_scale(painter: QPainter, y: float, ends: tuple[float, float], maps: Mapping[str, Sequence[str]]) -> None:
    """The bar of colours with the numbers at its ends."""
    width = 160.0
    image = image_of(np.arange(STEPS, dtype=np.uint8).reshape(1, -1), maps)
    painter.setFont(theme.font(11))
    painter.setPen(theme.tokens().pen("muted"))
    low, high = (signed(f"{end:.3g}") for end in ends)
    left = painter.fontMetrics().horizontalAdvance(low) + 8
    painter.drawText(QRectF(0, y - 3, left, 14), int(Qt.AlignmentFlag.AlignVCenter), low)
    painter.drawImage(QRectF(left, y, width, 8), image)
    painter.drawText(QRectF(left + width + 8, y - 3, 90, 14), int(Qt.AlignmentFlag.AlignVCenter), high)


class HeatMap(QWidget):
    """Draws a matrix; the pointer and the arrow keys read its cells."""

    def __init__(self) -> None:
        super().__init__()
        self._codes: Any = None
        self._image: QImage | None = None
        self.reach = 0.0
        self.label: Label = lambda _row, _column: ("", ())
        self.at: tuple[int, int] | None = None
        self._readout = Readout(self)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Heat map")
        FocusRing(self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_cells(self, cells: Any, label: Label) -> None:
        """Draw these; `label` says what a cell holds."""
        self._codes, self.reach = coded(cells)
        self._image, self.label, self.at = image_of(self._codes), label, None
        rows, columns = cells.shape
        self.setAccessibleDescription(f"{rows} rows and {columns} columns")
        self._readout.hide()
        self._fit()
        self.update()

    def _fit(self) -> None:
        """As high as its cells are wide, within reason."""
        if self._codes is not None:
            rows, columns = self._codes.shape
            wide = min(max(1, self.width()) / max(1, columns), MOST_CELL) * rows
            self.setFixedHeight(int(max(min(rows * 16, 60, MOST_HEIGHT), min(MOST_HEIGHT, wide))) + SCALE)

    def sizeHint(self) -> QSize:
        return QSize(400, 200)

    def _ground(self) -> QRectF:
        rows, columns = self._codes.shape
        room = QRectF(0, 0, self.width(), self.height() - SCALE)
        cell = min(room.width() / columns, room.height() / rows, MOST_CELL) if rows * 40 > columns and columns * 40 > rows else 0
        if cell >= 1 and (cell == MOST_CELL or cell * columns > room.width() * 0.3):
            return QRectF(0, 0, cell * columns, cell * rows)
        return room

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._image is None or self._codes is None:
            return
        look, painter, ground = theme.tokens(), QPainter(self), self._ground()
        rows, columns = self._codes.shape
        cell = QPointF(ground.width() / columns, ground.height() / rows)
        if min(cell.x(), cell.y()) >= LEAST_CELL * 2:
            self._tiles(painter, ground, cell)
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, cell.x() < 1 or cell.y() < 1)
            painter.drawImage(ground, self._image)
        if self.at is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(look.colour("text"), 1.5))
            place = ground.topLeft() + QPointF(self.at[1] * cell.x(), self.at[0] * cell.y())
            painter.drawRoundedRect(QRectF(place, QSizeF(max(3.0, cell.x()), max(3.0, cell.y()))), 2, 2)
        paint_scale(painter, self.height() - 14, (-self.reach, self.reach), DIVERGING)

    def _tiles(self, painter: QPainter, ground: QRectF, cell: QPointF) -> None:
        table = [QColor.fromRgb(code) for code in colour_table()]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for row, line in enumerate(self._codes.tolist()):
            for column, code in enumerate(line):
                painter.setBrush(table[code])
                place = ground.topLeft() + QPointF(column * cell.x(), row * cell.y())
                painter.drawRoundedRect(QRectF(place, QSizeF(cell.x() - 1.5, cell.y() - 1.5)), 2, 2)

    def cell_at(self, point: QPointF) -> tuple[int, int] | None:
        """The cell under a point."""
        if self._codes is None or not self._ground().contains(point):
            return None
        rows, columns = self._codes.shape
        ground = self._ground()
        row, column = int((point.y() - ground.top()) / ground.height() * rows), int(point.x() / ground.width() * columns)
        return min(rows - 1, row), min(columns - 1, column)

    def show_at(self, at: tuple[int, int] | None, point: QPoint | None = None) -> None:
        """Mark a cell and tell of it."""
        self.at = at
        if at is None or self._codes is None:
            self._readout.hide()
        else:
            rows, columns = self._codes.shape
            ground = self._ground()
            place = QPoint(int((at[1] + 1) * ground.width() / columns), int(at[0] * ground.height() / rows))
            self._readout.tell(point or place, *self.label(*at))
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.show_at(self.cell_at(event.position()), event.position().toPoint())

    def leaveEvent(self, event: QEvent) -> None:
        self.show_at(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}
        step = steps.get(Qt.Key(event.key()))
        if step is None or self._codes is None:
            event.ignore()
            return
        row, column = self.at or (0, 0)
        rows, columns = self._codes.shape
        self.show_at((max(0, min(rows - 1, row + step[0])), max(0, min(columns - 1, column + step[1]))))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange and self._codes is not None:
            self._image = image_of(self._codes)
        super().changeEvent(event)
