"""What the pages Left and Right say of one side of a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptinspect.checkpoint.layers import LayerNode
from ptinspect.checkpoint.weight_sets import joined
from ptinspect.session.comparison.cells import side_text
from ptinspect.session.comparison.looks import PairLook
from ptinspect.session.comparison.request import SideName
from ptinspect.session.comparison.rows import PairRow
from ptinspect.session.tensor_page import Measure
from ptinspect.session.words import plain, plural, shape_text, size_text

if TYPE_CHECKING:
    from ptinspect.session.state import ComparisonTab


def measure_of(row: PairRow, look: PairLook | None, side: SideName) -> Measure | None:
    """Its numbers; None where the side has no such tensor."""
    pair = row.pair
    entry = None if pair is None else pair.match.left if side == "left" else pair.match.right
    if entry is None:
        return None
    if look is None:
        return Measure(None)
    found = look.left if side == "left" else look.right
    return Measure(found.statistics, found.seen, found.problem)


def facts_of(row: PairRow, tab: ComparisonTab, side: SideName) -> tuple[tuple[str, str], ...]:
    """Names and values, as far as the headers tell them."""
    pair = row.pair
    if pair is None or tab.aligned is None:
        return _layer_facts(row, side)
    entry = pair.match.left if side == "left" else pair.match.right
    if entry is None:
        return ()
    outline, tensor = tab.aligned.outline, entry.tensor
    own = outline.left if side == "left" else outline.right
    facts = [
        ("Name in the file", plain(joined(own.path or "", entry.name), 1_000)),
        ("File", plain(own.checkpoint.path, 400)),
        ("Shape", shape_text(tensor.shape)),
        ("dtype", tensor.dtype.name),
        ("Elements", f"{tensor.elements:,}"),
        ("Bytes", size_text(tensor.dtype.nbytes(tensor.elements))),
        ("Role", entry.role),
    ]
    facts += [("Cannot be read", plain(tensor.problem, 400))] if tensor.problem else []
    if tensor.storage is not None:
        place = "on the meta device" if tensor.storage.is_meta else plain(tensor.storage.record or "", 200)
        facts += [("Storage", f"{place}, {size_text(tensor.storage.nbytes)}" if place else size_text(tensor.storage.nbytes))]
        facts += [("Saved from", plain(tensor.storage.location, 60))]
    return tuple(facts)


def _layer_facts(row: PairRow, side: SideName) -> tuple[tuple[str, str], ...]:
    if not isinstance(row.source, LayerNode):
        return ()
    kind = row.aligned.types[0 if side == "left" else 1].get(row.source.path, "")
    counts = row.aligned.below[id(row.source)].counts
    facts = [("Path", plain(row.path, 1_000))]
    facts += [("Type", plain(kind, 80))] if kind else []
    facts += [("Form", side_text(row, side))] if side_text(row, side) else []
    return (*facts, ("Pairs below", plural(sum(counts), "pair")))
