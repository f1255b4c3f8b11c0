"""The little box that follows the pointer over a plot: a bold first line, then labels and values."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from ptinspect.ui import theme

LINE, EDGE, GAP = 16, 10, 18


class Readout(QWidget):
    """Lies over its parent and lets the mouse through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.title = ""
        self.lines: tuple[tuple[str, str], ...] = ()
        self.hide()

    def tell(self, at: QPoint, title: str, lines: Sequence[tuple[str, str]]) -> None:
        """Show it beside a point, on the side where there is room."""
        self.title, self.lines = title, tuple(lines)
        bold, plain = QFontMetricsF(theme.font(11, 600)), QFontMetricsF(theme.font(11))
        widths = [plain.horizontalAdvance(name) + bold.horizontalAdvance(value) + GAP for name, value in self.lines]
        width = max([bold.horizontalAdvance(title), *widths])
        self.resize(int(width) + 2 * EDGE, LINE * (len(self.lines) + 1) + 12)
        room = self._over.rect()
        x = at.x() + 12 if at.x() + 12 + self.width() <= room.right() else at.x() - 12 - self.width()
        self.move(max(0, x), max(0, min(at.y(), room.bottom() - self.height())))
        self.setAccessibleName(f"{title}: {', '.join(f'{name} {value}' for name, value in self.lines)}")
        self.show()
        self.raise_()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        look, painter, box = theme.tokens(), QPainter(self), QRectF(self.rect())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.brush("tip"))
        painter.drawRoundedRect(box, 6, 6)
        left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        line = QRectF(EDGE, 6, box.width() - 2 * EDGE, LINE)
        painter.setFont(theme.font(11, 600))
        painter.setPen(look.pen("tiptext"))
        painter.drawText(line, left, self.title)
        for name, value in self.lines:
            line.translate(0, LINE)
            painter.setFont(theme.font(11))
            painter.setPen(look.pen("tipmuted"))
            painter.drawText(line, left, name)
            painter.setFont(theme.font(11, 600))
            painter.setPen(look.pen("tiptext"))
            painter.drawText(line, right, value)
