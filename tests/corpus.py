"""Real files of other people, read in place: `../shared/corpus` beside the repository, or where PTINSPECT_CORPUS says."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("PTINSPECT_CORPUS") or Path(__file__).parents[2] / "shared" / "corpus")

needs_corpus = pytest.mark.skipif(not (FOLDER / "manifest.tsv").is_file(), reason="the corpus is not beside this checkout")


@dataclass(frozen=True)
class Row:
    """One file of the manifest. An empty cell is unknown, not zero."""

    path: Path
    hostile: str
    container: str
    kind: str
    tensors: int | None
    elements: int | None

    @property
    def id(self) -> str:
        return str(self.path.relative_to(FOLDER / "files"))


@cache
def rows() -> tuple[Row, ...]:
    """The manifest, or nothing where the corpus is absent."""
    if not (FOLDER / "manifest.tsv").is_file():
        return ()
    before = csv.field_size_limit(1 << 30)  # of the whole process: others read tables as well
    try:
        with (FOLDER / "manifest.tsv").open(newline="") as file:
            return tuple(_rows(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)))
    finally:
        csv.field_size_limit(before)


def _rows(reader: csv.DictReader[str]) -> Iterator[Row]:
    def number(text: str) -> int | None:
        return int(text) if text else None

    for row in reader:
        counts = number(row["tensors"]), number(row["elements"])
        yield Row(FOLDER / row["path"], row["hostile"], row["container"], row["kind"], *counts)


def each(chosen: Callable[[Row], bool]) -> pytest.MarkDecorator:
    """A test for each row that is chosen."""
    found = [row for row in rows() if chosen(row)]
    return pytest.mark.parametrize("row", found, ids=lambda row: row.id)
