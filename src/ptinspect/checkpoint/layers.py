"""The layer tree: modules, tensors and plain values as a torchsummary reader expects them, in the file's order.

Rows outside weight sets follow the file's containers; inside one, names are split at their dots, as modules are nested. Types of
pickled modules are confirmed; a saved `_metadata` names every module of a state_dict, those without weights too; the rest is
inferred from names and shapes, or left open. Everything here is iterative and linear in the number of tensors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from sys import intern
from typing import Literal

from ptinspect.checkpoint.model import Certainty, Checkpoint, WeightSet
from ptinspect.checkpoint.module_text import extra_of, short_type
from ptinspect.checkpoint.modules import Module, modules_below
from ptinspect.checkpoint.plain_values import container_type, value_text
from ptinspect.checkpoint.script_text import scripted_extra
from ptinspect.checkpoint.weight_sets import is_optimizer, joined, metadata_of, steps_below
from ptinspect.formats.document import Place
from ptinspect.formats.reach import key_text
from ptinspect.frozen import slotted
from ptinspect.limits import DEFAULT
from ptinspect.pickles.values import Call, Dict, Set, Value, entries, lookup, pairs_of
from ptinspect.tensors import TensorInfo

TensorRole = Literal["parameter", "buffer", "optimizer", "other"]
MOST_VALUES, MOST_TEXT = 20_000, 100_000_000  # plain values; characters of all paths together
MOST_SHARED, MOST_STEPS = 32, 200
MOST_ROWS = 150_000  # tensors by name; what a table or a window can still be used with
LONGEST_PATH = 4_000
MOST_DEPTH = 400  # levels; a reader of JSON gives up at some 500 objects in each other


class TensorRow:
    """One tensor under one of its names. Written out rather than a dataclass, as LayerNode is: a file may have a million."""

    __slots__ = ("name", "path", "requires_grad", "role", "shared_with", "tensor")

    def __init__(self, name: str, path: str, tensor: TensorInfo, role: TensorRole) -> None:
        self.name = name
        self.path = path
        self.tensor = tensor
        self.role: TensorRole = role
        self.requires_grad = tensor.requires_grad
        self.shared_with: tuple[str, ...] = ()


@slotted
class ValueRow:
    """A plain value beside the tensors: a number, a text, a numpy array."""

    name: str
    type: str
    text: str


class LayerNode:
    """One module or container, with totals over all that is below it, tied tensors counted once.

    `slot_of` is the parameter that a slot of an optimizer's state belongs to, `real_parameters` the count where they are packed.
    """

    __slots__ = (
        "answers", "because", "bytes", "certainty", "children", "class_name", "extra", "in_optimizer", "name", "parameters",
        "path", "real_parameters", "slot_of", "tensors", "trainable", "training", "type", "values",
    )  # fmt: skip

    def __init__(self, name: str, path: str, in_optimizer: bool = False) -> None:
        self.name = name
        self.path = path
        self.in_optimizer = in_optimizer
        self.type: str | None = None
        self.certainty: Certainty | None = None
        self.class_name: str | None = None
        self.extra: str | None = None
        self.training: bool | None = None
        self.tensors: list[TensorRow] = []
        self.values: Sequence[ValueRow] = ()  # most nodes have neither: a list is made for those that do
        self.children: Sequence[LayerNode] = ()
        self.parameters = 0
        self.real_parameters: int | None = None
        self.bytes = 0
        self.answers = 0  # what its parameters say about training, as bits; `trainable` is the sum of it
        self.trainable: bool | Literal["mixed"] | None = None
        self.because: str | None = None
        self.slot_of: str | None = None

    def add(self, below: LayerNode | ValueRow) -> None:
        """Put a node or a value behind those there are."""
        if isinstance(below, LayerNode):
            if isinstance(self.children, list):
                self.children.append(below)
            else:
                self.children = [below]
        elif isinstance(self.values, list):
            self.values.append(below)
        else:
            self.values = [below]

    def walk(self) -> Iterator[LayerNode]:
        """This node and all below it, parents first."""
        todo = [self]
        while todo:
            node = todo.pop()
            yield node
            if node.children:
                todo.extend(reversed(node.children))


class TreeBuilder:
    """Builds the tree of one checkpoint."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self.document = checkpoint.document
        self.root = LayerNode("", "")
        self.nodes: dict[str, LayerNode] = {"": self.root}
        self.sets = {id(weights.value): weights for weights in checkpoint.weights}
        self.optimizers = {optimizer.path for optimizer in checkpoint.training.optimizers} if checkpoint.training else set()
        self.buffers: set[str] = set()
        self.rows: dict[str, TensorRow] = {}
        self.spare, self.spare_text = MOST_VALUES, MOST_TEXT
        self.left_out = 0

    def build(self) -> LayerNode:
        """The tree without types that must be inferred and without totals."""
        self._outline()
        self._fill()
        return self.root

    def node(self, path: str) -> LayerNode:
        """The node of a path, its ancestors made as needed."""
        missing = []
        while (above := self.nodes.get(path)) is None:
            parent, name = _parted(path)
            missing.append((path, name))
            path = parent
        for step, name in reversed(missing):
            made = LayerNode(name, step, above.in_optimizer)
            above.add(made)
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
        self.spare_text -= len(path)
        too_deep = self.spare_text < 0 or len(path) >= LONGEST_PATH or path.count(".") >= MOST_DEPTH
        if too_deep or value_text(value) is not None:  # numpy scalars, arrays, paths: one line says it all
            self._value(value, path)
            return []
        node = self.node(path)
        node.type, node.certainty = container_type(value), "confirmed"
        pairs = pairs_of(value)
        if path in self.optimizers or (pairs is not None and is_optimizer(pairs)):
            node.in_optimizer = True
        return [(item, joined(path, key)) for key, item in steps_below(value)]

    def _value(self, value: Value, path: str) -> None:
        parent, _, name = path.rpartition(".")
        self.spare -= 1
        if self.spare >= 0 and parent in self.nodes:
            self.nodes[parent].add(ValueRow(name, container_type(value), value_text(value) or "…"))

    def _frame(self, weights: WeightSet) -> None:
        """The modules of one weight set, in order, before its tensors are filled in."""
        node = self.node(weights.path)
        if weights.form == "model":
            for path, module in modules_below(weights.value, self.document):
                self._module(self.node(joined(weights.path, path) if path else weights.path), module)
            return
        node.type, node.certainty = container_type(weights.value), "confirmed"
        for key, _ in entries(pairs_of(metadata_of(weights.value)) or []):
            if type(key) is str and key:
                self.node(joined(weights.path, key))
        signature = self.document.signatures.get(weights.path)
        if signature is not None:
            self.buffers.update(joined(weights.path, name) for name in signature.non_persistent)

    def _module(self, node: LayerNode, module: Module) -> None:
        node.type, node.certainty = short_type(module.class_name), "confirmed"
        node.class_name = module.class_name
        node.extra = scripted_extra(module) if module.is_scripted else extra_of(module)
        mode = lookup(module.state, "training")
        node.training = mode if type(mode) is bool else None
        self.buffers.update(joined(node.path, key_text(key)) for key, _ in module.buffers)

    def _fill(self) -> None:
        """Every tensor under every name it has: those of the weight sets, then what else the walk found."""
        held: dict[str, set[int]] = {}
        for weights in self.checkpoint.weights:
            self._fill_set(weights)
            if weights.form == "model":
                held[weights.path] = {id(entry.tensor) for entry in weights.entries}
        rows = self.rows
        long = {id(row.tensor) for row in rows.values() if len(row.path) > DEFAULT.name_chars}
        for place in self.document.places:
            if long and place.path.startswith("…") and id(place.tensor) in long:
                continue  # its place is spelled in short, and is no second name
            if len(rows) >= MOST_ROWS:
                self.left_out = max(self.left_out, len(self.document.places) - len(rows))
                break
            if place.path not in rows and not (held and _is_attribute(place, held)):
                node = self.node(place.path.rpartition(".")[0])
                role: TensorRole = "optimizer" if node.in_optimizer else "other"
                self._row(node, place.path, place.tensor, "buffer" if place.path in self.buffers else role)
        if self.left_out:
            self.root.add(ValueRow("…", "more", f"{self.left_out:,} more tensors are not shown"))
        for group in self.checkpoint.totals.shared:
            known = [path for path in group if path in rows]
            for path in known:
                others = [other for other in known[: MOST_SHARED + 1] if len(other) < LONGEST_PATH]
                rows[path].shared_with = tuple(other for other in others if other != path)[:MOST_SHARED]

    def _fill_set(self, weights: WeightSet) -> None:
        """The tensors of one weight set; neighbours mostly stand in one module."""
        rows = self.rows
        lead = f"{weights.path}." if weights.path else ""
        last, node = None, self.root
        for entry in weights.entries[: max(0, MOST_ROWS - len(rows))]:
            path = joined(weights.path, entry.name) if lead else entry.name
            parent, _, name = path.rpartition(".")
            if parent != last:
                last, node = parent, self.node(parent)
            if path in rows:
                self._row(node, path, entry.tensor, entry.role)
                continue
            rows[path] = row = TensorRow(intern(name), path, entry.tensor, entry.role)
            node.tensors.append(row)

    def _row(self, node: LayerNode, path: str, tensor: TensorInfo, role: TensorRole) -> None:
        """A row under a path that may be taken: the second gets `#2`, as in the document's places."""
        count, free = 1, path
        while free in self.rows:
            count += 1
            free = f"{path}#{count}"
        row = self.rows[free] = TensorRow(free.rpartition(".")[2], free, tensor, role)
        node.tensors.append(row)


def _parted(path: str) -> tuple[str, str]:
    """The path above and the last step; the last of too many takes all steps that are left."""
    if path.count(".") >= MOST_DEPTH:
        *above, name = path.split(".", MOST_DEPTH)
        return ".".join(above), name
    parent, _, name = path.rpartition(".")
    return parent, name


def _is_attribute(place: Place, held: dict[str, set[int]]) -> bool:
    """Whether a place inside a module is only a second way to one of its weights, such as the `_flat_weights` of an LSTM."""
    above = place.path
    for _ in range(MOST_STEPS):
        above = above.rpartition(".")[0]
        inside = held.get(above)
        if inside is not None:
            return id(place.tensor) in inside
        if not above:
            break
    return False
