"""The layers of a test batch as they were measured: a QTreeView, its cells and its head."""

from __future__ import annotations

from PySide6.QtCore import QItemSelection, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from ptinspect.session.batch.rows import COLUMNS, NUMBERS, TITLES, LayerRow, LayerTable, text_of
from ptinspect.session.state import BatchTab
from ptinspect.ui import icons, theme
from ptinspect.ui.models.batch_layers import BatchLayerModel
from ptinspect.ui.widgets.row_tree import MARGIN, RowTree

BAR, GAP, NUMBER = 68, 12, 62
WIDTHS = {
    "type": 102, "output": 128, "time": NUMBER + BAR, "mean": 64, "std": 56, "values": 112, "apart": 76, "parameters": 92, "mult_adds": 78,
}  # fmt: skip
NARROW = {"time": NUMBER + 44, "values": 104, "output": 118}  # before a column goes
LEAST_NAME = 116
_DROPS = ("mult_adds", "parameters", "std", "mean", "type", "apart", "output")  # what goes first where there is no room
_LEAST = ("layer", "type", "output", "time", "values")
_MIDDLE = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
_RIGHT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)


class LayerCells(QStyledItemDelegate):
    """Draws a cell: a number, a bar, or whether the values are numbers."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.slowest = 0.0

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(60, theme.ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        row: LayerRow = index.internalPointer()
        box, column = QRectF(option.rect), COLUMNS[index.column()]
        if column == "layer":
            _text(painter, box.adjusted(2 + MARGIN, 0, -4, 0), text_of(row, column), "text", mode=Qt.TextElideMode.ElideMiddle)
        elif column == "time":
            self._time(painter, box, row)
        elif column == "values":
            self._values(painter, box, row)
        elif column in NUMBERS:
            tone = "danger" if column == "apart" and row.gap is not None and row.gap.shapes is not None else "text"
            _text(painter, box.adjusted(0, 0, -GAP, 0), text_of(row, column), tone, _RIGHT)
        else:
            _text(painter, box.adjusted(0, 0, -6, 0), text_of(row, column), "text2")

    def _time(self, painter: QPainter, box: QRectF, row: LayerRow) -> None:
        room = box.width() - NUMBER
        _text(painter, box.adjusted(0, 0, -room - 10, 0), text_of(row, "time"), "text", _RIGHT)
        spent = row.spent
        if spent is None or self.slowest <= 0:
            return
        wide = max(2.0, min(1.0, spent / self.slowest) * (room - 14))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.tokens().brush("accent2" if row.level == 0 else "accentsoft"))
        painter.drawRoundedRect(QRectF(box.right() - room, box.center().y() - 2.5, wide, 6), min(3.0, wide / 2), 3)

    def _values(self, painter: QPainter, box: QRectF, row: LayerRow) -> None:
        look, text = theme.tokens(), text_of(row, "values")
        if text == "OK":
            icons.paint(painter, "check", QRectF(box.left(), box.top() + 6, 12, 12), look.colour("faint"))
            return
        if row.figures is not None and row.figures.is_first_bad and not row.inside:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.brush("dangerbg"))
            painter.drawRoundedRect(box.adjusted(0, 2, -8, -2), 4, 4)
            icons.paint(painter, "octagon-alert", QRectF(box.left() + 5, box.top() + 6, 12, 12), look.colour("danger"))
            _text(painter, box.adjusted(20, 0, -10, 0), text, "danger", weight=500, size=11)
        else:
            _text(painter, box.adjusted(0, 0, -8, 0), text, "danger", weight=500, size=11)


def _text(
    painter: QPainter,
    box: QRectF,
    text: str,
    tone: str,
    align: int = _MIDDLE,
    weight: int = 400,
    size: int = 12,
    mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
) -> None:
    if not text:
        return
    font = theme.font(size, weight)
    painter.setFont(font)
    painter.setPen(theme.tokens().pen(tone))
    if len(text) * 7 > box.width():
        text = QFontMetricsF(font).elidedText(text, mode, box.width())
    painter.drawText(box, align, text)


class LayerHead(QHeaderView):
    """Titles over their columns."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setFixedHeight(theme.HEADER)

    def paintSection(self, painter: QPainter, rect: QRect, logicalIndex: int) -> None:
        look, column = theme.tokens(), COLUMNS[logicalIndex]
        painter.fillRect(rect, look.colour("surface"))
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), look.colour("border"))
        box = QRectF(rect).adjusted(MARGIN + theme.INDENT + 2 if column == "layer" else 0, 0, 0, 0)
        if column == "time":
            box.adjust(0, 0, NUMBER - box.width() - 10, 0)
        elif column in NUMBERS:
            box.adjust(0, 0, -GAP, 0)
        _text(painter, box, TITLES[column], "muted", _RIGHT if column in NUMBERS else _MIDDLE, 500, 11)


class BatchTable(RowTree):
    """Shows a LayerTable; tells what the user did by key."""

    selected = Signal(str)
    opened = Signal(str, bool)
    chosen = Signal(str)
    INSET = QPoint(40, 36)

    def __init__(self) -> None:
        super().__init__("Layers as they were measured")
        self._model = BatchLayerModel(self)
        self._cells = LayerCells(self)
        self._expanded: frozenset[str] = frozenset()
        self._is_showing = False
        self._empty = ""
        self.setExpandsOnDoubleClick(False)
        self.setItemDelegate(self._cells)
        self.setModel(self._model)
        self.head = LayerHead(self)
        self._dress_header()
        self.expanded.connect(lambda index: self._tell_open(index, True))
        self.collapsed.connect(lambda index: self._tell_open(index, False))
        self.activated.connect(lambda index: self.chosen.emit(self._model.row_of(index).path))

    def _dress_header(self) -> None:
        self.setHeader(self.head)
        self.head.setStretchLastSection(False)
        self.head.setMinimumSectionSize(36)
        self.head.setHighlightSections(False)
        self.head.setSectionsClickable(False)
        self.head.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for at, name in enumerate(COLUMNS[1:], 1):
            self.head.resizeSection(at, WIDTHS[name])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def fit(self) -> None:
        """Drop the columns for which there is no room."""
        kept = set(COLUMNS) if self._model.table.is_compared else set(COLUMNS) - {"apart"}
        room, widths = self._ground.width() - LEAST_NAME, WIDTHS
        for name in _DROPS:
            if sum(WIDTHS[one] for one in kept if one != "layer") <= room:
                break
            if kept <= set(_LEAST) and sum((WIDTHS | NARROW)[one] for one in kept if one != "layer") <= room:
                widths = WIDTHS | NARROW
                break
            kept.discard(name)
        for at, name in enumerate(COLUMNS[1:], 1):
            if self.head.sectionSize(at) != widths[name] and name in kept:
                self.head.resizeSection(at, widths[name])
        for at, name in enumerate(COLUMNS):
            if self.isColumnHidden(at) == (name in kept):
                self.setColumnHidden(at, name not in kept)

    # -- what to show -------------------------------------------------------------------------------------------------------------

    def apply(self, state: BatchTab) -> None:
        """Show a batch; only what differs from before is touched."""
        table = state.kept or (state.record.table if state.record is not None else None)
        self._empty = _hint(state)
        place = self.verticalScrollBar().value()
        self._is_showing = True
        if self._model.show_table(table if table is not None else LayerTable()):
            self._expanded = frozenset()
        self.fit()
        self._cells.slowest = table.slowest if table is not None else 0.0
        expanded = state.expanded | state.narrowed.expanded if state.kept is not None and state.narrowed is not None else state.expanded
        if self._expanded != expanded:
            self._expand(expanded)
            self.verticalScrollBar().setValue(place)
        self._select(state.selected)
        self._is_showing = False
        self._ground.update()

    def _expand(self, keys: frozenset[str]) -> None:
        changed, self._expanded = keys ^ self._expanded, keys
        for key in sorted(changed):
            row = self._model.table.find(key)
            index = self._model.index_of(row)
            if index.isValid() and self.isExpanded(index) != (key in keys):
                self.setExpanded(index, key in keys)

    def _select(self, key: str) -> None:
        index = self._model.index_of(self._model.table.find(key)) if key else QModelIndex()
        if not index.isValid():
            self.selectionModel().clear()
        elif not self.selectionModel().isSelected(index):
            self.setCurrentIndex(index)
            self.scrollTo(index, QAbstractItemView.ScrollHint.EnsureVisible)

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        indexes = selected.indexes()
        if indexes and not self._is_showing:
            self.selected.emit(self._model.row_of(indexes[0]).key)

    def _tell_open(self, index: QModelIndex, is_open: bool) -> None:
        if not self._is_showing:
            self.opened.emit(self._model.row_of(index).key, is_open)

    # -- drawing ------------------------------------------------------------------------------------------------------------------

    def nothing(self) -> str:
        return self._empty

    def sentence(self, index: QModelIndex) -> str:
        return _sentence(self._model.row_of(index))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.selected.emit("")
            return
        super().keyPressEvent(event)


def _hint(state: BatchTab) -> str:
    """What stands where there are no rows yet."""
    if state.kept is not None:
        return "No layer is left by the filter."
    if state.busy is not None:
        return "The layers come as soon as the batch went through the model once."
    if state.problem is not None:
        return "Nothing was measured before it ended."
    return "Run sends one batch through the model, in a process of its own: shapes, times and values of each layer come here."


def _sentence(row: LayerRow) -> str:
    """All of a row, also what has no column now."""
    found = [row.path]
    found += [f"{TITLES[name]}: {text_of(row, name)}" for name in COLUMNS[1:] if text_of(row, name)]
    return "\n".join(found)
