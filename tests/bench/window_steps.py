"""One process, one window: what is done in it, and how long the event loop was blocked. `tests.bench.stalls` runs it.

A timer of 5 ms asks how late it is. Each figure is printed as a line of JSON: step, kind (stall, frame, answer, seconds, memory), value.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from ptinspect.checkpoint.layers import LayerNode
from ptinspect.session.application import Application
from ptinspect.session.mailbox import Mailbox
from ptinspect.session.settings import Settings
from ptinspect.ui import plots, theme
from ptinspect.ui.app import SWITCH
from ptinspect.ui.benchmark import resident
from ptinspect.ui.bridge import Bridge
from ptinspect.ui.collector import Collector
from ptinspect.ui.window import Window
from tests.bench import tree_steps

EACH, PATIENCE = 0.005, 300.0
QUERIES = ("e", "en", "layers.77", "/block\\.[13]\\.w/", "zzz", "")
Figures = Iterator[tuple[str, str, float]]


class Probe(QObject):
    """Knows the longest time between two turns of the event loop."""

    def __init__(self) -> None:
        super().__init__()
        self.longest, self._last = 0.0, time.perf_counter()
        timer = QTimer(self)
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.timeout.connect(self._tick)
        timer.start(int(EACH * 1000))

    def _tick(self) -> None:
        now = time.perf_counter()
        self.longest, self._last = max(self.longest, now - self._last - EACH), now

    def begin(self) -> None:
        """From here on."""
        self.longest, self._last = 0.0, time.perf_counter()


@contextmanager
def shown() -> Iterator[tuple[Window, Probe]]:
    """A window as `ptinspect.ui.app` makes it."""
    mailbox = Mailbox()
    application = Application(mailbox.post, None, Settings(theme="light"))
    window = Window(application)
    bridge = Bridge(mailbox)
    application.changed = window.apply
    window.apply(application.view)
    window.show()
    Collector(window)
    sys.setswitchinterval(SWITCH)
    probe = Probe()
    wait(lambda: False, 0.3)
    yield window, probe
    application.changed = lambda view: None
    application.tasks.cancel_all(wait=5)
    bridge.close()
    window.close()


def wait(until: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Let the event loop run as it does for a user: asleep between events. What never comes ends the process."""
    loop, end = QEventLoop(), time.perf_counter() + patience
    timer = QTimer()
    timer.timeout.connect(lambda: loop.quit() if until() or time.perf_counter() > end else None)
    timer.start(5)
    loop.exec()
    if patience == PATIENCE and not until():
        sys.exit("what was waited for has not come")


def rest() -> None:
    """As long as somebody looks at what is shown."""
    wait(lambda: False, 0.3)


def browsing(window: Window, probe: Probe, path: str) -> Figures:
    """Open a file, walk through it, close it."""
    application = window.application
    yield from _opening(window, probe, path)
    for slot in application.tasks.slots:
        application.reading.cancel(slot)
    wait(lambda: not any(thread.name.startswith("ptinspect") for thread in threading.enumerate()))
    yield from _filtering(window, probe)
    yield from _scrolling(window, probe)
    yield from _unfolding(window, probe)
    yield from _looking(window, probe)
    yield from _closing(window, probe)
    for _ in range(2):
        for _ in _opening(window, probe, path):
            pass
        for _ in _closing(window, probe):
            pass
    yield "opened and closed thrice", "memory", resident()


def counting(window: Window, probe: Probe, path: str) -> Figures:
    """Open it, let its statistics run to their end, close it."""
    application = window.application
    probe.begin()
    start = time.perf_counter()
    application.open([path])
    wait(lambda: application.state.tab is not None and application.state.tab.numbers.findings is not None)
    rest()
    yield "statistics", "seconds", time.perf_counter() - start
    yield "statistics", "stall", probe.longest
    yield "all counted", "memory", resident()
    yield from _closing(window, probe)


def walking(window: Window, probe: Probe, path: str) -> Figures:
    """Open it, and do what is done with its layer tree."""
    for _ in _opening(window, probe, path):
        pass
    for slot in window.application.tasks.slots:
        window.application.reading.cancel(slot)
    wait(lambda: not any(thread.name.startswith("ptinspect") for thread in threading.enumerate()))
    yield from tree_steps.walking(window, probe.begin, lambda: probe.longest, wait, rest)


def _layers(window: Window) -> Iterator[LayerNode]:
    """Those that the file has; rows would be made for it, which nobody asked for."""
    tab = window.application.state.tab
    return tab.opened.tree.walk() if tab is not None and tab.opened is not None else iter(())


def _opening(window: Window, probe: Probe, path: str) -> Figures:
    """To the rows, to the pages, and to the libraries that draw plots."""
    application = window.application
    probe.begin()
    start = time.perf_counter()
    application.open([path])
    wait(lambda: window.document is not None)
    yield "open", "seconds", time.perf_counter() - start
    wait(lambda: application.state.tab is not None and application.state.tab.pages is not None and plots.is_ready())
    rest()
    yield "open", "stall", probe.longest
    yield "open", "memory", resident()


def _unfolding(window: Window, probe: Probe) -> Figures:
    """The layer that has most right below it."""
    widest = max(_layers(window), key=lambda node: len(node.children) + len(node.tensors))
    wide, first = len(widest.children) + len(widest.tensors), (widest.tensors[0] if widest.tensors else widest.children[0]).path
    del widest
    window.application.expand_to(0)
    rest()
    probe.begin()
    window.application.show(first)
    rest()
    yield f"open {wide:,} rows", "stall", probe.longest


def _looking(window: Window, probe: Probe) -> Figures:
    """The first tensor that is selected, which brings its page to the front, then another one."""
    tensors = list(islice((row for node in _layers(window) for row in node.tensors), 2))
    for name, row in zip(("first tensor", "next tensor"), tensors, strict=False):
        probe.begin()
        window.application.select(f"tensor:{row.path}")
        rest()
        wait(lambda: not any(slot.startswith("look") for slot in window.application.tasks.slots))
        rest()
        yield name, "stall", probe.longest


def _scrolling(window: Window, probe: Probe) -> Figures:
    tree = window.document.tree  # type: ignore[union-attr]
    probe.begin()
    window.application.expand_to(3)
    rest()
    yield "expand to 3", "stall", probe.longest
    bar, frames = tree.verticalScrollBar(), []
    for at in range(120):
        bar.setValue(bar.maximum() * at // 120)
        start = time.perf_counter()
        tree.viewport().repaint()
        frames.append(time.perf_counter() - start)
    yield "scroll", "frame", max(frames[2:])
    yield "scroll, usually", "frame", sorted(frames)[len(frames) // 2]


def _filtering(window: Window, probe: Probe) -> Figures:
    application, slowest = window.application, 0.0
    probe.begin()
    for text in QUERIES:
        start = time.perf_counter()
        application.filter(text)
        wait(lambda: not any(slot.startswith("filter") for slot in application.tasks.slots))
        window.document.tree.viewport().repaint()  # type: ignore[union-attr]
        slowest = max(slowest, time.perf_counter() - start)
        wait(lambda: False, 0.1)
    yield "filter", "answer", slowest
    yield "filter", "stall", probe.longest


def _closing(window: Window, probe: Probe) -> Figures:
    application = window.application
    probe.begin()
    application.close(application.state.tab.id)  # type: ignore[union-attr]
    wait(lambda: not application.tasks.slots)
    rest()
    yield "close", "stall", probe.longest
    yield "close", "memory", resident()


def main(path: str, what: str = "") -> None:
    """Print a line of JSON for each figure."""
    qt = QApplication(["ptinspect"])
    qt.setStyle("Fusion")
    theme.apply("light")
    with shown() as (window, probe):
        for figure in {"--values": counting, "--scroll": walking}.get(what, browsing)(window, probe, path):
            print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # what Python takes down at its end is nobody's wait
