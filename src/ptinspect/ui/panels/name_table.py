"""The names that a file asks Python for, as a table: what each is for, and whether it is harmless."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter
from PySide6.QtWidgets import QAbstractItemView, QStyledItemDelegate, QStyleOptionViewItem

from ptinspect.session.safety_page import NameLine
from ptinspect.ui import theme
from ptinspect.ui.models.names import LINE_ROLE, WORDS, NameModel
from ptinspect.ui.widgets.chip import paint_tag
from ptinspect.ui.widgets.plain_table import PlainTable

TONES = {"dangerous": "danger", "code": "warn", "data": "plain"}
ICONS = {"dangerous": "octagon-alert", "code": "code", "data": "database"}


class NameCells(QStyledItemDelegate):
    """Names in the code font, verdicts as tags."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(60, theme.ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        found: NameLine = index.data(LINE_ROLE)
        look, box = theme.tokens(), QRectF(option.rect)
        painter.fillRect(QRectF(box.left(), box.bottom() - 1, box.width(), 1), look.colour("hair"))
        at = index.column()
        if at == 1:
            paint_tag(painter, box.adjusted(0, 3, -14, -3), WORDS[found.verdict], TONES[found.verdict], ICONS[found.verdict])
            return
        font = theme.font(12, 400, "mono") if at == 0 else theme.font(12)
        painter.setFont(font)
        tone = ("danger" if found.verdict == "dangerous" else "text") if at == 0 else "text2"
        painter.setPen(look.pen(tone))
        side = Qt.AlignmentFlag.AlignRight if at == 3 else Qt.AlignmentFlag.AlignLeft
        mode = Qt.TextElideMode.ElideMiddle if at == 0 else Qt.TextElideMode.ElideRight
        text = QFontMetricsF(font).elidedText(str(index.data()), mode, box.width() - 10)
        painter.drawText(box.adjusted(0, 0, 0 if at == 3 else -8, 0), int(side | Qt.AlignmentFlag.AlignVCenter), text)


class NameTable(PlainTable):
    """Read only: nothing in it can be chosen."""

    def __init__(self, name: str, names: NameModel) -> None:
        super().__init__(name, names)
        self.setItemDelegate(NameCells(self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
