"""One phase by itself, in a process that tells its own time: `stream FILE` counts all values, `sum FILE` adds them up in memory.

The last line on standard output is the time of the phase in seconds; imports, opening, and reading into memory come before it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


def stream(path: str) -> Callable[[], object]:
    """Our counting, with the compiled loops at hand."""
    from ptinspect.analysis import kernels  # noqa: F401
    from ptinspect.analysis.stream import Request, statistics
    from ptinspect.checkpoint.opening import open_checkpoint

    checkpoint = open_checkpoint(path)
    few = Request(checkpoint, checkpoint.document.tensors[:1])
    list(statistics(few))  # what was kept compiled is loaded now
    return lambda: list(statistics(Request(checkpoint, checkpoint.document.tensors)))


def added(path: str) -> Callable[[], object]:
    """One thread of numpy over the same bytes, as float32, in memory already."""
    import numpy as np

    values = np.fromfile(path, np.uint8)
    numbers = values[: values.size // 4 * 4].view(np.float32)
    return lambda: float(numbers.sum())


def main(phase: str, path: str) -> None:
    """Run it once and tell."""
    work = {"stream": stream, "sum": added}[phase](path)
    start = time.perf_counter()
    work()
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main(*sys.argv[1:])
