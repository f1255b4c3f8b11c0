"""`python -m tests.bench [names]`: every case, or those named, with both sides, their ratio and the target."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.cases import MB, Case, cases
from tests.bench.process import SOURCES, Reading, compare, installed, python

SPACE = 10 << 30


def make(case: Case, folder: Path) -> None:
    """The case's files that are not there yet, in a process of their own: torch must not weigh on this one."""
    for path in case.files:
        if path.parent == folder and not path.exists():
            subprocess.run(python("-m", "tests.bench.files", path.stem, str(folder)), check=True)


def verdicts(case: Case, ours: Reading, theirs: Reading) -> list[tuple[str, bool]]:
    """Each promise of a case in words, and whether it was kept."""
    ratio = ours.seconds / theirs.seconds
    found = [(f"{ratio:.3f}x of {case.label} (target {case.ratio}x)", ratio <= case.ratio)]
    if case.resident is not None:
        found.append((f"{ours.resident / MB:.0f} MB (target {case.resident / MB:.0f} MB)", ours.resident < case.resident))
    if case.extra_read is not None:
        extra = ours.read - theirs.read
        found.append((f"{extra:,} bytes more read (target {case.extra_read:,})", extra <= case.extra_read))
    return found


def row(label: str, reading: Reading, case: Case) -> str:
    """One side in figures."""
    text = f"  {label:<16}{reading.seconds:8.3f} s {reading.resident / MB:7.0f} MB resident {reading.read / MB:8.1f} MB read"
    if case.elements is None:
        return text
    size = sum(path.stat().st_size for path in case.files)
    return f"{text}  {case.elements / reading.seconds / 1e9:.2f} G values/s {size / reading.seconds / 1e9:.2f} GB/s"


STALLS = {
    "stalls": ("many", ""),
    "stalls-values": ("values", "--values"),
    "stalls-counts": ("many", "--values"),
    "scroll": ("many", "--scroll"),
}


def stalls(name: str, folder: Path, sources: Path) -> bool:
    """Whether the window is never blocked for long: by itself, there is nothing to compare it with."""
    kind, what = STALLS[name]
    path = folder / f"{kind}.pt"
    if not path.exists():
        subprocess.run(python("-m", "tests.bench.files", kind, str(folder)), check=True)
    print(f"\n{name}", flush=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["PYTHONPATH"] = os.pathsep.join((str(sources), str(SOURCES.parent)))
    return (
        subprocess.run(python("-m", "tests.bench.stalls", str(path), *filter(None, [what])), env=environment, check=False).returncode == 0
    )


def main(names: list[str]) -> int:
    """Print as it goes; 1 if a target was missed, 2 if nothing could be measured."""
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        folder = Path(temporary)
        chosen = [case for case in cases(folder) if not names or case.name in names]
        if unknown := set(names) - {case.name for case in chosen} - set(STALLS):
            print(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(case.name for case in cases(folder))}")
            return 2
        if shutil.disk_usage(folder).free < SPACE:
            print(f"{folder} has less than 10 GB free; set TMPDIR to a folder that has")
            return 2
        print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; page cache warm, interleaved, smallest of 5")
        sources, kept = installed(folder), True
        for case in chosen:
            make(case, folder)
            ours, theirs = compare(case.ours, case.theirs, case.files, sources, case.phase)
            print(f"\n{case.name}", row("ptinspect", ours, case), row(case.label, theirs, case), sep="\n")
            for text, good in verdicts(case, ours, theirs):
                print(f"  {'ok    ' if good else 'MISSED'} {text}", flush=True)
                kept = kept and good
        for name in STALLS if not names else [name for name in STALLS if name in names]:
            kept = stalls(name, folder, sources) and kept
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
