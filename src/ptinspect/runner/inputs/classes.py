"""The labels of rows: whole numbers as they are, from 0 on; texts by their sorted order."""

from __future__ import annotations

from collections.abc import Sequence

from ptinspect.frozen import frozen
from ptinspect.runner.inputs.csv_rows import is_missing, number

_USUAL = ("label", "labels", "target", "class", "class index", "class_index", "category", "y", "survived", "species", "sentiment", "income")
_MOST = 1_000


@frozen
class Classes:
    """A class for each row, their names, and how they were read."""

    labels: tuple[int, ...] | None
    names: tuple[str, ...] | None
    note: str


def classes_of(surveyed: Sequence[str], count: int) -> Classes:
    """The classes of the first `count` rows, told from all that were looked at."""
    there = [text.strip() for text in surveyed if not is_missing(text)]
    numbers = [number(text) for text in there]
    if not there:
        return Classes(None, None, "the labels are missing")
    if all(value is not None for value in numbers):
        values = sorted({value for value in numbers if value is not None})
        if any(value != int(value) for value in values) or values[0] < 0 or values[-1] >= 1 << 31:
            return Classes(None, None, "the label column holds no classes: it is not compared")
        first = 1 if values[0] == 1 and len(values) > 1 else 0
        found = tuple(int(number(text) or 0) - first if not is_missing(text) else -1 for text in surveyed[:count])
        return Classes(found, None, "labels counted from 1 in the file" if first else "")
    names = sorted(set(there))
    if len(names) > _MOST:
        return Classes(None, None, f"the label column holds {len(names):,} different texts: it is not compared")
    places = {name: at for at, name in enumerate(names)}
    return Classes(tuple(places.get(text.strip(), -1) for text in surveyed[:count]), tuple(names), "labels in the order of their names")


def usual_label(names: Sequence[str]) -> int | None:
    """The column that is named like labels, if one is."""
    folded = [name.casefold().strip() for name in names]
    return next((folded.index(name) for name in _USUAL if name in folded), None)


__all__ = ["Classes", "classes_of", "usual_label"]
