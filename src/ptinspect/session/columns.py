"""The columns of the layer tree: what each says, as a cell and as a plain text to copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from ptinspect.findings import Severity
from ptinspect.frozen import frozen
from ptinspect.session import rows
from ptinspect.session.rows import Row
from ptinspect.session.words import count_parts, number_text, plain, share_text, size_text

ColumnName = Literal["layer", "type", "shape", "params", "share", "trained", "dtype", "bytes", "values", "mean", "std", "health"]
HEALTH: dict[Severity, str] = {"info": "Note", "notice": "Notice", "warning": "Look", "danger": "Broken"}
TRAINED: dict[object, str] = {True: "Trained", False: "Frozen", "mixed": "Partly", None: ""}


@frozen
class Column:
    """One column: its head, its text, how wide it starts, whether it is a number."""

    name: ColumnName
    title: str
    tip: str
    width: int
    text: Callable[[Row], str]
    is_number: bool = False
    is_shown: bool = True


def name_text(row: Row) -> str:
    """The name, also of what has none: the root of a plain pickle."""
    return plain(row.name, 300) or "(no name)"


def _params(row: Row) -> str:
    count = rows.parameters_of(row)
    return "" if count is None else " ".join(filter(None, count_parts(count)))


def _share(row: Row) -> str:
    share = rows.share_of(row)
    return "" if share is None else share_text(share)


def _bytes(row: Row) -> str:
    size = rows.bytes_of(row)
    return "" if size is None else size_text(size)


def _spread(row: Row) -> str:
    found = row.table.facts.shelf.statistics(row.source)
    if found is None or found.low is None or found.high is None:
        return ""
    return f"{number_text(found.low)} … {number_text(found.high)}"


def _statistic(row: Row, name: str) -> str:
    found = row.table.facts.shelf.statistics(row.source)
    value = getattr(found, name) if found is not None else None
    return "" if value is None else number_text(value)


def _health(row: Row) -> str:
    mark = row.table.facts.shelf.mark(row.path)
    return HEALTH[mark] if mark is not None else ""


COLUMNS: tuple[Column, ...] = (
    Column("layer", "Layer", "Modules, tensors and plain values, as the file holds them", 150, name_text),
    Column("type", "Type", "What a row is; types of bare weights are inferred from names and shapes", 92, rows.type_text),
    Column("shape", "Shape", "The shape of a tensor or of a layer's weight, the text of a value", 110, rows.form_text),
    Column("params", "Params", "Elements of parameters, tied ones counted once", 72, _params, is_number=True),
    Column("share", "Share %", "Part of all parameters", 100, _share, is_number=True),
    Column("trained", "Trained", "Whether a parameter trains, as far as the file tells", 72, lambda row: TRAINED[rows.trained_of(row)]),
    Column("dtype", "dtype", "How numbers are stored; shown where it differs from the row above", 62, rows.dtype_of),
    Column("bytes", "Bytes", "Bytes of the elements", 84, _bytes, is_number=True, is_shown=False),
    Column("values", "Values", "How the values are spread: the middle 99 % of them, with a tick under zero", 80, _spread),
    Column("mean", "Mean", "The mean of the finite values", 90, lambda row: _statistic(row, "mean"), is_number=True, is_shown=False),
    Column("std", "Std dev", "The standard deviation of the finite values", 84, lambda row: _statistic(row, "std"), True, False),
    Column("health", "Health", "The worst that was found in the values", 76, _health, is_shown=False),
)
BY_NAME: dict[str, Column] = {column.name: column for column in COLUMNS}


@frozen
class ColumnChoice:
    """Which columns are shown, in which order and how wide, and by which of them rows are sorted, as the user left them."""

    order: tuple[str, ...] = tuple(column.name for column in COLUMNS)
    shown: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.is_shown)
    widths: tuple[tuple[str, int], ...] = ()
    sorted_by: str = ""  # nothing is the file's order
    is_descending: bool = False
