"""The menus of the window."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu, QWidget

from ptinspect.session.words import plain
from ptinspect.ui.widgets.text import tip

if TYPE_CHECKING:
    from ptinspect.ui.window import Window

MOST_RECENT, LONGEST = 12, 60


def new_menu(window: Window) -> QMenu:
    """A menu that is freed when it closes."""
    menu = QMenu(window)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    return menu


def popup(menu: QMenu, below: QWidget) -> None:
    """Show a menu below a button, inside the window."""
    corner = below.mapToGlobal(QPoint(0, below.height() + 4))
    right = below.window().mapToGlobal(QPoint(below.window().width(), 0)).x() - menu.sizeHint().width() - 8
    menu.popup(QPoint(min(corner.x(), right), corner.y()))


def row_menu(window: Window) -> QMenu:
    """The menu of a row of a file."""
    menu, actions = new_menu(window), window.commands
    menu.addActions([actions.copy_row, actions.rows_markdown, actions.rows_csv, actions.copy_path])
    add_tables(menu, window)
    menu.addSeparator()
    menu.addActions([actions.open_below, actions.close_below])
    _add_levels(menu, window)
    menu.addSeparator()
    menu.addAction(actions.columns)
    return menu


def main_menu(window: Window) -> QMenu:
    """What stands behind the button at the right."""
    menu, actions = new_menu(window), window.commands
    menu.addActions([actions.open, actions.compare, actions.batch])
    batches = menu.addMenu("Test batches")
    batches.addActions([actions.run_batch, actions.stop_batch, actions.joined, actions.export_batch, actions.consents])
    _fill_recent(menu.addMenu("Open recent"), window)
    menu.addActions([actions.reload, actions.close])
    menu.addSeparator()
    add_tables(menu, window)
    _add_levels(menu, window)
    menu.addAction(actions.columns)
    menu.addSeparator()
    menu.addMenu("Theme").addActions(list(actions.themes.values()))
    menu.addActions([actions.panel, actions.full])
    menu.addSeparator()
    menu.addActions([actions.sheet, actions.about, actions.quit])
    return menu


def recent_menu(window: Window) -> QMenu:
    """Files that were open before."""
    menu = new_menu(window)
    _fill_recent(menu, window)
    return menu


def add_tables(menu: QMenu, window: Window) -> None:
    """The ways to copy all rows."""
    tables, actions = menu.addMenu("Copy table"), window.commands
    tables.addActions([actions.copy_table, actions.copy_markdown, actions.copy_csv])
    tables.addSeparator()
    tables.addAction(actions.copy_summary)


def _add_levels(menu: QMenu, window: Window) -> None:
    menu.addMenu("Open levels").addActions(window.commands.levels)


def _fill_recent(menu: QMenu, window: Window) -> None:
    application = window.application
    recent = application.state.settings.recent[:MOST_RECENT]
    menu.setToolTipsVisible(True)
    for one in recent:
        action = menu.addAction(_file_text(one.path))
        action.setToolTip(tip(plain(one.path)))
        action.triggered.connect(lambda _=False, path=one.path: application.open([path]))
    if not recent:
        menu.addAction("No file was open yet").setEnabled(False)
    menu.addSeparator()
    menu.addAction(window.commands.start)


def escaped(text: str) -> str:
    """In a menu an ampersand would mark a key."""
    return text.replace("&", "&&")


def _file_text(path: str) -> str:
    """A file's name and its folder."""
    folder, name = os.path.split(plain(path))
    text = f"{name}  —  {os.path.basename(folder) or folder}"
    return escaped(text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}…{text[-LONGEST // 2 :]}")
