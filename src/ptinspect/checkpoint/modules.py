"""Module-like objects: anything that carries `_modules` or `_parameters`, its class known here or not.

The walk is iterative and bounded: a module that holds itself ends at the second visit, and one module under two names is
listed twice, as `state_dict()` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ptinspect.checkpoint.model import Role
from ptinspect.formats.reach import key_text
from ptinspect.pickles.values import Call, Global, Pairs, Persistent, Set, Value, entries, lookup, pairs_of
from ptinspect.tensors import TensorInfo

MOST_NAMES = 2_000_000
_DEPTH = 200


@dataclass(frozen=True, slots=True)
class Module:
    """One module of a pickled model, inert."""

    class_name: str
    state: Value
    parameters: Pairs
    buffers: Pairs
    children: Pairs
    non_persistent: frozenset[str]


def module_of(value: Value) -> Module | None:
    """The module that a value would become, or None."""
    if type(value) is not Call:
        return None
    for state in reversed(value.states):
        for part in state if type(state) is tuple else (state,):
            pairs = pairs_of(part)
            if pairs and any(type(key) is str and key in ("_modules", "_parameters") for key, _ in pairs):
                return _module(value, part)
    return None


def _module(value: Call, state: Value) -> Module:
    parameters, buffers, children = (pairs_of(lookup(state, name)) or [] for name in ("_parameters", "_buffers", "_modules"))
    left_out = lookup(state, "_non_persistent_buffers_set")
    items = left_out.items if type(left_out) is Set else _set_items(left_out)
    names = frozenset(item for item in items if type(item) is str)
    return Module(class_of(value), state, list(entries(parameters)), list(entries(buffers)), list(entries(children)), names)


def _set_items(value: Value) -> list[Value]:
    """Protocol 2 writes a set as builtins.set([...])."""
    args = value.args if type(value) is Call and type(value.args) is tuple else ()
    return args[0] if args and type(args[0]) is list else []


def class_of(value: Call) -> str:
    """The full name of an object's class: what is constructed, or the class that copyreg's helper would construct."""
    fn = value.fn
    if type(fn) is Persistent and type(fn.id) is tuple and len(fn.id) > 1:
        fn = fn.id[1]  # torch before 1.6 stored ("module", class, file, source)
    if type(fn) is Global and fn.name.rpartition(".")[2] in ("_reconstructor", "__newobj__", "_rebuild_from_type_v2"):
        first = value.args[0] if type(value.args) is tuple and value.args else None
        fn = first if type(first) is Global else fn
    if type(fn) is Global and fn.name.startswith("torch.nn.parallel.") and "." in fn.name:
        return fn.name
    return fn.name if type(fn) is Global else "?"


def state_entries(root: Value, by_value: dict[int, TensorInfo]) -> Iterator[tuple[str, TensorInfo, Role]]:
    """What `state_dict()` would return: parameters, persistent buffers, then the children's, each in order."""
    todo: list[tuple[Value, str, tuple[int, ...]]] = [(root, "", ())]
    names = 0
    while todo:
        value, prefix, above = todo.pop()
        module = module_of(value)
        if module is None or id(value) in above or len(above) > _DEPTH:
            continue
        for pairs, role in ((module.parameters, "parameter"), (module.buffers, "buffer")):
            for key, item in pairs:
                tensor = by_value.get(id(item))
                if tensor is not None and not (role == "buffer" and key in module.non_persistent):
                    names += 1
                    yield prefix + key_text(key), tensor, role  # type: ignore[misc]
        if names > MOST_NAMES or len(todo) > MOST_NAMES:
            return
        below = (*above, id(value))
        todo.extend((child, f"{prefix}{key_text(key)}.", below) for key, child in reversed(module.children))
