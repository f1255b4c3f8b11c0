"""The layer tree: a QTreeView that draws its rows itself, drops columns where it is narrow, and finds rows by what is typed."""

from __future__ import annotations

import time
from collections import deque

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRectF,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QGuiApplication, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QStyleOptionViewItem

from ptinspect.session.columns import COLUMNS
from ptinspect.session.rows import Row, RowTable
from ptinspect.session.type_ahead import Typed, next_row
from ptinspect.session.views import DocumentView
from ptinspect.ui import icons, theme
from ptinspect.ui.models.layers import LayerModel
from ptinspect.ui.panels.layer_cells import LayerCells, widest
from ptinspect.ui.panels.layer_head import Head
from ptinspect.ui.widgets.row_tree import MARGIN, RowTree

FEW, MOST = 8, 64
AT_ONCE, TURN = 3_000, 0.012  # rows that are laid out in one go, and seconds for layers that are opened one after the other
CALM = 1_500  # milliseconds without a hand on the tree until its rows may move by themselves
_ALSO = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
_ROW = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows


class LayerTree(RowTree):
    """Shows a RowTable; tells what the user did by key."""

    selected = Signal(str)
    chosen = Signal(object)
    opened = Signal(str, bool)
    refresh_wanted = Signal()
    all_below_wanted = Signal()
    all_rows_wanted = Signal()

    def __init__(self, table: RowTable) -> None:
        super().__init__("Layers")
        self._model = LayerModel(table, self)
        self._cells = LayerCells(self)
        self._typed = Typed()
        self._view: DocumentView | None = None
        self._touch = 0.0
        self._is_restoring = False
        self._place: tuple[int, bool, tuple[str, ...]] | None = None
        self._todo: deque[Row] = deque()  # layers that are still to be opened or closed
        self._chosen: list[tuple[Row, int, int]] = []  # layers, and from where to where rows of theirs are selected
        self._lit: set[int] = set()
        self._current: Row | None = None  # the row that has the ring of the keyboard while rows are drawn
        self._spans: list[tuple[int, int, int]] = []
        self._expanded: frozenset[str] = frozenset()
        self.setExpandsOnDoubleClick(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setItemDelegate(self._cells)
        self.setModel(self._model)
        self.head = Head(self)
        self.setHeader(self.head)
        self.head.dress()
        self._steps = QTimer(self)
        self._steps.setSingleShot(True)
        self._steps.timeout.connect(self._go_on)
        self._calm = QTimer(self)
        self._calm.setSingleShot(True)
        self._calm.timeout.connect(self._look_again)
        self.verticalScrollBar().valueChanged.connect(self._touched)
        self.expanded.connect(lambda index: self.opened.emit(self._model.row_of(index).key, True))
        self.collapsed.connect(lambda index: self.opened.emit(self._model.row_of(index).key, False))

    # -- what to show -------------------------------------------------------------------------------------------------------------

    def apply(self, view: DocumentView, last: DocumentView | None) -> None:
        """Show a view; only what differs from the last one is touched."""
        self._view = view
        fresh = last is None or last.table is not view.table
        if fresh and self._model.table is not view.table:
            is_same_rows = last is not None and last.whole is view.whole and last.narrowed is view.narrowed
            self._place = self._stand() if is_same_rows else None
            self._stop_steps()
            self._model.set_table(view.table)
            self._expanded, self._chosen, self._lit = frozenset(), [], set()
        self._cells.narrowed = view.narrowed
        self.head.apply(view.columns, view.whole.facts)
        if fresh or last is None or last.expanded != view.expanded:
            self._expand(view.table, view.expanded)
        if fresh or last is None or last.selected != view.selected:
            self._select(view)
        if view.is_behind and not self._calm.isActive():
            self._calm.start(CALM)
        self._ground.update()

    def _stand(self) -> tuple[int, bool, tuple[str, ...]]:
        """Where the user stands: how far he scrolled, whether what he selected is seen, and what is selected."""
        seen = self._ground.rect().intersects(self.visualRect(self.currentIndex()))
        return self.verticalScrollBar().value(), seen, self.selected_keys()

    def _expand(self, table: RowTable, keys: frozenset[str]) -> None:
        """Open what is to be open and close the rest. Only what differs from the last time is looked at, never all rows."""
        changed, self._expanded = keys ^ self._expanded, keys
        if len(changed) <= FEW:
            for key in sorted(changed):
                found = table.find(key)
                if found is not None and found.parent is not None:
                    self._open(found, key in keys)
            return
        rows = list(table.layers(keys | changed))
        if sum(len(row.below) for row in rows if row.key in keys) > AT_ONCE:
            self._todo = deque(rows)
            self._ground.setUpdatesEnabled(False)  # what is seen stays until all is there
            self.executeDelayedItemsLayout()
            self._steps.start(0)
            return
        self._stop_steps()
        self.scheduleDelayedItemsLayout()  # then each of them is only noted, and all are laid out together
        for row in rows:
            self._open(row, row.key in keys)

    def _go_on(self) -> None:
        """Open layers for a while, and more of them when the window has had its turn; what waits for the last one comes then."""
        end = time.perf_counter() + TURN
        while self._todo and time.perf_counter() < end:
            row = self._todo.popleft()
            self._open(row, row.key in self._expanded)
        if self._todo:
            self._steps.start(0)
            return
        self._stop_steps()
        if self._place is not None and self._view is not None:
            self._select(self._view)

    def _stop_steps(self) -> None:
        self._todo.clear()
        self._steps.stop()
        if not self._ground.updatesEnabled():
            self._ground.setUpdatesEnabled(True)

    def _open(self, row: Row, is_open: bool) -> None:
        index = self._model.index_of(row)
        if self.isExpanded(index) != is_open and (row.has_below or not is_open):
            self.setExpanded(index, is_open)

    def _select(self, view: DocumentView) -> None:
        """Select what the view says. After sorting, the screen stays where it was, or with the selected row if that was on it."""
        current = self.currentIndex()
        if current.isValid() and self._model.row_of(current).key == view.selected and id(current.internalPointer()) in self._lit:
            return
        if self._todo and self._place is not None:
            return  # not all that was open is there again
        row = view.table.find(view.selected) if view.selected else None
        is_there = row is not None and row.parent is not None
        if not is_there:
            self.selectionModel().clearSelection()
        index = self._model.index_of(row) if is_there else QModelIndex()
        if self._place is None:
            if is_there:
                self.setCurrentIndex(index)
                self.scrollTo(index)
            return
        (top, was_seen, keys), self._place = self._place, None
        if is_there:
            self.selectionModel().setCurrentIndex(index, _ROW)
            self._select_also(view.table, keys)
        self.executeDelayedItemsLayout()
        self.verticalScrollBar().setValue(top)
        if was_seen and is_there:
            self.scrollTo(index)

    def _select_also(self, table: RowTable, keys: tuple[str, ...]) -> None:
        found = [row for key in keys if (row := table.find(key)) is not None and row.parent is not None]
        self._is_restoring = True  # nobody has chosen another row
        for row in found if len(found) > 1 else ():
            self.selectionModel().select(self._model.index_of(row), _ALSO)
        self._is_restoring = False
        self.chosen.emit(self.selected_keys())

    def selected_keys(self, most: int = MOST) -> tuple[str, ...]:
        """The rows that are selected, as many as anything is done with."""
        found: list[str] = []
        for above, top, bottom in self._chosen:
            found += [row.key for row in above.below[top : min(bottom + 1, top + most)]]
            if len(found) >= most:
                break
        return tuple(dict.fromkeys(found))[:most]

    def selectAll(self) -> None:
        """Every row that can be seen, layer by layer. Qt would go through each cell of them."""
        selection, last = QItemSelection(), len(COLUMNS) - 1
        for above in (self._model.table.root, *self._model.table.layers(self._expanded)):
            if above.below:
                selection.append(QItemSelectionRange(self._model.index_of(above.below[0]), self._model.index_of(above.below[-1], last)))
        self.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        ranges = self.selectionModel().selection()
        parts = [ranges.at(at) for at in range(ranges.size())]
        self._chosen = [(self._model.row_of(part.parent()), part.top(), part.bottom()) for part in parts]
        self._lit = {id(above.below[at]) for above, top, bottom in self._chosen for at in range(top, bottom + 1)}
        if selected.size() + deselected.size() < MOST:
            super().selectionChanged(selected, deselected)
        else:  # Qt would look for the place of every one of them
            self._ground.update()
        if self._is_restoring:
            return
        if self._chosen:
            self.selected.emit(self._foremost(selected).key)
        self.chosen.emit(self.selected_keys())

    def _foremost(self, selected: QItemSelection) -> Row:
        """The row that the pages tell of: the one pressed, else the last that came, else, where some only went, the first that is left."""
        current = self.currentIndex()
        if current.isValid() and id(current.internalPointer()) in self._lit:
            return self._model.row_of(current)
        if not selected.isEmpty():
            return self._model.row_of(selected.last().bottomRight())
        above, top, _ = self._chosen[0]
        return above.below[top]

    def keyboardSearch(self, search: str) -> None:
        """What is typed leads to the next row that begins so. Qt would ask the model for every cell on the way."""
        view = self._view
        if view is None or not search.strip():
            return
        self._typed.add(search, time.monotonic())
        current = self.currentIndex()
        at = self._model.row_of(current) if current.isValid() else None
        row = next_row(view.table, view.expanded, self._typed.text, at)
        if row is not None:
            self.setCurrentIndex(self._model.index_of(row))

    # -- more is known ------------------------------------------------------------------------------------------------------------

    def _touched(self, *_: object) -> None:
        self._touch = time.monotonic()

    def _look_again(self) -> None:
        """Sort or filter anew what was counted meanwhile, but never under the hand of who scrolls, points or types."""
        if self._view is None or not self._view.is_behind:
            return
        if time.monotonic() - self._touch < CALM / 1000 or QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton:
            self._calm.start(CALM)
        else:
            self.refresh_wanted.emit()

    # -- columns ------------------------------------------------------------------------------------------------------------------

    def columns_menu(self) -> None:
        """The menu of the head, for who has no mouse at hand."""
        self.head.menu().popup(self.head.corner())

    def sizeHintForColumn(self, column: int) -> int:
        """How wide a column is that shows every row on the screen whole: what a double click beside its head asks for."""
        rows, index = list[Row](), self.indexAt(QPoint(0, 0))
        while index.isValid() and self.visualRect(index).top() < self._ground.height():
            rows.append(self._model.row_of(index))
            index = self.indexBelow(index)
        return widest(column, rows)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.head.fit(self._ground.width())

    # -- drawing ------------------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        self._spans = [(at, self.columnViewportPosition(at), self.columnWidth(at)) for at in self.head.seen]
        self._current = self.currentIndex().internalPointer() if self.is_by_key and self.hasFocus() else None
        super().paintEvent(event)

    def nothing(self) -> str:
        narrowed = self._cells.narrowed
        if narrowed is None:
            return "There are no layers and no values in this file"
        return "Nothing so far: not all is counted" if narrowed.uncounted else "No layer fits the filter"

    def drawRow(self, painter: QPainter, options: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """The ground of a row, the ring of the keyboard and the cells. Qt would ask of every cell whether one of many ranges holds it."""
        look, box, row = theme.tokens(), options.rect, self._model.row_of(index)
        self.light(painter, box, id(row) in self._lit, row is self._current, row is self._hovered)
        for column, left, width in self._spans:
            cell = QRectF(left, box.top(), width, box.height())
            if column == 0:
                cell.adjust(theme.INDENT * row.level, 0, 0, 0)
                if row.has_below:
                    mark = QRectF(cell.left() - theme.INDENT + MARGIN, cell.center().y() - 6, 12, 12)
                    icons.paint(painter, "chevron-down" if self.isExpanded(index) else "chevron-right", mark, look.colour("muted"))
            self._cells.draw(painter, column, cell, row)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._touched()
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self._touched()
        if event.key() == Qt.Key.Key_Asterisk:  # Qt would open everything below at once, be it a hundred thousand rows
            self.is_by_key = True
            self.all_below_wanted.emit()
            return
        if event.key() == Qt.Key.Key_Escape and self._view is not None and self._view.narrowed is not None:
            self.all_rows_wanted.emit()
            return
        super().keyPressEvent(event)

    def sentence(self, index: QModelIndex) -> str:
        """The row's full path, and why its type is what it says."""
        from ptinspect.session.row_facts import sentence_of  # noqa: PLC0415 - only who points at a row

        return sentence_of(self._model.row_of(index))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self.header().setFont(theme.font(11, 500))
        super().changeEvent(event)
