"""Optimizers: their class, their groups with every option, and the state they keep for each parameter.

A saved state names its class nowhere, so it is inferred from what its groups and its state hold (optimizer_classes). A pickled
optimizer object confirms it. Values of the state are never read; shapes are enough to say which parameter a slot belongs to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ptinspect.checkpoint.hyperparameters import Tree, TreeBuilder
from ptinspect.checkpoint.model import Certainty
from ptinspect.checkpoint.modules import class_of
from ptinspect.checkpoint.optimizer_classes import BOOKKEEPING, class_by_names
from ptinspect.checkpoint.scalars import Scalars
from ptinspect.checkpoint.schedulers import short_class
from ptinspect.checkpoint.survey import named
from ptinspect.formats.reach import key_text
from ptinspect.frozen import frozen
from ptinspect.pickles.values import Call, Dict, Pairs, Value, entries, pairs_of
from ptinspect.tensors import TensorInfo

MOST_GROUPS = 10_000
LOOKED_AT = 256
Slot = int | str
"""A parameter as the optimizer names it: a number, a name, or the identity of a pickled parameter."""


@frozen
class Group:
    """One parameter group: its options as stored, and the slots it lists."""

    options: dict[str, Tree]
    slots: tuple[Slot, ...]
    names: tuple[str, ...] | None = None

    def fields(self) -> dict[str, Any]:
        """As JSON: the learning rate, how many parameters, then all other options."""
        rest = {key: value for key, value in self.options.items() if key not in ("lr", "params")}
        return {"lr": self.options.get("lr"), "params": len(self.slots), **rest}


@frozen
class Optimizer:
    """One optimizer. `state` holds, for each slot that has any, the tensors kept for it by name; `tensors` a pickled one's parameters."""

    path: str
    class_name: str | None
    certainty: Certainty
    because: str
    groups: tuple[Group, ...]
    state: dict[Slot, dict[str, TensorInfo]]
    tensors: dict[Slot, TensorInfo]
    steps: int | None = None

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Every slot that a group lists, in order; those of the state where no groups were saved."""
        return tuple(slot for group in self.groups for slot in group.slots) if self.groups else tuple(self.state)

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names of the slots where every group carries them."""
        if not self.groups or any(group.names is None for group in self.groups):
            return None
        return tuple(name for group in self.groups for name in group.names or ())

    def fields(self) -> dict[str, Any]:
        """As JSON."""
        groups = [group.fields() for group in self.groups]
        return {"path": self.path, "class": self.class_name, "certainty": self.certainty, "groups": groups, "steps": self.steps}


def optimizer_of(path: str, value: Value, scalars: Scalars) -> Optimizer:
    """The optimizer that a saved state, or a pickled object, describes."""
    top = {key_text(key): item for key, item in entries(named(value))}
    stored = top.get("param_groups")
    group_pairs = [pairs_of(group) or [] for group in stored[:MOST_GROUPS]] if isinstance(stored, (list, tuple)) else []
    tensors: dict[Slot, TensorInfo] = {}
    groups = tuple(_group(pairs, scalars, tensors) for pairs in group_pairs)
    state, names, steps = _state(pairs_of(top.get("state")) or [], scalars)
    class_name, certainty, because = _class(value, groups, names)
    return Optimizer(path, class_name, certainty, because, groups, state, tensors, steps)


def _group(pairs: Pairs, scalars: Scalars, tensors: dict[Slot, TensorInfo]) -> Group:
    """A group's options; a rate that is a tensor is not read (`info` reads nothing of an optimizer) and stays None."""
    builder = TreeBuilder(Scalars(scalars.by_value), 500)
    options: dict[str, Tree] = {}
    slots: tuple[Slot, ...] = ()
    names: tuple[str, ...] | None = None
    for key, item in entries(pairs):
        if key == "params" and type(key) is str:
            slots = tuple(_slots(item, scalars, tensors))
        elif key == "param_names" and type(key) is str and type(item) in (list, tuple):
            names = tuple(name for name in item if type(name) is str)
        else:
            options[key_text(key)] = None if id(item) in scalars.by_value else builder.of(item)
    return Group(options, slots, names if names is not None and len(names) == len(slots) else None)


def _slots(value: Value, scalars: Scalars, tensors: dict[Slot, TensorInfo]) -> Iterator[Slot]:
    for item in value if type(value) in (list, tuple) else ():
        slot = slot_of(item, scalars)
        if slot is not None:
            yield slot
            tensor = scalars.by_value.get(id(item)) if type(item) is Call else None
            if tensor is not None:
                tensors[slot] = tensor


def slot_of(value: Value, scalars: Scalars) -> Slot | None:
    """How a parameter is named: as stored, or by the identity of its tensor in a pickled optimizer."""
    if type(value) in (int, str):
        return value  # type: ignore[no-any-return]
    tensor = scalars.by_value.get(id(value)) if type(value) is Call else None
    return None if tensor is None else id(tensor)


def _state(pairs: Pairs, scalars: Scalars) -> tuple[dict[Slot, dict[str, TensorInfo]], set[str], int | None]:
    """The tensors kept for each slot, every name that occurs, and the highest count of steps that is a plain number.

    Plain numbers are looked at in the first slots only: they carry the same names in all, and there may be 100,000 of them.
    """
    find, names, steps = scalars.by_value.get, set[str](), -1
    found: dict[Slot, dict[str, TensorInfo]] = {}
    for key, item in pairs:
        slot = key if type(key) in (int, str) else slot_of(key, scalars)
        inner = item.pairs if type(item) is Dict else pairs_of(item)
        if slot is None or not inner:
            continue
        kept = {name: tensor for name, value in inner if type(name) is str and (tensor := find(id(value))) is not None}
        if not kept.keys() <= names or len(found) < LOOKED_AT:
            names.update(name for name, _ in inner if type(name) is str)
            steps = max(steps, *(value for name, value in inner if name == "step" and type(value) is int), -1)
        found[slot] = kept
    return found, names, steps if steps >= 0 else None


def _class(value: Value, groups: tuple[Group, ...], state: set[str]) -> tuple[str | None, Certainty, str]:
    if type(value) is Call and pairs_of(value) is None:
        full = class_of(value)
        return short_class(full), "confirmed", f"it is a pickled object of class {full}"
    options = {key for group in groups for key in group.options} - BOOKKEEPING
    decoupled = next((group.options["decoupled_weight_decay"] for group in groups if "decoupled_weight_decay" in group.options), None)
    name, because = class_by_names(options, state, decoupled)
    return name, "inferred", because
