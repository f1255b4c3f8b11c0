"""The order of rows: siblings stand by a column's own value, never by its text, and what has none stands last.

Only what is known is looked at, so sorting never reads a file. Rows that say the same keep the file's order, up or down.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from ptinspect.findings import SEVERITIES
from ptinspect.frozen import frozen
from ptinspect.patterns import pattern
from ptinspect.session import rows
from ptinspect.session.columns import ColumnChoice
from ptinspect.session.rows import Row, RowTable

LIVE = frozenset(("values", "mean", "std", "health"))  # columns that say more while values are counted
AT_ONCE = 4_096  # rows that are put in order at one go: the window draws between two of them
_DIGITS, _WIDE, _LONGEST = pattern(r"\d+"), 20, 300
_TRAINED: dict[object, int | None] = {True: 0, "mixed": 1, False: 2, None: None}


def counted(text: str) -> str:
    """A text that stands where people look for it: 2 before 10, capitals among small letters."""
    text = text[:_LONGEST].lower()
    head = text.rstrip("0123456789")
    if not head or head.replace("_", "").isalpha():  # nearly all names: no number but at their end
        return text if len(head) == len(text) else head + text[len(head) :].zfill(_WIDE)
    return _DIGITS.sub(lambda digits: digits[0].zfill(_WIDE), text)


@lru_cache(maxsize=4_096)
def _word(text: str) -> str | None:
    """One of few words that many rows say."""
    return counted(text) or None


@lru_cache(maxsize=4_096)
def _sizes(shape: tuple[int, ...] | None) -> bytes | None:
    """Size by size. As bytes, since those are compared at once."""
    return None if shape is None else b"".join([min(max(size, 0), 2**64 - 1).to_bytes(8, "big") for size in shape])


def _brief(at: int) -> Callable[[Row], float | None]:
    def key(row: Row) -> float | None:
        found = row.table.facts.shelf.brief(row.source)
        return None if found is None or math.isnan(found[at]) else found[at]

    return key


def _health(row: Row) -> int | None:
    mark = row.table.facts.shelf.mark(row.path)
    return None if mark is None else SEVERITIES.index(mark)


KEYS: dict[str, Callable[[Row], Any]] = {
    "layer": lambda row: counted(row.name),
    "type": lambda row: _word(rows.type_text(row)),
    "shape": lambda row: _sizes(rows.shape_of(row)),
    "params": rows.parameters_of,
    "share": rows.share_of,
    "trained": lambda row: _TRAINED[rows.trained_of(row)],
    "dtype": lambda row: _word(rows.dtype_of(row)),
    "bytes": rows.bytes_of,
    "mean": _brief(0),
    "std": _brief(1),
    "values": _brief(2),
    "health": _health,
}


@frozen
class Order:
    """By which column, and whether the largest comes first."""

    column: str
    is_descending: bool = False

    @property
    def is_live(self) -> bool:
        """Whether counting more values may change it."""
        return self.column in LIVE

    def __call__(self, siblings: Sequence[Row]) -> list[Row]:
        """The rows below one row, in this order."""
        keys = list(map(KEYS[self.column], siblings))
        known = [at for at, key in enumerate(keys) if key is not None]
        for begin in range(0, len(known), AT_ONCE):  # pieces in order are put together in no time
            known[begin : begin + AT_ONCE] = sorted(known[begin : begin + AT_ONCE], key=keys.__getitem__, reverse=self.is_descending)
        known.sort(key=keys.__getitem__, reverse=self.is_descending)
        return [siblings[at] for at in chain(known, (at for at, key in enumerate(keys) if key is None))]


def order_of(choice: ColumnChoice) -> Order | None:
    """What the user chose; None is the file's order."""
    return Order(choice.sorted_by, choice.is_descending) if choice.sorted_by in KEYS else None


def after_click(choice: ColumnChoice, column: str) -> Order | None:
    """What a click on a column's head asks for: up, then down, then the file's order."""
    order = order_of(choice)
    if order is None or order.column != column:
        return Order(column)
    return None if order.is_descending else Order(column, True)


def is_same(one: RowTable, other: RowTable, opened: Collection[str]) -> bool:
    """Whether two tables show the same rows in the same order, as far as they are open."""
    for key in ("layer:", *opened):
        left, right = one.find(key), other.find(key)
        if (left is None) != (right is None):
            return False
        if left is not None and right is not None and [id(row.source) for row in left.below] != [id(row.source) for row in right.below]:
            return False
    return True
