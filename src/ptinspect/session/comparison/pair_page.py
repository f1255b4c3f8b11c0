"""What the difference page says of a pair: ready texts and numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from heapq import nlargest
from itertools import islice

from ptinspect.analysis.compare.difference import Difference
from ptinspect.analysis.compare.model import Pair
from ptinspect.checkpoint.layers import LayerNode
from ptinspect.frozen import frozen
from ptinspect.session.comparison.banner import WORDS
from ptinspect.session.comparison.cells import moved_text, number, percent_text
from ptinspect.session.comparison.looks import PairLook
from ptinspect.session.comparison.rows import PairRow
from ptinspect.session.words import plain, plural, shape_text, signed

MOST_BELOW, MOST_LISTED = 20_000, 24
Fact = tuple[str, str, str]
"""Name, value, tone."""
_SAID = {
    "left_only": "only the left file has it",
    "right_only": "only the right file has it",
    "same": "the same to the byte",
}


@frozen
class FigureRow:
    """One line of the table: a figure of both sides, how far apart, and that against the left."""

    name: str
    left: str
    right: str
    apart: str
    relative: str


def headline_of(row: PairRow, look: PairLook | None) -> tuple[str, str]:
    """What it is, and what happened to it."""
    pair = look.pair if look is not None else row.pair
    if pair is None:
        return _layer(row)
    entry = pair.match.left or pair.match.right
    if entry is None:
        return "", ""
    both = pair.match.both
    what = [plural(entry.tensor.elements, "value"), entry.tensor.dtype.name]
    if both is not None and pair.status == "dtype_changed":
        what[1] = f"{both[0].tensor.dtype.name} → {both[1].tensor.dtype.name}"
    if both is not None and pair.status == "shape_changed":
        what[0] = f"{shape_text(both[0].tensor.shape)} → {shape_text(both[1].tensor.shape)}"
    return "   ·   ".join(what), _happened(pair, look)


def _layer(row: PairRow) -> tuple[str, str]:
    below = row.aligned.below.get(id(row.source))
    if below is None or not isinstance(row.source, LayerNode):
        return "", ""
    counts = ((WORDS[status], count) for status, count in zip(WORDS, below.counts, strict=True))
    told = ", ".join(f"{count:,} {word.lower()}" for word, count in counts if count)
    return f"{plural(sum(below.counts), 'tensor')}: {told}", moved_text(row)


def furthest_below(row: PairRow) -> tuple[tuple[str, str], ...]:
    """The tensors below a layer that differ, what moved furthest first, and how; of a very large layer those it begins with."""
    if not isinstance(row.source, LayerNode):
        return ()
    aligned, found = row.aligned, list[tuple[float, str, str]]()
    leaves = islice((leaf for node in row.source.walk() for leaf in node.tensors), MOST_BELOW)
    for leaf in leaves:
        pair = aligned.pair(leaf)
        if pair.status in ("same", None):
            continue
        relative = pair.difference.relative_l2 if pair.difference is not None else None
        whole = pair.match.both is None or pair.match.both[0].tensor.dtype.family not in ("float", "complex")
        if relative is None or whole or pair.status == "shape_changed":
            found.append((-1.0, leaf.path, WORDS[pair.status]))
        else:
            found.append((relative, leaf.path, f"{percent_text(relative)} %"))
    lead = len(row.path) + 1 if row.path else 0
    return tuple((plain(path[lead:], 200), said) for _, path, said in nlargest(MOST_LISTED, found))


def is_single(look: PairLook) -> bool:
    """Whether it is one number on either side: a picture of that says nothing."""
    match = look.pair.match
    return all(entry is None or entry.tensor.elements * entry.tensor.dtype.per_item <= 1 for entry in (match.left, match.right))


def _happened(pair: Pair, look: PairLook | None) -> str:
    if pair.problem:
        return f"cannot be compared: {plain(pair.problem, 200)}"
    if pair.match.both is not None and not any(entry.tensor.elements for entry in pair.match.both):
        return "it holds no values"
    if look is not None and is_single(look) and pair.status != "shape_changed":
        said = [number(side.statistics.mean) for side in (look.left, look.right) if side.statistics is not None]
        return " → ".join(dict.fromkeys(said))
    if pair.status in _SAID:
        return _SAID[pair.status]
    if pair.status == "shape_changed":
        return "another shape: no value has a partner"
    found = pair.difference
    if found is None and look is not None and not look.is_whole:
        return "being compared value by value"
    if found is None or found.changed_fraction is None:
        return ""
    if pair.status == "dtype_changed" and found.within_rounding:
        return "a cast: nothing changed by more than rounding"
    moved = "every value moved" if found.changed_fraction == 1 else f"{_percent(found.changed_fraction)} of its values moved"
    broken = f", {found.nans_gained:,} became NaN" if found.nans_gained else ""
    return f"{moved}{broken}{_trend(look, found)}"


def _trend(look: PairLook | None, found: Difference) -> str:
    """Whether it grew or shrank."""
    left, right = (side.statistics for side in (look.left, look.right)) if look is not None else (None, None)
    one, other = (None if side is None else side.mean for side in (left, right))
    if one and other and one * other > 0 and left is not None and left.std is not None and abs(one) > 0.5 * left.std:
        change = (abs(other) - abs(one)) / abs(one)
        if abs(change) >= 0.005:
            about = "" if look is None or look.seen is None else "about "
            return f", {about}{abs(100 * change):.0f} % {'larger' if change > 0 else 'smaller'} on average"
    if found.left_l2 and found.right_l2:
        change = found.right_l2 / found.left_l2 - 1
        if abs(change) >= 0.005:
            return f", {abs(100 * change):.0f} % {'longer' if change > 0 else 'shorter'} as a vector"
    return ""


def _percent(share: float) -> str:
    percent = 100 * share
    if percent > 99 and share < 1:
        return f"{min(percent, 99.99):.2f} %"
    return f"{percent:.0f} %" if percent >= 1 else f"{percent:.2g} %" if percent >= 0.01 else "less than 0.01 %"


def seen_text(look: PairLook) -> str:
    """Of which values the figures are."""
    if is_single(look):
        return ""
    return "All values" if look.seen is None else f"Sample of {look.seen:,}"


def figures_of(look: PairLook) -> tuple[FigureRow, ...]:
    """Mean, deviation and ends of both sides."""
    return tuple(_figures(look))


def _figures(look: PairLook) -> Iterator[FigureRow]:
    left, right = look.left.statistics, look.right.statistics
    for name, field in (("Mean", "mean"), ("Std dev", "std"), ("Min", "low"), ("Max", "high")):
        one = None if left is None else getattr(left, field)
        other = None if right is None else getattr(right, field)
        if (one is None and other is None) or (is_single(look) and name != "Mean"):
            continue
        apart = None if one is None or other is None else float(other) - float(one)
        yield FigureRow("Value" if is_single(look) else name, number(one), number(other), _signed(apart), _relative(apart, one))


def _signed(value: float | None) -> str:
    text = number(value)
    return f"+{text}" if value is not None and value > 0 else text


def _relative(apart: float | None, one: float | None) -> str:
    if apart is None or not one or not math.isfinite(apart):
        return "–"
    percent = 100 * apart / abs(one)
    if abs(percent) < 0.05:
        return "0 %" if not percent else "<0.1 %"
    return signed(f"{percent:+.1f} %") if abs(percent) < 1_000 else signed(f"{percent:+,.0f} %")


def facts_of(look: PairLook) -> tuple[Fact, ...]:
    """The numbers of the difference, in two columns, row by row."""
    found, both = look.pair.difference, look.pair.match.both
    if found is None or both is None or look.pair.status == "shape_changed":
        return ()
    count = both[0].tensor.elements * both[0].tensor.dtype.per_item
    changed = round((found.changed_fraction or 0.0) * count)
    facts: list[Fact] = [
        ("Values changed", f"{changed:,} of {count:,}", "text"),
        ("Cosine similarity", _cosine(found.cosine), "text"),
        ("Largest change", number(found.max_abs), "text"),
        ("Relative change", f"{percent_text(found.relative_l2)} %" if found.relative_l2 is not None else "–", "text"),
        ("Mean change", number(found.mean_abs), "text"),
        ("Signs flipped", f"{found.sign_flips:,}", "text"),
        ("NaN gained", f"{found.nans_gained:,}", "danger" if found.nans_gained else "text"),
        ("NaN lost", f"{found.nans_lost:,}", "text"),
    ]
    if look.pair.status == "dtype_changed":
        cast = ("yes: a cast", "good") if found.within_rounding else ("no: more than a cast", "warn")
        facts.append(("Within rounding", *cast))
    if found.infinities:
        facts.append(("Infinite on one side", f"{found.infinities:,}", "danger"))
    return tuple(facts)


def _cosine(value: float | None) -> str:
    """With as many digits as tell it from one."""
    if value is None:
        return "–"
    return signed(f"{value:.6f}" if 0.999 < value < 1 else f"{value:.4f}")


def shares_text(look: PairLook) -> tuple[str, str]:
    """What stands left and right of zero above the difference's histogram."""
    shares = look.shares
    if shares is None:
        return "", ""
    about = "" if shares.is_all else "about "
    return (
        f"{about}{_percent(shares.smaller)} smaller on the right" if shares.smaller else "",
        f"{about}{_percent(shares.larger)} larger on the right" if shares.larger else "",
    )
