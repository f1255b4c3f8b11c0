"""What `info` and `scan` share when they read a file's headers. Kept apart so that a scan need not load what only `info` tells."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from ptinspect.findings import Finding
from ptinspect.formats.document import Document
from ptinspect.limits import Limits


@contextmanager
def collector_paused() -> Iterator[None]:
    """A million small objects that all stay alive make the collector walk them again and again for nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def is_hollow(document: Document) -> bool:
    """A broken file of which nothing was left to show."""
    nothing = document.root is None or document.root == []
    return nothing and not document.tensors and not any(pickle.stream.globals for pickle in document.pickles)


def unreadable_tensors(document: Document, limits: Limits) -> list[Finding]:
    """One finding for each tensor that cannot be read, up to the limit."""
    broken = [(tensor.name, tensor.problem) for tensor in document.tensors if tensor.problem]
    found = [
        Finding("warning", "a tensor cannot be read", f"{problem[0].upper()}{problem[1:]}.", name)
        for name, problem in broken[: limits.findings]
    ]
    if len(broken) > len(found):
        found.append(Finding("warning", f"{len(broken) - len(found):,} more tensors cannot be read", "Their rows say why."))
    return found
