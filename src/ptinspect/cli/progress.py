"""How far long work is, on standard error, where a person watches."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from ptinspect.quantities import size_text
from ptinspect.spelled import plain

_PATIENCE = 0.3
_STEP = 0.1


class ProgressLine:
    """One line that is written over; nothing where standard error is no terminal, or the work is done at once."""

    def __init__(self, doing: str) -> None:
        self.doing = doing
        self.shown = False
        self._next = time.monotonic() + _PATIENCE
        self._watched = sys.stderr is not None and sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __call__(self, done: int, total: int) -> None:
        """Bytes that are done, of all."""
        now = time.monotonic()
        if not self._watched or now < self._next:
            return
        self._next, self.shown = now + _STEP, True
        share = f"{100 * done // total if total else 100:3d} %"
        sys.stderr.write(f"\r{self.doing} {share}  {size_text(done)} of {size_text(total)}\033[K")
        sys.stderr.flush()

    def steps(self, stage: str, done: int, total: int) -> None:
        """What it is at, and how many of how many are done."""
        if self._watched and time.monotonic() >= self._next:
            self.shown = True
            sys.stderr.write(f"\r{self.doing}: {plain(stage)}{f' {done:,} of {total:,}' if total else ''}\033[K")
            sys.stderr.flush()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
