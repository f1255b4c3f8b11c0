"""A list to choose one name from."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox

from ptinspect.ui import icons, theme


class Choice(QComboBox):
    """A combo box with the window's own arrow."""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.isEnabled():
            box = QRectF(self.width() - 22, self.height() / 2 - 6, 12, 12)
            icons.paint(QPainter(self), "chevron-down", box, theme.tokens().colour("muted"))
