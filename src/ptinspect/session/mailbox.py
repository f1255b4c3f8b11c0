"""Where threads leave their calls for the one that draws; they wait there until somebody listens."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable


class Mailbox:
    """Where other threads leave their calls. Knows nothing of Qt, so that reading a file can begin before Qt is imported."""

    def __init__(self) -> None:
        self.calls: deque[Callable[[], None]] = deque()
        self.ring: Callable[[], None] = lambda: None

    def post(self, call: Callable[[], None]) -> None:
        """Leave a call; from any thread."""
        self.calls.append(call)
        self.ring()
