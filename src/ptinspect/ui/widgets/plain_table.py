"""A table as every page has it: no lines, no column of row numbers, rows as high as those of the tree."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, Qt
from PySide6.QtWidgets import QTableView

from ptinspect.ui import theme

HEAD = 26


class PlainTable(QTableView):
    """Shows a model; its cells draw themselves. It scrolls up and down at most."""

    def __init__(self, name: str, model: QAbstractItemModel, head: int = HEAD) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setModel(model)
        self.setShowGrid(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(theme.ROW)
        header = self.horizontalHeader()
        header.setFixedHeight(head)
        header.setFont(theme.font(11, 500))
        header.setHighlightSections(False)
