"""A comparison as a table: the most changed first, summary and verdict last. Colours only where a person sees them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator

from ptinspect.analysis.compare.comparison import Comparison
from ptinspect.analysis.compare.model import Pair
from ptinspect.analysis.reports.words import by_change, called, number, share, sized
from ptinspect.checkpoint.layer_table import cut
from ptinspect.spelled import plain

MOST = 200
_NARROW, _WIDE = 100, 180
_WORDS = {
    "same": "same",
    "changed": "changed",
    "left_only": "left only",
    "right_only": "right only",
    "shape_changed": "shape",
    "dtype_changed": "type",
    None: "not read",
}
_COLOURS = {"changed": "33", "left_only": "31", "right_only": "32", "shape_changed": "35", "dtype_changed": "36"}
_OUTSIDE = 24




def lines(found: Comparison, names: tuple[str, str]) -> Iterator[str]:
    """The table, what would not load, what differs outside the weights, counts, and the verdict."""
    width = max(_NARROW, min(_WIDE, shutil.get_terminal_size((_NARROW, 24)).columns))
    different = by_change(found)
    if different:
        yield from _table(different, width)
    yield from _proposed(found)
    yield from _load(found, names)
    yield from _outside(found)
    yield from _end(found, names)


def _table(different: list[Pair], width: int) -> Iterator[str]:
    name = width - 63
    yield f"{'Tensor':<{name}}  {'':<10}  {'Shape':<16}{'relative':>10}{'largest':>11}{'values':>9}"
    yield "─" * width
    for pair in different[:MOST]:
        yield _row(pair, name)
    if len(different) > MOST:
        yield f"… and {len(different) - MOST:,} more; --json has all of them"
    yield "─" * width


def _row(pair: Pair, width: int) -> str:
    status = f"{_WORDS[pair.status]:<10}"
    difference = pair.difference
    figures = ("", "", "")
    if difference is not None:
        figures = (share(difference.relative_l2), number(difference.max_abs), share(difference.changed_fraction))
    text = f"{cut(plain(called(pair)), width)}  {_coloured(status, pair)}  {cut(sized(pair), 16)}"
    return f"{text}{figures[0]:>10}{figures[1]:>11}{figures[2]:>9}{f'  {plain(pair.problem)}' if pair.problem else ''}".rstrip()







def _coloured(text: str, pair: Pair) -> str:
    code = _COLOURS.get(pair.status or "")
    return f"\033[{code}m{text}\033[0m" if code and shows_colours() else text


def shows_colours() -> bool:
    """Whether standard output is a terminal whose user did not say no (https://no-color.org)."""
    return sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _proposed(found: Comparison) -> Iterator[str]:
    """Pairs by shape alone, as rules that can be copied."""
    if found.proposed:
        yield "Of one shape, and perhaps the same under another name; to pair them, add"
        for match in found.proposed[:8]:
            if match.both is not None:
                yield f"  --rename '{plain(match.both[0].name)}={plain(match.both[1].name)}'"
        yield from [f"  … {len(found.proposed) - 8:,} more"] if len(found.proposed) > 8 else []


def _load(found: Comparison, names: tuple[str, str]) -> Iterator[str]:
    load = found.would_load
    if load.strict:
        return
    counts = ((len(load.missing), "missing"), (len(load.unexpected), "unexpected"), (len(load.mismatched), "of another size"))
    told = ", ".join(f"{count:,} {word}" for count, word in counts if count)
    yield f"{plain(names[0])} would not load into the model of {plain(names[1])} as it is: {told}."


def _outside(found: Comparison) -> Iterator[str]:
    shown = [one for one in found.outside if not one.path.startswith(("tensors.", "safety.globals."))]
    for one in shown[:_OUTSIDE]:
        yield f"  {plain(one.path)}: {_said(one.left)} → {_said(one.right)}"
    rest = len(found.outside) - min(len(shown), _OUTSIDE)
    if rest:
        yield f"  … {rest:,} more outside the weights; --json has all of them"


def _said(value: object) -> str:
    return "–" if value is None else plain(f"{value:.6g}" if isinstance(value, float) else str(value))[:120]


def _end(found: Comparison, names: tuple[str, str]) -> Iterator[str]:
    counts = ", ".join(f"{count:,} {word.replace('_', ' ')}" for word, count in found.summary.items() if count)
    yield f"{plain(names[0])} → {plain(names[-1])}"
    yield counts or "no tensors"
    verdict = found.verdict or "quick look"
    also = f" (also {', '.join(found.also)})" if found.also else ""
    yield f"{verdict[0].upper()}{verdict[1:]}{also}. {plain(found.sentence)}"
