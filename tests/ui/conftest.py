"""The window without a screen; nothing that a test opens outlives it."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Iterator

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

pytest.importorskip("PySide6.QtWidgets")

from PySide6.QtWidgets import QApplication

from ptinspect.session.application import Application
from ptinspect.session.mailbox import Mailbox
from ptinspect.session.settings import Settings
from ptinspect.ui import theme
from ptinspect.ui.bridge import Bridge
from ptinspect.ui.collector import Collector
from ptinspect.ui.window import Window


@pytest.fixture
def window(qtbot) -> Iterator[Window]:
    """An empty window, shown."""
    QApplication.setStyle("Fusion")
    mailbox = Mailbox()
    application = Application(mailbox.post, None, Settings(theme="light"))
    theme.apply("light")
    made = Window(application)
    bridge = Bridge(mailbox)
    application.changed = made.apply
    Collector(made)
    made.apply(application.view)
    made.show()
    qtbot.waitExposed(made)
    yield made
    application.changed = lambda view: None
    application.tasks.cancel_all(wait=5)
    bridge.close()
    made.close()
    made.deleteLater()
    QApplication.processEvents()
    gc.enable()


@pytest.fixture
def opened(window, qtbot) -> Callable[..., Window]:
    """Opens files and waits until their pages are there."""

    def open_(*paths: object) -> Window:
        window.application.open([str(path) for path in paths])
        qtbot.waitUntil(lambda: not any(tab.is_reading for tab in window.application.state.tabs), timeout=20_000)
        qtbot.waitUntil(lambda: not window.application.tasks.slots, timeout=20_000)
        if window.document is not None:
            qtbot.waitUntil(lambda: window.application.state.tab.pages is not None and window.document.stack.count() > 0, timeout=20_000)
        return window

    return open_


@pytest.fixture(autouse=True)
def _no_threads_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield

    def left() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread not in before and thread.name.startswith("ptinspect")]

    end = time.monotonic() + 15  # seconds; a busy machine is slow to end a thread
    while left() and time.monotonic() < end:  # one that is only being started cannot be joined yet
        time.sleep(0.01)
    assert not left()
