"""The head of the layer tree: quiet words, each above where its cells begin or end, that sort, move, and say which columns there are."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QActionGroup, QFontMetricsF, QMouseEvent, QPainter
from PySide6.QtWidgets import QHeaderView, QMenu, QWidget

from ptinspect.frozen import replace
from ptinspect.session.columns import BY_NAME, COLUMNS, ColumnChoice
from ptinspect.session.rows import Facts
from ptinspect.session.sorting import Order, order_of
from ptinspect.ui import icons, theme
from ptinspect.ui.panels.layer_cells import GAP, SHARE, UNITS
from ptinspect.ui.widgets.row_tree import MARGIN

LEAST_NAME, LEAST, ARROW = 160, 36, 12
# The first of these that are shown go first; the one that sorts stays.
_DROPPED = ("health", "std", "mean", "bytes", "dtype", "trained", "type", "share", "params", "shape", "values")
_PLACES: dict[str, int] = {column.name: at for at, column in enumerate(COLUMNS)}


class Head(QHeaderView):
    """Paints the titles itself; the style sheet knows no columns."""

    columns_chosen = Signal(object)
    sort_requested = Signal(str)
    order_chosen = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._choice = ColumnChoice()
        self._facts: Facts | None = None
        self._room = 0
        self._is_laying_out = False
        self._hover = -1
        self.setMouseTracking(True)
        self.setAccessibleName("Columns")
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(lambda at: self.menu(self.logicalIndexAt(at)).popup(self.mapToGlobal(at)))
        self.sectionClicked.connect(lambda at: self.sort_requested.emit(COLUMNS[at].name))

    def dress(self) -> None:
        """How it looks and what may be done with it, once the tree has columns."""
        self.setFixedHeight(theme.HEADER)
        self.setFont(theme.font(11, 500))
        self.setSectionsClickable(True)  # the tree has just forbidden it, for it does not sort itself
        self.setStretchLastSection(False)
        self.setMinimumSectionSize(LEAST)
        self.setSectionsMovable(True)
        self.setFirstSectionMovable(False)
        self.setHighlightSections(False)
        self.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for at, column in enumerate(COLUMNS):
            self.resizeSection(at, column.width)
        self.sectionMoved.connect(self._changed)
        self.sectionResized.connect(self._resized)

    # -- which columns, and how wide ------------------------------------------------------------------------------------------------

    def apply(self, choice: ColumnChoice, facts: Facts) -> None:
        """Lay the columns out as they were chosen."""
        if choice == self._choice and facts is self._facts:
            return
        self._choice, self._facts = choice, facts
        self._is_laying_out = True
        for visual, name in enumerate(choice.order):
            logical = _PLACES[name]
            if self.visualIndex(logical) != visual:
                self.moveSection(self.visualIndex(logical), visual)
        self._is_laying_out = False
        self._fit()
        self.headerDataChanged(Qt.Orientation.Horizontal, 0, len(COLUMNS) - 1)

    @property
    def seen(self) -> tuple[int, ...]:
        """The columns that are shown, by their places in the model."""
        return tuple(at for at in range(len(COLUMNS)) if not self.isSectionHidden(at))

    def fit(self, room: int) -> None:
        """Hide columns until the names have room; they come back with the room."""
        self._room = room
        self._fit()

    def _fit(self) -> None:
        if self._facts is None:
            return
        self._is_laying_out = True
        chosen = dict(self._choice.widths)
        widths = {column.name: max(LEAST, chosen.get(column.name, column.width)) for column in COLUMNS[1:]}
        shown = [name for name in self._choice.shown if name in widths and (self._facts.tells_trained or name != "trained")]
        if not self._facts.has_tensors:  # plain values have no numbers to fill these, and their texts want the room
            shown = [name for name in shown if name in ("type", "shape")]
            widths["shape"] = max(widths["shape"], self._room // 2 - widths["type"])
        for name in _DROPPED:
            if sum(widths[one] for one in shown) + LEAST_NAME <= self._room:
                break
            if name in shown and name != self._choice.sorted_by:
                shown.remove(name)
        for at, column in enumerate(COLUMNS[1:], 1):
            is_hidden = column.name not in shown
            if self.isSectionHidden(at) != is_hidden:
                self.setSectionHidden(at, is_hidden)
            if not is_hidden and self.sectionSize(at) != widths[column.name]:
                self.resizeSection(at, widths[column.name])
        self._is_laying_out = False

    def _resized(self, logical: int, before: int, after: int) -> None:
        if logical and before and after:  # the names take what is left, and what is hidden has no width
            self._changed()

    def _changed(self, *_: int) -> None:
        if self._is_laying_out or self._facts is None or not self.isVisible():
            return
        order = tuple(COLUMNS[self.logicalIndex(visual)].name for visual in range(self.count()))
        known = dict(self._choice.widths)
        if self._facts.has_tensors:
            known |= {c.name: self.sectionSize(at) for at, c in enumerate(COLUMNS) if at and not self.isSectionHidden(at)}
        self._choice = replace(self._choice, order=order, widths=tuple(known.items()))
        self.columns_chosen.emit(self._choice)

    # -- the menu -------------------------------------------------------------------------------------------------------------------

    def menu(self, at: int = -1) -> QMenu:
        """How rows are sorted, by the column that was pointed at or by any, and a tick for each column."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        order = order_of(self._choice)
        if at >= 0:
            self._add_orders(menu, COLUMNS[at].name, order)
        else:
            by = menu.addMenu("Sort by")
            for name in self._choice.order:
                if name in self._choice.shown:
                    action = by.addAction(BY_NAME[name].title)
                    action.setCheckable(True)
                    action.setChecked(order is not None and order.column == name)
                    action.triggered.connect(partial(self._sort_by, name))
            self._add_orders(menu, order.column if order else "layer", order)
        menu.addSeparator()
        for place, column in enumerate(COLUMNS[1:], 1):
            is_shown = column.name in self._choice.shown
            action = menu.addAction(f"{column.title}  —  no room" if is_shown and self.isSectionHidden(place) else column.title)
            action.setCheckable(True)
            action.setChecked(is_shown)
            action.setToolTip(column.tip)
            action.triggered.connect(partial(self._toggle, column.name))
        menu.addSeparator()
        menu.addAction("As at first").triggered.connect(lambda *_: self.columns_chosen.emit(ColumnChoice()))
        return menu

    def _add_orders(self, menu: QMenu, name: str, order: Order | None) -> None:
        group = QActionGroup(menu)
        choices = (
            (f"Sort by {BY_NAME[name].title}, ascending", Order(name)),
            (f"Sort by {BY_NAME[name].title}, descending", Order(name, True)),
        )
        for text, choice in (*choices, ("The file's order", None)):
            action = menu.addAction(text)
            action.setCheckable(True)
            action.setChecked(choice == order)
            group.addAction(action)
            action.triggered.connect(partial(self._choose, choice))

    def _choose(self, order: Order | None, *_: bool) -> None:
        self.order_chosen.emit(order)

    def _sort_by(self, name: str, *_: bool) -> None:
        order = order_of(self._choice)
        self.order_chosen.emit(Order(name, order is not None and order.is_descending))

    def _toggle(self, name: str, *_: bool) -> None:
        shown = tuple(one for one in self._choice.order if (one in self._choice.shown) != (one == name))
        self.columns_chosen.emit(replace(self._choice, shown=shown))

    # -- drawing --------------------------------------------------------------------------------------------------------------------

    def paintSection(self, painter: QPainter, rect: QRect, logicalIndex: int) -> None:
        look, column = theme.tokens(), COLUMNS[logicalIndex]
        is_sorted = column.name == self._choice.sorted_by
        painter.fillRect(rect, look.colour("surface"))
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), look.colour("border"))
        box = QRectF(rect)
        right = {"params": UNITS, "bytes": GAP, "mean": GAP, "std": GAP}.get(column.name, 0)
        box.adjust({"layer": MARGIN + theme.INDENT + 2}.get(column.name, 0), 0, -right, 0)
        if column.name == "share":  # the word is longer than its numbers
            box.setWidth(SHARE)
            box.adjust(-20, 0, 0, 0)
        font = theme.font(11, 600 if is_sorted else 500)
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        painter.setPen(look.pen("text" if is_sorted or logicalIndex == self._hover else "muted"))
        text = column.title
        if column.name != "share":
            text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, box.width() - (ARROW if is_sorted and not column.is_number else 0))
        side = Qt.AlignmentFlag.AlignRight if column.is_number else Qt.AlignmentFlag.AlignLeft
        painter.drawText(box, int(side | Qt.AlignmentFlag.AlignVCenter), text)
        if is_sorted:
            width = metrics.horizontalAdvance(text)
            left = box.left() + width + 3 if not column.is_number else box.right() + 1
            if right == GAP:  # no room behind it
                left = box.right() - width - ARROW - 2
            mark = QRectF(left, box.center().y() - ARROW / 2, ARROW, ARROW)
            icons.paint(painter, "arrow-down" if self._choice.is_descending else "arrow-up", mark, look.colour("accent"))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(self.logicalIndexAt(event.position().toPoint()))
        super().mouseMoveEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._point(-1)
        super().leaveEvent(event)

    def _point(self, at: int) -> None:
        if at != self._hover:
            self._hover = at
            self.viewport().update()

    def corner(self) -> QPoint:
        """Where its menu opens for who asked by the keyboard."""
        return self.mapToGlobal(QPoint(MARGIN, self.height()))
