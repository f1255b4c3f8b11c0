"""What a program of ours says to the window that started it: lines of JSON on its standard output."""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

BEAT = 0.1


class Speaker:
    """Writes lines; a beat in between keeps the other side able to end it. `step` is what it begins with."""

    def __init__(self, step: str) -> None:
        self._lock = threading.Lock()
        self._state = (step, 0, 0)

    def begin(self) -> None:
        """Go behind the window, and let the beat be heard from now on."""
        if hasattr(os, "nice"):
            os.nice(5)  # the window goes first
        threading.Thread(target=self._beat, daemon=True).start()

    def say(self, **fields: Any) -> None:
        """One line."""
        line = json.dumps(fields) + "\n"
        try:
            with self._lock:
                sys.stdout.write(line)
                if "place" not in fields:
                    sys.stdout.flush()
        except OSError:
            os._exit(0)  # nobody listens

    def progress(self, step: str, done: int, total: int) -> None:
        """Kept for the next beat."""
        self._state = (step, done, total)

    def _beat(self) -> None:
        """Say how far it is, for as long as it lives."""
        while True:
            step, done, total = self._state
            self.say(step=step, done=done, total=total)
            threading.Event().wait(BEAT)
