"""Totals of the layer tree, bottom up: parameters, bytes, what trains. Tied tensors count once in every node above them."""

from __future__ import annotations

from typing import Literal

from ptinspect.checkpoint.layers import LayerNode, TensorRow
from ptinspect.checkpoint.model import memory_of

_BIT: dict[bool | None, int] = {True: 1, False: 2, None: 4}
_TRAINABLE: tuple[bool | Literal["mixed"] | None, ...] = (None, True, False, "mixed", None, None, None, None)
Tied = dict[object, TensorRow]


def add_totals(root: LayerNode) -> None:
    """Fill in the totals of every node; linear, since only tied tensors are remembered on the way up."""
    order = [root]
    for node in order:
        order.extend(node.children)
    tied: dict[int, Tied] = {}
    for node in reversed(order):
        parameters = nbytes = answers = 0
        for child in node.children:
            parameters += child.parameters
            nbytes += child.bytes
            answers |= child.answers
        node.parameters, node.bytes = parameters, nbytes
        own = _tied_below(node, tied) if tied else {}
        for row in node.tensors:
            if row.role == "parameter":
                answers |= _BIT[row.requires_grad]
            if row.shared_with:
                _once(node, own, memory_of(row.tensor), row)
            else:
                _add(node, row, 1)
        if own:
            tied[id(node)] = own
        node.answers, node.trainable = answers, _TRAINABLE[answers]


def _tied_below(node: LayerNode, tied: dict[int, Tied]) -> Tied:
    """The tied tensors of all children; what two of them counted is taken back once."""
    found: list[Tied] = [below for child in node.children if (below := tied.pop(id(child), None)) is not None]
    if not found:
        return {}
    own = max(found, key=len)
    for below in found:
        if below is not own:
            for key, row in below.items():
                if key in own:
                    _add(node, row if own[key].role == "parameter" else own[key], -1)
                _keep(own, key, row)
    return own


def _once(node: LayerNode, own: Tied, key: object, row: TensorRow) -> None:
    """Count a tied tensor where it was not counted yet; one that is a parameter under any of its names is one."""
    known = own.get(key)
    if known is None or known.role != "parameter":
        if known is not None:
            _add(node, known, -1)
        _add(node, row, 1)
    _keep(own, key, row)


def _keep(own: Tied, key: object, row: TensorRow) -> None:
    if key not in own or (row.role == "parameter" and own[key].role != "parameter"):
        own[key] = row


def _add(node: LayerNode, row: TensorRow, sign: int) -> None:
    tensor = row.tensor
    elements = tensor.elements
    if row.role == "parameter":
        node.parameters += sign * elements
    if tensor.storage is None:
        node.bytes += sign * sum(part.dtype.nbytes(part.elements) for part in tensor.parts)
    elif tensor.storage.location != "meta":
        node.bytes += sign * tensor.dtype.nbytes(elements)
