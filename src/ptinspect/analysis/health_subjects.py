"""What is examined: each tensor with its numbers, its role, the layer it stands in and the weight set that it belongs to."""

from __future__ import annotations

from collections.abc import Container, Sequence

from ptinspect.analysis.statistics import Statistics
from ptinspect.checkpoint.layer_tree import layer_tree
from ptinspect.checkpoint.layers import LayerNode, TensorRole
from ptinspect.checkpoint.model import Checkpoint, WeightSet
from ptinspect.frozen import frozen
from ptinspect.tensors import TensorInfo

Measured = Sequence[tuple[str, TensorInfo, Statistics]]

_MATRICES = ("weight", "original", "in_proj")
_CONTAINERS = frozenset({"dict", "list", "tuple", "OrderedDict"})
_NOWHERE: tuple[TensorRole, None] = ("other", None)
_SAME = 1e-9  # two sums of the same numbers, taken in different order


@frozen
class Subject:
    """One tensor under one name. `weights` is the path of its weight set, `layer` and `type` are those of the module around it."""

    path: str
    tensor: TensorInfo
    found: Statistics
    role: TensorRole
    weights: str | None
    layer: str
    type: str
    is_confirmed: bool  # what is a parameter was stored, and not told by names
    is_network: bool  # its weight set has modules: a mapping of tensors alone may as well be a data set

    @property
    def leaf(self) -> str:
        """The name within its layer."""
        return self.path[len(self.layer) :].removeprefix(".")

    @property
    def is_float(self) -> bool:
        """Whether it holds numbers that are not whole, as they are."""
        return self.tensor.dtype.family in ("float", "complex")

    @property
    def is_matrix(self) -> bool:
        """Whether it has rows and columns; a vector that was given dimensions of 1 has not."""
        return sum(size > 1 for size in self.tensor.shape) > 1

    @property
    def is_norm_weight(self) -> bool:
        """Whether it scales channels, as the weight of a norm does."""
        return self.role == "parameter" and self.leaf == "weight" and len(self.tensor.shape) == 1 and self.found.count > 1

    @property
    def has_outputs(self) -> bool:
        """Whether it is the weight of a layer of a known type, so that its rows are outputs for sure."""
        return (
            bool(self.type) and self.type not in _CONTAINERS and self.leaf.startswith(_MATRICES) and not self.type.startswith("Embedding")
        )

    @property
    def is_constant(self) -> bool:
        """Whether two or more values are all the same."""
        found = self.found
        return found.count > 1 and found.low == found.high and not found.nans and not found.infs

    @property
    def is_mask(self) -> bool:
        """Whether it is no weight but says where something is: zeros and infinities, or one other value beside zeros."""
        found = self.found
        if self.role == "parameter" and self.is_confirmed:
            return False
        if found.infs:
            return not found.nans and found.low == found.high and found.count + found.infs > 1
        if found.nans or self.leaf.lower().endswith("mask"):
            return not found.nans
        if not found.zeros or not found.mean or not found.l2 or found.low is None or found.high is None or found.low * found.high != 0:
            return False
        other = found.low + found.high  # where only zeros stand beside it, squares add up to it times the sum
        return abs(found.l2 * found.l2 - other * found.mean * found.count) <= _SAME * found.l2 * found.l2

    @property
    def is_weight(self) -> bool:
        """Whether it is a parameter of floats that training sets."""
        return self.role == "parameter" and self.is_float and not self.found.problem and not self.is_mask


def subjects(checkpoint: Checkpoint, measured: Measured) -> list[Subject]:
    """Each measured tensor with what the layer tree knows of it."""
    places: dict[str, tuple[TensorRole, LayerNode | None]] = {
        row.path: (row.role, node) for node in layer_tree(checkpoint).walk() for row in node.tensors
    }
    sets = {weights.path: (weights.split == "confirmed", _has_modules(weights)) for weights in checkpoint.weights}
    found = []
    for path, tensor, numbers in measured:
        role, node = places.get(path, _NOWHERE)
        weights = _set_of(path, sets) if role in ("parameter", "buffer") else None
        known = (False, False) if weights is None else sets[weights]
        found.append(Subject(path, tensor, numbers, role, weights, _layer_of(path, node), (node and node.type) or "", *known))
    return found


def _has_modules(weights: WeightSet) -> bool:
    return weights.form == "model" or any("." in entry.name for entry in weights.entries)


def _layer_of(path: str, node: LayerNode | None) -> str:
    """The path of the module; a folded wrapper's step belongs to it."""
    return path.rpartition(".")[0] if node is not None else ""


def _set_of(path: str, sets: Container[str]) -> str | None:
    """The innermost weight set around a path."""
    above = path
    while above:
        above = above.rpartition(".")[0]
        if above in sets:
            return above
    return None


__all__ = ["Measured", "Subject", "subjects"]
