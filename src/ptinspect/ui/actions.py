"""Every command of the window: what it is called, its key, the pages on which it can be used, and the verb that it calls."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence

from ptinspect.session.copying import Form
from ptinspect.session.inspectors import INSPECTORS
from ptinspect.session.settings import Theme
from ptinspect.session.views import BatchView, ComparisonView, DocumentView, PageView, WindowView

if TYPE_CHECKING:
    from ptinspect.ui.window import Window

MOST_COPIED = 200_000
Pages = tuple[type[PageView], ...]
FILE: Pages = (DocumentView,)
PAIR: Pages = (ComparisonView,)
BATCH: Pages = (BatchView,)
TABLE: Pages = (DocumentView, ComparisonView)
ROWS: Pages = (DocumentView, ComparisonView, BatchView)


class Actions(QObject):
    """Owns the QActions; each calls one verb."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self._pages: list[tuple[QAction, Pages]] = []
        self._add_files()
        self._add_layers()
        self._add_copies()
        self._add_comparison()
        self._add_batch()
        self._add_window()
        self.themes = self._theme_actions()

    def _add(self, text: str, keys: str, call: Callable[[], object], pages: Pages = ()) -> QAction:
        """A command; one that names pages can be used on these alone."""
        action = QAction(text, self)
        if keys:
            action.setShortcut(QKeySequence(keys))
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.triggered.connect(lambda *_: call())
        self._window.addAction(action)
        if pages:
            self._pages.append((action, pages))
        return action

    def _add_files(self) -> None:
        window, application = self._window, self._window.application
        self.open = self._add("Open…", "Ctrl+O", window.open_dialog)
        self.start = self._add("Start page", "Ctrl+T", lambda: application.activate(None))
        self.close = self._add("Close tab", "Ctrl+W", lambda: self._with_active(application.close))
        self.reload = self._add("Reload", "F5", lambda: self._with_active(application.reload))
        self._add("Next tab", "Ctrl+Tab", lambda: application.step(1))
        self._add("Previous tab", "Ctrl+Shift+Tab", lambda: application.step(-1))

    def _add_layers(self) -> None:
        application = self._window.application
        self.filter = self._add("Filter layers", "Ctrl+F", self._filter, ROWS)
        self.columns = self._add("Columns and order…", "F4", self._columns_menu, FILE)
        self.open_below = self._add("Open all below", "", application.expand_below, FILE)
        self.close_below = self._add("Close all below", "", application.collapse_below, FILE)
        names = ("Close all levels", "Open 1 level", *(f"Open {depth} levels" for depth in range(2, 6)))
        self.levels = [self._add(name, f"Ctrl+{depth}", partial(application.expand_to, depth), ROWS) for depth, name in enumerate(names)]
        self.panel = self._add("Pages beside the layers", "F9", self.toggle_panel, ROWS)
        for at, name in enumerate(INSPECTORS, 1):
            self._add(name.capitalize(), f"Alt+{at}", partial(application.inspect, name))

    def _add_copies(self) -> None:
        copy, application = self._window.copy, self._window.application
        self.copy_row = self._add("Copy rows", "Ctrl+C", lambda: self._copy_rows("text"), TABLE)
        self.rows_markdown = self._add("Copy rows as Markdown", "", lambda: self._copy_rows("markdown"), FILE)
        self.rows_csv = self._add("Copy rows as CSV", "", lambda: self._copy_rows("csv"), FILE)
        self.copy_path = self._add("Copy path", "Ctrl+Shift+C", lambda: copy(application.copy_path()), ROWS)
        self.copy_table = self._add("Copy table as text", "Ctrl+Alt+C", lambda: application.copy_table("text", copy), TABLE)
        self.copy_markdown = self._add("Copy table as Markdown", "", lambda: application.copy_table("markdown", copy), TABLE)
        self.copy_csv = self._add("Copy table as CSV", "", lambda: application.copy_table("csv", copy), TABLE)
        self.copy_summary = self._add("Copy layer summary", "Ctrl+Alt+S", lambda: application.copy_summary(copy), FILE)

    def _add_comparison(self) -> None:
        window, application = self._window, self._window.application
        self.compare = self._add("Compare…", "Ctrl+D", window.compare_dialog)
        self.swap = self._add("Swap sides", "Ctrl+Shift+X", application.swap, PAIR)
        self.next_difference = self._add("Next difference", "Ctrl+Down", lambda: application.comparing.step(1), PAIR)
        self.difference_before = self._add("Difference before", "Ctrl+Up", lambda: application.comparing.step(-1), PAIR)
        self.hide_same = self._add("Hide identical", "Ctrl+I", lambda: application.comparing.toggle("same"), PAIR)
        self.hide_same.setCheckable(True)

    def _add_batch(self) -> None:
        window, application = self._window, self._window.application
        self.batch = self._add("Test batch", "Ctrl+B", application.test_batch, ROWS)
        self.run_batch = self._add("Run the batch", "Ctrl+Return", self._run_batch, BATCH)
        self.stop_batch = self._add("Stop the batch", "Ctrl+.", lambda: self._with_active(application.testing.stop), BATCH)
        self.joined = self._add("Layer in the file or the batch", "Ctrl+L", self._join, (DocumentView, BatchView))
        self.export_batch = self._add("Export the result…", "", window.export_dialog, BATCH)
        self.consents = self._add("What may run…", "", window.consents_dialog)

    def _add_window(self) -> None:
        self.sheet = self._add("Keyboard shortcuts", "F1", self._show_sheet)
        self.full = self._add("Full screen", "F11", self._full_screen)
        self.about = self._add("About ptinspect", "", self._about)
        self.quit = self._add("Quit", "Ctrl+Q", self._window.close)

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

    def apply(self, view: WindowView) -> None:
        """What can be done now."""
        for action, pages in self._pages:
            action.setEnabled(isinstance(view.page, pages))
        for action in (self.close, self.reload):
            action.setEnabled(view.active is not None)
        self.hide_same.setChecked(isinstance(view.page, ComparisonView) and "same" in view.page.state.hidden)
        self.themes[view.theme].setChecked(True)

    # -- calls --------------------------------------------------------------------------------------------------------------------

    def _run_batch(self) -> None:
        if self._window.batch is not None:
            self._window.batch.run()

    def _with_active(self, verb: Callable[[int], None]) -> None:
        active = self._window.application.state.active
        if active is not None:
            verb(active)

    def _join(self) -> None:
        """From a layer of the batch to the same one in the file, and back."""
        application = self._window.application
        tab = application.state.batch
        if tab is not None:
            application.show_in_file(tab.selected.partition(":")[2])
        elif not application.show_in_batch():
            application.say("No test batch of this file knows that layer", "Run one first: Test batch in the bar above.")

    def _filter(self) -> None:
        self._window.bar.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._window.bar.field.selectAll()

    def _copy_rows(self, form: Form) -> None:
        document = self._window.document
        if document is not None:
            self._window.application.copy_rows(document.tree.selected_keys(MOST_COPIED), form, self._window.copy)
        elif self._window.comparison is not None:
            self._window.copy(self._window.application.copy_pair())

    def _columns_menu(self) -> None:
        if self._window.document is not None:
            self._window.document.tree.columns_menu()

    def toggle_panel(self) -> None:
        """Show the pages beside the layers, or hide them."""
        application = self._window.application
        application.set_inspector(is_shown=not application.state.settings.is_inspector_shown)

    def _full_screen(self) -> None:
        window = self._window
        window.showNormal() if window.isFullScreen() else window.showFullScreen()

    def _show_sheet(self) -> None:
        from ptinspect.ui.dialogs import ShortcutSheet  # noqa: PLC0415
        from ptinspect.ui.shortcuts import SHEET  # noqa: PLC0415

        ShortcutSheet(self._window, SHEET).open()

    def _about(self) -> None:
        from ptinspect.ui.dialogs import About  # noqa: PLC0415

        About(self._window).open()
