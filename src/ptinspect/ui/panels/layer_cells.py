"""Draws one cell of the layer tree. A screen holds some three hundred of them, so each asks for no more than it shows."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from ptinspect.checkpoint.layers import LayerNode, TensorRow, ValueRow
from ptinspect.session import rows
from ptinspect.session.columns import BY_NAME, COLUMNS, HEALTH, TRAINED, name_text
from ptinspect.session.filters import Narrowed
from ptinspect.session.rows import Row
from ptinspect.session.words import count_parts, share_text, size_text
from ptinspect.ui import icons, theme
from ptinspect.ui.widgets.row_tree import MARGIN
from ptinspect.ui.widgets.sparkline import paint_spark

_MIDDLE = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
_RIGHT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
UNIT, SHARE, GAP = 16, 48, 10
UNITS = UNIT + 4  # a unit's slot, with some room before what comes next
_SETS = frozenset(("dict", "OrderedDict", "list", "tuple", "defaultdict", "Namespace"))
_NUMBERS = frozenset(("int", "float", "bool", "complex"))
_MARKS: dict[object, tuple[str, str]] = {True: ("dot", "accent2"), False: ("lock", "muted"), "mixed": ("circle", "accent2")}

HEALTH_MARKS: dict[object, tuple[str, str]] = {
    "info": ("info", "muted"),
    "notice": ("info", "muted"),
    "warning": ("triangle-alert", "warnicon"),
    "danger": ("octagon-alert", "danger"),
}


def icon_of(row: Row) -> str:
    """The icon before a name: containers at the top, plain values anywhere."""
    source = row.source
    if isinstance(source, ValueRow):
        return "hash" if source.type in _NUMBERS else "text"
    if not isinstance(source, LayerNode) or row.parent is None or row.parent.parent is not None:
        return ""
    if source.in_optimizer:
        return "sliders"
    if source.path == row.table.facts.main:
        return "layers"
    if source.type in _SETS:
        return "layers" if source.parameters else "braces"
    return ""


class LayerCells(QStyledItemDelegate):
    """The delegate of the tree."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.narrowed: Narrowed | None = None

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(60, theme.ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        self.draw(painter, index.column(), QRectF(option.rect), index.internalPointer())

    def draw(self, painter: QPainter, column: int, box: QRectF, row: Row) -> None:
        """One cell of a row."""
        _PAINTERS[COLUMNS[column].name](self, painter, box, row)

    def name(self, painter: QPainter, box: QRectF, row: Row) -> None:
        """The name, its icon, and the marks of the filter under it."""
        look, icon = theme.tokens(), icon_of(row)
        left = box.left() + 2 + MARGIN
        if icon:
            icons.paint(painter, icon, QRectF(left, box.top() + 5, 14, 14), look.colour("muted"))
            left += 20
        top = icon and isinstance(row.source, LayerNode)
        font = theme.font(12, 600 if top else 400)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        text = name_text(row)
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, box.right() - left - 4)
        is_on_the_way = self.narrowed is not None and id(row.source) not in self.narrowed.found
        if self.narrowed is not None and not is_on_the_way and shown == text:
            self._hits(painter, metrics, text, QPointF(left, box.top()))
        painter.setPen(look.pen("muted" if is_on_the_way else "text"))
        painter.drawText(QRectF(left, box.top(), box.right() - left, box.height()), _MIDDLE, shown)
        if isinstance(row.source, TensorRow) and row.source.tensor.problem:
            at = left + metrics.horizontalAdvance(shown) + 6
            icons.paint(painter, "triangle-alert", QRectF(at, box.top() + 5, 14, 14), look.colour("warnicon"))
        elif (mark := row.table.facts.shelf.mark(row.path)) in ("warning", "danger"):
            at = left + metrics.horizontalAdvance(shown) + 6
            icons.paint(painter, HEALTH_MARKS[mark][0], QRectF(at, box.top() + 5, 14, 14), look.colour(HEALTH_MARKS[mark][1]))

    def _hits(self, painter: QPainter, metrics: QFontMetricsF, text: str, at: QPointF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.tokens().brush("warnbd"))
        for start, end in self.narrowed.query.spans(text) if self.narrowed else ():
            x = at.x() + metrics.horizontalAdvance(text[:start])
            painter.drawRoundedRect(QRectF(x - 1, at.y() + 4, metrics.horizontalAdvance(text[start:end]) + 2, 16), 3, 3)

    def kind(self, painter: QPainter, box: QRectF, row: Row) -> None:
        """The type; a guess is in the muted tone of what is not certain."""
        inferred = isinstance(row.source, LayerNode) and row.source.certainty == "inferred"
        _text(painter, box, rows.type_text(row), "text2" if not inferred else "muted")

    def form(self, painter: QPainter, box: QRectF, row: Row) -> None:
        """The shape."""
        _text(painter, box, rows.form_text(row), "text2")

    def params(self, painter: QPainter, box: QRectF, row: Row) -> None:
        """A number and its unit, each in a slot of its own."""
        count = rows.parameters_of(row)
        if count is not None:
            number, unit = count_parts(count)
            box = box.adjusted(0, 0, UNIT - UNITS, 0)
            _text(painter, box.adjusted(0, 0, -UNIT, 0), number, "muted" if row.source.name and _is_buffer(row) else "text", _RIGHT)
            _text(painter, QRectF(box.right() - UNIT + 2, box.top(), UNIT, box.height()), unit, "muted")

    def share(self, painter: QPainter, box: QRectF, row: Row) -> None:
        """A number and a bar."""
        share = rows.share_of(row)
        if share is None:
            return
        look = theme.tokens()
        _text(painter, QRectF(box.left(), box.top(), SHARE, box.height()), share_text(share), "muted", _RIGHT)
        room = box.width() - SHARE - 24
        if room > 8:
            bar = QRectF(box.left() + SHARE + 8, box.center().y() - 2, max(2.0, room * share), 4)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.brush("accent2" if share >= 0.005 else "accentsoft"))
            painter.drawRoundedRect(bar, 2 if share >= 0.1 else 1, 2 if share >= 0.1 else 1)

    def trained(self, painter: QPainter, box: QRectF, row: Row) -> None:
        """An icon, and the word where it differs from the row above."""
        state = rows.trained_of(row)
        if state is None:
            return
        icon, tone = _MARKS[state]
        size = 12 if icon == "lock" else 11
        mark = QRectF(box.left() + 2, box.center().y() - size / 2, size, size)
        icons.paint(painter, icon, mark, theme.tokens().colour(tone))
        _text(painter, box.adjusted(20, 0, 0, 0), TRAINED[state], "text2")

    def dtype(self, painter: QPainter, box: QRectF, row: Row) -> None:
        """The dtype where it differs from the row above."""
        dtype = rows.dtype_of(row)
        if row.parent is None or row.parent.parent is None or dtype != rows.dtype_of(row.parent):
            _text(painter, box, dtype, "muted")

    def size(self, painter: QPainter, box: QRectF, row: Row) -> None:
        """Bytes."""
        size = rows.bytes_of(row)
        if size is not None:
            _text(painter, box.adjusted(0, 0, -GAP, 0), size_text(size), "text2", _RIGHT)

    def values(self, painter: QPainter, box: QRectF, row: Row) -> None:
        """A small picture of how the values are spread: accent where they train, grey where they do not."""
        spark = row.table.facts.shelf.spark(row.source)
        if spark:
            is_grey = rows.trained_of(row) is False or _is_buffer(row)
            paint_spark(painter, QPointF(box.left() + 2, box.top() + 4), spark, "muted" if is_grey else "accent2")

    def mean(self, painter: QPainter, box: QRectF, row: Row) -> None:
        """The mean."""
        _text(painter, box.adjusted(0, 0, -GAP, 0), BY_NAME["mean"].text(row), "text2", _RIGHT)

    def std(self, painter: QPainter, box: QRectF, row: Row) -> None:
        """The standard deviation."""
        _text(painter, box.adjusted(0, 0, -GAP, 0), BY_NAME["std"].text(row), "text2", _RIGHT)

    def health(self, painter: QPainter, box: QRectF, row: Row) -> None:
        """A mark and a word."""
        mark = row.table.facts.shelf.mark(row.path)
        if mark is not None:
            icon, tone = HEALTH_MARKS[mark]
            icons.paint(painter, icon, QRectF(box.left() + 2, box.top() + 5, 14, 14), theme.tokens().colour(tone))
            _text(painter, box.adjusted(20, 0, 0, 0), HEALTH[mark], "text2")


def widest(column: int, rows: Iterable[Row]) -> int:
    """The width that shows the cells of some rows whole; bars and pictures have theirs."""
    about = COLUMNS[column]
    if about.name in ("layer", "share", "values"):
        return about.width
    beside = {"params": UNITS - UNIT, "trained": 20, "health": 20}.get(about.name, 0)
    advance = QFontMetricsF(theme.font(12)).horizontalAdvance
    return int(max((advance(about.text(row)) for row in rows), default=0.0)) + beside + GAP + 2


def _is_buffer(row: Row) -> bool:
    return isinstance(row.source, TensorRow) and row.source.role != "parameter"


def _text(painter: QPainter, box: QRectF, text: str, tone: str, align: int = _MIDDLE) -> None:
    if not text:
        return
    font = theme.font(12)
    painter.setFont(font)
    painter.setPen(theme.tokens().pen(tone))
    if len(text) * 5 > box.width():  # what is surely short need not be measured
        text = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, box.width())
    painter.drawText(box, align, text)


_PAINTERS = {
    "layer": LayerCells.name,
    "type": LayerCells.kind,
    "shape": LayerCells.form,
    "params": LayerCells.params,
    "share": LayerCells.share,
    "trained": LayerCells.trained,
    "dtype": LayerCells.dtype,
    "bytes": LayerCells.size,
    "values": LayerCells.values,
    "mean": LayerCells.mean,
    "std": LayerCells.std,
    "health": LayerCells.health,
}
