"""Garbage goes in the thread that draws, and only there."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import ClassVar

from PySide6.QtCore import QObject

from ptinspect.ui import collector
from ptinspect.ui.collector import Collector


class Ring:
    """An object in a cycle, that tells which thread took it."""

    taken: ClassVar[list[str]] = []

    def __init__(self) -> None:
        self.own = self

    def __del__(self) -> None:
        Ring.taken.append(threading.current_thread().name)


def test_that_a_cycle_made_by_a_thread_is_taken_by_the_main_one(qtbot, monkeypatch) -> None:
    monkeypatch.setattr(collector, "OFTEN", 20)
    monkeypatch.setattr(collector, "YOUNG", 100)
    parent = QObject()
    Collector(parent)
    try:
        last = []

        def work() -> None:
            for _ in range(5_000):
                ring = Ring()
            last.append(weakref.ref(ring))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        qtbot.waitUntil(lambda: last[0]() is None, timeout=10_000)
        assert set(Ring.taken) == {"MainThread"}
    finally:
        parent.deleteLater()
        gc.enable()


def test_that_what_a_file_brings_is_set_aside_and_not_looked_at(qtbot, monkeypatch) -> None:
    monkeypatch.setattr(collector, "MANY", 3_000)
    parent = QObject()
    looking = Collector(parent)
    try:
        gc.collect()
        before, kept = gc.get_freeze_count(), [[at] for at in range(4_000)]
        looking.look()
        assert gc.get_freeze_count() - before >= len(kept)
        assert gc.get_count()[0] < 1_000
    finally:
        gc.unfreeze()
        parent.deleteLater()
        gc.enable()
