"""Dialogs: choosing files, the shortcut sheet, about."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtWidgets import QDialog, QFileDialog, QGridLayout, QVBoxLayout, QWidget

from ptinspect import __version__
from ptinspect.ui import icons, theme
from ptinspect.ui.widgets.chip import Tag
from ptinspect.ui.widgets.text import Button, Text, boxed, column, row

FILTERS = "Checkpoints (*.pt *.pth *.ckpt *.bin *.th *.pt2 *.pkl *.safetensors *.tar);;All files (*)"

_HEAD = 2  # lines that the head of a group of shortcuts takes, with its room


def choose_files(parent: QWidget) -> list[str]:
    """Ask for files; none where the dialog was left."""
    paths, _ = QFileDialog.getOpenFileNames(parent, "Open checkpoints", "", FILTERS)
    return list(paths)


def choose_two(parent: QWidget, known: str = "") -> list[str]:
    """Ask for a file to compare with one that is known, or for two; who chooses one first is asked for the other."""
    import os  # noqa: PLC0415

    title = f"Compare {os.path.basename(known)} with" if known else "Compare two checkpoints"
    paths, _ = QFileDialog.getOpenFileNames(parent, title, os.path.dirname(known), FILTERS)
    found = [*([known] if known else []), *paths][:2]
    if len(found) == 1 and not known:
        return choose_two(parent, found[0])
    return found if len(found) == 2 else []


def choose_file(parent: QWidget, title: str, filters: str = "All files (*)") -> str:
    """Ask for one file; empty where the dialog was left."""
    path, _ = QFileDialog.getOpenFileName(parent, title, "", filters)
    return path


def choose_folder(parent: QWidget, title: str) -> str:
    """Ask for a folder; empty where the dialog was left."""
    return QFileDialog.getExistingDirectory(parent, title)


def choose_target(parent: QWidget, title: str, name: str, filters: str) -> str:
    """Ask for a file to write; the dialog asks about replacing one that is there. Empty where the dialog was left."""
    path, chosen = QFileDialog.getSaveFileName(parent, title, name, filters)
    ending = chosen.partition("(*")[2].rstrip(")")
    return path if not path or "." in path.rpartition("/")[2] else f"{path}{ending}"


class ShortcutSheet(QDialog):
    """Every key, by what it is for."""

    def __init__(self, parent: QWidget, sheet: Mapping[str, tuple[tuple[str, str], ...]]) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        left, right = column(gap=4), column(gap=4)
        total, above = sum(len(keys) + _HEAD for keys in sheet.values()), 0.0
        for title, keys in sheet.items():
            side = left if above + (len(keys) + _HEAD) / 2 <= total / 2 else right  # both about as high: small screens have no room
            above += len(keys) + _HEAD
            side.addWidget(Text(title, 12, 600))
            grid = QGridLayout()
            grid.setContentsMargins(0, 4, 0, 12)
            grid.setHorizontalSpacing(12)
            grid.setColumnMinimumWidth(0, 110)
            grid.setColumnStretch(1, 1)
            for line, (key, text) in enumerate(keys):
                grid.addWidget(Tag(key), line, 0)
                grid.addWidget(Text(text, 12, 400, "text2"), line, 1)
            side.addLayout(grid)
        left.addStretch(1)
        right.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 16)
        layout.addLayout(row(left, right, gap=40))
        layout.addWidget(_close(self))


class About(QDialog):
    """What this is, in three lines."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("About ptinspect")
        from PySide6.QtWidgets import QLabel  # noqa: PLC0415

        mark = QLabel()
        mark.setPixmap(icons.application_pixmap(48, self.devicePixelRatioF()))
        words = column(
            Text(f"ptinspect {__version__}", 18, 600, family="display"),
            Text("Looks inside PyTorch checkpoints without running them.", 12, 400, "text2"),
            Text(f"MIT licence. Theme: {theme.tokens().name}.", 12, 400, "muted"),
            gap=4,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 16)
        layout.setSpacing(16)
        layout.addLayout(row(mark, words, gap=16))
        layout.addWidget(_close(self))


def _close(dialog: QDialog) -> QWidget:
    button = Button("Close")
    button.setDefault(True)
    button.clicked.connect(dialog.reject)
    return boxed(row(None, button))
