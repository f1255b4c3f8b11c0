"""The layer tree: a QTreeView that draws its rows itself, drops columns where it is narrow, and finds rows by what is typed."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QItemSelection, QModelIndex, QPersistentModelIndex, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QStyleOptionViewItem, QTreeView, QWidget

from ptinspect.session.columns import COLUMNS, ColumnChoice
from ptinspect.session.rows import Row, RowTable
from ptinspect.session.views import DocumentView
from ptinspect.ui import icons, theme
from ptinspect.ui.models.layers import LayerModel
from ptinspect.ui.panels.layer_cells import MARGIN, LayerCells
from ptinspect.ui.panels.layer_head import Head
from ptinspect.ui.widgets.text import tip

LEAST_NAME, FEW = 146, 8
# The first of these that are shown go first.
_DROPPED = ("health", "std", "mean", "bytes", "dtype", "trained", "type", "share", "params", "shape", "values")


class LayerTree(QTreeView):
    """Shows a RowTable; tells what the user did by key."""

    selected = Signal(str)
    chosen = Signal(object)
    opened = Signal(str, bool)
    columns_chosen = Signal(object)
    painted = Signal()
    menu_requested = Signal(QPoint)

    def __init__(self, table: RowTable) -> None:
        super().__init__()
        self._model = LayerModel(table, self)
        self._cells = LayerCells(self)
        self._choice = ColumnChoice()
        self._hover = QPersistentModelIndex()
        self._expanded: frozenset[str] = frozenset()
        self._was_painted = False
        self._is_laying_out = False
        self._ground = QWidget()
        self.setViewport(self._ground)  # one that Python made: to find the kind of another, PySide sets up every widget class it knows
        self.setAccessibleName("Layers")
        self.setUniformRowHeights(True)
        self.setIndentation(theme.INDENT)
        self.setExpandsOnDoubleClick(True)
        self.setMouseTracking(True)
        self.setAllColumnsShowFocus(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setItemDelegate(self._cells)
        self.setModel(self._model)
        self._dress_header()
        self.customContextMenuRequested.connect(self.menu_requested)
        self.expanded.connect(lambda index: self.opened.emit(self._model.row_of(index).key, True))
        self.collapsed.connect(lambda index: self.opened.emit(self._model.row_of(index).key, False))

    def _dress_header(self) -> None:
        header = Head(self)
        self.setHeader(header)
        header.setFixedHeight(theme.HEADER)
        header.setFont(theme.font(11, 500))
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(36)
        header.setSectionsMovable(True)
        header.setFirstSectionMovable(False)
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for at, column in enumerate(COLUMNS):
            header.resizeSection(at, column.width)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._choose_columns)
        header.sectionMoved.connect(self._columns_changed)
        header.sectionResized.connect(self._resized)

    # -- what to show -------------------------------------------------------------------------------------------------------------

    def apply(self, view: DocumentView, last: DocumentView | None) -> None:
        """Show a view; only what differs from the last one is touched."""
        fresh = last is None or last.table is not view.table
        if fresh and self._model.table is not view.table:
            self._model.set_table(view.table)
            self._expanded = frozenset()
        self._cells.query = view.narrowed.query if view.narrowed else None
        if last is None or last.columns != view.columns:
            self._set_columns(view.columns)
        if fresh or last is None or last.expanded != view.expanded:
            self._expand(view.table, view.expanded)
        if fresh or last is None or last.selected != view.selected:
            self._select(view)
        self._ground.update()

    def _expand(self, table: RowTable, keys: frozenset[str]) -> None:
        """Open what is to be open and close the rest. Only what differs from the last time is looked at, never all rows."""
        changed, self._expanded = keys ^ self._expanded, keys
        if len(changed) > FEW:
            self.scheduleDelayedItemsLayout()  # then each of them is only noted, and all are laid out together
        for key in sorted(changed):
            row, is_open = table.find(key), key in keys
            if row is None or row.parent is None or (is_open and not row.has_below):
                continue
            index = self._model.index_of(row)
            if self.isExpanded(index) != is_open:
                self.setExpanded(index, is_open)

    def _select(self, view: DocumentView) -> None:
        row = view.table.find(view.selected) if view.selected else None
        if row is None or row.parent is None:
            self.selectionModel().clearSelection()
            return
        index = self._model.index_of(row)
        if not self.selectionModel().isSelected(index):
            self.setCurrentIndex(index)
            self.scrollTo(index)

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        indexes = selected.indexes()
        if indexes:
            current = self.currentIndex()
            self.selected.emit(self._model.row_of(current if current.siblingAtColumn(0) in indexes else indexes[-1]).key)
        self.chosen.emit(tuple(self._model.row_of(index).key for index in self.selectionModel().selectedRows()))

    # -- columns ------------------------------------------------------------------------------------------------------------------

    def _set_columns(self, choice: ColumnChoice) -> None:
        self._choice = choice
        self._is_laying_out = True
        header = self.header()
        for at, column in enumerate(COLUMNS):
            width = dict(choice.widths).get(column.name)
            if width is not None and at:
                header.resizeSection(at, width)
        for visual, name in enumerate(choice.order):
            logical = next(at for at, column in enumerate(COLUMNS) if column.name == name)
            if header.visualIndex(logical) != visual:
                header.moveSection(header.visualIndex(logical), visual)
        self._is_laying_out = False
        self._fit_columns()

    def _fit_columns(self) -> None:
        """Hide columns until the names have room; they come back with the room."""
        self._is_laying_out = True
        header = self.header()
        widths = {column.name: max(36, dict(self._choice.widths).get(column.name, column.width)) for column in COLUMNS[1:]}
        told = self._model.table.facts.tells_trained
        shown = [name for name in self._choice.shown if name in widths and (told or name != "trained")]
        if not self._model.table.facts.has_tensors:  # plain values have no numbers to fill these, and their texts want the room
            shown = [name for name in shown if name in ("type", "shape")]
            widths["shape"] = max(widths["shape"], self._ground.width() // 2 - widths["type"])
        for name in _DROPPED:
            if sum(widths[one] for one in shown) + LEAST_NAME <= self._ground.width():
                break
            if name in shown:
                shown.remove(name)
        for at, column in enumerate(COLUMNS[1:], 1):
            is_hidden = column.name not in shown
            if header.isSectionHidden(at) != is_hidden:
                header.setSectionHidden(at, is_hidden)
            if not is_hidden and header.sectionSize(at) != widths[column.name]:
                header.resizeSection(at, widths[column.name])
        self._is_laying_out = False

    def _resized(self, logical: int, before: int, after: int) -> None:
        if logical and before and after:  # the names take what is left, and what is hidden has no width
            self._columns_changed()

    def _columns_changed(self, *_: int) -> None:
        if self._is_laying_out or not self.isVisible():
            return
        header = self.header()
        order = tuple(COLUMNS[header.logicalIndex(visual)].name for visual in range(header.count()))
        known = dict(self._choice.widths)
        if self._model.table.facts.has_tensors:
            known |= {c.name: header.sectionSize(at) for at, c in enumerate(COLUMNS) if at and not header.isSectionHidden(at)}
        self._choice = ColumnChoice(order, self._choice.shown, tuple(known.items()))
        self.columns_chosen.emit(self._choice)

    def _choose_columns(self, at: QPoint) -> None:
        """The menu of the head: a tick for each column."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for column in COLUMNS[1:]:
            action = menu.addAction(column.title)
            action.setCheckable(True)
            action.setChecked(column.name in self._choice.shown)
            action.setData(column.name)
        menu.addSeparator()
        menu.addAction("As at first").setData("")
        menu.triggered.connect(self._toggle_column)
        menu.popup(self.header().mapToGlobal(at))

    def _toggle_column(self, action: QAction) -> None:
        name = action.data()
        if not name:
            self.columns_chosen.emit(ColumnChoice())
            return
        shown = [one for one in self._choice.order if (one in self._choice.shown) != (one == name)]
        self.columns_chosen.emit(ColumnChoice(self._choice.order, tuple(shown), self._choice.widths))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_columns()

    # -- drawing ------------------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._model.rowCount():
            self._paint_nothing()
        if not self._was_painted:
            self._was_painted = True
            self.painted.emit()

    def _paint_nothing(self) -> None:
        """Words where no row is."""
        painter = QPainter(self._ground)
        painter.setFont(theme.font(12))
        painter.setPen(theme.tokens().pen("muted"))
        text = "No layer fits the filter" if self._cells.query is not None else "There are no layers and no values in this file"
        box = self._ground.rect().adjusted(20, 28, -20, 0)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap), text)

    def drawRow(self, painter: QPainter, options: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        look, box = theme.tokens(), QRectF(options.rect)
        is_selected = self.selectionModel().isRowSelected(index.row(), index.parent())
        is_hovered = self._hover.isValid() and self._hover.row() == index.row() and self._hover.parent() == index.parent()
        if is_selected or is_hovered:
            back = QRectF(4, box.top(), self._ground.width() - 8, box.height())
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.brush("selrow" if is_selected else "hover"))
            painter.drawRoundedRect(back, 5, 5)
            if is_selected and self.hasFocus() and self.property("byKeyboard"):
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(look.colour("accent2"), 1.5))
                painter.drawRoundedRect(back.adjusted(1, 1, -1, -1), 5, 5)
        super().drawRow(painter, options, index)

    def drawBranches(self, painter: QPainter, rect: QRect, index: QModelIndex | QPersistentModelIndex) -> None:
        if self._model.row_of(index).has_below:
            box = QRectF(rect.right() - theme.INDENT + 1 + MARGIN, rect.center().y() - 5, 12, 12)
            icons.paint(painter, "chevron-down" if self.isExpanded(index) else "chevron-right", box, theme.tokens().colour("muted"))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if index.isValid() != self._hover.isValid() or index.siblingAtColumn(0) != self._hover:
            self._hover = QPersistentModelIndex(index.siblingAtColumn(0))
            self._ground.update()
        super().mouseMoveEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = QPersistentModelIndex()
        self._ground.update()
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setProperty("byKeyboard", False)
        index = self.indexAt(event.position().toPoint()).siblingAtColumn(0)
        left = self.visualRect(index).left() - theme.INDENT if index.isValid() else 0
        if index.isValid() and left <= event.position().x() < left + theme.INDENT + MARGIN and self._model.row_of(index).has_below:
            self.setExpanded(index, not self.isExpanded(index))
            return
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self.setProperty("byKeyboard", True)
        super().keyPressEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip:
            self._tell(event)
            return True
        return super().viewportEvent(event)

    def _tell(self, event: QEvent) -> None:
        """The row's full path, and why its type is what it says."""
        from PySide6.QtGui import QHelpEvent  # noqa: PLC0415 - only who points at a row
        from PySide6.QtWidgets import QToolTip  # noqa: PLC0415

        if isinstance(event, QHelpEvent):
            index = self.indexAt(event.pos())
            QToolTip.showText(event.globalPos(), tip(_row_tip(self._model.row_of(index))) if index.isValid() else "", self)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self.header().setFont(theme.font(11, 500))
        super().changeEvent(event)


def _row_tip(row: Row) -> str:
    from ptinspect.session.row_facts import sentence_of  # noqa: PLC0415 - only who points at a row

    return sentence_of(row)
