"""A list to choose one name from."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter

from ptinspect.ui import icons, theme

ROOM = 38  # pixels beside the text: its margins and the arrow


class Choice(QComboBox):
    """A combo box with the window's own arrow."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """A long name is cut in its middle: names of texts in a file differ at their ends."""
        option, painter = QStyleOptionComboBox(), QStylePainter(self)
        self.initStyleOption(option)
        whole = self.currentText()
        option.currentText = self.fontMetrics().elidedText(whole, Qt.TextElideMode.ElideMiddle, self.width() - ROOM)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        if self.isEnabled():
            box = QRectF(self.width() - 22, self.height() / 2 - 6, 12, 12)
            icons.paint(painter, "chevron-down", box, theme.tokens().colour("muted"))
