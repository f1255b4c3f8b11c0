"""The imported names of the safety page as a table model: all, or those of one verdict."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from ptinspect.session.safety_page import NameLine
from ptinspect.ui.widgets.text import tip

TITLES = ("Name in the file", "Verdict", "In plain words", "Uses")
WORDS = {"dangerous": "Dangerous", "code": "Code", "data": "Data"}
LINE_ROLE = Qt.ItemDataRole.UserRole + 1
Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


class NameModel(QAbstractTableModel):
    """A lens over NameLines."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lines: tuple[NameLine, ...] = ()

    def set_lines(self, lines: tuple[NameLine, ...]) -> None:
        """Show other lines."""
        self.beginResetModel()
        self._lines = lines
        self.endResetModel()

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(TITLES)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        found = self._lines[index.row()]
        if role == LINE_ROLE:
            return found
        if role == Qt.ItemDataRole.DisplayRole:
            return (found.name, WORDS[found.verdict], found.words, f"{found.uses:,}")[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(found.words if index.column() == 2 else found.name)
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() == 3:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and 0 <= section < len(TITLES):
            if role == Qt.ItemDataRole.DisplayRole:
                return TITLES[section]
            if role == Qt.ItemDataRole.TextAlignmentRole:
                side = Qt.AlignmentFlag.AlignRight if section == 3 else Qt.AlignmentFlag.AlignLeft
                return side | Qt.AlignmentFlag.AlignVCenter
        return None
