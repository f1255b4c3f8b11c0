"""What is expected of any desktop program: files dropped, files opened before, leaving a slow file, names for those who do not see."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QTabBar,
    QToolButton,
    QWidget,
)

from ptinspect import resources
from ptinspect.session import application as session_application
from ptinspect.session.inspectors import INSPECTORS
from ptinspect.ui.dialogs import ShortcutSheet
from ptinspect.ui.menus import recent_menu
from ptinspect.ui.panels.opening import OpeningPage
from ptinspect.ui.panels.tabline import TabLine
from ptinspect.ui.panels.trouble import TroublePage
from ptinspect.ui.panels.welcome import Pressed
from ptinspect.ui.shortcuts import SHEET
from ptinspect.ui.widgets.focus_ring import FocusRing

SAMPLES = resources.path("samples")
NONE = Qt.KeyboardModifier.NoModifier
CONTROLS = (QAbstractButton, QAbstractItemView, QComboBox, QLineEdit, QPlainTextEdit, QTabBar, Pressed)


def dropped(window, *urls: QUrl) -> bool:
    """Drag things over the window and let them fall; whether it wanted them."""
    data = QMimeData()
    data.setUrls(list(urls))
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(400, 400), copy, data, left, none)
    enter.ignore()
    QApplication.sendEvent(window, enter)
    if enter.isAccepted():
        QApplication.sendEvent(window, QDropEvent(QPointF(400, 400), copy, data, left, none))
    return enter.isAccepted()


def titles(window) -> list[str]:
    return [tab.title for tab in window.application.view.tabs]


def test_that_files_that_are_dropped_open_in_tabs(window, qtbot) -> None:
    assert dropped(window, *(QUrl.fromLocalFile(str(SAMPLES / name)) for name in ("weights.pt", "model.pt")))
    qtbot.waitUntil(lambda: titles(window) == ["weights.pt", "model.pt"])
    qtbot.waitUntil(lambda: window.windowTitle() == "model.pt — ptinspect")


def test_that_of_many_tabs_some_are_scrolled_away_and_none_is_cut_to_a_letter(window, qtbot, tmp_path: Path) -> None:
    names = [tmp_path / f"checkpoint_{at}.pt" for at in range(14)]
    for name in names:
        name.touch()
    window.resize(1024, 640)
    window.application.open(map(str, names))
    tabs = window.findChild(TabLine).tabs
    qtbot.waitUntil(lambda: tabs.count() == len(names))
    assert min(tabs.tabRect(at).width() for at in range(tabs.count())) >= 130
    more = tabs.findChild(QToolButton, "ScrollLeftButton")
    assert more.isVisible()
    assert not more.icon().isNull()
    for tab in list(window.application.state.tabs)[1:]:
        window.application.close(tab.id)
    qtbot.waitUntil(lambda: not more.isVisible())
    assert tabs.width() >= tabs.tabRect(0).width()


def test_that_a_ring_stands_around_the_page_that_files_are_held_over(opened) -> None:
    window = opened(SAMPLES / "weights.pt")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(SAMPLES / "model.pt"))])
    window.dragEnterEvent(QDragEnterEvent(QPoint(400, 400), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, NONE))
    ring = window.stack.findChild(FocusRing, "drop")
    assert ring.isVisible()
    assert ring.geometry() == window.stack.rect()
    window.dragLeaveEvent(QDragLeaveEvent())
    assert not ring.isVisible()


def test_that_the_sheet_of_shortcuts_fits_a_small_laptop(window) -> None:
    sheet = ShortcutSheet(window, SHEET)
    assert sheet.sizeHint().height() <= 580
    assert sheet.sizeHint().width() <= 1000


def test_that_an_address_of_the_web_is_not_taken(window, qtbot) -> None:
    assert not dropped(window, QUrl("https://example.org/model.pt"))
    assert titles(window) == []


def test_that_a_folder_that_is_dropped_is_explained(window, qtbot, tmp_path: Path) -> None:
    assert dropped(window, QUrl.fromLocalFile(str(tmp_path)))
    qtbot.waitUntil(lambda: isinstance(window.stack.currentWidget(), TroublePage), timeout=5_000)


def test_that_files_that_were_open_are_in_the_menu_by_their_names(opened, qtbot, tmp_path: Path) -> None:
    odd = tmp_path / "a & b <i>.pt"
    odd.write_bytes((SAMPLES / "weights.pt").read_bytes())
    opened(SAMPLES / "checkpoint.pt")
    window = opened(odd)
    for tab in list(window.application.state.tabs):
        window.application.close(tab.id)
    actions = recent_menu(window).actions()
    assert [action.text().partition("  —  ")[0] for action in actions[:2]] == ["a && b <i>.pt", "checkpoint.pt"]
    assert str(tmp_path) in actions[0].toolTip()
    actions[1].trigger()
    qtbot.waitUntil(lambda: titles(window) == ["checkpoint.pt"])


def test_that_without_files_the_menu_says_so(window) -> None:
    first = recent_menu(window).actions()[0]
    assert (first.text(), first.isEnabled()) == ("No file was open yet", False)


def test_that_a_file_that_takes_long_says_so_and_can_be_left(window, qtbot, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, truth = threading.Event(), session_application.open_document

    def slow(path, context):
        gate.wait(20)
        return truth(path, context)

    monkeypatch.setattr(session_application, "open_document", slow)
    try:
        window.application.open([str(SAMPLES / "weights.pt")])
        page = window.stack.currentWidget()
        assert isinstance(page, OpeningPage)
        assert not page.text.isVisible()
        qtbot.waitUntil(page.cancel.isVisible, timeout=3_000)
        assert page.text.text() == "Reading weights.pt …"
        qtbot.mouseClick(page.cancel, Qt.MouseButton.LeftButton)
        assert titles(window) == []
    finally:
        gate.set()
    qtbot.wait(50)
    assert titles(window) == []


def nameless(window: QWidget) -> list[str]:
    """The controls that a screen reader could only call by their kind."""
    controls = [one for one in window.findChildren(QWidget) if isinstance(one, CONTROLS) and not isinstance(one, QHeaderView)]
    shown = [one for one in controls if one.isVisible()]
    return [repr(one) for one in shown if not (one.accessibleName() or (isinstance(one, QAbstractButton) and one.text().strip()))]


@pytest.mark.parametrize("name", ["checkpoint.pt", "model.pt", "scripted.pt"])
def test_that_every_control_of_every_page_has_a_name(opened, qtbot, name: str) -> None:
    window = opened(SAMPLES / name)
    window.application.show("head.weight" if name != "checkpoint.pt" else "model_state_dict.head.weight")
    for page in INSPECTORS:
        window.application.inspect(page)
        qtbot.waitUntil(lambda: not window.application.tasks.slots, timeout=20_000)
        assert nameless(window) == []


def test_that_every_control_of_the_start_page_and_of_a_broken_file_has_a_name(opened, qtbot, tmp_path: Path) -> None:
    (tmp_path / "page.pt").write_bytes(b"<!DOCTYPE html><html>Not found</html>")
    window = opened(tmp_path / "page.pt")
    assert isinstance(window.stack.currentWidget(), TroublePage)
    assert nameless(window) == []
    window.application.activate(None)
    assert nameless(window) == []
