"""Programs of our own that count in a process of theirs: started with this Python and these sources, ended whatever happens."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ptinspect


@contextmanager
def child(module: str, *arguments: str, told: bytes | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A child that was told a line, or nothing; what it says is read by whoever asked for it."""
    sources = str(Path(ptinspect.__file__).parents[1])
    path = os.pathsep.join(filter(None, (sources, os.environ.get("PYTHONPATH"))))
    made = subprocess.Popen(
        [sys.executable, "-P", "-m", module, *arguments], stdin=subprocess.DEVNULL if told is None else subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": path},
    )  # fmt: skip
    try:
        if told is not None and made.stdin is not None:
            with made.stdin:
                made.stdin.write(told)
        yield made
    finally:
        made.kill()
        made.wait()
        if made.stdout is not None:
            made.stdout.close()
