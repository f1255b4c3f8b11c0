"""The rows of a test batch that a filter keeps: by name, pattern and type, and those whose values are no numbers."""

from __future__ import annotations

from ptinspect.session.batch.rows import LayerRow, LayerTable
from ptinspect.session.filters import BadFilter, Narrowed, Query, parse
from ptinspect.session.shelf import INF, NAN


def narrow(table: LayerTable, text: str) -> tuple[Narrowed, LayerTable | None]:
    """What is kept, as a table of its own with the layers that lead there; None where the filter cannot be read."""
    try:
        query = parse(text)
    except BadFilter as error:
        return _unread(text, error.message), None
    if query.tests or query.health:
        return _unread(text, "a batch is filtered by names, /patterns/, type: and nan:"), None
    hits = [row for row in table.walk() if _fits(row, query)]
    kept: dict[int, LayerRow] = {}
    for row in hits:
        above: LayerRow | None = row
        while above is not None and id(above) not in kept:
            kept[id(above)] = above
            above = above.parent
    found = LayerTable()
    if table.root.figures is not None:
        found.put(table.root.figures)
    for row in table.walk():
        if id(row) in kept and row.figures is not None:
            found.put(row.figures)
    found.slowest = table.slowest
    if table.is_compared:
        found.compare({row.path: row.gap for row in kept.values() if row.gap is not None})
    keys = frozenset(row.key for row in found.walk() if row.below)
    return Narrowed(text, query, frozenset(kept), len(hits), expanded=keys), found


def _unread(text: str, problem: str) -> Narrowed:
    return Narrowed(text, Query(), frozenset(), 0, problem=problem)


def _fits(row: LayerRow, query: Query) -> bool:
    path, figures = row.path.lower(), row.figures
    if not all(word in path for word in query.words) or not all(one.search(row.path) for one in query.patterns):
        return False
    if query.types and (figures is None or not all(kind in figures.type.lower() for kind in query.types)):
        return False
    marks = 0 if figures is None else (NAN if figures.nans else 0) | (INF if figures.infs else 0)
    return all(marks & wanted for wanted in query.marks)


__all__ = ["narrow"]
