"""A tensor as a table model: a window of rows and columns over blocks that are read when they are looked at."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from ptinspect.session.values_table import COLUMNS, MOST_COLUMNS, MOST_ROWS, ROWS, Blocks, Place

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
MOST_ASKED = 24


class ValuesModel(QAbstractTableModel):
    """Asks for the blocks that are missing; a page of a very large tensor begins at `first`."""

    wanted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.blocks: Blocks | None = None
        self.first = (0, 0)
        self._asked: dict[Place, None] = {}

    def set_blocks(self, blocks: Blocks | None, first: tuple[int, int] = (0, 0)) -> None:
        """Another tensor, or another page of it."""
        self.beginResetModel()
        self.blocks, self.first = blocks, first
        self._asked.clear()
        self.endResetModel()

    def refresh(self) -> None:
        """Blocks came in."""
        self._asked = {place: None for place in self._asked if self.blocks is not None and self.blocks.missing([place])}
        if self.rowCount() and self.columnCount():
            self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, self.columnCount() - 1))

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        if parent.isValid() or self.blocks is None:
            return 0
        return max(0, min(MOST_ROWS, self.blocks.grid.rows - self.first[0]))

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        if parent.isValid() or self.blocks is None:
            return 0
        return max(0, min(MOST_COLUMNS, self.blocks.grid.columns - self.first[1]))

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or self.blocks is None:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        row, column = self.first[0] + index.row(), self.first[1] + index.column()
        text = self.blocks.text(row, column)
        if text is None:
            self._ask((row // ROWS, column // COLUMNS))
            return "…"
        return text

    def _ask(self, place: Place) -> None:
        if place not in self._asked:
            self._asked[place] = None
            while len(self._asked) > MOST_ASKED:
                del self._asked[next(iter(self._asked))]
            self.wanted.emit(tuple(reversed(self._asked)))

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if self.blocks is None or section < 0:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        if orientation == Qt.Orientation.Horizontal:
            return f"{self.first[1] + section:,}" if len(self.blocks.grid.shape) > 1 else "value"
        return self.blocks.grid.row_text(self.first[0] + section)
