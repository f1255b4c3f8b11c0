"""The layer tree as a Qt item model: a lens over rows that the session made, which holds nothing of its own."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QModelIndex, QObject, Qt

from ptinspect.session.columns import COLUMNS
from ptinspect.session.rows import Row, RowTable
from ptinspect.session.words import plain
from ptinspect.ui.models.row_models import NOWHERE, Index, RowModel

_COUNT = len(COLUMNS)
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class LayerModel(RowModel[Row, RowTable]):
    """Rows below rows, one column for each of `session.columns`."""

    def __init__(self, table: RowTable, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.table = table
        self._above, self._below = table.root, table.root.below

    def set_table(self, table: RowTable) -> None:
        """Show other rows."""
        self.beginResetModel()
        self.table = table
        self._above, self._below = table.root, table.root.below
        self.endResetModel()

    def index(self, row: int, column: int, parent: Index = NOWHERE) -> QModelIndex:
        # Asked for every row that is laid out, one sibling after the other: no call too many.
        above = parent.internalPointer() or self.table.root
        if above is not self._above:
            self._above, self._below = above, above.below
        if 0 <= row < len(self._below) and 0 <= column < _COUNT and parent.column() <= 0:
            return self.createIndex(row, column, self._below[row])
        return QModelIndex()

    def columnCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.column() > 0 else _COUNT

    def hasChildren(self, parent: Index = NOWHERE) -> bool:
        return (parent.internalPointer() or self.table.root).has_below and parent.column() <= 0

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return COLUMNS[index.column()].text(index.internalPointer())
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if COLUMNS[index.column()].is_number else _LEFT
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return plain(index.internalPointer().path, 300)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(COLUMNS):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section].title
        if role == Qt.ItemDataRole.ToolTipRole:
            return COLUMNS[section].tip
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if COLUMNS[section].is_number else _LEFT
        return None
