"""The aligned tree: a QTreeView over the rows of both sides, and beside its scroll bar a strip with all of the model in it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QItemSelection, QModelIndex, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QWidget

from ptinspect.session.comparison import cells
from ptinspect.session.comparison.aligned import BY_CODE, SAME, UNKNOWN, Aligned
from ptinspect.session.comparison.rows import PairRow, PairTable
from ptinspect.session.views import ComparisonView
from ptinspect.session.words import plain
from ptinspect.ui import theme
from ptinspect.ui.models.pairs import PairModel
from ptinspect.ui.panels.comparison_cells import LOOKS, PairCells, PairHead
from ptinspect.ui.widgets.row_tree import RowTree

WIDTHS = {"state": 106, "left": 136, "right": 136, "change": 78}
LEAST_NAME, FEW = 150, 8
_SORTS = {"layer": "name", "state": "state", "change": "change"}


class PairTree(RowTree):
    """Shows a PairTable; tells what the user did by key."""

    selected = Signal(str)
    opened = Signal(str, bool)
    sort_requested = Signal(str)

    def __init__(self, table: PairTable) -> None:
        super().__init__("Layers of both files")
        self._model = PairModel(table, self)
        self._cells = PairCells(self)
        self._expanded: frozenset[str] = frozenset()
        self.setItemDelegate(self._cells)
        self.setModel(self._model)
        self.head = PairHead(self)
        self._dress_header()
        self.expanded.connect(lambda index: self.opened.emit(self._model.row_of(index).key, True))
        self.collapsed.connect(lambda index: self.opened.emit(self._model.row_of(index).key, False))

    def _dress_header(self) -> None:
        self.setHeader(self.head)
        self.head.setSectionsClickable(True)  # the tree has just taken it away
        self.head.setStretchLastSection(False)
        self.head.setMinimumSectionSize(36)
        self.head.setHighlightSections(False)
        self.head.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for at, name in enumerate(cells.COLUMNS[1:], 1):
            self.head.resizeSection(at, WIDTHS[name])
        self.head.sectionClicked.connect(self._sort)

    def _sort(self, at: int) -> None:
        by = _SORTS.get(cells.COLUMNS[at])
        if by is not None:
            self.sort_requested.emit(by)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        room = self._ground.width() - LEAST_NAME - WIDTHS["state"] - WIDTHS["change"]
        side = max(64, min(136 + max(0, room - 372) // 4, 220, room // 2))
        for at in (2, 3):
            if self.head.sectionSize(at) != side:
                self.head.resizeSection(at, side)

    # -- what to show -------------------------------------------------------------------------------------------------------------

    def apply(self, view: ComparisonView, last: ComparisonView | None) -> None:
        """Show a view; only what differs from the last one is touched."""
        fresh = last is None or last.table is not view.table
        if fresh and self._model.table is not view.table:
            self._model.set_table(view.table)
            self._expanded = frozenset()
        narrowed = view.state.narrowed
        self._cells.query = narrowed.query if narrowed is not None and not narrowed.problem else None
        left, right = (plain(side.name, 200) for side in view.state.request.sides)
        self.head.names = (left, right)
        self.head.order = view.state.order
        if fresh or last is None or last.expanded != view.expanded:
            self._expand(view.table, view.expanded)
        if fresh or last is None or last.state.selected != view.state.selected:
            self._select(view)
        self._ground.update()
        self.head.viewport().update()

    def _expand(self, table: PairTable, keys: frozenset[str]) -> None:
        changed, self._expanded = keys ^ self._expanded, keys
        if len(changed) > FEW:
            self.scheduleDelayedItemsLayout()
        for key in sorted(changed):
            row, is_open = table.find(key), key in keys
            if row is None or row.parent is None or (is_open and not row.has_below):
                continue
            index = self._model.index_of(row)
            if self.isExpanded(index) != is_open:
                self.setExpanded(index, is_open)

    def _select(self, view: ComparisonView) -> None:
        row = view.table.find(view.state.selected) if view.state.selected else None
        if row is None or row.parent is None:
            self.selectionModel().clearSelection()
            return
        index = self._model.index_of(row)
        if not self.selectionModel().isSelected(index):
            self.setCurrentIndex(index)
            self.scrollTo(index, QAbstractItemView.ScrollHint.EnsureVisible)

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        indexes = selected.indexes()
        if indexes:
            self.selected.emit(self._model.row_of(indexes[0]).key)

    # -- drawing ------------------------------------------------------------------------------------------------------------------

    def nothing(self) -> str:
        is_narrowed = self._model.table.kept is not None
        return "No pair is left by the filter and the kinds that are shown" if is_narrowed else "Neither side has a tensor"

    def sentence(self, index: QModelIndex) -> str:
        row = self._model.row_of(index)
        return cells.sentence_of(row) if isinstance(row, PairRow) else ""

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self.head.viewport().update()
        super().changeEvent(event)


class Strip(QWidget):
    """The whole model from top to bottom, a stripe for each place that differs; a click goes there."""

    rank_chosen = Signal(int)
    WIDTH = 18

    def __init__(self) -> None:
        super().__init__()
        self._aligned: Aligned | None = None
        self._rank = -1
        self.setFixedWidth(self.WIDTH)
        self.setAccessibleName("All of the model")
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:
        return QSize(self.WIDTH, 100)

    def show_aligned(self, aligned: Aligned | None, rank: int) -> None:
        """Draw these; `rank` is where the selected row stands."""
        self._aligned, self._rank = aligned, rank
        self.update()

    def stripes(self) -> list[tuple[int, int, int, float]]:
        """Top, height, the code of what is worst there, and how much of it differs."""
        marks = bytes(self._aligned.marks) if self._aligned is not None else b""
        height, found = max(1, self.height() - 16), list[tuple[int, int, int, float]]()
        if not marks:
            return found
        if len(marks) <= height:
            step = height / len(marks)
            return [(8 + int(at * step), max(2, int(step) - 1), code, 1.0) for at, code in enumerate(marks) if code != UNKNOWN]
        for y in range(height):
            part = marks[y * len(marks) // height : (y + 1) * len(marks) // height] or marks[y * len(marks) // height :][:1]
            code = max(part)
            if code != UNKNOWN:
                found.append((8 + y, 1, code, 1 - (part.count(SAME) + part.count(UNKNOWN)) / len(part)))
        return found

    def paintEvent(self, event: QPaintEvent) -> None:
        look, painter = theme.tokens(), QPainter(self)
        painter.fillRect(self.rect(), look.colour("surface"))
        painter.fillRect(QRectF(0, 0, 1, self.height()), look.colour("border"))
        painter.fillRect(QRectF(7, 8, 8, self.height() - 16), look.colour("fill"))
        for top, height, code, share in self.stripes():
            if BY_CODE[code] != "same":
                wide = max(2.0, 8 * share)  # where many pairs share a line, as wide as the part of them that differs
                painter.fillRect(QRectF(7, top, wide, max(2, height)), look.colour(LOOKS[BY_CODE[code]][2]))
        if self._rank >= 0 and self._aligned is not None and self._aligned.marks:
            y = 8 + (self._rank + 0.5) * (self.height() - 16) / len(self._aligned.marks)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.brush("text"))
            painter.drawPolygon(QPolygonF([QPointF(1, y - 3.5), QPointF(1, y + 3.5), QPointF(6, y)]))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._go(event.position().y())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._go(event.position().y())

    def _go(self, y: float) -> None:
        if self._aligned is not None and self._aligned.marks:
            count = len(self._aligned.marks)
            self.rank_chosen.emit(max(0, min(count - 1, int((y - 8) / max(1, self.height() - 16) * count))))
