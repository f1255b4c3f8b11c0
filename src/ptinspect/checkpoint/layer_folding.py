"""Levels of the layer tree that only say how a model was wrapped: compiled, sharded, checkpointed. They show as no level.

Paths keep such a step, since `state_dict()` does; what lies below moves up to the module that the wrapper stands for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ptinspect.checkpoint.layers import LayerNode
from ptinspect.checkpoint.model import WeightSet
from ptinspect.checkpoint.weight_sets import DROPPED, WRAPPERS, without_wrappers

_WRAPPING = WRAPPERS | {"CheckpointWrapper", "OffloadWrapper"}


def holds_wrapper(weights: WeightSet) -> bool:
    """Whether a name of a set has such a step; nearly none has, and then the tree is not walked."""
    return any("_orig_mod" in entry.name or "_wrapped_module" in entry.name for entry in weights.entries)


def raw_paths(top: LayerNode) -> dict[str, str]:
    """The path of each node below a weight set by its name without wrappers; a module's comes before those of its wrappers."""
    lead = len(top.path) + 1 if top.path else 0
    found: dict[str, str] = {}
    for node in top.walk():
        if node is not top:
            found.setdefault(without_wrappers(node.path[lead:]), node.path)
    return found


def fold(nodes: Iterable[LayerNode], kept: Collection[str]) -> None:
    """Take out every level with a wrapper's name; `kept` are paths that stay, such as those of weight sets."""
    above = {id(child): node for node in nodes for child in node.children if child.name in DROPPED and child.path not in kept}
    for node in {id(parent): parent for parent in above.values()}.values():
        _take_up(node, kept)


def _take_up(node: LayerNode, kept: Collection[str]) -> None:
    """What stands below wrappers takes their place, several wrappers deep."""
    children: list[LayerNode] = []
    todo = list(reversed(node.children))
    while todo:
        child = todo.pop()
        if child.name not in DROPPED or child.path in kept:
            children.append(child)
            continue
        _become(node, child)
        node.tensors += child.tensors
        for value in child.values:
            node.add(value)
        todo.extend(reversed(child.children))
    node.children = children


def _become(node: LayerNode, inner: LayerNode) -> None:
    """A wrapper, or a module that nothing was said of, is what it wraps."""
    if inner.type is None or (node.type is not None and node.type not in _WRAPPING):
        return
    node.type, node.certainty, node.because, node.class_name = inner.type, inner.certainty, inner.because, inner.class_name
    node.extra, node.real_parameters, node.training = inner.extra, inner.real_parameters, inner.training


__all__ = ["fold"]
