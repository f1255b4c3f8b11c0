"""The layers of a test batch as a Qt item model: a lens over the rows that the session fills."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QModelIndex, QObject, Qt

from ptinspect.session.batch.rows import COLUMNS, NUMBERS, TITLES, LayerRow, LayerTable, text_of
from ptinspect.session.words import plain
from ptinspect.ui.models.row_models import NOWHERE, Index, RowModel

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class BatchLayerModel(RowModel[LayerRow, LayerTable]):
    """Rows below rows. A table grows while it is shown, so the rows that Qt knows of are counted here: no more are told than were
    announced."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.table = LayerTable()
        self._shown = (0, 0)
        self._counts: dict[int, int] = {}

    def show_table(self, table: LayerTable) -> bool:
        """Show a table, or what came into it since; True where its rows were announced anew."""
        if table is self.table and (table.structure, table.revision) == self._shown:
            return False
        is_fresh = table is not self.table or table.structure != self._shown[0]
        if is_fresh:
            self.beginResetModel()
            self.table = table
            self._counts = {id(row): len(row.below) for row in (table.root, *table.walk()) if row.below}
            self._shown = (table.structure, table.revision)
            self.endResetModel()
        else:
            self._shown = (table.structure, table.revision)
        return is_fresh

    def index_of(self, row: LayerRow | None, column: int = 0) -> QModelIndex:
        """The index of a row, if it was announced."""
        if row is None or row.parent is None or row.at >= self._counts.get(id(row.parent), 0):
            return QModelIndex()
        return self.createIndex(row.at, column, row)

    def index(self, row: int, column: int, parent: Index = NOWHERE) -> QModelIndex:
        if row < 0 or not 0 <= column < len(COLUMNS) or parent.column() > 0:
            return QModelIndex()
        above = self.row_of(parent)
        return self.createIndex(row, column, above.below[row]) if row < self._counts.get(id(above), 0) else QModelIndex()

    def rowCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.column() > 0 else self._counts.get(id(self.row_of(parent)), 0)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.column() > 0 else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return text_of(index.internalPointer(), COLUMNS[index.column()])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if COLUMNS[index.column()] in NUMBERS else _LEFT
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return plain(index.internalPointer().path, 300)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and 0 <= section < len(COLUMNS):
            if role == Qt.ItemDataRole.DisplayRole:
                return TITLES[COLUMNS[section]]
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return _RIGHT if COLUMNS[section] in NUMBERS else _LEFT
        return None
