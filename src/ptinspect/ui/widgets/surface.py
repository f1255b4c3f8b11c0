"""A matrix as a surface that can be turned: squares painted from the far side to the near one.

Painted by hand rather than by OpenGL: a virtual machine or a remote desktop often has none. Seen from far away, without
perspective, so that equal heights look equal wherever they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QBrush, QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ptinspect.session.words import signed
from ptinspect.ui import theme
from ptinspect.ui.widgets.focus_ring import FocusRing
from ptinspect.ui.widgets.heat_map import BROKEN, DIVERGING, SCALE, SEQUENTIAL, STEPS, colour_table, paint_scale
from ptinspect.ui.widgets.readout import Readout
from ptinspect.ui.widgets.relief import Pose, Relief

HEIGHT, SHADES, NEAR = 330, 7, 14.0
TURN, ZOOM = 6.0, 1.15
FINE, STILL = 40, 150  # points on a side from which every other one is left out while it moves, and milliseconds until all are back
_STEPS: Mapping[Qt.Key, tuple[int, int]] = {
    Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1),
}  # fmt: skip
Label = Callable[[int, int], tuple[str, Sequence[tuple[str, str]]]]


class Surface(QWidget):
    """Drag or arrow keys turn it, Shift with them reads its points, + and - or the wheel zoom, a double click or 0 begin again."""

    def __init__(self) -> None:
        super().__init__()
        self.relief: Relief | None = None
        self.pose = Pose()
        self.at: tuple[int, int] | None = None
        self.label: Label = lambda _row, _column: ("", ())
        self._size = (0, 0)
        self._dragged: QPointF | None = None
        self._coarse: Relief | None = None
        self._still = QTimer(self)
        self._still.setSingleShot(True)
        self._still.setInterval(STILL)
        self._still.timeout.connect(self.update)
        self._drawn: tuple[object, QPixmap] | None = None
        self._readout = Readout(self)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Surface of the values")
        FocusRing(self)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(HEIGHT)

    def show_cells(self, cells: Any, label: Label, size: tuple[int, int]) -> None:
        """Draw these; `label` says what a point holds, `size` how many rows and columns they stand for."""
        self.relief, self.label, self._size = Relief(cells), label, size
        self._coarse = Relief(cells[::2, ::2]) if min(cells.shape) > FINE else self.relief
        rows, columns = cells.shape
        self.setAccessibleDescription(f"{rows} by {columns} points")
        self.show_at(None)

    def show_at(self, at: tuple[int, int] | None) -> None:
        """Mark a point and tell of it."""
        self.at = at
        if at is None or self.relief is None:
            self._readout.hide()
        else:
            x, y = self.relief.seen(self.pose, self._room())[at]
            self._readout.tell(QPoint(int(x), int(y)), *self.label(*at))
        self.update()

    def turn(self, by: float, tilt: float) -> None:
        """Turn it by degrees around the upright, and towards the viewer."""
        self._still.start()
        self.pose = self.pose.turned(by, tilt)
        self.show_at(None)

    def zoom(self, factor: float) -> None:
        """Nearer or further."""
        self._still.start()
        self.pose = self.pose.zoomed(factor)
        self.show_at(None)

    def begin_again(self) -> None:
        """As it was seen at first."""
        self.pose = Pose()
        self.show_at(None)

    def _room(self) -> tuple[float, float]:
        return float(self.width()), float(self.height() - SCALE)

    # -- painting ---------------------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.relief is None:
            return
        painter = QPainter(self)
        moving = self._coarse if self._still.isActive() else None
        painter.drawPixmap(0, 0, self._picture(moving or self.relief))
        if self.at is not None:
            x, y = self.relief.seen(self.pose, self._room())[self.at]
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrush(theme.tokens().brush("tiptext"))
            painter.setPen(QPen(theme.tokens().colour("tip"), 2))
            painter.drawEllipse(QPointF(x, y), 4.5, 4.5)

    def _picture(self, relief: Relief) -> QPixmap:
        """All but the mark: what the pointer says should not cost a picture."""
        state = (relief, self.pose, self.size().toTuple(), self.devicePixelRatioF(), theme.tokens())
        if self._drawn is None or self._drawn[0] != state:
            picture = QPixmap(self.size() * self.devicePixelRatioF())
            picture.setDevicePixelRatio(self.devicePixelRatioF())
            picture.fill(theme.tokens().colour("surface"))
            painter = QPainter(picture)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.save()
            painter.setClipRect(QRectF(0, 0, *self._room()))
            self._floor(painter, relief)
            _squares(painter, relief, self.pose, self._room())
            painter.restore()
            paint_scale(painter, self.height() - 14, relief.scale, SEQUENTIAL if relief.is_amount else DIVERGING)
            painter.end()
            self._drawn = (state, picture)
        return self._drawn[1]

    def _floor(self, painter: QPainter, relief: Relief) -> None:
        """The rectangle below it with its corners named, and the height of its ends at one of them."""
        look, room = theme.tokens(), self._room()
        floor = [QPointF(*point) for point in relief.floor(self.pose, room)]
        painter.setPen(QPen(look.colour("border2"), 1))
        painter.drawPolygon(QPolygonF(floor))
        rows, columns = self._size
        names = [(0, 0), (0, columns - 1), (rows - 1, columns - 1), (rows - 1, 0)]
        middle = sum(point.x() for point in floor) / 4, sum(point.y() for point in floor) / 4
        left = min(range(4), key=lambda at: floor[at].x())
        painter.setFont(theme.font(11))
        painter.setPen(look.pen("muted"))
        for at, (row, column) in enumerate(names):
            point = floor[at] + QPointF(0, 9 if at == left else 0)  # below the lowest height, which is told there too
            _beside(painter, point, point.x() >= middle[0], at == left or point.y() >= middle[1], f"[{row:,}, {column:,}]")
        self._heights(painter, relief.upright(self.pose, room, left))

    def _heights(self, painter: QPainter, marks: Sequence[tuple[float, tuple[float, float]]]) -> None:
        look = theme.tokens()
        painter.setPen(QPen(look.colour("border2"), 1))
        painter.drawLine(QPointF(*marks[0][1]), QPointF(*marks[-1][1]))
        for value, (x, y) in marks:
            painter.setPen(QPen(look.colour("border2"), 1))
            painter.drawLine(QPointF(x - 4, y), QPointF(x, y))
            painter.setPen(look.pen("muted"))
            _beside(painter, QPointF(x - 2, y - 8), False, True, signed(f"{value:.3g}"))

    # -- the pointer and the keys -------------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._dragged = event.position()
        self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragged is not None:
            step = event.position() - self._dragged
            self._dragged = event.position()
            self.turn(step.x() * 0.5, step.y() * 0.5)
        elif self.relief is not None:
            point = event.position()
            self.show_at(self.relief.nearest(self.pose, self._room(), (point.x(), point.y()), NEAR))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragged = None
        self.setCursor(Qt.CursorShape.OpenHandCursor)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.begin_again()

    def leaveEvent(self, event: QEvent) -> None:
        self.show_at(None)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zooms what was clicked before, or with Ctrl; otherwise the page scrolls."""
        if self.hasFocus() or event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom(ZOOM if event.angleDelta().y() > 0 else 1 / ZOOM)
            event.accept()
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = _STEPS.get(Qt.Key(event.key()))
        if step is not None and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._read_beside(step)
        elif step is not None:
            self.turn(step[0] * TURN, step[1] * TURN)
        elif event.text() in ("+", "=", "-"):
            self.zoom(1 / ZOOM if event.text() == "-" else ZOOM)
        elif event.text() == "0":
            self.begin_again()
        else:
            event.ignore()

    def _read_beside(self, step: tuple[int, int]) -> None:
        if self.relief is not None:
            rows, columns = self.relief.cells.shape
            row, column = self.at or (rows // 2, columns // 2)
            self.show_at((max(0, min(rows - 1, row - step[1])), max(0, min(columns - 1, column + step[0]))))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._drawn = None
        super().changeEvent(event)


def _beside(painter: QPainter, point: QPointF, is_right: bool, is_below: bool, text: str) -> None:
    """A text on the outer side of a point."""
    width = 120.0
    side = Qt.AlignmentFlag.AlignLeft if is_right else Qt.AlignmentFlag.AlignRight
    box = QRectF(point.x() + (4 if is_right else -4 - width), point.y() + (1 if is_below else -15), width, 14)
    painter.drawText(box, int(side | Qt.AlignmentFlag.AlignVCenter), text)


def _squares(painter: QPainter, relief: Relief, pose: Pose, room: tuple[float, float]) -> None:
    """One after the other, from the far side to the near one; the same four points serve for all of them."""
    brushes = _brushes(SEQUENTIAL if relief.is_amount else DIVERGING)
    corners, codes, shades = relief.squares(pose, room, STEPS, SHADES)
    one, two, three, four = QPointF(), QPointF(), QPointF(), QPointF()
    square = (one, two, three, four)
    painter.setPen(Qt.PenStyle.NoPen)
    for (x0, y0, x1, y1, x2, y2, x3, y3), code, shade in zip(corners.tolist(), codes.tolist(), shades.tolist(), strict=True):
        one.setX(x0)
        one.setY(y0)
        two.setX(x1)
        two.setY(y1)
        three.setX(x2)
        three.setY(y2)
        four.setX(x3)
        four.setY(y3)
        painter.setBrush(brushes[shade][code])
        painter.drawConvexPolygon(square)


def _brushes(maps: Mapping[str, Sequence[str]]) -> list[list[QBrush]]:
    """The colours of a map, darker where a square is turned away from the light."""
    table = [QColor.fromRgb(code) for code in colour_table(maps)[:BROKEN]]
    factors = [100 + round(34 * (1 - shade / (SHADES - 1))) for shade in range(SHADES)]
    return [[QBrush(colour.darker(factor)) for colour in table] for factor in factors]


__all__ = ["Surface"]
