"""Brings pyqtgraph in after the first paint without holding the window up.

Its import looks at every class of Qt, and PySide makes each class known when it is first looked at: half a second in all, and up to
70 ms at one go. So they are looked at here before, a few at a time, whenever the window has nothing to do; what is left of the import is
Python's work, done in a thread that gives way.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from time import perf_counter

from PySide6.QtCore import QCoreApplication, QObject, Qt, QTimer, Signal
from shiboken6 import isValid

SLICE = 0.004
PAUSE = 8


class _Loading(QObject):
    """Goes on in steps, then in a thread, then tells everybody who waits."""

    imported = Signal()

    def __init__(self) -> None:
        super().__init__(QCoreApplication.instance())
        self.waiting: list[Callable[[], None]] = []
        self.along: list[Callable[[], None]] = []
        self.is_ready = False
        self._steps = _looks()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._step)
        self._timer.start(PAUSE)
        self.imported.connect(self._done, Qt.ConnectionType.QueuedConnection)

    def _step(self) -> None:
        end = perf_counter() + SLICE
        while perf_counter() < end:
            if next(self._steps, None) is None:
                self._timer.stop()
                threading.Thread(target=self._import, name="ptinspect plots", daemon=True).start()
                return

    def _import(self) -> None:
        import ml_dtypes  # noqa: F401, PLC0415 - what the numbers need, while nobody waits for it
        import pyqtgraph  # noqa: F401, PLC0415

        for call in self.along:
            call()
        self.imported.emit()

    def _done(self) -> None:
        self.is_ready = True
        gc.freeze()  # thousands of objects that stay: no collection need look at them again
        waiting, self.waiting = self.waiting, []
        for call in waiting:
            owner = getattr(call, "__self__", None)
            if not isinstance(owner, QObject) or isValid(owner):  # the page of a file that was closed meanwhile wants no plot
                call()


def _looks() -> Iterator[str]:
    from PySide6 import QtCore, QtGui, QtWidgets  # noqa: PLC0415

    for module in (QtCore, QtGui, QtWidgets):
        for name in dir(module):
            getattr(module, name)
            yield name


_loading: list[_Loading] = []


def when_ready(call: Callable[[], None]) -> None:
    """Call it once plots can be made; at once where they can already."""
    if not _loading:
        _loading.append(_Loading())
    if _loading[0].is_ready:
        call()
    else:
        _loading[0].waiting.append(call)


def begin(along: Callable[[], None] | None = None) -> None:
    """Bring them in, though nobody waits yet; `along` imports what else will be needed, in the same thread."""
    when_ready(lambda: None)
    if along is not None and not is_ready():
        _loading[0].along.append(along)


def is_ready() -> bool:
    """Whether plots can be made."""
    return bool(_loading) and _loading[0].is_ready
