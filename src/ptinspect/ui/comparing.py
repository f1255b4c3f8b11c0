"""Puts comparisons into the window: their panel, wired to the verbs, and the menus that begin and change them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu

from ptinspect.session.comparison.request import SideName
from ptinspect.session.state import ComparisonTab, Tab
from ptinspect.session.views import ComparisonView
from ptinspect.session.words import plain, plural
from ptinspect.ui.menus import add_tables, escaped, new_menu, popup
from ptinspect.ui.panels.comparison import ComparisonPanel
from ptinspect.ui.panels.comparison_changes import ChangesPage
from ptinspect.ui.widgets.text import tip

if TYPE_CHECKING:
    from ptinspect.ui.window import Window

MOST_FILES, MOST_SETS, LONGEST = 10, 40, 60


def comparison_panel(page: ComparisonView, window: Window) -> ComparisonPanel:
    """The panel of a tab."""
    application, number = window.application, page.tab
    panel = ComparisonPanel(page, application.comparing)
    panel.tree.painted.connect(window.first_paint)
    panel.tree.menu_requested.connect(lambda at: row_menu(window).popup(panel.tree.viewport().mapToGlobal(at)))
    panel.inspector_resized.connect(application.set_inspector)
    panel.reload_requested.connect(lambda: application.reload(number))
    panel.swap_requested.connect(application.swap)
    panel.copy_requested.connect(window.copy)
    panel.page_made.connect(lambda made: _wire(made, window))
    panel.verdict.menu_requested.connect(lambda button: popup(sides_menu(window), button))
    return panel


def _wire(page: object, window: Window) -> None:
    """What pages ask of the application, not of the comparison."""
    if isinstance(page, ChangesPage):
        application = window.application
        page.accepted.connect(application.accept)
        page.refused.connect(application.refuse)
        page.rule_added.connect(application.add_rule)
        page.rule_removed.connect(application.remove_rule)


def row_menu(window: Window) -> QMenu:
    """The menu of a row of the aligned tree."""
    actions, menu = window.commands, new_menu(window)
    menu.addActions([actions.copy_row, actions.copy_path])
    add_tables(menu, window)
    menu.addSeparator()
    menu.addActions([actions.next_difference, actions.difference_before, actions.hide_same])
    return menu


def sides_menu(window: Window) -> QMenu:
    """What can be changed about a comparison: its sides, their weights, how names are paired."""
    application, menu, tab = window.application, new_menu(window), window.application.state.comparison
    actions = window.commands
    menu.addAction(actions.swap)
    if tab is not None:
        for side in ("left", "right"):
            _weights(menu, window, tab, "left" if side == "left" else "right")
    menu.addSeparator()
    menu.addAction("Pairing rules…", application.comparing.show_pairing)
    menu.addAction(actions.hide_same)
    menu.addSeparator()
    menu.addAction(actions.reload)
    return menu


def _weights(menu: QMenu, window: Window, tab: ComparisonTab, side: SideName) -> None:
    """Which weight set a side shows, where its file has several."""
    if tab.aligned is None:
        return
    own = tab.aligned.outline.left if side == "left" else tab.aligned.outline.right
    sets = own.checkpoint.weights[:MOST_SETS]
    if len(sets) < 2:
        return
    below = menu.addMenu(f"{side.capitalize()} weights")
    for found in sets:
        name = plain(found.path, LONGEST) or "the whole file"
        action = below.addAction(escaped(f"{name}  —  {plural(len(found.entries), 'tensor')}"))
        action.setCheckable(True)
        action.setChecked(found.path == own.path)
        action.triggered.connect(lambda _=False, path=found.path: window.application.choose_weights(side, path))


def compare_menu(window: Window) -> QMenu:
    """With what the file in front can be compared; two files where none is."""
    menu, state = new_menu(window), window.application.state
    menu.setToolTipsVisible(True)
    front = state.tab
    if state.comparison is not None:
        for action in (window.commands.swap, window.commands.next_difference, window.commands.difference_before):
            menu.addAction(action)
        menu.addSeparator()
    if front is None:
        menu.addAction("Two files…", window.compare_dialog)
    else:
        menu.addAction("With another file…", window.compare_dialog)
    _own_sets(menu, window, front)
    open_ones = [tab for tab in state.documents if tab is not front and tab.trouble is None][:MOST_FILES]
    _files(menu, window, "With an open file", front, [tab.path for tab in open_ones])
    known = {tab.path for tab in state.documents}
    recent = [one.path for one in state.settings.recent if one.path not in known][:MOST_FILES]
    _files(menu, window, "With a recent file", front, recent)
    return menu


def _files(menu: QMenu, window: Window, title: str, front: Tab | None, paths: list[str]) -> None:
    """A line for each file that the one in front can be compared with."""
    if front is None or not paths:
        return
    _heading(menu, title)
    for path in paths:
        action = menu.addAction(escaped(plain(os.path.basename(path), LONGEST)))
        action.setToolTip(tip(plain(path)))
        action.triggered.connect(lambda _=False, path=path: window.application.compare(front.path, path))


def _own_sets(menu: QMenu, window: Window, front: Tab | None) -> None:
    """Two weight sets of one file: an average against the live weights."""
    if front is None or front.opened is None or len(front.opened.checkpoint.weights) < 2:
        return
    main = front.opened.checkpoint.main
    others = [found for found in front.opened.checkpoint.weights if found is not main][:MOST_FILES]
    _heading(menu, "Its own weight sets")
    for found in others:
        left = main.path if main is not None else ""
        names = f"{plain(left, LONGEST) or 'the whole file'} with {plain(found.path, LONGEST)}"
        action = menu.addAction(escaped(names))
        path, sets = front.path, (left, found.path)
        action.triggered.connect(lambda _=False, path=path, sets=sets: window.application.compare(path, path, sets))


def _heading(menu: QMenu, title: str) -> None:
    """A quiet word above the lines that follow."""
    menu.addSeparator()
    menu.addAction(title).setEnabled(False)
