"""Rows and whole tables as text to paste: for a terminal, for Markdown, for a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from ptinspect.checkpoint.layers import LayerNode
from ptinspect.session import rows
from ptinspect.session.columns import BY_NAME, TRAINED
from ptinspect.session.rows import Row, RowTable
from ptinspect.session.words import plain

Form = Literal["text", "markdown", "csv"]
MOST, AT_ONCE, WIDTH = 200_000, 1_000, 120
_EXACT = {"params": rows.parameters_of, "bytes": rows.bytes_of, "share": rows.share_of}
_RISKY = ("=", "+", "-", "@", "\t", "\r")


def table_text(table: RowTable, columns: Iterable[str], form: Form, stop: Callable[[], None] = lambda: None) -> str:
    """Every row of a table; what takes long may be stopped."""
    found = []
    for row, level in table.walk():
        found.append((row, level))
        if len(found) % AT_ONCE == 0:
            stop()
        if len(found) >= MOST:
            break
    return rows_text(found, tuple(columns), form)


def summary_text(tree: LayerNode, stop: Callable[[], None] = lambda: None) -> str:
    """The layers of a file as users of torchsummary know them."""
    from ptinspect.checkpoint.layer_table import table_lines  # noqa: PLC0415 - only who copies needs it

    lines = list[str]()
    for line in table_lines(tree, None, WIDTH):
        lines.append(line)
        if len(lines) % AT_ONCE == 0:
            stop()
    return "\n".join(lines) + "\n"


def rows_text(chosen: list[tuple[Row, int]], columns: tuple[str, ...], form: Form) -> str:
    """Some rows with their levels."""
    titles = [BY_NAME[name].title for name in columns]
    if form == "csv":
        import csv  # noqa: PLC0415 - only who copies needs it
        import io  # noqa: PLC0415

        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["path", *(name for name in columns if name != "layer")])
        writer.writerows([safe(plain(row.path)), *(_exact(row, name) for name in columns if name != "layer")] for row, _ in chosen)
        return out.getvalue()
    cells = [[cell(BY_NAME[name].text(row), level if name == "layer" else 0, form) for name in columns] for row, level in chosen]
    return laid_out(titles, cells, [BY_NAME[name].is_number for name in columns], form)


def laid_out(titles: list[str], cells: list[list[str]], are_numbers: list[bool], form: Form) -> str:
    """A table for a terminal or for Markdown."""
    return "\n".join(_markdown(titles, cells, are_numbers) if form == "markdown" else _aligned(titles, cells, are_numbers)) + "\n"


def _exact(row: Row, name: str) -> str:
    """A number in full, since a spreadsheet counts with it."""
    if name in _EXACT:
        value = _EXACT[name](row)
        return "" if value is None else str(value)
    if name == "trained":
        return TRAINED[rows.trained_of(row)].lower()
    return safe(BY_NAME[name].text(row).replace("\u2009", ""))


def safe(text: str) -> str:
    """Text of a file must not become a formula where it is pasted."""
    return f"'{text}" if text.startswith(_RISKY) else text


def cell(text: str, level: int, form: Form) -> str:
    """A text of the table, set in by its level."""
    text = text.replace("\u2009", " ")
    if form == "markdown":
        text = "".join(f"\\{char}" if char in "\\`*_{}[]<>|#!" else char for char in text)
        return f"{'&nbsp;&nbsp;' * level}{text}"
    return f"{'  ' * min(level, 40)}{text}"


def _markdown(titles: list[str], cells: list[list[str]], are_numbers: list[bool]) -> Iterator[str]:
    yield f"| {' | '.join(titles)} |"
    yield f"| {' | '.join('---:' if is_number else '---' for is_number in are_numbers)} |"
    yield from (f"| {' | '.join(line)} |" for line in cells)


def _aligned(titles: list[str], cells: list[list[str]], right: list[bool]) -> Iterator[str]:
    widths = [max(len(title), *(len(line[at]) for line in cells), 0) if cells else len(title) for at, title in enumerate(titles)]
    lines = [titles, ["─" * width for width in widths], *cells]
    for line in lines:
        padded = (text.rjust(width) if is_right else text.ljust(width) for text, width, is_right in zip(line, widths, right, strict=True))
        yield "  ".join(padded).rstrip()
