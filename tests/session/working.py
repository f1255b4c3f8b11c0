"""The application without a screen, and without waiting: its mailbox is emptied until the work is done."""

from __future__ import annotations

import time
from pathlib import Path

from ptinspect import resources
from ptinspect.session.application import Application
from ptinspect.session.mailbox import Mailbox
from ptinspect.session.settings import Settings

SAMPLES = resources.path("samples")
CHECKPOINT = str(SAMPLES / "checkpoint.pt")
PATIENCE = 30.0


class Session:
    """An application whose calls are delivered here."""

    def __init__(self, folder: Path | None = None, settings: Settings | None = None) -> None:
        self.mailbox = Mailbox()
        self.app = Application(self.mailbox.post, folder, settings)
        self.views = []
        self.app.changed = self.views.append

    def settle(self) -> None:
        """Deliver until nothing is at work."""
        end = time.monotonic() + PATIENCE
        while self.app.tasks.slots or self.mailbox.calls:
            while self.mailbox.calls:
                self.mailbox.calls.popleft()()
            assert time.monotonic() < end, f"{self.app.tasks.slots} never end"
            time.sleep(0.001)

    def open(self, *paths: object) -> Session:
        self.app.open([str(path) for path in paths])
        self.settle()
        for tab in self.app.state.tabs:
            self.app.describe(tab.id)
        self.settle()
        return self

    @property
    def tab(self):
        return self.app.state.tab
