"""A whole process from start to end: how long, how much memory, how many bytes it read.

This module and whoever calls it stay with the standard library: Linux counts the memory of the process that starts a child
as the child's own until the child's program begins.
"""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROUNDS = 5
SOURCES = Path(__file__).resolve().parents[2] / "src"
CHUNK = 1 << 22


@dataclass(frozen=True, slots=True)
class Reading:
    """What one run took. `read` is in bytes, through read calls alone; a file that is mapped would show in `resident`."""

    seconds: float
    resident: int
    read: int


def python(*arguments: str) -> list[str]:
    """A command for this interpreter."""
    return [sys.executable, *arguments]


def ptinspect(*arguments: str) -> list[str]:
    """A command of this checkout."""
    return python("-m", "ptinspect", *arguments)


def installed(folder: Path) -> Path:
    """Our sources as pip lays them: compiled, as those that they are compared with are."""
    place = Path(shutil.copytree(SOURCES, folder / "installed", ignore=shutil.ignore_patterns("__pycache__")))
    shutil.copytree(SOURCES.parent / "resources", place / "ptinspect" / "resources", ignore=shutil.ignore_patterns("*.py", "pictures"))
    compileall.compile_dir(place, quiet=1)
    return place


def run(command: list[str], sources: Path, phase: bool = False) -> Reading:
    """Run it once; 0 and 1 are the statuses of work that was done (a scanner says 1 for a find).

    A `phase` is a part of a process, which tells its own time on its last line.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["PYTHONPATH"] = os.pathsep.join((str(sources), str(SOURCES.parent)))
    environment["PTINSPECT_CACHE"] = str(sources.parent / "cache")
    with tempfile.TemporaryFile() as complaints, tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        output = said if phase else subprocess.DEVNULL
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=complaints, env=environment)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        seconds = time.perf_counter() - start
        read = _bytes_read(child.pid)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        complaints.seek(0)
        text = complaints.read()
        if child.returncode not in (0, 1) or b"Traceback" in text:
            sys.exit(f"{' '.join(command)} ended with {child.returncode}\n{text.decode(errors='replace')[-2000:]}")
        if phase:
            said.seek(0)
            seconds = float(said.read().split()[-1])
    return Reading(seconds, usage.ru_maxrss * 1024, read)


def _bytes_read(pid: int) -> int:
    """The kernel keeps the count until the ended child is waited for."""
    lines = Path(f"/proc/{pid}/io").read_text("ascii").splitlines()
    return next(int(line.partition(": ")[2]) for line in lines if line.startswith("rchar"))


def warm(paths: list[Path]) -> None:
    """Have the files in the page cache, as after a download."""
    for path in paths:
        with path.open("rb", buffering=0) as stream:
            while stream.read(CHUNK):
                pass


def compare(ours: list[str], theirs: list[str], files: list[Path], sources: Path, phase: bool = False) -> tuple[Reading, Reading]:
    """Both sides in turn, files warmed before each; of each figure the smallest."""
    rounds: tuple[list[Reading], list[Reading]] = ([], [])
    for _ in range(ROUNDS):
        for readings, command in zip(rounds, (ours, theirs), strict=True):
            warm(files)
            readings.append(run(command, sources, phase))
    return _smallest(rounds[0]), _smallest(rounds[1])


def _smallest(readings: list[Reading]) -> Reading:
    return Reading(min(r.seconds for r in readings), min(r.resident for r in readings), min(r.read for r in readings))
