"""Everything that differs in one table, and above it how names were paired: what is proposed, and the rules that the user made."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelection, QModelIndex, QPersistentModelIndex, QRectF, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLineEdit,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from ptinspect.session.comparison.banner import WORDS
from ptinspect.session.comparison.pairing import Pairing, pairing_of
from ptinspect.session.comparison.request import Names
from ptinspect.session.views import ComparisonView
from ptinspect.session.words import plain
from ptinspect.ui import icons, theme
from ptinspect.ui.models.changes import MOST_SORTED, PLACE_ROLE, ChangeModel
from ptinspect.ui.panels.comparison_cells import LOOKS
from ptinspect.ui.panels.comparison_page import PairPage
from ptinspect.ui.widgets.plain_table import PlainTable
from ptinspect.ui.widgets.text import Button, Elided, Text, ToolButton, boxed, column, line, row

WIDTHS = (0, 88, 68, 72, 62)
MOST_ROWS, FEW = 2_000, 6
_MIDDLE = Qt.AlignmentFlag.AlignVCenter


class ChangeCells(QStyledItemDelegate):
    """A state with its mark, other cells as plain text."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        model = index.model()
        look, box = theme.tokens(), QRectF(option.rect)
        table = self.parent()
        chosen = isinstance(table, QTableView) and table.selectionModel().isRowSelected(index.row(), QModelIndex())
        if chosen:
            painter.fillRect(option.rect, look.colour("selrow"))
        pair = model.pair(index.row()) if isinstance(model, ChangeModel) else None
        if pair is None:
            return
        tone, text = "text" if index.column() == 0 else "text2", str(index.data() or "")
        box = box.adjusted(4, 0, -8 if index.column() else -2, 0)
        align = int(_MIDDLE | (Qt.AlignmentFlag.AlignRight if index.column() > 1 else Qt.AlignmentFlag.AlignLeft))
        painter.setFont(theme.font(12, 500 if index.column() == 2 else 400))
        if index.column() == 1:
            icon, tone, _ = LOOKS[pair.status]
            icons.paint(painter, icon, QRectF(box.left(), box.top() + 6, 12, 12), look.colour("muted" if tone == "text2" else tone))
            box.adjust(18, 0, 0, 0)
            text = WORDS[pair.status]
        painter.setPen(look.pen(tone))
        mode = Qt.TextElideMode.ElideMiddle if index.column() == 0 else Qt.TextElideMode.ElideRight
        painter.drawText(box, align, painter.fontMetrics().elidedText(text, mode, int(box.width())))


class ChangesPage(PairPage):
    """Draws what differs."""

    accepted = Signal(object)
    refused = Signal(object)
    rule_added = Signal(str)
    rule_removed = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.model = ChangeModel(self)
        self._shown: object = None
        self._pairing: object = None
        self._selected = -1
        self.note = Elided("", 11, 400, "muted")
        self.pairs = PairingBlock(self)
        self.table = self._table()
        head = boxed(row(Text("All changes", 12, 600), self.note, gap=10, margins=(16, 10, 16, 8)))
        self.setLayout(column(self.pairs, head, column(self.table, margins=(12, 0, 0, 0)), gap=0))

    def _table(self) -> QTableView:
        table = PlainTable("All changes", self.model, theme.HEADER)
        table.setItemDelegate(ChangeCells(table))
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        header = table.horizontalHeader()
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.DescendingOrder)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for at, width in enumerate(WIDTHS[1:], 1):
            header.resizeSection(at, width)
        table.setSortingEnabled(True)
        table.selectionModel().selectionChanged.connect(self._chosen)
        return table

    def _chosen(self, selected: QItemSelection, _: QItemSelection) -> None:
        indexes = selected.indexes()
        if indexes and (place := indexes[0].data(PLACE_ROLE)) != self._selected:
            self.comparing.show_place(place)

    def apply(self, view: ComparisonView) -> None:
        tab = view.state
        state = (id(tab.aligned), id(tab.report), view.differences if tab.report is None else -1)
        if state != self._shown and tab.aligned is not None:
            self._shown = state
            places: Sequence[int] = tab.report.changes if tab.report is not None else self._so_far(view)
            self.model.set_places(tab.aligned, places)
            self.table.horizontalHeader().setSectionsClickable(len(places) <= MOST_SORTED)
            self.note.set_whole(
                "what changed most first, by per cent of its norm" if tab.report is not None else "so far; sorted at the end"
            )
        pairing = pairing_of(tab)
        if pairing != self._pairing:
            self._pairing = pairing
            self.pairs.show_pairing(pairing)
        self._mark(view)

    def _so_far(self, view: ComparisonView) -> list[int]:
        aligned = view.state.aligned
        if aligned is None:
            return []
        marks, found, at = aligned.differences(), list[int](), -1
        while len(found) < MOST_ROWS and (at := marks.find(1, at + 1)) >= 0:
            found.append(aligned.places[id(aligned.leaves[at])])
        return found

    def _mark(self, view: ComparisonView) -> None:
        """The row that is selected in the tree is selected here too."""
        aligned = view.state.aligned
        leaf = aligned.leaves[view.rank] if aligned is not None and 0 <= view.rank < len(aligned.leaves) else None
        place = aligned.places[id(leaf)] if aligned is not None and leaf is not None else -1
        if view.state.selected.startswith("layer:"):
            place = -1
        self._selected = place
        at = self.model.row_of(place) if place >= 0 else -1
        if at < 0:
            self.table.clearSelection()
        elif not self.table.selectionModel().isRowSelected(at, QModelIndex()):
            self.table.selectRow(at)


class PairingBlock(QWidget):
    """What is proposed, with buttons to accept and refuse; the rules with buttons to take them back, and a field for another one."""

    def __init__(self, page: ChangesPage) -> None:
        super().__init__()
        self._page = page
        self._is_wide = False
        self._found: Pairing | None = None
        self._inner: QWidget | None = None
        self._room = column(gap=0)
        self.setLayout(self._room)
        self.hide()

    def show_pairing(self, found: Pairing) -> None:
        """Show other proposals and rules."""
        self._found = found
        if self._inner is not None:
            self._room.removeWidget(self._inner)
            self._inner.deleteLater()
        self.setVisible(bool(found.proposed or found.rules or found.is_editing))
        layout = column(gap=4, margins=(16, 10, 16, 10))
        self._proposals(layout, found)
        self._rules(layout, found)
        outer = column(boxed(layout), line(), gap=0)
        self._inner = boxed(outer)
        self._room.addWidget(self._inner)

    def _proposals(self, layout: QVBoxLayout, found: Pairing) -> None:
        if not found.proposed:
            return
        every = Button("Accept all", "link")
        every.clicked.connect(lambda: self._page.accepted.emit(found.proposed))
        note = Elided("of one shape, and perhaps the same under another name", 11, 400, "muted")
        parts: list[QWidget] = [boxed(row(Text("Proposed pairs", 12, 600), note, every, gap=10))]
        shown = found.proposed if self._is_wide else found.proposed[:FEW]
        parts += [self._proposal(names) for names in shown]
        if len(found.proposed) > len(shown):
            more = Button(f"Show {len(found.proposed) - len(shown):,} more", "link")
            more.clicked.connect(self._widen)
            parts.append(boxed(row(more, None)))
        for part in parts:
            layout.addWidget(part)

    def _widen(self) -> None:
        self._is_wide = True
        if self._found is not None:
            self.show_pairing(self._found)

    def _proposal(self, names: Names) -> QWidget:
        accept, refuse = Button("Accept", "outline"), ToolButton("x", size=14)
        one, other = (plain(name, 300) for name in names)
        accept.setAccessibleName(f"Accept {one} as {other}")
        refuse.setAccessibleName(f"Refuse {one} as {other}")
        refuse.setToolTip("Refuse")
        accept.clicked.connect(lambda: self._page.accepted.emit((names,)))
        refuse.clicked.connect(lambda: self._page.refused.emit(names))
        left, right = Elided(one, 12, 400, "left", middle=True), Elided(other, 12, 400, "right", middle=True)
        return boxed(row(left, Text("→", 12, 400, "muted"), right, accept, refuse, gap=8))

    def _rules(self, layout: QVBoxLayout, found: Pairing) -> None:
        copy = Button("Copy for the command line", "link")
        copy.clicked.connect(lambda: self._page.copy_requested.emit(found.arguments))
        copy.setVisible(bool(found.rules))
        parts = [boxed(row(Text("Pairing rules", 12, 600), Elided("OLD=NEW; * is any text", 11, 400, "muted"), copy, gap=10))]
        for at, (text, count) in enumerate(found.rules):
            remove = ToolButton("x", size=14)
            remove.setAccessibleName(f"Remove the rule {text}")
            remove.setToolTip("Remove")
            remove.clicked.connect(lambda _=False, at=at: self._page.rule_removed.emit(at))
            shown = Elided(text, 12, 400, "text", "mono", middle=True)
            parts.append(boxed(row(shown, Text(count, 11, 400, "muted" if count != "pairs nothing" else "warn"), remove, gap=8)))
        field, add = QLineEdit(), Button("Add", "outline")
        field.setPlaceholderText("encoder.*=backbone.*")
        field.setAccessibleName("Another pairing rule")
        field.setFont(theme.font(12, 400, "mono"))
        field.returnPressed.connect(lambda: self._page.rule_added.emit(field.text()))
        add.clicked.connect(lambda: self._page.rule_added.emit(field.text()))
        self.field = field
        parts.append(boxed(row(field, add, gap=8)))
        for part in parts:
            layout.addWidget(part)
