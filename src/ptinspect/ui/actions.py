"""Every command of the window, with its key: what the menus hold and what the shortcut sheet lists."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu

from ptinspect.session.copying import Form
from ptinspect.session.inspectors import INSPECTORS, Inspector
from ptinspect.session.settings import Theme
from ptinspect.session.views import BatchView, ComparisonView, DocumentView, WindowView
from ptinspect.session.words import plain
from ptinspect.ui.widgets.text import tip

if TYPE_CHECKING:
    from ptinspect.ui.window import Window

SHEET: dict[str, tuple[tuple[str, str], ...]] = {
    "Files": (("Ctrl+O", "Open files"), ("Ctrl+T", "Start page"), ("Ctrl+W", "Close the tab"), ("F5", "Reload"), ("Ctrl+Tab", "Next tab")),
    "Layers": (
        ("Ctrl+F", "Filter"), ("Esc", "Empty the filter"), ("↑ ↓ ← →", "Move, open and close"), ("A letter", "Next row that begins so"),
        ("Ctrl+1 … 5", "Open so many levels"), ("Ctrl+0", "Close all levels"), ("*", "Open all below a layer"),
        ("F4", "Columns and order"),
    ),
    "Copy": (("Ctrl+C", "Rows"), ("Ctrl+Shift+C", "Path"), ("Ctrl+Alt+C", "Whole table"), ("Ctrl+Alt+S", "Layer summary")),
    "Comparison": (
        ("Ctrl+D", "Compare with another file"), ("Ctrl+Down", "Next difference"), ("Ctrl+Up", "Difference before"),
        ("Ctrl+I", "Hide identical"), ("Ctrl+Shift+X", "Swap sides"),
    ),
    "Test batch": (
        ("Ctrl+B", "Test batch of what is in front"), ("Ctrl+Return", "Run"), ("Ctrl+.", "Stop"),
        ("Ctrl+L", "Layer in the file, or back"),
    ),
    "Pages": (("Alt+1 … 6", "Overview, Tensor, Training, Health, Safety, Code"), ("F9", "Show or hide the pages")),
    "Window": (("F1", "This sheet"), ("F11", "Full screen"), ("Ctrl+Q", "Quit")),
}  # fmt: skip


MOST_RECENT, LONGEST, MOST_COPIED = 12, 60, 200_000


class Actions(QObject):
    """Owns the QActions; each calls one verb."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        application = window.application
        self.open = self._add("Open…", "Ctrl+O", window.open_dialog)
        self.compare = self._add("Compare…", "Ctrl+D", window.compare_dialog)
        self.swap = self._add("Swap sides", "Ctrl+Shift+X", application.swap)
        self.next_difference = self._add("Next difference", "Ctrl+Down", lambda: application.comparing.step(1))
        self.difference_before = self._add("Difference before", "Ctrl+Up", lambda: application.comparing.step(-1))
        self.hide_same = self._add("Hide identical", "Ctrl+I", lambda: application.comparing.toggle("same"))
        self.hide_same.setCheckable(True)
        self.batch = self._add("Test batch", "Ctrl+B", application.test_batch)
        self.run_batch = self._add("Run the batch", "Ctrl+Return", lambda: self._with_batch(application.testing.run))
        self.stop_batch = self._add("Stop the batch", "Ctrl+.", lambda: self._with_batch(application.testing.stop))
        self.joined = self._add("Layer in the file or the batch", "Ctrl+L", self._join)
        self.export_batch = self._add("Export the result…", "", self._export_batch)
        self.consents = self._add("What may run…", "", self._show_consents)
        self.start = self._add("Start page", "Ctrl+T", lambda: application.activate(None))
        self.close = self._add("Close tab", "Ctrl+W", self._close)
        self.reload = self._add("Reload", "F5", self._reload)
        self._add("Next tab", "Ctrl+Tab", lambda: application.step(1))
        self._add("Previous tab", "Ctrl+Shift+Tab", lambda: application.step(-1))
        self.filter = self._add("Filter layers", "Ctrl+F", self._filter)
        self.copy_row = self._add("Copy rows", "Ctrl+C", lambda: self._copy_rows("text"))
        self.rows_markdown = self._add("Copy rows as Markdown", "", lambda: self._copy_rows("markdown"))
        self.rows_csv = self._add("Copy rows as CSV", "", lambda: self._copy_rows("csv"))
        self.copy_path = self._add("Copy path", "Ctrl+Shift+C", lambda: window.copy(application.copy_path()))
        self.copy_table = self._add("Copy table as text", "Ctrl+Alt+C", lambda: self._copy_table("text"))
        self.copy_markdown = self._add("Copy table as Markdown", "", lambda: self._copy_table("markdown"))
        self.copy_csv = self._add("Copy table as CSV", "", lambda: self._copy_table("csv"))
        self.copy_summary = self._add("Copy layer summary", "Ctrl+Alt+S", lambda: application.copy_summary(window.copy))
        self.columns = self._add("Columns and order…", "F4", self._columns_menu)
        self.open_below = self._add("Open all below", "", application.expand_below)
        self.close_below = self._add("Close all below", "", application.collapse_below)
        self.panel = self._add("Pages beside the layers", "F9", self._toggle_panel)
        self.sheet = self._add("Keyboard shortcuts", "F1", self._show_sheet)
        self.full = self._add("Full screen", "F11", self._full_screen)
        self.about = self._add("About ptinspect", "", self._about)
        self.quit = self._add("Quit", "Ctrl+Q", window.close)
        names = ("Close all levels", "Open 1 level", *(f"Open {depth} levels" for depth in range(2, 6)))
        self._levels = [self._add(name, f"Ctrl+{depth}", partial(application.expand_to, depth)) for depth, name in enumerate(names)]
        for at, name in enumerate(INSPECTORS, 1):
            self._add(name.capitalize(), f"Alt+{at}", partial(application.inspect, name))
        self._documents = [self.close, self.reload, self.filter, self.copy_row, self.copy_path, self.copy_table, self.copy_markdown]
        self._documents += [
            self.copy_csv,
            self.panel,
            self.rows_markdown,
            self.rows_csv,
            self.copy_summary,
            self.columns,
            self.open_below,
            self.close_below,
        ]
        self._documents += self._levels
        self._themes = self._theme_actions()
        self._dress_bar()

    def _add(self, text: str, keys: str, call: Callable[[], object]) -> QAction:
        action = QAction(text, self)
        if keys:
            action.setShortcut(QKeySequence(keys))
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.triggered.connect(lambda *_: call())
        self._window.addAction(action)
        return action

    def _theme_actions(self) -> dict[Theme, QAction]:
        group, found = QActionGroup(self), dict[Theme, QAction]()
        names: tuple[tuple[Theme, str], ...] = (("system", "As the system"), ("light", "Light"), ("dark", "Dark"))
        for name, text in names:
            action = QAction(text, self)
            action.setCheckable(True)
            action.triggered.connect(lambda _=False, name=name: self._window.application.set_theme(name))
            group.addAction(action)
            found[name] = action
        return found

    def _dress_bar(self) -> None:
        window, bar = self._window, self._window.bar
        bar.open.clicked.connect(window.open_dialog)
        bar.recent.clicked.connect(self._show_recent)
        bar.compare.clicked.connect(self._show_compare)
        bar.batch.clicked.connect(self._press_batch)
        bar.back.clicked.connect(lambda: window.application.step(-1))
        bar.forward.clicked.connect(lambda: window.application.step(1))
        bar.panel.clicked.connect(self._toggle_panel)
        bar.theme.clicked.connect(self._switch_theme)
        bar.menu.clicked.connect(self._show_menu)

    def apply(self, view: WindowView) -> None:
        """What can be done now."""
        is_document = isinstance(view.page, DocumentView)
        for action in self._documents:
            action.setEnabled(is_document)
        for action in (self.close, self.reload):
            action.setEnabled(view.active is not None)
        is_comparison = isinstance(view.page, ComparisonView)
        for action in (self.swap, self.next_difference, self.difference_before, self.hide_same):
            action.setEnabled(is_comparison)
        for action in (self.filter, self.panel, self.copy_path, self.copy_row, self.copy_table, self.copy_markdown, self.copy_csv):
            action.setEnabled(is_document or is_comparison)
        is_batch = isinstance(view.page, BatchView)
        self.batch.setEnabled(is_document or is_comparison or is_batch)
        for action in (self.run_batch, self.stop_batch, self.export_batch):
            action.setEnabled(is_batch)
        self.joined.setEnabled(is_document or is_batch)
        for action in (self.panel, self.filter, self.copy_path, *self._levels):
            action.setEnabled(is_document or is_comparison or is_batch)
        self.hide_same.setChecked(isinstance(view.page, ComparisonView) and "same" in view.page.state.hidden)
        self._themes[view.theme].setChecked(True)

    # -- menus --------------------------------------------------------------------------------------------------------------------

    def row_menu(self, at: QPoint) -> None:
        """The menu of a row."""
        menu = self._menu()
        for action in (self.copy_row, self.rows_markdown, self.rows_csv, self.copy_path):
            menu.addAction(action)
        self.add_tables(menu)
        menu.addSeparator()
        for action in (self.open_below, self.close_below):
            menu.addAction(action)
        self._add_levels(menu)
        menu.addSeparator()
        menu.addAction(self.columns)
        menu.popup(at)

    def add_tables(self, menu: QMenu) -> None:
        """The ways to copy all rows."""
        tables = menu.addMenu("Copy table")
        for action in (self.copy_table, self.copy_markdown, self.copy_csv):
            tables.addAction(action)
        tables.addSeparator()
        tables.addAction(self.copy_summary)

    def _add_levels(self, menu: QMenu) -> None:
        levels = menu.addMenu("Open levels")
        for action in self._levels:
            levels.addAction(action)

    def main_menu(self) -> QMenu:
        """What stands behind the button at the right."""
        menu = self._menu()
        menu.addAction(self.open)
        menu.addAction(self.compare)
        menu.addAction(self.batch)
        below = menu.addMenu("Test batches")
        for action in (self.run_batch, self.stop_batch, self.joined, self.export_batch, self.consents):
            below.addAction(action)
        self._fill_recent(menu.addMenu("Open recent"))
        for action in (self.reload, self.close):
            menu.addAction(action)
        menu.addSeparator()
        self.add_tables(menu)
        self._add_levels(menu)
        menu.addAction(self.columns)
        menu.addSeparator()
        look = menu.addMenu("Theme")
        for action in self._themes.values():
            look.addAction(action)
        for action in (self.panel, self.full):
            menu.addAction(action)
        menu.addSeparator()
        for action in (self.sheet, self.about, self.quit):
            menu.addAction(action)
        return menu

    def recent_menu(self) -> QMenu:
        """Files that were open before."""
        menu = self._menu()
        self._fill_recent(menu)
        return menu

    def _fill_recent(self, menu: QMenu) -> None:
        application = self._window.application
        recent = application.state.settings.recent[:MOST_RECENT]
        menu.setToolTipsVisible(True)
        for one in recent:
            action = menu.addAction(_menu_text(one.path))
            action.setToolTip(tip(plain(one.path)))
            action.triggered.connect(lambda _=False, path=one.path: application.open([path]))
        if not recent:
            menu.addAction("No file was open yet").setEnabled(False)
        menu.addSeparator()
        menu.addAction(self.start)

    def _menu(self) -> QMenu:
        menu = QMenu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu

    def _show_recent(self) -> None:
        button = self._window.bar.open
        self.recent_menu().popup(button.mapToGlobal(QPoint(0, button.height() + 4)))

    def _show_compare(self) -> None:
        from ptinspect.ui.comparing import compare_menu, popup  # noqa: PLC0415 - only who compares

        button = self._window.bar.compare
        button.setChecked(self._window.comparison is not None)
        popup(compare_menu(self._window), button)

    def _press_batch(self) -> None:
        self._window.bar.batch.setChecked(self._window.batch is not None)
        self._window.application.test_batch()

    def _with_batch(self, verb: Callable[[int], None]) -> None:
        tab = self._window.application.state.batch
        if tab is not None:
            verb(tab.id)

    def _join(self) -> None:
        """From a layer of the batch to the same one in the file, and back."""
        application = self._window.application
        tab = application.state.batch
        if tab is not None:
            application.show_in_file(tab.selected.partition(":")[2])
        elif not application.show_in_batch():
            application.say("No test batch of this file knows that layer", "Run one first: Test batch in the bar above.")

    def _export_batch(self) -> None:
        from ptinspect.ui.testing import export  # noqa: PLC0415 - only who runs batches

        export(self._window)

    def _show_consents(self) -> None:
        from ptinspect.ui.testing import show_consents  # noqa: PLC0415

        show_consents(self._window)

    def _show_menu(self) -> None:
        button = self._window.bar.menu
        menu = self.main_menu()
        corner = button.mapToGlobal(QPoint(button.width(), button.height() + 4))
        menu.popup(QPoint(corner.x() - menu.sizeHint().width(), corner.y()))

    # -- calls --------------------------------------------------------------------------------------------------------------------

    def _close(self) -> None:
        application = self._window.application
        if application.state.active is not None:
            application.close(application.state.active)

    def _reload(self) -> None:
        application = self._window.application
        if application.state.active is not None:
            application.reload(application.state.active)

    def _filter(self) -> None:
        self._window.bar.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._window.bar.field.selectAll()

    def _copy_rows(self, form: Form) -> None:
        document = self._window.document
        if document is not None:
            self._window.application.copy_rows(document.tree.selected_keys(MOST_COPIED), form, self._window.copy)
        elif self._window.comparison is not None:
            self._window.copy(self._window.application.copy_pair())

    def _copy_table(self, form: Form) -> None:
        self._window.application.copy_table(form, self._window.copy)

    def _columns_menu(self) -> None:
        if self._window.document is not None:
            self._window.document.tree.columns_menu()

    def _toggle_panel(self) -> None:
        application = self._window.application
        application.set_inspector(is_shown=not application.state.settings.is_inspector_shown)

    def _switch_theme(self) -> None:
        from ptinspect.ui import theme  # noqa: PLC0415

        self._window.application.set_theme("light" if theme.tokens().name == "dark" else "dark")

    def _full_screen(self) -> None:
        window = self._window
        window.showNormal() if window.isFullScreen() else window.showFullScreen()

    def _show_sheet(self) -> None:
        from ptinspect.ui.dialogs import ShortcutSheet  # noqa: PLC0415

        ShortcutSheet(self._window, SHEET).open()

    def _about(self) -> None:
        from ptinspect.ui.dialogs import About  # noqa: PLC0415

        About(self._window).open()

    def page(self, name: Inspector) -> None:
        """Bring a page to the front."""
        self._window.application.inspect(name)


def _menu_text(path: str) -> str:
    """A file's name and its folder, in a menu where an ampersand would mark a key."""
    folder, name = os.path.split(plain(path))
    text = f"{name}  —  {os.path.basename(folder) or folder}"
    return (text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}…{text[-LONGEST // 2 :]}").replace("&", "&&")
