"""Parts of a whole as rectangles of their size: squarified, one hue, the largest the strongest."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from ptinspect.ui import theme
from ptinspect.ui.widgets.text import tip

HEIGHT, GAP = 152, 2
Part = tuple[str, str, float]


class Treemap(QWidget):
    """Draws names, counts and shares; a click tells which."""

    chosen = Signal(int)

    def __init__(self, parts: Sequence[Part]) -> None:
        super().__init__()
        self._parts = list(parts)
        self._boxes: list[QRectF] = []
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setAccessibleName("Size by block")
        self.setAccessibleDescription(", ".join(f"{name} {count}" for name, count, _ in self._parts))

    def sizeHint(self) -> QSize:
        return QSize(312, HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._boxes = squarified([share for _, _, share in self._parts], QRectF(self.rect()))

    def paintEvent(self, event: QPaintEvent) -> None:
        look, painter = theme.tokens(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top = max((share for _, _, share in self._parts), default=1) or 1
        for (name, count, share), box in zip(self._parts, self._boxes, strict=True):
            inner = box.adjusted(0, 0, -GAP, -GAP)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(_shade(share / top))
            painter.drawRoundedRect(inner, 4, 4)
            painter.setPen(look.pen("text"))
            _label(painter, inner.adjusted(8, 6, -6, -6), name, count, f"{100 * share:.1f} %" if share >= 0.001 else "<0.1 %")

    def _at(self, point: QPointF) -> int:
        return next((at for at, box in enumerate(self._boxes) if box.contains(point)), -1)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        at = self._at(event.position())
        if at >= 0:
            self.chosen.emit(at)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            at = self._at(QPointF(event.pos()))
            if at >= 0:
                name, count, share = self._parts[at]
                QToolTip.showText(event.globalPos(), tip(f"{name} · {count} · {100 * share:.2f} %"), self)
            return True
        return super().event(event)


def _shade(part: float) -> QColor:
    """From the second to the third stop of the sequential map: names stay readable on all of them."""
    first, last = ("#E4E5FA", "#A6A8EA") if theme.tokens().name == "light" else ("#2E3160", "#5154A8")
    a, b = QColor(first), QColor(last)
    part = max(0.0, min(1.0, part)) ** 0.5
    return QColor(*(round(x + (y - x) * part) for x, y in zip(a.getRgb()[:3], b.getRgb()[:3], strict=True)))  # type: ignore[index]


def _label(painter: QPainter, box: QRectF, name: str, count: str, share: str) -> None:
    """Name, count and share as far as there is room."""
    if box.width() < 22 or box.height() < 12:
        return
    strong, plain = theme.font(11, 600), theme.font(11, 400)
    painter.setFont(strong)
    left, top = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop), int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom)
    painter.drawText(box, left, QFontMetricsF(strong).elidedText(name, Qt.TextElideMode.ElideRight, box.width()))
    painter.setFont(plain)
    metrics = QFontMetricsF(plain)
    if box.height() > 30 and metrics.horizontalAdvance(count) <= box.width():
        painter.drawText(box.adjusted(0, 16, 0, 0), left, count)
    if box.height() > 48 and metrics.horizontalAdvance(share) <= box.width():
        painter.drawText(box, top, share)


def squarified(shares: Sequence[float], whole: QRectF) -> list[QRectF]:
    """Rectangles of these areas in this order, each as square as a simple rule makes them (Bruls, Huizing, van Wijk)."""
    total, boxes, at = sum(shares), list[QRectF](), 0
    rest = QRectF(whole)
    scale = whole.width() * whole.height() / total if total > 0 else 0.0
    while at < len(shares):
        side = min(rest.width(), rest.height())
        end = at + 1
        while end < len(shares) and _worst(shares[at : end + 1], side, scale) <= _worst(shares[at:end], side, scale):
            end += 1
        laid, rest = _laid(shares[at:end], rest, scale)
        boxes += laid
        at = end
    return boxes


def _worst(shares: Sequence[float], side: float, scale: float) -> float:
    """How far from a square the worst of a row would be."""
    areas = [max(share * scale, 1e-9) for share in shares]
    both = sum(areas)
    return max(max(side * side * area / (both * both), both * both / (side * side * area)) for area in areas) if side > 0 else 0.0


def _laid(shares: Sequence[float], rest: QRectF, scale: float) -> tuple[list[QRectF], QRectF]:
    """A row along the shorter side, and what is left."""
    area = sum(shares) * scale
    tall = rest.width() >= rest.height()
    thick = area / rest.height() if tall and rest.height() else area / rest.width() if rest.width() else 0.0
    boxes, at = [], 0.0
    for share in shares:
        length = share * scale / thick if thick else 0.0
        if tall:
            boxes.append(QRectF(rest.left(), rest.top() + at, thick, length))
        else:
            boxes.append(QRectF(rest.left() + at, rest.top(), length, thick))
        at += length
    left = rest.adjusted(thick, 0, 0, 0) if tall else rest.adjusted(0, thick, 0, 0)
    return boxes, left
