"""The aligned tree as rows to look at: all of them or those that are kept, in the order of the files or by how much they changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from ptinspect.analysis.compare.model import Pair, Status
from ptinspect.checkpoint.layers import LayerNode, TensorRow
from ptinspect.frozen import frozen
from ptinspect.session.comparison.aligned import CODES, Aligned
from ptinspect.session.comparison.request import SideName
from ptinspect.session.rows import Row, RowTable, Source

SortedBy = Literal["file", "name", "state", "change"]


@frozen
class Order:
    """By what rows that stand beside each other are sorted."""

    by: SortedBy = "file"
    is_down: bool = True


class PairRow(Row):
    """One row; layers and tensors are sorted among their like."""

    __slots__ = ()

    @property
    def aligned(self) -> Aligned:
        """What it is drawn from."""
        table = self.table
        if not isinstance(table, PairTable):
            raise TypeError("a row of another tree")
        return table.aligned

    @property
    def pair(self) -> Pair | None:
        """The pair of a tensor's row."""
        return self.aligned.pair(self.source) if isinstance(self.source, TensorRow) else None

    @property
    def status(self) -> Status | None:
        """Its own, or that of all that is below."""
        pair = self.pair
        return pair.status if pair is not None else self.aligned.below[id(self.source)].status

    @property
    def relative(self) -> float | None:
        """How far it moved against what it was."""
        pair = self.pair
        if pair is None:
            return self.aligned.below[id(self.source)].relative
        return pair.difference.relative_l2 if pair.difference is not None else None

    @property
    def is_bound(self) -> bool:
        """Whether it moved by less than that, since the lengths of what stayed the same are not known."""
        below = None if self.pair is not None else self.aligned.below[id(self.source)]
        return below is not None and below.unmeasured > 0 and below.relative is not None

    def pair_elements(self, side: SideName) -> int:
        """How many values one side of it holds."""
        pair = self.pair
        entry = None if pair is None else pair.match.left if side == "left" else pair.match.right
        return 0 if entry is None else entry.tensor.elements * entry.tensor.dtype.per_item

    def _made(self) -> Sequence[Row]:
        table = self.table
        if not isinstance(self.source, LayerNode) or not isinstance(table, PairTable):
            return ()
        kept, made = table.kept, list[Row]()
        for sources, kind in ((self.source.tensors, "tensor"), (self.source.children, "layer")):
            chosen: list[Source] = [one for one in sources if kept is None or id(one) in kept]
            for source in table.sorted(chosen):
                made.append(PairRow(table, source, self, len(made), kind))  # type: ignore[arg-type]
        return made


class PairTable(RowTable):
    """The rows of one comparison."""

    __slots__ = ("aligned", "sorting")

    def __init__(self, aligned: Aligned, kept: frozenset[int] | None = None, order: Order | None = None) -> None:
        super().__init__(aligned.root, aligned.facts, kept)
        self.aligned, self.sorting = aligned, order or Order()
        self.root = PairRow(self, aligned.root, None, 0, "layer")

    def twin(self) -> PairTable:
        """The same rows, made anew: for a walk over all of them that nobody sees and that leaves nothing behind."""
        return PairTable(self.aligned, self.kept, self.sorting)

    def sorted(self, sources: list[Source]) -> list[Source]:
        """Neighbours in the order that is asked for; equals stay as the file has them."""
        if self.sorting.by == "file":
            return sources
        keys: dict[str, Callable[[Source], Any]] = {"name": lambda one: one.name, "state": self._state, "change": self._change}
        return sorted(sources, key=keys[self.sorting.by], reverse=self.sorting.is_down)

    def _state(self, source: Source) -> int:
        return CODES[self._row(source).status]

    def _change(self, source: Source) -> float:
        relative = self._row(source).relative
        return -1.0 if relative is None else relative

    def _row(self, source: Source) -> PairRow:
        return PairRow(self, source, None, 0, "tensor")


def kept_of(aligned: Aligned, hidden: frozenset[Status], hits: frozenset[int] | None) -> tuple[frozenset[int], bytes]:
    """What is left when some states are hidden and a filter is on, with the layers that lead there; and a 1 for each row that is."""
    codes = {CODES[status] for status in hidden}
    kept: set[int] = set()
    shown = bytearray(len(aligned.leaves))
    for rank, leaf in enumerate(aligned.leaves):
        if aligned.marks[rank] in codes or (hits is not None and id(leaf) not in hits):
            continue
        shown[rank] = 1
        at: LayerNode | TensorRow | None = leaf
        while at is not None and id(at) not in kept:
            kept.add(id(at))
            at = aligned.above.get(id(at))
    return frozenset(kept), bytes(shown)
