"""The head of the layer tree: quiet words, each above where its cells begin or end."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter
from PySide6.QtWidgets import QHeaderView, QWidget

from ptinspect.session.columns import COLUMNS
from ptinspect.ui import theme
from ptinspect.ui.panels.layer_cells import MARGIN, SHARE, UNIT


class Head(QHeaderView):
    """Paints the titles itself; the style sheet knows no columns."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setSectionsClickable(True)

    def paintSection(self, painter: QPainter, rect: QRect, logicalIndex: int) -> None:
        look, column = theme.tokens(), COLUMNS[logicalIndex]
        painter.fillRect(rect, look.colour("surface"))
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), look.colour("border"))
        box = QRectF(rect)
        right = {"params": UNIT, "bytes": 4, "mean": 4, "std": 4}.get(column.name, 0)
        box.adjust({"layer": MARGIN + theme.INDENT + 2}.get(column.name, 0), 0, -right, 0)
        if column.name == "share":
            box.setWidth(SHARE)
        font = theme.font(11, 500)
        painter.setFont(font)
        painter.setPen(look.pen("muted"))
        side = Qt.AlignmentFlag.AlignRight if column.is_number else Qt.AlignmentFlag.AlignLeft
        text = (
            column.title
            if column.name == "share"
            else QFontMetricsF(font).elidedText(column.title, Qt.TextElideMode.ElideRight, box.width())
        )
        if column.name == "share":
            box.adjust(-20, 0, 0, 0)  # the word is longer than its numbers
        painter.drawText(box, int(side | Qt.AlignmentFlag.AlignVCenter), text)
