"""Totals of the layer tree, bottom up: parameters, bytes, what trains. Tied tensors count once in every node above them."""

from __future__ import annotations

from typing import Literal

from ptinspect.checkpoint.layers import LayerNode, TensorRow
from ptinspect.checkpoint.model import memory_of


def add_totals(root: LayerNode) -> None:
    """Fill in the totals of every node; linear, since only tied tensors are remembered on the way up."""
    order = list(root.walk())
    tied: dict[int, dict[object, TensorRow]] = {}
    grads: dict[int, set[bool | None]] = {}
    for node in reversed(order):
        own: dict[object, TensorRow] = {}
        states: set[bool | None] = set()
        for child in node.children:
            node.parameters += child.parameters
            node.bytes += child.bytes
            states |= grads.pop(id(child))
            for key, row in tied.pop(id(child), {}).items():
                _once(node, own, key, row)
        for row in node.tensors:
            if row.role == "parameter":
                states.add(row.requires_grad)
            if row.shared_with:
                key = memory_of(row.tensor)
                if key not in own:
                    _add(node, row, 1)
                    own[key] = row
            else:
                _add(node, row, 1)
        if own:
            tied[id(node)] = own
        grads[id(node)] = states
        node.trainable = _trainable(states)


def _once(node: LayerNode, own: dict[object, TensorRow], key: object, row: TensorRow) -> None:
    """A tied tensor that two children counted is taken back once."""
    if key in own:
        _add(node, row, -1)
    else:
        own[key] = row


def _add(node: LayerNode, row: TensorRow, sign: int) -> None:
    tensor = row.tensor
    if row.role == "parameter":
        node.parameters += sign * tensor.elements
    if tensor.storage is None or not tensor.storage.is_meta:
        parts = [tensor] if tensor.storage is not None else list(tensor.parts)
        node.bytes += sign * sum(part.dtype.nbytes(part.elements) for part in parts)


def _trainable(states: set[bool | None]) -> bool | Literal["mixed"] | None:
    if not states or states == {None}:
        return None
    if len(states) == 1:
        return True in states
    return "mixed" if None not in states else None
