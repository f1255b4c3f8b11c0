"""What is measured, against what, and how good it has to be."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tests.bench.process import SOURCES, ptinspect, python

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # a screen would be measured with its server
SAMPLES = sorted((SOURCES.parent / "resources" / "samples").glob("*.pt"))
MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Case:
    """`ratio` bounds our time by theirs; `resident` our memory; `extra_read` how many bytes more than they we may read.

    `elements` are told as a speed. The two sides of a `phase` tell their own time.
    """

    name: str
    ours: list[str]
    theirs: list[str]
    label: str
    files: list[Path]
    ratio: float
    elements: int | None = None
    resident: int | None = None
    extra_read: int | None = None
    phase: bool = False


def cases(folder: Path) -> list[Case]:
    """All of them, on the files of this folder; a file is made when its case is run."""
    big, small, many, quarter = (folder / f"{name}.pt" for name in ("big", "small", "many", "quarter"))
    torch = python("-c", "import torch")
    ours_big, ours_small = ptinspect("info", str(big)), ptinspect("info", str(small))
    answer = ptinspect("info", "--json", str(many))
    load = python("-c", f"import torch; torch.load({str(many)!r}, mmap=True)")
    return [
        Case("info-big", ours_big, torch, "import torch", [big], 0.10, resident=40 * MB),
        Case("info-small", ours_small, torch, "import torch", [small], 0.10, resident=40 * MB),
        # Equal but for noise: a tensor holds a hundred times more bytes, and none of them is read.
        Case("same-time", ours_big, ours_small, "info at 44 MB", [big, small], 1.15, extra_read=4096),
        Case("tensors", answer, load, "torch.load", [many], 0.35, resident=350 * MB),
        Case("tree", ptinspect("tree", "--json", str(many)), load, "torch.load", [many], 0.35, resident=350 * MB),
        # Four times the tensors, and the start of the process only once.
        Case("linear", answer, ptinspect("info", "--json", str(quarter)), "25,000 tensors", [many, quarter], 4.4),
        *statistics(folder),
        *comparisons(folder),
        *batches(folder),
        window("window-big", big, 1.7),
        window("window-small", small, 1.7),
        scan("scan-samples", SAMPLES, SAMPLES[0].parent),
        scan("scan-small", [small], small),
        scan("scan-tensors", [many], many),
    ]


VALUES = 66 * 4096 * 4096
FRESH = 'PTINSPECT_CACHE=$(mktemp -d) exec "$@"'


def statistics(folder: Path) -> list[Case]:
    """All numbers of 1.1 billion weights against plain torch's; the last pair is within one process, numpy's sum beside the stream."""
    found = []
    for kind in ("values", "values16"):
        file = folder / f"{kind}.pt"
        ours = ptinspect("stats", "--no-cache", str(file))
        theirs = python("-m", "tests.bench.torch_statistics", str(file))
        first = ["sh", "-c", FRESH, "sh", *ours]  # nothing compiled yet
        found.append(Case(f"stats-{kind}", ours, theirs, "torch", [file], 1 / 12, VALUES, 350 * MB))
        found.append(Case(f"stats-first-{kind}", first, theirs, "torch", [file], 1 / 6, VALUES, 350 * MB))
        stream = python("-m", "tests.bench.phases", "stream", str(file))
        found.append(
            Case(
                f"stream-{kind}", stream, python("-m", "tests.bench.phases", "sum", str(file)), "numpy sum", [file], 2.5, VALUES, phase=True
            )
        )
    return found


def window(name: str, file: Path, ratio: float) -> Case:
    """From the start of the process to the painted tree, against a window with a bare tree."""
    bare = python(str(Path(__file__).with_name("bare_window.py")))
    return Case(name, ptinspect("--benchmark-open", str(file)), bare, "a bare window", [file], ratio, resident=120 * MB)


def comparisons(folder: Path) -> list[Case]:
    """Two files of 1.1 billion weights each: headers alone, equal bytes, and every number of a whole fine-tuning or of a cast."""
    base, copied, tuned, cast = (folder / f"{name}.pt" for name in ("values", "copied", "tuned", "values16"))
    glance = ptinspect("diff", "--quick", str(base), str(copied))
    asked = {what: python("-m", "tests.bench.torch_comparison", what, str(base)) for what in ("equal", "numbers")}
    equal, numbers = ([*asked["equal"], str(copied)], [*asked["numbers"], str(tuned)])
    read = Case("diff-equal", ptinspect("diff", str(base), str(copied)), equal, "torch.equal", [base, copied], 1 / 6, VALUES, 350 * MB)
    whole = Case(
        "diff-numbers", ptinspect("diff", "--json", str(base), str(tuned)), numbers, "torch", [base, tuned], 1 / 8, VALUES, 350 * MB
    )
    ours, theirs = ptinspect("diff", "--json", str(base), str(cast)), [*asked["numbers"], str(cast)]
    return [
        Case("diff-cast", ours, theirs, "torch", [base, cast], 1 / 8, VALUES, 350 * MB),
        Case("diff-quick", glance, python("-c", "import torch"), "import torch", [base, copied], 0.10, resident=40 * MB),
        read,
        whole,
    ]


def batches(folder: Path) -> list[Case]:
    """A test batch against a script of one's own: until the first output is there, and how fast passes are."""
    file = folder / "classifier.pt"
    ours, theirs = (lambda what, who=who: python("-m", f"tests.bench.{who}", what, str(file)) for who in ("batch_steps", "torch_batch"))
    return [
        Case("run-first", ours("first"), theirs("first"), "a script", [file], 1.15),
        Case("run-rate", ours("rate"), theirs("rate"), "a script", [file], 1.03, phase=True),
    ]


def scan(name: str, files: list[Path], place: Path) -> Case:
    """Our scan against picklescan's command line, which takes one file or a folder."""
    theirs = python("-m", "picklescan", "--path", str(place))
    return Case(name, ptinspect("scan", *map(str, files)), theirs, "picklescan", files, 0.5)
