"""macOS hands files to a program by events, whether it is starting or has run for days: one event for each file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication


class Program(QApplication):
    """The application, which such events are sent to. A filter on it would see every event of every widget, and cost all of them."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__(list(words))
        self._take: Callable[[list[str]], None] | None = None
        self._early: list[str] = []

    def hand_files_to(self, take: Callable[[list[str]], None]) -> None:
        """From now on, and those that came before there was a window."""
        self._take, early, self._early = take, self._early, []
        if early:
            take(early)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FileOpen and isinstance(event, QFileOpenEvent) and event.file():
            if self._take is None:
                self._early.append(event.file())
            else:
                self._take([event.file()])
            return True
        return super().event(event)
