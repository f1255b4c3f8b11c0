"""Damaged files on either side of a comparison: an answer or a FileProblem, never anything else."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from ptinspect.errors import FileProblem
from tests.analysis.compare.networks import compared
from tests.fuzz import seeds
from tests.fuzz.mutations import mutated

INPUTS = 1_500


def ending(left: Path, right: Path) -> str:
    try:
        found = compared(left, right)
    except FileProblem as problem:
        return type(problem).__name__
    return "compared" if found.verdict else "nothing"


@pytest.mark.fuzz
def test_that_damaged_files_are_compared_or_refused(tmp_path: Path) -> None:
    known = seeds.load(tmp_path / "seeds")
    ends: Counter[str] = Counter()
    for number in range(INPUTS):
        random = Random(number)
        _, seed = random.choice(known)
        paths = [tmp_path / "left.pt", tmp_path / "right.pt"]
        contents = [seed, mutated(random, seed, random.choice(known)[1])]
        for path, content in zip(paths, contents if number % 2 else contents[::-1], strict=True):
            path.write_bytes(content)
        ends[ending(*paths)] += 1
    assert ends["compared"] > INPUTS / 20, ends
