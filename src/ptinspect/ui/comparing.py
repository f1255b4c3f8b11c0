"""Puts a comparison into the window: its panel, wired to the verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu, QWidget

from ptinspect.session.views import ComparisonView
from ptinspect.ui.panels.comparison import ComparisonPanel

if TYPE_CHECKING:
    from ptinspect.ui.window import Window


def comparison_panel(page: ComparisonView, window: Window) -> ComparisonPanel:
    """The panel of a tab."""
    application, number = window.application, page.tab
    panel = ComparisonPanel(page, application.comparing)
    panel.tree.painted.connect(window.first_paint)
    panel.inspector_resized.connect(application.set_inspector)
    panel.reload_requested.connect(lambda: application.reload(number))
    panel.swap_requested.connect(application.swap)
    panel.copy_requested.connect(window.copy)
    panel.page_made.connect(lambda made: _wire(made, window))
    panel.verdict.menu_requested.connect(lambda button: popup(sides_menu(window), button))
    return panel


def _wire(page: object, window: Window) -> None:
    """What pages ask of the application, not of the comparison."""
    from ptinspect.ui.panels.comparison_changes import ChangesPage  # noqa: PLC0415 - read with its page

    if isinstance(page, ChangesPage):
        application = window.application
        page.accepted.connect(application.accept)
        page.refused.connect(application.refuse)
        page.rule_added.connect(application.add_rule)
        page.rule_removed.connect(application.remove_rule)


def popup(menu: QMenu, below: QWidget) -> None:
    """Show a menu below a button."""
    menu.popup(below.mapToGlobal(QPoint(0, below.height() + 4)))


def sides_menu(window: Window) -> QMenu:
    """What can be changed about the sides."""
    application, menu = window.application, QMenu(window)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.addAction("Swap sides", application.swap)
    return menu
