"""A box to tick, drawn as the rest of the window is."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton

from ptinspect.ui import icons, theme

SIDE, HIGH = 14, 22


class Check(QAbstractButton):
    """A square and a text beside it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.setCheckable(True)
        self.setText(text)
        self.setAccessibleName(text)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedHeight(HIGH)

    def sizeHint(self) -> QSize:
        return QSize(int(QFontMetricsF(theme.font(12)).horizontalAdvance(self.text())) + SIDE + 10, HIGH)

    def paintEvent(self, event: QPaintEvent) -> None:
        look, painter = theme.tokens(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(1.5, (HIGH - SIDE) / 2 + 0.5, SIDE - 1, SIDE - 1)
        edge = "accent2" if self.isChecked() or self.hasFocus() else "border2"
        painter.setPen(QPen(look.colour(edge), 2 if self.hasFocus() else 1))
        painter.setBrush(look.brush("accent2" if self.isChecked() else "surface"))
        painter.drawRoundedRect(box, 4, 4)
        if self.isChecked():
            icons.paint(painter, "check", box.adjusted(1, 1, -1, -1), look.colour("thumb" if look.name == "light" else "text"))
        painter.setFont(theme.font(12))
        painter.setPen(look.pen("text" if self.isChecked() else "text2"))
        painter.drawText(QRectF(SIDE + 9, 0, self.width() - SIDE - 9, HIGH), int(Qt.AlignmentFlag.AlignVCenter), self.text())
