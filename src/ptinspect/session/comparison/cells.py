"""What the cells of the aligned tree say, as texts."""

from __future__ import annotations

import math
from typing import Literal

from ptinspect.checkpoint.layers import LayerNode
from ptinspect.session.comparison.banner import WORDS
from ptinspect.session.comparison.request import SideName
from ptinspect.session.comparison.rows import PairRow
from ptinspect.session.words import plain, plural, shape_text, signed
from ptinspect.tensors import TensorInfo

PairColumn = Literal["layer", "state", "left", "right", "change"]
COLUMNS: tuple[PairColumn, ...] = ("layer", "state", "left", "right", "change")
_HOW: dict[str | None, str] = {"bytes": "paired by equal bytes", "rule": "paired by a rule", "prefix": "paired without a prefix"}
_LISTS = frozenset(("Sequential", "ModuleList", "ModuleDict"))


def name_text(row: PairRow) -> str:
    """The name; both of them where a pair has two."""
    name = plain(row.name, 300) or "(no name)"
    pair = row.pair
    if pair is None or not pair.match.is_renamed or pair.match.right is None:
        return name
    return f"{name} → {plain(pair.match.right.name, 300)}"


def state_text(row: PairRow) -> str:
    """In a word."""
    return WORDS[row.status]


def side_text(row: PairRow, side: SideName) -> str:
    """The shape of a tensor, its type where that is what differs, what a layer is; empty where the side has none of it."""
    pair = row.pair
    if pair is not None:
        entry = pair.match.left if side == "left" else pair.match.right
        if entry is None:
            return ""
        return entry.tensor.dtype.name if pair.status == "dtype_changed" else tensor_text(entry.tensor, row, side)
    return _layer_text(row, side)


def tensor_text(tensor: TensorInfo, row: PairRow, side: SideName) -> str:
    """A shape; a single number that was read stands for itself."""
    if tensor.elements == 1 and not tensor.shape and tensor.dtype.family in ("int", "uint"):
        found = row.pair.difference if row.pair is not None else None
        size = None if found is None else found.left_l2 if side == "left" else found.right_l2
        if size is not None and row.name == "num_batches_tracked" and size < 2**53:  # a counter: its length is the number itself
            return f"{round(size):,}"
    return shape_text(tensor.shape)


def _layer_text(row: PairRow, side: SideName) -> str:
    node, aligned = row.source, row.aligned
    if not isinstance(node, LayerNode):
        return ""
    status = row.status
    if status == ("right_only" if side == "left" else "left_only"):
        return ""
    main = next((leaf for leaf in node.tensors if leaf.name == "weight"), node.tensors[0] if node.tensors else None)
    if main is not None and not node.children:
        entry = getattr(aligned.pair(main).match, side)
        return "" if entry is None else shape_text(entry.tensor.shape)
    kind = aligned.types[0 if side == "left" else 1].get(node.path, "")
    blocks = bool(node.children) and bool(node.children[0].children)
    if kind and kind not in _LISTS and kind not in ("dict", "OrderedDict"):
        return plain(kind, 60)
    count = sum(_has(row, child, side) for child in node.children)
    if count:
        return plural(count, "block" if blocks else "layer")
    entry = None if main is None else getattr(aligned.pair(main).match, side)
    return "" if entry is None else shape_text(entry.tensor.shape)


def _has(row: PairRow, node: LayerNode, side: SideName) -> bool:
    counts = row.aligned.below[id(node)].counts
    foreign = 4 if side == "left" else 3  # the codes of what only the other side has
    return counts[foreign] < sum(counts)


def change_text(row: PairRow) -> str:
    """How far it moved, in per cent of what it was; a dash where nothing can be said."""
    status = row.status
    if status == "same":
        return "0"
    if status is None:
        return ""
    if status in ("left_only", "right_only", "shape_changed") and row.pair is not None:
        return "—"
    pair = row.pair
    if pair is not None and pair.match.both is not None and pair.match.both[0].tensor.dtype.family not in ("float", "complex"):
        return "—"
    return f"≤\u2009{percent_text(row.relative)}" if row.is_bound else percent_text(row.relative)


def moved_text(row: PairRow) -> str:
    """How far a layer moved as a whole."""
    return f"moved by {'at most ' if row.is_bound else ''}{percent_text(row.relative)} % of its norm" if row.relative is not None else ""


def percent_text(share: float | None) -> str:
    """A share of one in per cent, without the sign."""
    if share is None:
        return "—"
    percent = 100 * share
    if not math.isfinite(percent):
        return "from 0"
    if percent == 0:
        return "0"
    if percent < 0.01:
        return "<0.01"
    return f"{percent:.2f}" if percent < 1 else f"{percent:.1f}" if percent < 1_000 else f"{percent:,.0f}"


def heat_of(row: PairRow) -> float | None:
    """How strongly the amount of change is coloured, 0 to 1 for the furthest; None where there is none to show."""
    relative, status = row.relative, row.status
    if status in (None, "same") or not relative or change_text(row) == "—":
        return None
    furthest = row.aligned.furthest
    return 1.0 if not math.isfinite(relative) or furthest <= 0 else min(1.0, math.sqrt(relative / furthest))


def sentence_of(row: PairRow) -> str:
    """A row in full, for its tool tip."""
    pair, parts = row.pair, [plain(row.path, 400), WORDS[row.status]]
    if pair is None:
        counts = {WORDS[status]: count for status, count in zip(WORDS, row.aligned.below[id(row.source)].counts, strict=True) if count}
        parts[1:] = [", ".join(f"{count:,} {word.lower()}" for word, count in counts.items())]
        if row.relative is not None:
            parts.append(moved_text(row))
        return " · ".join(parts)
    for side in ("left", "right"):
        entry = getattr(pair.match, side)
        if entry is not None:
            parts.append(f"{side}: {plain(entry.name, 300)} {shape_text(entry.tensor.shape)} {entry.tensor.dtype.name}")
    parts += [_HOW[pair.match.paired_by]] if pair.match.paired_by in _HOW else []
    parts += ["by the archives' checksums, bytes not yet compared"] if pair.status == "same" and pair.equal_by == "checksum" else []
    parts += [f"cannot be read: {plain(pair.problem, 300)}"] if pair.problem else []
    return " · ".join(parts)


def number(value: float | None) -> str:
    """A figure of a table."""
    if value is None:
        return "–"
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞" if value < 0 else "NaN"
    if float(value).is_integer() and abs(value) < 1e12:
        return signed(f"{int(value):,}")
    size = abs(value)
    return signed(f"{value:.4f}") if 0.001 <= size < 1_000 else signed(f"{value:.3e}") if size < 0.001 else signed(f"{value:,.1f}")
