r"""Which columns of a table, or arrays of a file, go in, and which one holds the labels: `Pclass,Sex,Age=Survived`.

Names are separated by commas; `#2` is the second column, counted from 1; a name with a comma, `=` or `"` in it stands in double
quotes, a quote inside doubled. Behind `=` (or `->`, which most shells need quoted) stands the label. An ending says how a column
is read where its values leave a doubt: `Pclass/code` (0, 1, 2 ... in the order of the sorted values), `Pclass/onehot`,
`Age/number` (standardised), `Age/raw` (as it is). `=Survived` alone is the label, and the other columns are chosen for you.
"""

from __future__ import annotations

import re
from typing import Literal, get_args

from ptinspect.errors import InputDoesNotFit
from ptinspect.frozen import frozen

Way = Literal["code", "onehot", "number", "raw"]
_WAYS: tuple[Way, ...] = get_args(Way)
_PIECE = re.compile(r'\s*("(?:[^"]|"")*"(?:/\w+)?|->|=|,|(?:(?!->)[^,="])+)')
_HINT = "Write names with commas between them, such as csv:titanic.csv:Pclass,Sex,Age=Survived."


@frozen
class Column:
    """One column by name, or by its place from 0 on (then the name is `#1`)."""

    name: str
    way: Way | None = None
    place: int | None = None


@frozen
class Choice:
    """The columns in order, none where they are to be chosen, and that of the labels."""

    columns: tuple[Column, ...] = ()
    label: Column | None = None


def parse_columns(text: str) -> Choice:
    """The choice in a text. Raises InputDoesNotFit."""
    before, after, marks = list[Column](), list[Column](), 0
    wants_name = True
    at = 0
    while at < len(text.rstrip()):
        found = _PIECE.match(text, at)
        if found is None:
            raise InputDoesNotFit(f"the columns `{text}` cannot be read", _HINT)
        at, word = found.end(), found[1].strip()
        if word in ("=", "->"):
            marks += 1
            wants_name = True
        elif word == ",":
            wants_name = True
        elif word and wants_name:
            (after if marks else before).append(_column(word))
            wants_name = False
        else:
            raise InputDoesNotFit(f"the columns `{text}` cannot be read", _HINT)
    if marks > 1 or len(after) != marks:
        raise InputDoesNotFit(f"the columns `{text}` should name one label behind `=`", _HINT)
    return Choice(tuple(before), after[0] if after else None)


def _column(text: str) -> Column:
    name, slash, ending = text.rpartition("/")
    way = next((way for way in _WAYS if way == ending and slash), None)
    name = name if way else text
    if name[:1] == '"':
        return Column(name[1:-1].replace('""', '"'), way)
    place = int(name[1:]) - 1 if re.fullmatch(r"#[1-9]\d{0,5}", name, re.ASCII) else None
    return Column(name, way, place)


__all__ = ["Choice", "Column", "Way", "parse_columns"]
