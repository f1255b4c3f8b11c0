"""Frees what a file left behind, a few objects at a time: at once, a large tree would hold the interpreter for a tenth of a second."""

from __future__ import annotations

import gc
import time
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

from ptinspect.session.tasks import Context

PATIENCE = 0.5  # seconds until whoever showed the file has let go of it
SLICE = 400
_SHARED = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, str, bytes, int, float)


def free(last: list[object], context: Context) -> None:
    """Gather everything that hangs on the only object of a list, then let go of it from the leaves up."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if context.is_cancelled:
            return
        time.sleep(0.02)
    held = [last.pop()]
    seen = {id(held[0])}
    for one in held:
        for below in gc.get_referents(one):
            if not isinstance(below, _SHARED) and id(below) not in seen:
                seen.add(id(below))
                held.append(below)
    del one, below
    seen.clear()
    while held:
        del held[-SLICE:]
        time.sleep(0)
