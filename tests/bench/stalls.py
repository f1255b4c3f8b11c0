"""How long the window is ever blocked: `python -m tests.bench.stalls FILE` opens it, filters, scrolls, opens layers, closes.
With `--values` it opens the file and waits until all of its values are counted.

A timer of 5 ms asks how late it is. Each step is done three times in windows of their own; of each step the smallest of the three
longest stalls is printed, for the machine has stalls of its own. 1 where one is above the target.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from ptinspect.session.application import Application
from ptinspect.session.mailbox import Mailbox
from ptinspect.session.settings import Settings
from ptinspect.ui import theme
from ptinspect.ui.app import SWITCH
from ptinspect.ui.bridge import Bridge
from ptinspect.ui.window import Window

ROUNDS, EACH, PATIENCE = 3, 0.005, 120.0
TARGETS = {"frame": 16.0, "answer": 100.0}
STALL = 50.0
QUERIES = ("e", "en", "layers.77", "/block\\.[13]\\.w/", "zzz", "")


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
    """A window of its own, as `ptinspect.ui.app` makes it."""
    mailbox = Mailbox()
    application = Application(mailbox.post, None, Settings(theme="light"))
    window = Window(application)
    bridge = Bridge(mailbox)
    application.changed = window.apply
    window.apply(application.view)
    window.show()
    probe = Probe()
    wait(lambda: False, 0.3)
    yield window, probe
    application.changed = lambda view: None
    application.tasks.cancel_all(wait=5)
    bridge.close()
    window.close()
    window.deleteLater()
    wait(lambda: False, 0.3)


def wait(until: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Let the event loop run as it does for a user: asleep between events."""
    loop, end = QEventLoop(), time.perf_counter() + patience
    timer = QTimer()
    timer.timeout.connect(lambda: loop.quit() if until() or time.perf_counter() > end else None)
    timer.start(1)
    loop.exec()


def steps(window: Window, probe: Probe, path: str) -> Iterator[tuple[str, str, float]]:
    """What is done, what was measured (a stall, a frame, an answer, seconds) and how much."""
    application = window.application
    probe.begin()
    start = time.perf_counter()
    application.open([path])
    wait(lambda: window.document is not None)
    yield "open", "seconds", time.perf_counter() - start
    wait(lambda: application.state.tab is not None and application.state.tab.pages is not None)
    wait(lambda: False, 0.5)
    yield "open", "stall", probe.longest
    for slot in application.tasks.slots:
        application.reading.cancel(slot)
    wait(lambda: not any(thread.name.startswith("ptinspect") for thread in threading.enumerate()))
    yield from _filtering(window, probe)
    tree = window.document.tree  # type: ignore[union-attr]
    probe.begin()
    application.expand_to(3)
    wait(lambda: False, 0.3)
    yield "expand to 3", "stall", probe.longest
    bar, frames = tree.verticalScrollBar(), []
    for at in range(120):
        bar.setValue(bar.maximum() * at // 120)
        start = time.perf_counter()
        tree.viewport().repaint()
        frames.append(time.perf_counter() - start)
    yield "scroll", "frame", max(frames[2:])
    yield "scroll, usually", "frame", sorted(frames)[len(frames) // 2]
    widest = max((row for row, _ in application.state.tab.opened.table.walk()), key=lambda row: len(row.below))  # type: ignore[union-attr]
    application.expand_to(0)
    wait(lambda: False, 0.2)
    probe.begin()
    application.show(widest.below[0].path)
    wait(lambda: False, 0.3)
    yield f"open {len(widest.below):,} rows", "stall", probe.longest
    probe.begin()
    application.close(application.state.tab.id)  # type: ignore[union-attr]
    del tree, widest
    wait(lambda: not application.tasks.slots)
    wait(lambda: False, 0.3)
    yield "close", "stall", probe.longest


def counting(window: Window, probe: Probe, path: str) -> Iterator[tuple[str, str, float]]:
    """Open it and let its statistics run to their end."""
    application = window.application
    probe.begin()
    start = time.perf_counter()
    application.open([path])
    wait(lambda: application.state.tab is not None and application.state.tab.numbers.findings is not None)
    wait(lambda: False, 0.3)
    yield "statistics", "seconds", time.perf_counter() - start
    yield "statistics", "stall", probe.longest


def _filtering(window: Window, probe: Probe) -> Iterator[tuple[str, str, float]]:
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


def main(path: str, what: str = "") -> int:
    """Print a line for each figure."""
    qt = QApplication(["ptinspect"])
    qt.setStyle("Fusion")
    theme.apply("light")
    gc.disable()
    sys.setswitchinterval(SWITCH)
    found: dict[tuple[str, str], list[float]] = {}
    peaks: list[int] = []
    for _ in range(ROUNDS):
        with shown() as (window, probe):
            for step, kind, value in (counting if what == "--values" else steps)(window, probe, path):
                found.setdefault((step, kind), []).append(value)
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    kept = True
    for (step, kind), values in found.items():
        if kind == "seconds":
            print(f"       {step:<24}{min(values):7.2f} s")
            continue
        best, target = 1000 * min(values), TARGETS.get(kind, STALL)
        kept = kept and best <= target
        print(f"{'ok    ' if best <= target else 'MISSED'} {step:<24}{best:7.1f} ms {kind} (target {target:.0f} ms; {_all(values)})")
    print(f"       {peaks[0] / 1024:.0f} MB at most with one file, {peaks[-1] / 1024:.0f} MB after {ROUNDS}")
    return 0 if kept else 1


def _all(values: list[float]) -> str:
    return ", ".join(f"{1000 * value:.0f}" for value in values)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
