"""Builds the application: session, Qt, theme, window. The one place that knows all of them."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from ptinspect.session.application import Application
from ptinspect.session.mailbox import Mailbox
from ptinspect.session.settings import folder
from ptinspect.session.words import GOES_ON, MISTAKE

if TYPE_CHECKING:
    from ptinspect.session.comparison.request import ComparisonRequest
    from ptinspect.ui.file_events import Program
    from ptinspect.ui.single import Listener
    from ptinspect.ui.window import Window

SWITCH = 0.0005  # seconds that a thread may keep the interpreter while the window wants to draw
WATCH = 2_000


def run(paths: Sequence[str], benchmark: bool = False, comparison: ComparisonRequest | None = None) -> int:
    """Open the window on some files, or on a comparison; returns when it is closed. They are read while Qt is still being imported."""
    mailbox = Mailbox()
    place = None if benchmark else folder()
    application = Application(mailbox.post, place)
    application.open(paths)
    if comparison is not None:
        application.show_comparison(comparison)
    from ptinspect.ui.platforms import Unusable, check  # noqa: PLC0415 - Qt is imported after the reading has begun

    try:
        check()
    except Unusable:
        application.tasks.cancel_all()
        raise
    return _show(application, mailbox, paths, place, comparison)


def _show(
    application: Application, mailbox: Mailbox, paths: Sequence[str], place: Path | None, comparison: ComparisonRequest | None
) -> int:
    from ptinspect.ui import theme  # noqa: PLC0415
    from ptinspect.ui.bridge import Bridge  # noqa: PLC0415
    from ptinspect.ui.collector import Collector  # noqa: PLC0415
    from ptinspect.ui.file_events import Program  # noqa: PLC0415
    from ptinspect.ui.window import Window  # noqa: PLC0415

    qt = Program(["ptinspect"])
    qt.setApplicationName("ptinspect")
    qt.setDesktopFileName("ptinspect")
    qt.setStyle("Fusion")
    if place is not None and _is_taken(place, paths, comparison):
        application.tasks.cancel_all()
        return 0
    theme.apply(application.state.settings.theme)
    window = Window(application)
    bridge = Bridge(mailbox)
    _place(window, application)
    application.changed = window.apply
    if place is None:
        from ptinspect.ui.benchmark import report_first_paint  # noqa: PLC0415

        report_first_paint(window)
    elif not paths and comparison is None:
        application.restore()
    window.apply(application.view)
    window.show()
    if place is not None:
        listener = _settle_in(window, mailbox, place, qt)
        qt.aboutToQuit.connect(listener.close)
    gc.freeze()
    if place is not None:
        Collector(window)  # a window lives long enough to need it
    sys.setswitchinterval(SWITCH)
    status = qt.exec()
    bridge.close()
    return status


def _is_taken(place: Path, paths: Sequence[str], comparison: ComparisonRequest | None) -> bool:
    """Whether a window is open already and took the files."""
    from ptinspect.ui.single import hand_over  # noqa: PLC0415

    return hand_over(place, paths, comparison)


def _settle_in(window: Window, mailbox: Mailbox, place: Path, qt: Program) -> Listener:
    """What a window needs that stays: later starts, bugs, files that change, its icon."""
    from PySide6.QtCore import QTimer  # noqa: PLC0415

    from ptinspect.ui.single import Listener  # noqa: PLC0415

    application = window.application

    def take(paths: list[str]) -> None:
        application.open(paths)
        window.come_forward()

    def compare(request: ComparisonRequest) -> None:
        application.show_comparison(request)
        window.come_forward()

    listener = Listener(place, take, window, compare)
    qt.hand_files_to(take)
    _catch_bugs(application, mailbox)
    timer = QTimer(window)
    timer.timeout.connect(application.look_for_changes)
    timer.start(WATCH)
    QTimer.singleShot(0, lambda: _dress_later(window))
    return listener


def _place(window: Window, application: Application) -> None:
    """Where the window stood when it was closed, if a screen still reaches there."""
    from PySide6.QtCore import QRect, Qt  # noqa: PLC0415
    from PySide6.QtGui import QGuiApplication  # noqa: PLC0415

    settings = application.state.settings
    _fit(window)
    if settings.window is None:
        return
    place = QRect(*settings.window)
    if any(screen.availableGeometry().intersects(place) for screen in QGuiApplication.screens()):
        window.setGeometry(place)
    if settings.is_maximized:
        window.setWindowState(Qt.WindowState.WindowMaximized)


def _fit(window: Window) -> None:
    """No larger than the screen leaves room for, with the frame that the desktop will put around it."""
    from PySide6.QtGui import QGuiApplication  # noqa: PLC0415

    from ptinspect.ui.window import FRAME  # noqa: PLC0415

    room = QGuiApplication.primaryScreen().availableSize() - FRAME
    window.setMinimumSize(window.minimumSize().boundedTo(room))
    window.resize(window.size().boundedTo(room))


def _dress_later(window: Window) -> None:
    """What can wait until the window is there."""
    from PySide6.QtGui import QGuiApplication, QIcon  # noqa: PLC0415
    from PySide6.QtWidgets import QApplication  # noqa: PLC0415

    from ptinspect.ui import icons, theme  # noqa: PLC0415

    icon = QIcon()
    for size in (16, 32, 48, 128):
        icon.addPixmap(icons.application_pixmap(size))
    QApplication.setWindowIcon(icon)
    hints = QGuiApplication.styleHints()
    hints.colorSchemeChanged.connect(lambda _: theme.apply(window.application.state.settings.theme))
    if hasattr(hints, "accessibility"):  # from Qt 6.10 on
        hints.accessibility().contrastPreferenceChanged.connect(lambda _: theme.apply(window.application.state.settings.theme))


def _catch_bugs(application: Application, mailbox: Mailbox) -> None:
    """A mistake of ours is told in the message bar with its report; the window goes on."""

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        import traceback  # noqa: PLC0415

        report = "".join(traceback.format_exception(kind, error, trace))
        sys.stderr.write(report)
        mailbox.post(lambda: application.say(MISTAKE, GOES_ON, report))

    sys.excepthook = tell
    threading.excepthook = lambda given: tell(given.exc_type, given.exc_value or given.exc_type(), given.exc_traceback)
