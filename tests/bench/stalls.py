"""How long the window is ever blocked: `python -m tests.bench.stalls FILE` opens it, filters, looks at tensors, scrolls, closes.
With `--values` it opens the file and waits until all of its values are counted, with `--scroll` it walks through its layer tree.

Everything is done three times, each time by a process of its own that has nothing compiled or kept from before. Of each step the
smallest of the three longest stalls is printed, for the machine has stalls of its own. 1 where one is above the target.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

ROUNDS = 3
MB = 1 << 20
TARGETS = {"frame": 16.0, "answer": 100.0, "stall": 50.0}
MEMORY = {"open": 450.0, "all counted": 450.0}


def once(path: str, what: str) -> list[tuple[str, str, float]]:
    """The figures of one process: step, kind, value."""
    with tempfile.TemporaryDirectory(prefix="stalls-") as kept:
        command = [sys.executable, "-m", "tests.bench.window_steps", path, *filter(None, [what])]
        done = subprocess.run(command, stdout=subprocess.PIPE, env=os.environ | {"PTINSPECT_CACHE": kept}, check=True)
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def line(step: str, kind: str, values: list[float]) -> tuple[str, bool]:
    """A figure in words, and whether its promise was kept."""
    if kind == "seconds":
        return f"       {step:<26}{min(values):7.2f} s", True
    scale, unit, target = (1 / MB, "MB", MEMORY.get(step)) if kind == "memory" else (1000.0, "ms", TARGETS[kind])
    best, every = scale * min(values), ", ".join(f"{scale * value:.0f}" for value in values)
    if target is None:
        return f"       {step:<26}{best:7.0f} {unit} {kind} ({every})", True
    kept = best <= target
    return f"{'ok    ' if kept else 'MISSED'} {step:<26}{best:7.1f} {unit} {kind} (target {target:.0f} {unit}; {every})", kept


def main(path: str, what: str = "") -> int:
    """Print a line for each figure."""
    found: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS):
        for step, kind, value in once(path, what):
            found.setdefault((step, kind), []).append(value)
    lines = [line(step, kind, values) for (step, kind), values in found.items()]
    print("\n".join(text for text, _ in lines))
    return 0 if all(kept for _, kept in lines) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
