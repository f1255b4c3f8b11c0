"""One bar in parts, with a legend below: what shares a whole, largest first."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ptinspect.ui import theme

_TONES = ("accent2", "accentsoft", "border2", "muted")
MOST, BAR, LINE = 5, 8, 20


class SizeBar(QWidget):
    """Draws names, texts and sizes; what is beyond the first few is added up."""

    def __init__(self, parts: Sequence[tuple[str, str, int]]) -> None:
        super().__init__()
        self._parts = [part for part in parts if part[2]][:MOST] or list(parts[:1])
        self._total = max(1, sum(size for _, _, size in parts))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Size by dtype")
        self.setAccessibleDescription(", ".join(f"{name} {text}" for name, text, _ in parts))
        self._rows = 1

    def sizeHint(self) -> QSize:
        return QSize(312, BAR + 6 + LINE * self._rows)

    def paintEvent(self, event: QPaintEvent) -> None:
        look, painter = theme.tokens(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        path = QPainterPath()
        path.addRoundedRect(QRectF(0, 0, self.width(), BAR), 4, 4)
        painter.setClipPath(path)
        painter.fillRect(QRectF(0, 0, self.width(), BAR), look.colour("inset"))
        at = 0.0
        for number, (_, _, size) in enumerate(self._parts):
            width = self.width() * size / self._total
            painter.fillRect(QRectF(at, 0, max(0.0, width - (1 if number + 1 < len(self._parts) else 0)), BAR), look.colour(_tone(number)))
            at += width
        painter.setClipping(False)
        self._legend(painter)

    def _legend(self, painter: QPainter) -> None:
        look, x, y = theme.tokens(), 0.0, float(BAR + 6)
        strong, plain = QFontMetricsF(theme.font(11, 500)), QFontMetricsF(theme.font(11))
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        for number, (name, text, _) in enumerate(self._parts):
            width = 14 + strong.horizontalAdvance(name) + 6 + plain.horizontalAdvance(text)
            if x and x + width > self.width():
                x, y = 0.0, y + LINE
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.brush(_tone(number)))
            painter.drawRoundedRect(QRectF(x, y + 6, 8, 8), 2, 2)
            painter.setFont(theme.font(11, 500))
            painter.setPen(look.pen("text"))
            painter.drawText(QRectF(x + 14, y, width, LINE), middle, name)
            painter.setFont(theme.font(11))
            painter.setPen(look.pen("muted"))
            painter.drawText(QRectF(x + 20 + strong.horizontalAdvance(name), y, width, LINE), middle, text)
            x += width + 18
        rows = int((y - BAR - 6) / LINE) + 1
        if rows != self._rows:
            self._rows = rows
            self.updateGeometry()


def _tone(number: int) -> str:
    return _TONES[min(number, len(_TONES) - 1)]
