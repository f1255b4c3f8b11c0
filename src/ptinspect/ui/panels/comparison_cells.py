"""Draws the cells and the head of the aligned tree: a state in a word, both sides, and the amount of change as a number and a colour."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPainter
from PySide6.QtWidgets import QHeaderView, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from ptinspect.analysis.compare.model import Status
from ptinspect.session.comparison import cells
from ptinspect.session.comparison.request import SideName
from ptinspect.session.comparison.rows import Order, PairRow
from ptinspect.session.filters import Query
from ptinspect.ui import icons, theme
from ptinspect.ui.widgets.row_tree import MARGIN

HEAT, HEAD = 34, 44
_MIDDLE = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
_RIGHT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
LOOKS: dict[Status | None, tuple[str, str, str]] = {  # icon, tone of the word, tone of its mark in the strip
    None: ("loader", "muted", "fill"),
    "same": ("equal", "text2", "fill"),
    "changed": ("not-equal", "accent", "accent2"),
    "left_only": ("arrow-left", "left", "leftgraphic"),
    "right_only": ("arrow-right", "right", "rightgraphic"),
    "shape_changed": ("shape", "shape", "shapegraphic"),
    "dtype_changed": ("type", "accent", "accentsoft"),
}
HEATS = {
    "light": ("#F1F1FC", "#CDCFF4", "#9194E6", "#5456C4", "#25266B"),
    "dark": ("#20222B", "#363978", "#5D60CC", "#9EA1F5", "#ECEDFE"),
}


def heat_colour(amount: float) -> QColor:
    """A colour of the sequential map, 0 to 1."""
    stops = [QColor(text) for text in HEATS[theme.tokens().name]]
    at = max(0.0, min(3.999, amount * 4))
    low, high, part = stops[int(at)], stops[int(at) + 1], at - int(at)
    return QColor.fromRgb(
        round(low.red() + (high.red() - low.red()) * part),
        round(low.green() + (high.green() - low.green()) * part),
        round(low.blue() + (high.blue() - low.blue()) * part),
    )


class PairCells(QStyledItemDelegate):
    """The delegate of the tree."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.query: Query | None = None

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(60, theme.ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        row: PairRow = index.internalPointer()
        box, column = QRectF(option.rect), cells.COLUMNS[index.column()]
        if column == "layer":
            self._name(painter, box, row)
        elif column == "state":
            self._state(painter, box, row)
        elif column == "change":
            self._change(painter, box, row)
        else:
            self._side(painter, box, row, column)

    def _name(self, painter: QPainter, box: QRectF, row: PairRow) -> None:
        left, font, text = box.left() + 2 + MARGIN, theme.font(12), cells.name_text(row)
        metrics = QFontMetricsF(font)
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, box.right() - left - 4)
        if self.query is not None and shown == text:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.tokens().brush("warnbd"))
            for start, end in self.query.spans(text):
                x = left + metrics.horizontalAdvance(text[:start])
                painter.drawRoundedRect(QRectF(x - 1, box.top() + 4, metrics.horizontalAdvance(text[start:end]) + 2, 16), 3, 3)
        _text(painter, box.adjusted(2 + MARGIN, 0, 0, 0), shown, "text")
        pair = row.pair
        if pair is not None and pair.problem:
            mark = QRectF(left + metrics.horizontalAdvance(shown) + 6, box.top() + 5, 14, 14)
            icons.paint(painter, "triangle-alert", mark, theme.tokens().colour("warnicon"))

    def _state(self, painter: QPainter, box: QRectF, row: PairRow) -> None:
        icon, tone, _ = LOOKS[row.status]
        mark = theme.tokens().colour("muted" if tone == "text2" else tone)
        icons.paint(painter, icon, QRectF(box.left(), box.top() + 6, 12, 12), mark)
        _text(painter, box.adjusted(18, 0, 0, 0), cells.state_text(row), tone, 500 if tone not in ("text2", "muted") else 400)

    def _side(self, painter: QPainter, box: QRectF, row: PairRow, side: SideName) -> None:
        status = row.status
        foreign = status == ("right_only" if side == "left" else "left_only")
        if foreign and row.below == ():
            _hatched(painter, QRectF(box.left() - 4, box.top() + 4, min(box.width(), 140) - 10, box.height() - 8))
            return
        own = status in ("left_only", "right_only", "shape_changed", "dtype_changed")
        tone = side if own else "text" if status == "changed" else "text2"
        _text(painter, box.adjusted(0, 0, -6, 0), cells.side_text(row, side), tone)

    def _change(self, painter: QPainter, box: QRectF, row: PairRow) -> None:
        heat = cells.heat_of(row)
        text = cells.change_text(row)
        number = box.adjusted(0, 0, -HEAT, 0)
        _text(painter, number, text, "text" if heat is not None else "text2", 600 if heat is not None else 400, _RIGHT)
        if heat is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QBrush(heat_colour(heat)))
            painter.drawRoundedRect(QRectF(box.right() - 26, box.top() + 4, 18, 16), 4, 4)


def _hatched(painter: QPainter, box: QRectF) -> None:
    """Where a side has nothing."""
    look = theme.tokens()
    painter.save()
    painter.setClipRect(box)
    painter.fillRect(box, look.colour("inset"))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(look.pen("border"))
    at = box.left() - box.height()
    while at < box.right():
        painter.drawLine(QPointF(at, box.bottom()), QPointF(at + box.height(), box.top()))
        at += 6
    painter.restore()


def _text(painter: QPainter, box: QRectF, text: str, tone: str, weight: int = 400, align: int = _MIDDLE) -> None:
    if not text:
        return
    font = theme.font(12, weight)
    painter.setFont(font)
    painter.setPen(theme.tokens().pen(tone))
    if len(text) * 7 > box.width():
        text = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, box.width())
    painter.drawText(box, align, text)


class PairHead(QHeaderView):
    """Two lines: the title, and below it the file's name or the unit."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.names = ("", "")
        self.order = Order()
        self.setFixedHeight(HEAD)

    def paintSection(self, painter: QPainter, rect: QRect, logicalIndex: int) -> None:
        look, column = theme.tokens(), cells.COLUMNS[logicalIndex]
        painter.fillRect(rect, look.colour("surface"))
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), look.colour("border"))
        box = QRectF(rect).adjusted(0, 6, 0, -4)
        upper, lower = QRectF(box.left(), box.top(), box.width(), 17), QRectF(box.left(), box.top() + 17, box.width() - 6, 16)
        if column == "layer":
            _text(painter, upper.adjusted(MARGIN + theme.INDENT + 2, 0, 0, 0), "Layer", "muted", 500)
        elif column == "state":
            _text(painter, upper, "State", "muted", 500)
        elif column == "change":
            _text(painter, upper.adjusted(0, 0, -8, 0), "Change", "muted", 500, _RIGHT)
            self._small(painter, lower.adjusted(0, 0, -2, 0), "% of norm", _RIGHT)
        else:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.brush(f"{column}graphic"))
            painter.drawRoundedRect(QRectF(upper.left(), upper.top() + 4, 9, 9), 2, 2)
            _text(painter, upper.adjusted(14, 0, 0, 0), column.capitalize(), column, 600)
            name = self.names[0 if column == "left" else 1]
            text = QFontMetricsF(theme.font(11)).elidedText(name, Qt.TextElideMode.ElideMiddle, lower.width())
            self._small(painter, lower, text, _MIDDLE)
        self._arrow(painter, QRectF(rect), column)

    def _small(self, painter: QPainter, box: QRectF, text: str, align: int) -> None:
        painter.setFont(theme.font(11))
        painter.setPen(theme.tokens().pen("muted"))
        painter.drawText(box, align, text)

    def _arrow(self, painter: QPainter, rect: QRectF, column: str) -> None:
        """By which column neighbours are sorted."""
        if {"name": "layer", "state": "state", "change": "change"}.get(self.order.by) != column:
            return
        icon = "chevron-down" if self.order.is_down else "chevron-up"
        x = {"layer": rect.left() + MARGIN + theme.INDENT + 40, "state": rect.left() + 36}.get(column, rect.right() - 66)
        icons.paint(painter, icon, QRectF(x, rect.top() + 9, 12, 12), theme.tokens().colour("accent"))
