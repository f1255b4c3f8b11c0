"""`csv:PATH`: numbers and categories of a table, as one row of float32 numbers a sample.

Numbers are standardised (mean 0, deviation 1), a missing one is the mean. Two categories are 0 and 1 in sorted order, more become
one column each; where the first layer takes another number of features, codes or columns for all of them are tried as well.
Means and categories come from the first 10,000 rows, which is said: nobody but the one who trained the model knows better ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ptinspect.errors import InputDoesNotFit
from ptinspect.frozen import frozen
from ptinspect.runner.inputs.classes import Classes, classes_of, usual_label
from ptinspect.runner.inputs.columns import Choice, Column, Way, parse_columns
from ptinspect.runner.inputs.csv_rows import Table, is_missing, number, table_of
from ptinspect.runner.inputs.part import Named, Part, sample
from ptinspect.runner.inputs.reading import exists
from ptinspect.runner.inputs.spec import Spec, place_of
from ptinspect.runner.inputs.taking import Taking

MOST_CATEGORIES = 1_000
_CHOSEN_CATEGORIES = 32  # a column of more different texts is a name or a text, which is chosen by hand only
Values = np.ndarray[Any, Any]


@frozen
class Read:
    """One column: its texts, and the way that it is read."""

    name: str
    texts: tuple[str, ...]
    way: Way
    categories: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How many features it becomes."""
        return len(self.categories) if self.way == "onehot" else 1

    def values(self, count: int) -> Values:
        """The features of the first rows."""
        if self.way in ("number", "raw"):
            return _numbers(self, count)
        places = {category: at for at, category in enumerate(self.categories)}
        found = [places.get(text.strip(), -1) for text in self.texts[:count]]
        if self.way == "onehot":
            marked: Values = (np.array(found)[:, None] == np.arange(len(self.categories))).astype(np.float32)
            return marked
        missing = len(self.categories)  # a number of its own, behind the others
        return np.array([missing if at < 0 else at for at in found], np.float32)[:, None]


def _numbers(read: Read, count: int) -> Values:
    given = np.array([_cell(text) for text in read.texts], np.float64)
    known = given[~np.isnan(given)]
    mean = float(known.mean()) if known.size else 0.0
    found = np.where(np.isnan(given[:count]), mean, given[:count])
    if read.way == "number":
        found = (found - mean) / ((float(known.std()) if known.size else 0.0) or 1.0)
    return found.astype(np.float32)[:, None]


def _cell(text: str) -> float:
    found = number(text)
    return float("nan") if found is None else found


def table(spec: Spec, count: int, taking: Taking, place: int = 0) -> Part:
    """The first `count` rows."""
    path, chosen = place_of(spec)
    exists(path, "file")
    choice = parse_columns(chosen)
    found = table_of(path, [*choice.columns, *([choice.label] if choice.label else [])], count)
    count = min(count, len(found.rows))
    label = found.place(choice.label) if choice.label else (usual_label(found.names) if not choice.columns else None)
    reads, notes = _columns(found, choice, label)
    shape = taking.shape(spec, place)
    reads = _fitted(reads, choice, shape[-1] if shape else None)
    value, kind = _value(reads, count, choice, taking)
    known = classes_of(found.column(label), count) if label is not None else Classes(None, None, "")
    notes = [_said(reads, found, count), *notes, *([f"label {found.names[label]}"] if label is not None else []), *kind, known.note]
    first = 2 if found.named else 1
    samples = tuple(sample(f"line {at + first}", path) for at in range(count))
    notes = [note for note in notes if note]
    return Part((Named(value, spec.text, spec.name),), count, notes[0], samples, known.labels, known.names, notes=tuple(notes[1:]))


def _columns(found: Table, choice: Choice, label: int | None) -> tuple[list[Read], list[str]]:
    """The chosen columns, or all that are numbers or have few categories."""
    if choice.columns:
        return [_read(found, found.place(column), column) for column in choice.columns], []
    reads, left = list[Read](), list[str]()
    for place, name in enumerate(found.names):
        if place == label:
            continue
        read = _read(found, place, Column(name), most=_CHOSEN_CATEGORIES)
        (reads.append(read) if read.way == "number" or read.categories else left.append(name))
    if not reads:
        raise InputDoesNotFit(f"`{found.path}` has no column of numbers or of few categories", "For texts, write text:PATH:COLUMN.")
    return reads, [f"left out: {', '.join(left)} (texts)"] if left else []


def _read(found: Table, place: int, column: Column, most: int = MOST_CATEGORIES) -> Read:
    name, texts = found.names[place], tuple(found.column(place))
    there = {text.strip() for text in texts if not is_missing(text)}
    numeric = all(number(text) is not None for text in there)
    way = column.way or ("number" if numeric else None)
    if way in ("number", "raw"):
        if not numeric:
            odd = next(text for text in sorted(there) if number(text) is None)[:40]
            raise InputDoesNotFit(f"the column `{name}` holds `{odd}`, which is no number", f"Write {name}/onehot or {name}/code.")
        return Read(name, texts, way)
    if len(there) > most:
        if column.way is None and most < MOST_CATEGORIES:
            return Read(name, texts, "code")
        hint = "Leave it out, or write text:PATH:COLUMN for texts."
        raise InputDoesNotFit(f"the column `{name}` has {len(there):,} different values, too many for categories", hint)
    ordered = sorted(there, key=lambda text: ((number(text) or 0.0) if numeric else 0.0, text))
    return Read(name, texts, way or ("code" if len(there) <= 2 else "onehot"), tuple(ordered))


def _fitted(reads: list[Read], choice: Choice, wanted: int | None) -> list[Read]:
    """Categories in the way that gives as many features as the model takes, where one does."""
    fixed = {column.name.casefold() for column in choice.columns if column.way is not None}
    tries: list[Sequence[Read]] = [reads]
    ways: tuple[Way, ...] = ("code", "onehot")
    for way in ways:
        free = [bool(read.categories) and read.name.casefold() not in fixed for read in reads]
        tries += [[Read(one.name, one.texts, way, one.categories) if change else one for one, change in zip(reads, free, strict=True)]]
    return list(next((tried for tried in tries if sum(read.width for read in tried) == wanted), reads))


def _value(reads: Sequence[Read], count: int, choice: Choice, taking: Taking) -> tuple[torch.Tensor, list[str]]:
    found = torch.from_numpy(np.concatenate([read.values(count) for read in reads], axis=1))
    asked_for = bool(choice.columns) and all(column.way == "code" for column in choice.columns)
    if not asked_for or not taking.vocabularies:
        return found, []
    low = max(taking.vocabularies)
    if found.numel() and float(found.max()) >= low:
        raise InputDoesNotFit(f"the codes reach {int(found.max()):,}, and the largest embedding has {low:,} rows", "Choose other columns.")
    return found.to(torch.int64), ["codes as whole numbers, for the embedding"]


def _said(reads: Sequence[Read], found: Table, count: int) -> str:
    ways = {"number": "standardised", "raw": "as it is", "code": "code", "onehot": "one-hot"}
    listed = ", ".join(f"{read.name} {ways[read.way]}{f' ({read.width})' if read.way == 'onehot' else ''}" for read in reads[:12])
    listed += f" and {len(reads) - 12} more" if len(reads) > 12 else ""
    missing = sum(is_missing(text) for read in reads for text in read.texts[:count])
    rows = f"the first {len(found.rows):,}" if found.more else f"all {len(found.rows):,}"
    total = sum(read.width for read in reads)
    said = f"{total} feature{'s' * (total != 1)}: {listed}; means and categories of {rows} rows"
    return f"{said}; {missing:,} missing values" if missing else said


__all__ = ["table"]
