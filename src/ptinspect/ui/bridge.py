"""Hands calls from other threads to the thread that draws, in their order."""

from __future__ import annotations

from time import perf_counter

from PySide6.QtCore import QObject, Qt, Signal, Slot

from ptinspect.session.mailbox import Mailbox

LONGEST = 0.008  # seconds of calls at one go; the rest comes after whatever the user did meanwhile


class Bridge(QObject):
    """Empties the mailbox in the thread that it was made in."""

    rung = Signal()

    def __init__(self, mailbox: Mailbox) -> None:
        super().__init__()
        self._mailbox = mailbox
        self.rung.connect(self.deliver, Qt.ConnectionType.QueuedConnection)
        mailbox.ring = self.rung.emit
        self.rung.emit()

    @Slot()
    def deliver(self) -> None:
        """Make the calls that wait."""
        start = perf_counter()
        calls = self._mailbox.calls
        try:
            while calls and perf_counter() - start < LONGEST:
                calls.popleft()()
        finally:
            if calls:  # also after a call that failed: those behind it are not to blame
                self.rung.emit()

    def close(self) -> None:
        """Nobody listens from now on."""
        self._mailbox.ring = lambda: None
        self._mailbox.calls.clear()
