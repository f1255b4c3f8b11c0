"""The aligned tree as a Qt item model: a lens over the rows that the session made."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QModelIndex, QObject, Qt

from ptinspect.session.comparison import cells
from ptinspect.session.comparison.rows import PairRow, PairTable
from ptinspect.session.rows import Row
from ptinspect.session.words import plain
from ptinspect.ui.models.row_models import NOWHERE, Index, RowModel

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
TITLES = {"layer": "Layer", "state": "State", "left": "Left", "right": "Right", "change": "Change"}


def text_of(row: PairRow, column: int) -> str:
    """What a cell says."""
    name = cells.COLUMNS[column]
    if name == "layer":
        return cells.name_text(row)
    if name == "state":
        return cells.state_text(row)
    if name == "change":
        return cells.change_text(row)
    return cells.side_text(row, name)


class PairModel(RowModel[Row, PairTable]):
    """Rows below rows, five columns."""

    def __init__(self, table: PairTable, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.table = table

    def set_table(self, table: PairTable) -> None:
        """Show other rows."""
        self.beginResetModel()
        self.table = table
        self.endResetModel()

    def index(self, row: int, column: int, parent: Index = NOWHERE) -> QModelIndex:
        if row < 0 or not 0 <= column < len(cells.COLUMNS) or parent.column() > 0:
            return QModelIndex()
        below = (parent.internalPointer() or self.table.root).below
        return self.createIndex(row, column, below[row]) if row < len(below) else QModelIndex()

    def columnCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.column() > 0 else len(cells.COLUMNS)

    def hasChildren(self, parent: Index = NOWHERE) -> bool:
        return parent.column() <= 0 and (parent.internalPointer() or self.table.root).has_below

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return text_of(index.internalPointer(), index.column())
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if cells.COLUMNS[index.column()] == "change" else _LEFT
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return plain(index.internalPointer().path, 300)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and 0 <= section < len(cells.COLUMNS) and role == Qt.ItemDataRole.DisplayRole:
            return TITLES[cells.COLUMNS[section]]
        return None
