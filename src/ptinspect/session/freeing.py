"""Frees what a file left behind, a few objects at a time: at once, a large tree would hold the interpreter for a tenth of a second."""

from __future__ import annotations

import gc
import time
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

from ptinspect.session.rows import Row, RowTable
from ptinspect.session.tasks import Context

PATIENCE = 0.5  # seconds until whoever showed the file has let go of it
SLICE = 400
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
    held = [last.pop()]
    seen: list[set[int]] = [set() for _ in range(PARTS)]
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
    del one, below
    while seen:
        del seen[-1]
    held.reverse()
    while held:
        del held[-SLICE:]
        time.sleep(0)
