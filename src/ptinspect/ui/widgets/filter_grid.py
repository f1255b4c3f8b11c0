"""Kernels of a convolution as small pictures, each on its own scale: in colour where they look at three channels."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from ptinspect.ui import theme
from ptinspect.ui.widgets.focus_ring import FocusRing
from ptinspect.ui.widgets.heat_map import SEQUENTIAL, amounts, coded, image_of

Mode = Literal["rgb", "r", "g", "b", "norm", "mean", "first"]
TILE, GAP = 28, 4


class FilterGrid(QWidget):
    """`cells` are (kernels, channels, rows, columns)."""

    pointed = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.cells: Any = None
        self._images: list[QImage] = []
        self._mode: Mode = "rgb"
        self.at = -1
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Filters")
        FocusRing(self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_cells(self, cells: Any, mode: Mode) -> None:
        """Draw these kernels in one of the ways."""
        self.cells, self._mode = cells, mode
        self._draw()
        self._fit()
        self.update()

    def _draw(self) -> None:
        self._images = [_coloured(kernel) if self._mode == "rgb" else _single(kernel, self._mode) for kernel in self.cells]

    @property
    def columns(self) -> int:
        """How many stand side by side."""
        return max(1, (self.width() + GAP) // (TILE + GAP))

    @property
    def step(self) -> float:
        """From one to the next, so that a full row ends where the page does."""
        return (self.width() + GAP) / self.columns if len(self._images) >= self.columns else TILE + GAP

    def _fit(self) -> None:
        rows = -(-len(self._images) // self.columns)
        self.setFixedHeight(int(max(1, rows) * self.step + 2))

    def sizeHint(self) -> QSize:
        return QSize(400, 130)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._fit()

    def _box(self, at: int) -> QRectF:
        row, column = divmod(at, self.columns)
        side = self.step - GAP
        return QRectF(column * self.step, 1 + row * self.step, side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        look, painter = theme.tokens(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for at, image in enumerate(self._images):
            box = self._box(at)
            if not box.intersects(QRectF(event.rect())):
                continue
            shape = QPainterPath()
            shape.addRoundedRect(box, 3, 3)
            painter.setClipPath(shape)
            painter.drawImage(box, image)
            painter.setClipping(False)
            if at == self.at:
                painter.setPen(QPen(look.colour("surface"), 3))
                painter.drawRoundedRect(box, 3, 3)
                painter.setPen(QPen(look.colour("accent2" if look.name == "light" else "accent"), 2))
                painter.drawRoundedRect(box.adjusted(-1, -1, 1, 1), 4, 4)

    def point_at(self, at: int) -> None:
        """Mark one; -1 for none."""
        if at != self.at:
            self.at = at
            self.pointed.emit(at)
            self.update()

    def _under(self, point: QPointF) -> int:
        at = int(point.y() // self.step) * self.columns + int(point.x() // self.step)
        return at if 0 <= at < len(self._images) and self._box(at).contains(point) else self.at

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.point_at(self._under(event.position()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -self.columns, Qt.Key.Key_Down: self.columns}
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            event.ignore()
        else:
            self.point_at(max(0, min(len(self._images) - 1, self.at + step)))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange and self.cells is not None:
            self._draw()
        super().changeEvent(event)


def _coloured(kernel: Any) -> QImage:
    """Three channels as red, green and blue, grey where all are zero."""
    with np.errstate(all="ignore"):
        top = np.nanmax(np.abs(np.where(np.isfinite(kernel[:3]), kernel[:3], 0))) or 1.0
        shades = np.clip(128 + 127 * kernel[:3] / top, 0, 255)
    pixels = np.ascontiguousarray(np.nan_to_num(shades, nan=255).astype(np.uint8).transpose(1, 2, 0))
    rows, columns, _ = pixels.shape
    return QImage(pixels.tobytes(), columns, rows, 3 * columns, QImage.Format.Format_RGB888).copy()


def _single(kernel: Any, mode: Mode) -> QImage:
    """One channel, or the norm over all of them, in the diverging colours; a norm in those of an amount."""
    if mode == "norm":
        found = np.sqrt(np.square(kernel, dtype=np.float64).sum(axis=0)) if kernel.shape[0] == 3 else kernel[1]
        return image_of(amounts(found), SEQUENTIAL)
    found = kernel[{"r": 0, "g": 1, "b": 2, "mean": 0, "first": min(2, kernel.shape[0] - 1)}.get(mode, 0)]
    return image_of(coded(found)[0])
