"""What a window keeps of each tensor: its numbers packed, a small picture of them, and pictures of the layers that are complete."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ptinspect.analysis.packed import Pictured, pack
from ptinspect.analysis.sparklines import sparkline
from ptinspect.analysis.statistics import Statistics, as_fields

if TYPE_CHECKING:
    from ptinspect.checkpoint.layers import LayerNode, TensorRow

MOST_MERGED = 600  # tensors whose histograms a layer's picture is made of


class Pictures:
    """Knows when everything below a layer is there, so that its picture can be drawn. Places are those of `tree.walk()`."""

    def __init__(self, tree: LayerNode) -> None:
        order = list(tree.walk())
        at = {id(node): place for place, node in enumerate(order)}
        self._rows: list[tuple[TensorRow, int]] = [(row, place) for place, node in enumerate(order) for row in node.tensors]
        self._above: dict[int, int] = {at[id(child)]: place for place, node in enumerate(order) for child in node.children}
        self._missing = [0] * len(order)
        self._parts: dict[int, list[tuple[bool, Statistics]]] = {}
        for place in range(len(order) - 1, -1, -1):
            node = order[place]
            self._missing[place] = len(node.tensors) + sum(1 for child in node.children if self._missing[at[id(child)]])

    def of(self, place: int, found: Statistics) -> Pictured:
        """The numbers of one tensor have come."""
        row, node = self._rows[place]
        own = sparkline([found])
        layers = tuple(
            (above, own if len(parts) == 1 and parts[0] is found else sparkline(parts))
            for above, parts in self._completed(row, node, found)
        )
        return Pictured(place, pack(as_fields(found)), own, layers)

    def _completed(self, row: TensorRow, above: int, found: Statistics) -> Iterator[tuple[int, list[Statistics]]]:
        """Where a layer has matrices, its vectors would only hide them."""
        node: int | None = above
        parts = [(len(row.tensor.shape) > 1, found)] if found.histogram is not None and row.role in ("parameter", "other") else []
        while node is not None:
            own = self._parts.setdefault(node, [])
            own.extend(parts)
            if len(own) > 2 * MOST_MERGED:  # those above would otherwise hold on to every histogram of the file
                own[:] = own[::2]
            self._missing[node] -= 1
            if self._missing[node]:
                return
            parts = self._parts.pop(node)
            parts = [part for part in parts if part[0]] or parts
            parts = parts[:: max(1, len(parts) // MOST_MERGED)]
            yield node, [one for _, one in parts]
            node = self._above.get(node)


__all__ = ["Pictures"]
