"""A bare PySide6 tree of a hundred rows, painted once: what a window costs that shows nothing of a file."""

from __future__ import annotations

import os

from PySide6.QtCore import QAbstractItemModel, QEvent, QObject, QTimer
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QApplication, QMainWindow, QTreeView


class Painted(QObject):
    """Ends the process after the first paint."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            QTimer.singleShot(0, lambda: os._exit(0))
        return False


def model() -> QAbstractItemModel:
    """A hundred rows of eight columns."""
    made = QStandardItemModel()
    for at in range(100):
        made.appendRow([QStandardItem(f"row {at}") for _ in range(8)])
    return made


if __name__ == "__main__":
    application, window, tree, rows, painted = QApplication([]), QMainWindow(), QTreeView(), model(), Painted()
    tree.setModel(rows)
    window.setCentralWidget(tree)
    window.resize(1280, 800)
    tree.viewport().installEventFilter(painted)
    window.show()
    application.exec()
