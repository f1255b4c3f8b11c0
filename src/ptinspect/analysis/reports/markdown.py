"""A comparison as Markdown, for a pull request or a report."""

from __future__ import annotations

from collections.abc import Iterator

from ptinspect.analysis.compare.comparison import Comparison
from ptinspect.analysis.compare.model import Pair
from ptinspect.analysis.reports.words import by_change, called, number, share, sized
from ptinspect.spelled import plain

MOST = 100
_STEERS = str.maketrans({char: f"\\{char}" for char in "\\*_[]<>#|&~$@"})


def lines(found: Comparison, names: tuple[str, str]) -> Iterator[str]:
    """Verdict first: it is what a reviewer looks for; then the table."""
    verdict = found.verdict or "quick look"
    yield f"### {code(names[0])} → {code(names[1])}: {verdict}"
    yield ""
    yield escaped(found.sentence)
    yield ""
    yield ", ".join(f"{count:,} {word.replace('_', ' ')}" for word, count in found.summary.items() if count) or "no tensors"
    different = by_change(found)
    if different:
        yield ""
        yield "| tensor | | shape | relative | largest | values |"
        yield "| --- | --- | --- | ---: | ---: | ---: |"
        yield from (_row(pair) for pair in different[:MOST])
    if len(different) > MOST:
        yield ""
        yield f"… and {len(different) - MOST:,} more"
    if found.outside:
        yield ""
        yield "| outside the weights | left | right |"
        yield "| --- | --- | --- |"
        for one in found.outside[:MOST]:
            yield f"| {code(one.path)} | {_said(one.left)} | {_said(one.right)} |"


def _row(pair: Pair) -> str:
    status = (pair.status or "not read").replace("_", " ")
    figures = ("", "", "")
    if pair.difference is not None:
        figures = (share(pair.difference.relative_l2), number(pair.difference.max_abs), share(pair.difference.changed_fraction))
    return f"| {code(called(pair))} | {status} | {sized(pair)} | {' | '.join(figures)} |"


def code(text: str) -> str:
    """Text from a file as code: nothing in it is read as Markdown or HTML, and it stays in its cell."""
    shown = plain(text).replace("|", "\\|")
    fence = "`"
    while fence in shown:
        fence += "`"
    return f"{fence} {shown} {fence}" if "`" in shown else f"{fence}{shown}{fence}"


def escaped(text: str) -> str:
    """A sentence that may hold names: every sign that steers Markdown or HTML is spelled out, code in backticks stays."""
    parts = plain(text).split("`")
    if len(parts) % 2 == 0:  # a name with a backtick of its own
        return "\\`".join(part.translate(_STEERS) for part in parts)
    return "".join(code(part) if place % 2 and part else part.translate(_STEERS) for place, part in enumerate(parts))


def _said(value: object) -> str:
    return "–" if value is None else code(str(value)[:200])
