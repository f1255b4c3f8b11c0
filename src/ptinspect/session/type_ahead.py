"""Finds a row by what is typed: the next one that is seen and begins so, from where the user stands, round the end."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ptinspect.session.columns import name_text
from ptinspect.session.rows import Row, RowTable

AFTER = 1.0  # seconds after which a letter begins a new word


class Typed:
    """What was typed so far."""

    __slots__ = ("_last", "text")

    def __init__(self) -> None:
        self.text = ""
        self._last = 0.0

    def add(self, letters: str, now: float) -> None:
        """More letters, at a time."""
        self.text = letters if now - self._last > AFTER else self.text + letters
        self._last = now


def next_row(table: RowTable, opened: Collection[str], typed: str, at: Row | None) -> Row | None:
    """The next row that is seen and begins with what was typed.

    A word that grows may stay on the row that it has found; the same letter again and again goes to the next row that begins with it.
    """
    wanted, is_longer = typed.lower(), len(set(typed)) > 1
    wanted = wanted if is_longer else wanted[:1]
    before: Row | None = None
    is_behind = at is None
    for row in _seen(table, opened):
        fits = row.name[: len(wanted)].lower() == wanted and name_text(row)[: len(wanted)].lower() == wanted
        if row is at:
            is_behind = True
            if fits and is_longer:
                return row
        elif fits and is_behind:
            return row
        if fits and before is None:
            before = row
    return before


def _seen(table: RowTable, opened: Collection[str]) -> Iterator[Row]:
    """The rows on the screen and above and below it, in their order."""
    todo = list(reversed(table.root.below))
    while todo:
        row = todo.pop()
        yield row
        if row.kind == "layer" and row.has_below and row.key in opened:
            todo.extend(reversed(row.below))
