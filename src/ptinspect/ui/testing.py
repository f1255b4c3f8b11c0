"""Puts test batches into the window: their panel, wired to the verbs, the question whether code may run, and what was agreed to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu

from ptinspect.session.batch.work import Question
from ptinspect.session.batch.writing import FORMS
from ptinspect.session.views import BatchView
from ptinspect.ui.menus import new_menu
from ptinspect.ui.panels.batch import BatchPanel

if TYPE_CHECKING:
    from ptinspect.ui.window import Window


def batch_panel(page: BatchView, window: Window) -> BatchPanel:
    """The panel of a tab."""
    application, number = window.application, page.tab
    panel = BatchPanel(page, application.testing)
    panel.reload_requested.connect(lambda: application.reload(number))
    panel.file_requested.connect(application.show_in_file)
    panel.python_chosen.connect(application.set_python)
    panel.consents_requested.connect(lambda: show_consents(window))
    panel.export_requested.connect(lambda: export(window))
    panel.asked.connect(lambda question: ask(window, number, question))
    panel.tree.menu_requested.connect(lambda at: row_menu(window, panel).popup(panel.tree.viewport().mapToGlobal(at)))
    return panel


def ask(window: Window, number: int, question: Question) -> None:
    """Ask whether code may run. Whoever leaves the dialog in any other way than by the one button has not agreed."""
    from ptinspect.ui.consent import ConsentDialog  # noqa: PLC0415 - only where code would run

    testing = window.application.testing
    dialog = ConsentDialog(window, question)
    dialog.accepted.connect(lambda: testing.agree(number))
    dialog.rejected.connect(lambda: testing.refuse(number))
    dialog.open()


def show_consents(window: Window) -> None:
    """What was agreed to before, and a way to take it back."""
    from ptinspect.ui.consent import ConsentList  # noqa: PLC0415 - only who asks for it

    ConsentList(window).open()


def export(window: Window) -> None:
    """Save what was measured."""
    from ptinspect.ui.dialogs import choose_target  # noqa: PLC0415 - only who asks for it

    path = choose_target(window, "Export the result", "batch.json", FORMS)
    if path:
        window.application.testing.save(path)


def row_menu(window: Window, panel: BatchPanel) -> QMenu:
    """The menu of a layer."""
    menu, application = new_menu(window), window.application
    tab = application.state.batch
    path = tab.selected.partition(":")[2] if tab is not None else ""
    menu.addAction("Show in the file", lambda: application.show_in_file(path)).setEnabled(bool(path))
    menu.addAction("Copy path", lambda: window.copy(path)).setEnabled(bool(path))
    menu.addSeparator()
    menu.addAction("Export…", panel.export_requested.emit)
    return menu
