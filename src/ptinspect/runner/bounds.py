"""Bounds of a process that the kernel keeps: memory, processor time, the size of files.

- Memory is RLIMIT_DATA: private memory that can be written, of each process for itself. Not RLIMIT_AS: CUDA reserves addresses by the
  hundred gigabytes, never to fill them. Not a thread that looks at the resident size: it needs the GIL, looks too late, and the system
  kills the window instead. A private writable mapping of a file counts in full; a read-only or shared one does not, nor a GPU's memory.
- Wall time is the parent's to watch; a bound on processor time ends a child that the parent forgot.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time

if sys.platform != "win32":
    import resource

_LARGEST_FILE = 4 << 30
_FOR_TORCH = 768 << 20
_GRACE = 30.0
"""More processor time than wall time, in seconds, so that the parent's sentence comes first."""


def bound_memory(most: int | None) -> None:
    """What is asked for beyond it is refused: a MemoryError, and no end."""
    if most is None:
        raise OSError("no bound was asked for")
    if sys.platform != "linux":
        raise OSError(f"{system()} keeps no bound on the memory of a process")
    _lower(resource.RLIMIT_DATA, most)
    with contextlib.suppress(OSError):  # where the whole machine runs short, this process is to go before the window
        _write("/proc/self/oom_score_adj", "1000")


def is_scanty(most: int | None) -> bool:
    """Whether torch itself may not fit into so much."""
    return most is not None and most < _FOR_TORCH


def scanty(most: int | None) -> tuple[str, str]:
    """What it means, and what to do."""
    return f"{(most or 0) >> 20:,} MB of memory are too few to start torch in", "Allow it more: --memory 2000."


def bound_time(seconds: float) -> None:
    """Every core may work all the time that the run may last."""
    if sys.platform == "win32":
        raise OSError("Windows keeps no bound on the time of a process")
    used = time.process_time()
    most = int(used + seconds * (os.cpu_count() or 1) + _GRACE)
    _lower(resource.RLIMIT_CPU, most, most + 5)


def bound_files() -> None:
    """No core dump, which would hold the weights, and no file that fills the disk."""
    if sys.platform == "win32":
        raise OSError("Windows has no such bound")
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, _LARGEST_FILE)


def _lower(which: int, soft: int, hard: int | None = None) -> None:
    """Never raise a bound that somebody else has set."""
    if sys.platform != "win32":
        allowed = resource.getrlimit(which)[1]
        hard = soft if hard is None else hard
        hard = hard if allowed == resource.RLIM_INFINITY else min(hard, allowed)
        resource.setrlimit(which, (min(soft, hard), hard))


def system() -> str:
    """What people call it."""
    return {"darwin": "macOS", "win32": "Windows"}.get(sys.platform, sys.platform)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


__all__ = ["bound_files", "bound_memory", "bound_time", "system"]
