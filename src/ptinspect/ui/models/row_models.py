"""The ground of the models whose rows know the row above them, their place below it, and the rows below themselves."""

from __future__ import annotations

from typing import Any, Generic, Protocol, TypeVar

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex

Index = QModelIndex | QPersistentModelIndex
NOWHERE = QModelIndex()


R = TypeVar("R", bound=Any)
T = TypeVar("T", bound="Table")


class Table(Protocol):
    """Rows below a root."""

    @property
    def root(self) -> Any:
        """The row that is not shown, above all others."""


class RowModel(QAbstractItemModel, Generic[R, T]):
    """A lens on the rows of a table. What is shown in their cells is for others to say."""

    table: T

    def row_of(self, index: Index) -> R:
        """The row that an index stands for."""
        found: R = index.internalPointer() if index.isValid() else self.table.root
        return found

    def index_of(self, row: R | None, column: int = 0) -> QModelIndex:
        """The index of a row."""
        return QModelIndex() if row is None or row.parent is None else self.createIndex(row.at, column, row)

    def parent(self, child: Index = NOWHERE) -> QModelIndex:  # type: ignore[override]
        above = self.row_of(child).parent if child.isValid() else None
        return QModelIndex() if above is None or above.parent is None else self.createIndex(above.at, 0, above)

    def rowCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.column() > 0 else len(self.row_of(parent).below)


__all__ = ["NOWHERE", "Index", "RowModel", "Table"]
