"""What differs as a flat table: the pairs of a comparison, what changed most first, or by a column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from ptinspect.analysis.compare.model import Pair
from ptinspect.session.comparison.aligned import CODES, Aligned
from ptinspect.session.comparison.banner import WORDS
from ptinspect.session.comparison.cells import number, percent_text
from ptinspect.session.words import plain
from ptinspect.ui.widgets.text import tip

TITLES = (" Tensor", "State", "Change %", "Largest", "Values %")
MOST_SORTED = 20_000
PLACE_ROLE = Qt.ItemDataRole.UserRole + 1
Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


def counts_whole(pair: Pair) -> bool:
    """Whether it holds whole numbers: a share of their norm says nothing."""
    return pair.match.both is not None and pair.match.both[0].tensor.dtype.family not in ("float", "complex")


def _figure(pair: Pair, name: str) -> float:
    found = getattr(pair.difference, name) if pair.difference is not None else None
    return -1.0 if found is None or pair.match.both is None or pair.status == "shape_changed" else float(found)


_KEYS: tuple[Callable[[Pair], Any], ...] = (
    lambda pair: pair.match.name,
    lambda pair: CODES[pair.status],
    lambda pair: -1.0 if counts_whole(pair) else _figure(pair, "relative_l2"),
    lambda pair: _figure(pair, "max_abs"),
    lambda pair: _figure(pair, "changed_fraction"),
)


class ChangeModel(QAbstractTableModel):
    """A lens over pairs by their places."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.aligned: Aligned | None = None
        self._all: Sequence[int] = ()
        self._shown: Sequence[int] = ()
        self._by: tuple[int, Qt.SortOrder] = (-1, Qt.SortOrder.AscendingOrder)

    def set_places(self, aligned: Aligned | None, places: Sequence[int]) -> None:
        """Show other pairs."""
        self.beginResetModel()
        self.aligned, self._all = aligned, places
        self._shown = self._sorted()
        self.endResetModel()

    def pair(self, row: int) -> Pair | None:
        """The pair of a row."""
        return self.aligned.pairs[self._shown[row]] if self.aligned is not None and 0 <= row < len(self._shown) else None

    def row_of(self, place: int) -> int:
        """The row of a pair's place, -1 where it is not there."""
        return self._shown.index(place) if place in self._shown else -1

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        places = [self._shown[index.row()] for index in before]
        self._by = (column, order)
        self._shown = self._sorted()
        rows = {place: row for row, place in enumerate(self._shown)} if before else {}
        after = [self.index(rows[place], index.column()) for index, place in zip(before, places, strict=True)]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _sorted(self) -> Sequence[int]:
        column, order = self._by
        aligned = self.aligned
        if column < 0 or aligned is None or len(self._all) > MOST_SORTED:
            return self._all
        key = _KEYS[column]
        return sorted(self._all, key=lambda place: key(aligned.pairs[place]), reverse=order == Qt.SortOrder.DescendingOrder)

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(TITLES)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        pair = self.pair(index.row()) if index.isValid() else None
        if pair is None or self.aligned is None:
            return None
        if role == PLACE_ROLE:
            return self._shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(pair, index.column())
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == 0:
            return tip(plain(pair.match.name, 400))
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() > 1:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def _text(self, pair: Pair, column: int) -> str:
        if column == 0:
            return plain(self.aligned.name_of(pair.match) if self.aligned is not None else pair.match.name, 300)
        if column == 1:
            return WORDS[pair.status]
        found = pair.difference
        if found is None or pair.match.both is None or pair.status == "shape_changed":
            return "—"
        if column == 3:
            return number(found.max_abs)
        if column == 2 and counts_whole(pair):
            return "—"
        return percent_text(found.relative_l2 if column == 2 else found.changed_fraction)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(TITLES):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return TITLES[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if section > 1 else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None
