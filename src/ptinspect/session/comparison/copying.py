"""The aligned tree as text to paste: for a terminal, for Markdown, for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator

from ptinspect.checkpoint.model import Entry
from ptinspect.session.comparison.cells import change_text, name_text, side_text, state_text
from ptinspect.session.comparison.rows import PairRow, PairTable
from ptinspect.session.copying import AT_ONCE, MOST, Form, cell, laid_out, safe
from ptinspect.session.words import plain

TITLES = ["Layer", "State", "Left", "Right", "% of norm"]
_FIELDS = ("left", "right", "state", "left_shape", "right_shape", "left_dtype", "right_dtype", "relative_l2")


def pairs_text(table: PairTable, form: Form, stop: Callable[[], None] = lambda: None) -> str:
    """Every row that the filter and the kinds that are shown leave, in their order; what takes long may be stopped."""
    found = list(_rows(table, stop))
    if form == "csv":
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(_FIELDS)
        writer.writerows(_fields(row) for row, _ in found if row.pair is not None)
        return out.getvalue()
    cells = [[cell(text, 0 if at else level, form) for at, text in enumerate(_texts(row))] for row, level in found]
    return laid_out(TITLES, cells, [title == "% of norm" for title in TITLES], form)


def _rows(table: PairTable, stop: Callable[[], None]) -> Iterator[tuple[PairRow, int]]:
    for count, (row, level) in enumerate(table.walk()):
        if count >= MOST:
            return
        if count % AT_ONCE == 0:
            stop()
        if isinstance(row, PairRow):
            yield row, level


def _texts(row: PairRow) -> tuple[str, ...]:
    return name_text(row), state_text(row), side_text(row, "left"), side_text(row, "right"), change_text(row)


def _fields(row: PairRow) -> list[str]:
    """A tensor's row with its numbers in full, since a spreadsheet counts with them."""
    pair = row.pair
    sides = (None, None) if pair is None else (pair.match.left, pair.match.right)
    relative = row.relative
    names, shapes, dtypes = zip(*(_side(entry) for entry in sides), strict=True)
    return [*names, state_text(row).lower(), *shapes, *dtypes, "" if relative is None else repr(relative)]


def _side(entry: Entry | None) -> tuple[str, str, str]:
    if entry is None:
        return "", "", ""
    return safe(plain(entry.name)), "x".join(map(str, entry.tensor.shape)) or "scalar", entry.tensor.dtype.name
