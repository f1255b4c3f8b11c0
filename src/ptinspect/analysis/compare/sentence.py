"""The verdict as one sentence with its numbers, as a person would tell it to another."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

from ptinspect.analysis.compare.head import module_of
from ptinspect.analysis.compare.model import Pair, Verdict
from ptinspect.analysis.compare.verdict import Judged

_FEW = 3


def sentence(verdict: Verdict, found: Judged, prefixes: tuple[str | None, str | None] = (None, None)) -> str:
    """What the verdict says, what the buffers did, and what cannot be read."""
    parts = [_TOLD[verdict](found), _contained(verdict, found), _buffers(verdict, found), _prefixes(prefixes), _unread(found)]
    return " ".join(f"{part[0].upper()}{part[1:]}." for part in parts if part)


def counted(number: int, noun: str) -> str:
    """`1 tensor`, `2,000 tensors`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _parameters(found: Judged) -> int:
    return sum(pair.match.role == "parameter" for pair in found.pairs)


def _identical(found: Judged) -> str:
    if not found.pairs:
        return "neither side has a tensor"
    if len(found.pairs) == 1:
        return "the one tensor is the same to the byte"
    return f"all {counted(len(found.pairs), 'tensor')} are the same to the byte"


def _cast(found: Judged) -> str:
    casts = Counter((_dtype(pair, 0), _dtype(pair, 1)) for pair in found.pairs if pair.status == "dtype_changed")
    told = ", ".join(f"{counted(count, 'tensor')} from {old} to {new}" for (old, new), count in casts.most_common(_FEW))
    most = _most(found.pairs)
    return f"the same weights in another type: {told}, nothing changed by more than rounding{most}"


def _dtype(pair: Pair, side: int) -> str:
    both = pair.match.both
    return "" if both is None else both[side].tensor.dtype.name


def _renamed(found: Judged) -> str:
    renamed = sum(pair.match.paired_by == "bytes" for pair in found.pairs)
    return f"{renamed:,} of {counted(len(found.pairs), 'tensor')} have another name and the same bytes; no value differs"


def _statistics(found: Judged) -> str:
    return f"all {counted(_parameters(found), 'parameter tensor')} are the same; only buffers differ"


def _head(found: Judged) -> str:
    outside = sum(pair.match.role == "parameter" and not found.head.holds(pair.match) for pair in found.pairs)
    names = ", ".join(f"`{name}`" for name in dict.fromkeys(_head_name(found, pair) for pair in found.changed))
    replaced = any(pair.status in ("left_only", "right_only", "shape_changed") for pair in found.changed)
    how = "was replaced" if replaced else "was trained"
    frozen = f"the {counted(outside, 'parameter tensor')} outside are the same to the byte"
    frozen = frozen if found.buffers else f"backbone frozen: {frozen}"
    return f"only the head {names} {how} ({counted(len(found.changed), 'parameter tensor')}{_most(found.changed)}); {frozen}"


def _head_name(found: Judged, pair: Pair) -> str:
    return next((name for name in found.head.names if name in pair.match.name), module_of(pair.match.name))


def _low_rank(found: Judged) -> str:
    test = found.low_rank
    lowest = min(one.energy or 0.0 for one in test.tested)
    ranks = f"at least {100 * lowest:.1f} % of the change's energy in a rank of at most an eighth of its smaller side"
    of = f"{len(test.tested):,} of {test.candidates:,} changed matrices tested, " if test.candidates > len(test.tested) else ""
    every = "all of them" if len(test.tested) > 1 else "the one tested"
    return f"the changes are of low rank, as a merged adapter leaves them: {of}{every} with {ranks}{_most(found.changed)}"


def _different(found: Judged) -> str:
    share = f"{found.paired_outside:,} of {counted(found.larger_outside, 'parameter tensor')} outside the head"
    return f"another architecture: only {share} have a partner of the same name and shape"


def _fully(found: Judged) -> str:
    of = f"{found.modules_changed:,} of {counted(found.modules, 'module')} with parameters"
    return f"trained through and through: {of} changed{_most(found.changed)}"


def _partly(found: Judged) -> str:
    same = _parameters(found) - len(found.changed)
    return (
        f"{len(found.changed):,} of {counted(_parameters(found), 'parameter tensor')} changed{_most(found.changed)}; "
        f"{same:,} are the same, in {found.modules - found.modules_changed:,} of {counted(found.modules, 'module')}"
    )


def _most(pairs: Sequence[Pair]) -> str:
    """How far the largest change goes, relative where that can be said."""
    moved = ((pair.difference.relative_l2, pair.match.name) for pair in pairs if pair.difference is not None)
    finite = [(size, name) for size, name in moved if size and size < math.inf]
    if not finite:
        return ""
    size, name = max(finite)
    return f", at most {100 * size:.3g} % in l2 (`{name}`)" if len(finite) > 1 else f", {100 * size:.3g} % in l2"


def _buffers(verdict: Verdict, found: Judged) -> str:
    moved = len(found.buffers)
    if not moved or verdict == "different architecture":
        return ""
    which = Counter(pair.match.name.rpartition(".")[2] for pair in found.buffers)
    names = ", ".join(f"{name} ×{count:,}" if count > 1 else name for name, count in which.most_common(_FEW))
    if _is_statistic(which) and verdict in ("head only", "statistics only", "partly fine-tuned", "low rank"):
        frozen = "backbone frozen, but its " if verdict == "head only" else "its "
        return f"{frozen}running statistics moved ({names}): it ran in train mode"
    return f"{counted(moved, 'buffer')} moved too ({names})"


def _is_statistic(names: Counter[str]) -> bool:
    return any(name in names for name in ("running_mean", "running_var", "num_batches_tracked"))


def _contained(verdict: Verdict, found: Judged) -> str:
    """Whether one side is whole in the other, as a network is in one with adapters beside its layers."""
    lone = {pair.status for pair in found.pairs} - {"same"}
    same = sum(pair.status == "same" for pair in found.pairs)
    if verdict not in ("different architecture", "fully fine-tuned", "partly fine-tuned") or not same or len(lone) != 1:
        return ""
    if "left_only" in lone:
        inner, outer = "right", "left"
    elif "right_only" in lone:
        inner, outer = "left", "right"
    else:
        return ""
    every = f"all {counted(same, 'tensor')} of the {inner} side are" if same > 1 else f"the one tensor of the {inner} side is"
    return f"{every} there byte for byte; the {outer} has {len(found.pairs) - same:,} more{_called(found)}"


def _called(found: Judged) -> str:
    """What the names that one side adds have in common, and the names of both have not."""
    known = {part for pair in found.pairs for entry in pair.match.both or () for part in entry.name.split(".")}
    added = (pair.match.name.split(".") for pair in found.pairs if pair.match.both is None)
    news = Counter(next((part for part in parts if part not in known and not part.isdecimal()), "") for parts in added)
    if not all(news) or len(news) > _FEW:
        return ""
    return f", named {', '.join(f'`{part}`' for part, _ in news.most_common())}"


def _prefixes(prefixes: tuple[str | None, str | None]) -> str:
    told = [f"`{prefix}` on the {side}" for prefix, side in zip(prefixes, ("left", "right"), strict=True) if prefix]
    return f"names match without {' and '.join(told)}" if told else ""


def _unread(found: Judged) -> str:
    unread = [pair for pair in found.pairs if pair.problem is not None]
    if not unread:
        return ""
    return f"{counted(len(unread), 'pair')} cannot be read and {'counts' if len(unread) == 1 else 'count'} as changed"


_TOLD: dict[Verdict, Callable[[Judged], str]] = {
    "identical": _identical,
    "cast only": _cast,
    "renamed only": _renamed,
    "statistics only": _statistics,
    "head only": _head,
    "low rank": _low_rank,
    "different architecture": _different,
    "fully fine-tuned": _fully,
    "partly fine-tuned": _partly,
}
