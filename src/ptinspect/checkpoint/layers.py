"""The layer tree: modules, tensors and plain values as a torchsummary reader expects them, in the file's order.

Rows outside weight sets follow the file's containers; inside one, names are split at their dots, as modules are nested. Types of
pickled modules are confirmed; a saved `_metadata` names every module of a state_dict, those without weights too; the rest is
inferred from names and shapes, or left open. Everything here is iterative and linear in the number of tensors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from ptinspect.checkpoint.model import Certainty, Checkpoint, Role, WeightSet, memory_of
from ptinspect.checkpoint.module_text import extra_of, short_type
from ptinspect.checkpoint.modules import Module, modules_below
from ptinspect.checkpoint.plain_values import container_type, value_text
from ptinspect.checkpoint.weight_sets import joined, metadata_of, steps_below
from ptinspect.pickles.values import Call, Dict, Set, Value, entries, lookup, pairs_of
from ptinspect.tensors import TensorInfo

TensorRole = Literal["parameter", "buffer", "optimizer", "other"]
MOST_VALUES = 20_000


@dataclass(slots=True)
class TensorRow:
    """One tensor under one of its names."""

    name: str
    path: str
    tensor: TensorInfo
    role: TensorRole
    requires_grad: bool | None = None
    shared_with: tuple[str, ...] = ()


@dataclass(slots=True)
class ValueRow:
    """A plain value beside the tensors: a number, a text, a numpy array."""

    name: str
    type: str
    text: str


@dataclass(slots=True)
class LayerNode:
    """One module or container, with totals over all that is below it, tied tensors counted once."""

    name: str
    path: str
    type: str | None = None
    certainty: Certainty | None = None
    class_name: str | None = None
    extra: str | None = None
    training: bool | None = None
    tensors: list[TensorRow] = field(default_factory=list)
    values: list[ValueRow] = field(default_factory=list)
    children: list[LayerNode] = field(default_factory=list)
    parameters: int = 0
    real_parameters: int | None = None
    bytes: int = 0
    trainable: bool | Literal["mixed"] | None = None
    in_optimizer: bool = False
    because: str | None = None

    def walk(self) -> Iterator[LayerNode]:
        """This node and all below it, parents first."""
        todo = [self]
        while todo:
            node = todo.pop()
            yield node
            todo.extend(reversed(node.children))


class TreeBuilder:
    """Builds the tree of one checkpoint."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self.document = checkpoint.document
        self.root = LayerNode("", "")
        self.nodes: dict[str, LayerNode] = {"": self.root}
        self.sets = {id(weights.value): weights for weights in checkpoint.weights}
        self.roles: dict[str, Role] = {}
        self.rows: dict[str, TensorRow] = {}
        self.spare = MOST_VALUES

    def build(self) -> LayerNode:
        """The tree without types that must be inferred and without totals."""
        self._outline()
        self._fill()
        return self.root

    def node(self, path: str) -> LayerNode:
        """The node of a path, its ancestors made as needed."""
        found = self.nodes.get(path)
        if found is not None:
            return found
        missing = [path]
        while (parent := path.rpartition(".")[0]) not in self.nodes:
            missing.append(parent)
            path = parent
        above = self.nodes[parent]
        for step in reversed(missing):
            made = LayerNode(step.rpartition(".")[2], step, in_optimizer=above.in_optimizer)
            above.children.append(made)
            self.nodes[step] = above = made
        return above

    def _outline(self) -> None:
        """Containers, plain values and modules in file order."""
        seen: set[int] = set()
        todo: list[tuple[Value, str]] = [(self.document.root, "")]
        while todo:
            value, path = todo.pop()
            if id(value) in self.document.by_value:
                continue
            if id(value) in self.sets:
                self._frame(self.sets[id(value)])
                continue
            kind = type(value)
            if kind in (Dict, list, tuple, Set, Call) and id(value) not in seen:
                seen.add(id(value))
                todo.extend(reversed(self._container(value, path)))
            elif path:
                self._value(value, path)

    def _container(self, value: Value, path: str) -> list[tuple[Value, str]]:
        if value_text(value) is not None:  # numpy scalars, arrays, paths: one line says it all
            self._value(value, path)
            return []
        node = self.node(path)
        node.type, node.certainty = container_type(value), "confirmed"
        pairs = pairs_of(value)
        if pairs is not None and {"state", "param_groups"} <= {key for key, _ in pairs if type(key) is str}:
            node.in_optimizer = True
        return [(item, joined(path, key)) for key, item in steps_below(value)]

    def _value(self, value: Value, path: str) -> None:
        parent, _, name = path.rpartition(".")
        self.spare -= 1
        if self.spare >= 0 and parent in self.nodes:
            self.nodes[parent].values.append(ValueRow(name, container_type(value), value_text(value) or "…"))

    def _frame(self, weights: WeightSet) -> None:
        """The modules of one weight set, in order, before its tensors are filled in."""
        node = self.node(weights.path)
        for entry in weights.entries:
            self.roles[joined(weights.path, entry.name)] = entry.role
        if weights.form == "model":
            for path, module in modules_below(weights.value, self.document):
                self._module(self.node(joined(weights.path, path) if path else weights.path), module)
            return
        node.type, node.certainty = container_type(weights.value), "confirmed"
        for key, _ in entries(pairs_of(metadata_of(weights.value)) or []):
            if type(key) is str and key:
                self.node(joined(weights.path, key))

    def _module(self, node: LayerNode, module: Module) -> None:
        node.type, node.certainty = short_type(module.class_name), "confirmed"
        node.class_name, node.extra = module.class_name, extra_of(module)
        mode = lookup(module.state, "training")
        node.training = mode if type(mode) is bool else None

    def _fill(self) -> None:
        """Every tensor under every name it has."""
        names: dict[object, list[str]] = {}
        for path, tensor in self._named():
            parent, _, name = path.rpartition(".")
            node = self.node(parent) if parent not in self.nodes else self.nodes[parent]
            row = TensorRow(name, path, tensor, self._role(path, node), tensor.requires_grad)
            node.tensors.append(row)
            self.rows[path] = row
            names.setdefault(memory_of(tensor), []).append(path)
        if len(names) < len(self.rows):
            for row in self.rows.values():
                together = names[memory_of(row.tensor)]
                row.shared_with = tuple(path for path in together if path != row.path) if len(together) > 1 else ()

    def _named(self) -> Iterator[tuple[str, TensorInfo]]:
        """The names of the walk, then those that only `state_dict()` would list (a module that stands under two names)."""
        listed = set()
        for place in self.document.places:
            listed.add(place.path)
            yield place.path, place.tensor
        for weights in self.checkpoint.weights:
            if weights.form == "model":
                for entry in weights.entries:
                    path = joined(weights.path, entry.name)
                    if path not in listed:
                        listed.add(path)
                        yield path, entry.tensor

    def _role(self, path: str, node: LayerNode) -> TensorRole:
        found = self.roles.get(path)
        if found is not None:
            return found
        return "optimizer" if node.in_optimizer else "other"
