"""What the buttons of the bar do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptinspect.ui import theme
from ptinspect.ui.menus import main_menu, popup, recent_menu

if TYPE_CHECKING:
    from ptinspect.ui.window import Window


def dress_bar(window: Window) -> None:
    """Once the window is there: nobody can press them before."""
    bar, application = window.bar, window.application
    bar.open.clicked.connect(window.open_dialog)
    bar.recent.clicked.connect(lambda: popup(recent_menu(window), bar.open))
    bar.compare.clicked.connect(lambda: _press_compare(window))
    bar.batch.clicked.connect(lambda: _press_batch(window))
    bar.back.clicked.connect(lambda: application.step(-1))
    bar.forward.clicked.connect(lambda: application.step(1))
    bar.panel.clicked.connect(window.commands.toggle_panel)
    bar.theme.clicked.connect(lambda: application.set_theme("light" if theme.tokens().name == "dark" else "dark"))
    bar.menu.clicked.connect(lambda: popup(main_menu(window), bar.menu))


def _press_compare(window: Window) -> None:
    from ptinspect.ui.comparing import compare_menu  # noqa: PLC0415 - only who compares

    window.bar.compare.setChecked(window.comparison is not None)  # what is in front decides, not the press
    popup(compare_menu(window), window.bar.compare)


def _press_batch(window: Window) -> None:
    window.bar.batch.setChecked(window.batch is not None)
    window.application.test_batch()
