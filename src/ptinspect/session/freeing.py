"""Frees what a file left behind, a few objects at a time: at once, a large tree would hold the interpreter for a tenth of a second."""

from __future__ import annotations

import gc
import sys
import time
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from ptinspect.session.rows import Row, RowTable
from ptinspect.session.tasks import Context

PATIENCE = 0.5  # seconds until whoever showed the file has let go of it
MOMENT = 0.001  # seconds of letting go at one go
CROWD = 400
OURS = 2  # references to what nobody else holds: a name, and the question itself
PAUSE = 0.0001  # a sleep of nothing takes the interpreter back before whoever waits for it has woken up
PARTS = 1_024  # one set of a million numbers holds the interpreter whenever it grows
_SHARED = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, str, bytes, int, float)


def free(last: list[object], context: Context) -> None:
    """Gather everything that hangs on the only object of a list, then let go of it from the top down.

    What hangs on an object is still held when the object goes, so nothing takes much with it. Rows and the rows below them know each
    other: they are parted, since nobody collects what lives in circles here.
    """
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if context.is_cancelled:
            return
        time.sleep(0.02)
    held = _gathered(last.pop())
    while held:
        _let_go(held)
        time.sleep(PAUSE)


def _gathered(top: object) -> list[object]:
    """It and everything that hangs on it, the leaves first."""
    held = [top]
    seen: list[set[int]] = [set() for _ in range(PARTS)]
    gc.freeze()  # a collection in between would look at a list of a million
    for one in held:
        for below in gc.get_referents(one):
            if not isinstance(below, _SHARED):
                number = id(below)
                part = seen[(number >> 4) % PARTS]
                if number not in part:
                    part.add(number)
                    held.append(below)
        if isinstance(one, (Row, RowTable)):
            one.part()
    while seen:
        del seen[-1]
    held.reverse()
    return held


def _let_go(held: list[object]) -> None:
    """Of the last ones, for a moment. Towards the end some of them give whole arenas back to the system."""
    end = time.perf_counter() + MOMENT
    while held and time.perf_counter() < end:
        one: Any = held.pop()
        if type(one) is dict and len(one) > CROWD and sys.getrefcount(one) == OURS:
            _empty(one)


def _empty(crowd: dict[Any, Any]) -> None:
    """A hundred thousand numbers or texts would go with it all at once."""
    while crowd:
        for _ in range(min(CROWD, len(crowd))):
            crowd.popitem()
        time.sleep(PAUSE)
