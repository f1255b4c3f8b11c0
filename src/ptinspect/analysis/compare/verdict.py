"""What a comparison comes to, in a word of the contract's table.

Verdicts judge parameters; buffers are counted, and told in the sentence. The first that fits is the verdict, further true ones
stand beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from ptinspect.analysis.compare.head import Head, module_of
from ptinspect.analysis.compare.model import Pair, Verdict
from ptinspect.analysis.compare.ranks import LowRank
from ptinspect.frozen import frozen

_FULLY = 0.95
_PAIRED = 0.75
_BY_NAME = ("name", "prefix", "rule")


@frozen
class Judged:
    """Everything that a verdict rests on, counted once."""

    pairs: tuple[Pair, ...]
    head: Head
    low_rank: LowRank
    changed: tuple[Pair, ...]
    buffers: tuple[Pair, ...]
    modules: int
    modules_changed: int
    paired_outside: int
    larger_outside: int


def judged(pairs: Sequence[Pair], head: Head, low_rank: LowRank) -> Judged:
    """Count what the verdicts ask for. A cast that lost nothing but rounding is no change."""
    parameters = [pair for pair in pairs if pair.match.role == "parameter"]
    changed = tuple(pair for pair in parameters if not pair.is_cast)
    buffers = tuple(pair for pair in pairs if pair.match.role == "buffer" and not pair.is_cast)
    outside = [pair for pair in parameters if not head.holds(pair.match)]
    sides = (sum(pair.match.left is not None for pair in outside), sum(pair.match.right is not None for pair in outside))
    paired = sum(pair.match.paired_by in _BY_NAME and pair.status != "shape_changed" for pair in outside)
    modules = max((len(_modules(parameters, side)), len(_modules(changed, side))) for side in ("left", "right"))
    return Judged(tuple(pairs), head, low_rank, changed, buffers, *modules, paired, max(sides))


def _modules(pairs: Sequence[Pair], side: Literal["left", "right"]) -> set[str]:
    """Modules of one side that hold any of these; the side that has more of them is the measure."""
    entries = (getattr(pair.match, side) for pair in pairs)
    return {module_of(entry.name) for entry in entries if entry is not None}


def verdicts(found: Judged) -> tuple[Verdict, ...]:
    """Every one that is true, in the contract's order; the first is the verdict."""
    true: list[Verdict] = [name for name, test in _TABLE if test(found)]
    return tuple(true) or ("partly fine-tuned",)


def _identical(found: Judged) -> bool:
    return all(pair.status == "same" and pair.match.paired_by != "bytes" for pair in found.pairs)


def _cast_only(found: Judged) -> bool:
    return all(pair.is_near for pair in found.pairs) and any(pair.status == "dtype_changed" for pair in found.pairs)


def _renamed_only(found: Judged) -> bool:
    return all(pair.status == "same" for pair in found.pairs) and any(pair.match.paired_by == "bytes" for pair in found.pairs)


def _statistics_only(found: Judged) -> bool:
    return not found.changed and bool(found.buffers)


def _head_only(found: Judged) -> bool:
    outside = any(pair.match.role == "parameter" and not found.head.holds(pair.match) for pair in found.pairs)
    return outside and bool(found.changed) and all(found.head.holds(pair.match) for pair in found.changed)


def _low_rank(found: Judged) -> bool:
    return found.low_rank.holds


def _different(found: Judged) -> bool:
    return bool(found.changed) and found.paired_outside < _PAIRED * found.larger_outside


def _fully(found: Judged) -> bool:
    return bool(found.changed) and found.modules_changed >= _FULLY * found.modules


_TABLE: tuple[tuple[Verdict, Callable[[Judged], bool]], ...] = (
    ("identical", _identical),
    ("cast only", _cast_only),
    ("renamed only", _renamed_only),
    ("statistics only", _statistics_only),
    ("head only", _head_only),
    ("low rank", _low_rank),
    ("different architecture", _different),
    ("fully fine-tuned", _fully),
)
