"""Puts files into the window: their panel, wired to the verbs, and the pages that stand where no file is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QWidget

from ptinspect.session.views import DocumentView, OpeningView, TroubleView, WelcomeView
from ptinspect.ui.panels.document import Document

if TYPE_CHECKING:
    from ptinspect.ui.window import Window


def document_panel(page: DocumentView, window: Window) -> Document:
    """The panel of a tab."""
    document = Document(page)
    application = window.application
    document.tree.selected.connect(application.select)
    document.tree.chosen.connect(application.reading.choose)
    document.attach(application.reading)
    document.tree.opened.connect(application.expand)
    document.tree.all_below_wanted.connect(application.expand_below)
    document.tree.all_rows_wanted.connect(lambda: application.filter(""))
    document.tree.refresh_wanted.connect(lambda: application.refresh(page.tab))
    document.tree.head.columns_chosen.connect(application.set_columns)
    document.tree.head.sort_requested.connect(application.sort)
    document.tree.head.order_chosen.connect(application.sort_by)
    document.count_requested.connect(lambda: application.reading.count(page.tab, again=True))
    document.tree.painted.connect(window.first_paint)
    document.tree.menu_requested.connect(lambda at: _show_row_menu(window, document.tree.viewport().mapToGlobal(at)))
    document.pages_wanted.connect(lambda: application.describe(page.tab))
    document.inspector_chosen.connect(application.inspect)
    document.inspector_resized.connect(application.set_inspector)
    document.reload_requested.connect(lambda: application.reload(page.tab))
    document.show_requested.connect(application.show)
    document.copy_requested.connect(window.copy)
    return document


def _show_row_menu(window: Window, at: QPoint) -> None:
    from ptinspect.ui.menus import row_menu  # noqa: PLC0415 - only who asks for it

    row_menu(window).popup(at)


def page_without_file(page: WelcomeView | OpeningView | TroubleView, window: Window) -> QWidget:
    """Where no file is, or none yet: each page is read when it is first shown."""
    if isinstance(page, WelcomeView):
        from ptinspect.ui.panels.welcome import Welcome  # noqa: PLC0415

        welcome = Welcome()
        welcome.open_requested.connect(lambda path: window.application.open([path]))
        welcome.dialog_requested.connect(window.open_dialog)
        welcome.clear_requested.connect(window.application.forget_recent)
        welcome.compare_requested.connect(window.application.compare)
        return welcome
    if isinstance(page, TroubleView):
        from ptinspect.ui.panels.trouble import TroublePage  # noqa: PLC0415

        trouble = TroublePage()
        trouble.copy_requested.connect(window.copy)
        trouble.dialog_requested.connect(window.open_dialog)
        trouble.reload_requested.connect(window.application.reload)
        return trouble
    from ptinspect.ui.panels.opening import OpeningPage  # noqa: PLC0415

    opening = OpeningPage()
    opening.cancel_requested.connect(window.application.close)
    return opening
