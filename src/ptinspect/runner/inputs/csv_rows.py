"""The first rows of a CSV file, read as they come: a file of any size costs what its first rows cost."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import IO, cast

from ptinspect.errors import InputDoesNotFit
from ptinspect.frozen import frozen
from ptinspect.runner.inputs.columns import Column
from ptinspect.runner.inputs.reading import opened, told

SURVEYED = 10_000  # rows that means, categories and words are taken from
_MOST_CHARS = 32 << 20
_LONGEST_LINE = 1 << 20
_MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "?"))
_NAME = re.compile(r"[^\W\d][\w .:/()#%-]{0,63}")


@frozen
class Table:
    """The first rows, as texts, and the names of the columns where the file gives some."""

    path: str
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    named: bool
    more: bool

    def place(self, column: Column) -> int:
        """Where a column stands. Raises InputDoesNotFit with the columns that there are."""
        if column.name in self.names:
            return self.names.index(column.name)
        if column.place is not None and column.place < len(self.names):
            return column.place
        folded = [name.casefold().strip() for name in self.names]
        if column.name.casefold().strip() in folded:
            return folded.index(column.name.casefold().strip())
        listed = ", ".join(self.names[:30]) + (" ..." if len(self.names) > 30 else "")
        known = f"It has {listed}." if self.named else f"It has no names in its first line, and {len(self.names)} columns: {listed}."
        raise InputDoesNotFit(f"there is no column `{column.name}` in `{self.path}`", known)

    def column(self, place: int) -> list[str]:
        """The texts of a column, an empty one where a row is too short."""
        return [row[place] if place < len(row) else "" for row in self.rows]


def table_of(path: str, wanted: Sequence[Column], most: int) -> Table:
    """The first `most` rows, or those that statistics are taken from where that is more."""
    most = max(most, SURVEYED)
    with told(path), opened(path) as stream:
        lead = stream.peek(1 << 12)[: 1 << 12] if hasattr(stream, "peek") else b""
        lines = _lines(stream, lead, path)
        first = next(lines, "")
        if not first.strip():
            raise InputDoesNotFit(f"`{path}` is empty", "Give a CSV file with a row for each sample.")
        reader = csv.reader(itertools.chain((first,), lines), delimiter=_delimiter(path, first))
        try:
            rows = [tuple(row) for row in itertools.islice((row for row in reader if row), most + 2)]
        except csv.Error as error:
            hint = "Save it as plain CSV: texts with line breaks in double quotes."
            raise InputDoesNotFit(f"line {reader.line_num:,} of `{path}` is no CSV: {error}", hint) from None
    named = _has_names(rows, [column.name for column in wanted])
    width = max(map(len, rows[:100]), default=0)
    names = [name.strip() or f"#{at + 1}" for at, name in enumerate(rows[0])] if named else []
    names += [f"#{at + 1}" for at in range(len(names), width)]
    body = rows[1:] if named else rows
    if not body:
        raise InputDoesNotFit(f"`{path}` has a line of names and no rows", "Give a CSV file with a row for each sample.")
    return Table(path, tuple(names), tuple(body[:most]), named, len(body) > most)


def _lines(stream: io.BufferedIOBase, lead: bytes, path: str) -> Iterator[str]:
    """Its lines as text. UTF-8 unless it begins with the mark of UTF-16; what is neither becomes a sign for it."""
    wide = lead[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = io.TextIOWrapper(cast("IO[bytes]", stream), "utf-16" if wide else "utf-8-sig", "replace", newline="")
    left = _MOST_CHARS
    while left > 0:
        line = text.readline(_LONGEST_LINE)
        if not line:
            return
        if "\0" in line:
            raise InputDoesNotFit(f"`{path}` is no text", "Give a CSV file: lines of text with commas.")
        if len(line) >= _LONGEST_LINE and not line.endswith(("\n", "\r")):
            raise InputDoesNotFit(f"a line of `{path}` has more than a million characters", "Give a CSV file with a line for each sample.")
        left -= len(line)
        yield line


def _delimiter(path: str, first: str) -> str:
    if path.lower().removesuffix(".gz").endswith((".tsv", ".tab")):
        return "\t"
    plain = re.sub(r'"[^"]*"', "", first)
    return max((",", ";", "\t", "|"), key=lambda sign: (plain.count(sign), sign == ","))


def _has_names(rows: Sequence[Sequence[str]], wanted: Sequence[str]) -> bool:
    """Whether the first line is names: one of them was asked for; or it has no number while a line below has, or looks like names."""
    first = [cell.strip() for cell in rows[0]]
    folded = {cell.casefold() for cell in first}
    if any(name.casefold().strip() in folded for name in wanted):
        return True
    if any(number(cell) is not None for cell in first) or not any(first):
        return False
    if any(number(cell) is not None for row in rows[1:50] for cell in row):
        return True
    alike = len(folded) == len(first) and all(_NAME.fullmatch(cell) and len(cell.split()) <= 3 for cell in first)
    return alike and (len(rows) > 1 or len(first) > 1)


def number(text: str) -> float | None:
    """The number that a cell holds; inf and nan count as none."""
    try:
        found = float(text)
    except ValueError:
        return None
    return found if found - found == 0 else None


def is_missing(text: str) -> bool:
    """Whether a cell holds no value."""
    return text.strip().casefold() in _MISSING


__all__ = ["SURVEYED", "Table", "is_missing", "number", "table_of"]
