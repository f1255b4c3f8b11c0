"""A pair in the words of a report: what it is called, how large it is, how far it moved."""

from __future__ import annotations

import math

from ptinspect.analysis.compare.comparison import Comparison
from ptinspect.analysis.compare.model import Pair
from ptinspect.tensors import TensorInfo


def by_change(found: Comparison) -> list[Pair]:
    """What differs: what has no partner or another shape, then parameters and then buffers, the most changed first."""
    return sorted((pair for pair in found.pairs if pair.status != "same"), key=by_order)


def by_order(pair: Pair) -> tuple[int, bool, float]:
    """A key that sorts pairs so."""
    order = {"left_only": 0, "right_only": 0, "shape_changed": 1}
    return order.get(pair.status or "", 2), pair.match.role == "buffer", -amount(pair)


def amount(pair: Pair) -> float:
    """How much a pair changed; one that cannot be read stands before all others."""
    if pair.difference is None or pair.difference.relative_l2 is None:
        return math.inf
    return pair.difference.relative_l2


def called(pair: Pair) -> str:
    """Its name; both of them where they differ by more than a prefix."""
    match = pair.match
    if match.both is not None and match.is_renamed:
        return f"{match.both[0].name} → {match.both[1].name}"
    return match.name


def sized(pair: Pair) -> str:
    """Its shape, or what changed of shape and type."""
    both = pair.match.both
    if both is None:
        entry = pair.match.left or pair.match.right
        return "" if entry is None else _size(entry.tensor)
    one, other = both[0].tensor, both[1].tensor
    if one.shape != other.shape:
        return f"{_size(one)} → {_size(other)}"
    return f"{one.dtype.name} → {other.dtype.name}" if one.dtype.name != other.dtype.name else _size(one)


def _size(tensor: TensorInfo) -> str:
    return "×".join(str(size) for size in tensor.shape) or "one value"


def share(value: float | None) -> str:
    """A share of one as people say it."""
    if value is None:
        return ""
    if not math.isfinite(value):
        return "from 0"
    percent = 100 * value
    return f"{percent:.3g} %" if percent < 1_000 else f"{percent:,.0f} %"


def number(value: float | None) -> str:
    """A number short enough for a column."""
    return "" if value is None else f"{value:.3g}"
