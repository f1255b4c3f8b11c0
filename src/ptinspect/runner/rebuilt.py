"""The second way to a model: a pickled module without its pickle. Nothing of the file is run and nobody has to agree.

The file says, inertly, which classes there were and what each object held. Where every class is on our list, an empty object of the
library's own class is made and its state set: plain values, tensors from plain buffers, submodules. The state has to be what an object
of that class holds: whoever writes a pickle by hand may put anything under any name, and a `forward`, a hook, a property's name or a
callable set on a real class would be a program. Each is refused by name, and no refusal leads to a way that runs the file.

States of older versions are completed by the library's own `__setstate__`, which is part of the class, not of the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from ptinspect.checkpoint.model import Checkpoint, WeightSet
from ptinspect.checkpoint.modules import class_of
from ptinspect.checkpoint.storage_bytes import StorageBytes
from ptinspect.errors import InspectError
from ptinspect.formats.document import Document
from ptinspect.formats.reach import COMPILED, TRACED
from ptinspect.pickles.values import Call, Dict, Global, Value, children, class_outside, entries, lookup, pairs_of
from ptinspect.runner.filling import Filling
from ptinspect.runner.rebuilt_classes import attributes_of, functions, is_shadowing, module_class, unknown
from ptinspect.runner.rebuilt_names import FUNCTIONS, LEFT_OUT, MAKERS, MODULES, MOVED, WRAPPERS
from ptinspect.runner.rebuilt_values import PlainValues, refused
from ptinspect.tensors import TensorInfo

_DEEPEST = 100
_HOLDERS = frozenset({"_parameters", "_buffers", "_modules"})
_BARE = frozenset(vars(nn.Module()))
_MARKS = frozenset({"training", "_non_persistent_buffers_set", "_is_full_backward_hook", "_backend"})
_BACKEND = "torch.nn.backends.thnn._get_thnn_function_backend"
_MADE_BY_COPYREG = {"copyreg._reconstructor": 3, "copy_reg._reconstructor": 3, "copyreg.__newobj__": 1, "copy_reg.__newobj__": 1}
_OBJECT = frozenset({"builtins.object", "__builtin__.object"})
_GETATTR = frozenset({"builtins.getattr", "__builtin__.getattr"})


def rebuilt(checkpoint: Checkpoint, weights: WeightSet) -> nn.Module:
    """The module of a weight set, its weights in it; wrappers around it left away. Raises ArchitectureUnknown where that is not safe."""
    document = checkpoint.document
    if document.classes is not None or weights.form != "model":
        raise unknown("the file holds no pickled module here")
    with StorageBytes(checkpoint) as storages:
        filling = Filling(storages, _tensors_below(weights.value, document))
        return _Rebuilding(document, filling).module(weights.value, "")


def _tensors_below(root: Value, document: Document) -> Iterator[TensorInfo]:
    """Every tensor that the module can reach, so that each storage is read once."""
    todo, seen = [root], set[int]()
    while todo:
        value = todo.pop()
        if id(value) in seen or type(value) in (str, int, float, bool, type(None), bytes):
            continue
        seen.add(id(value))
        info = document.by_value.get(id(value))
        if info is None:
            todo.extend(children(value))
        else:
            yield info


class _Rebuilding:
    """One module while it is rebuilt. The same object of the file becomes the same object here; one that holds itself is refused."""

    def __init__(self, document: Document, filling: Filling) -> None:
        self._document = document
        self._filling = filling
        self._plain = PlainValues(document, self._tensor)
        self._made: dict[int, nn.Module] = {}
        self._parameters: dict[int, nn.Parameter] = {}
        self._above: list[int] = []

    def module(self, value: Value, path: str) -> nn.Module:
        """The module that an inert object would become."""
        value = _unwrapped(value)
        if id(value) in self._made:
            return self._made[id(value)]
        if id(value) in self._above or len(self._above) > _DEEPEST:
            raise unknown(f"{path or 'the model'} holds itself, or lies deeper than any model does")
        self._above.append(id(value))
        made = self._made[id(value)] = self._new(value, path)
        self._above.pop()
        return made

    def _new(self, value: Value, path: str) -> nn.Module:
        name, state = _described(value, path)
        kind = module_class(name)
        name = MOVED.get(name, name)
        held = self._state(name, kind, state, f"{path}." if path else "")
        made = kind.__new__(kind)
        nn.Module.__init__(made)
        try:
            made.__setstate__(held)  # type: ignore[no-untyped-call]
        except InspectError:
            raise
        except Exception as error:  # noqa: BLE001 - the library's own code, on a state that does not fit it
            raise unknown(f"{path or 'the model'} ({kind.__name__}) is not whole: {type(error).__name__}, {error}") from None
        return made

    def _state(self, name: str, kind: type[nn.Module], state: Value, lead: str) -> dict[str, Any]:
        """What is set on the new object."""
        held: dict[str, Any] = {}
        for key, item in entries(state.pairs):
            where = f"{lead}{str(key)[:200]}"
            if type(key) is not str:
                raise unknown(f"{lead or 'the model '}has an attribute whose name is no text")
            if key in _HOLDERS:
                held[key] = self._held(key, kind, item, lead)
            elif key in _BARE or key in _MARKS or key.endswith(("_hooks", "_hooks_with_kwargs", "_hooks_always_called")):
                held |= self._mark(key, item, where)
            elif f"{name}.{key}" in MAKERS:
                _check_maker(item, where)
            elif f"{name}.{key}" in FUNCTIONS and type(item) in (Global, Call):
                held[key] = _function(item, FUNCTIONS[f"{name}.{key}"], where)
            elif key in attributes_of(kind):
                held[key] = self._plain.of(item, where)
            elif key in LEFT_OUT.get(kind.__name__, "").split():
                self._plain.of(item, where)
            else:
                raise unknown(f"{where[:400]} is set, which a {kind.__name__} does not have")
        missing = _HOLDERS - held.keys()
        if missing:
            raise unknown(f"{lead or 'the model '}is not whole: it has no {min(missing)}")
        return held

    def _held(self, holder: str, kind: type[nn.Module], item: Value, lead: str) -> dict[str, Any]:
        """Parameters, buffers or submodules by name."""
        pairs = pairs_of(item)
        if pairs is None or _has_states(item):
            raise unknown(f"{lead}{holder} is no plain mapping")
        found: dict[str, Any] = {}
        for key, inner in entries(pairs):
            if type(key) is not str or "." in key or is_shadowing(kind, key):
                raise unknown(f"{lead}{str(key)[:200]} is a name that no {holder.strip('_')} of a {kind.__name__} can have")
            found[key] = None if inner is None else self._one(holder, inner, lead + key)
        return found

    def _one(self, holder: str, inner: Value, path: str) -> object:
        if holder == "_modules":
            return self.module(inner, path)
        info = self._document.by_value.get(id(inner))
        if info is None:
            raise refused(inner, path)
        return self._parameter(info) if holder == "_parameters" else self._tensor(info)

    def _mark(self, key: str, item: Value, where: str) -> dict[str, Any]:
        """What every module has: whether it trains, which buffers are not saved, and its hooks, of which there must be none."""
        if key == "training":
            if type(item) is not bool:
                raise refused(item, where)
            return {key: item}
        if key == "_non_persistent_buffers_set":
            names = self._plain.of(item, where)
            if not isinstance(names, set):
                raise refused(item, where)
            return {key: names}
        if key == "_backend" and type(item) is Call and item.name == _BACKEND and not item.args:
            return {}
        if key == "_is_full_backward_hook" and (item is None or type(item) is bool):
            return {}
        if pairs_of(item) == [] and not _has_states(item) and "hook" in key:
            return {}
        raise unknown(f"{where} holds {'hooks: code that would run with the model' if 'hook' in key else 'what no module holds there'}")

    def _tensor(self, info: TensorInfo) -> torch.Tensor:
        """A tensor of the file. Where it is a parameter, it is that one."""
        if info.subclass is not None:
            raise unknown(f"{info.name} is a tensor of the class {info.subclass[:200]}")
        return self._parameter(info) if info.is_parameter else self._filling.tensor_of(info)

    def _parameter(self, info: TensorInfo) -> nn.Parameter:
        if id(info) not in self._parameters:
            if info.subclass is not None:
                raise unknown(f"{info.name} is a tensor of the class {info.subclass[:200]}")
            values = self._filling.tensor_of(info)
            wants = info.requires_grad is not False and (values.is_floating_point() or values.is_complex())
            self._parameters[id(info)] = nn.Parameter(values, requires_grad=wants)
        return self._parameters[id(info)]


def _has_states(item: Value) -> bool:
    return type(item) in (Call, Dict) and bool(item.states)


def _unwrapped(value: Value) -> Value:
    """The model inside what was put around it for training."""
    for _ in range(len(WRAPPERS) ** 2):
        name = class_of(value) if type(value) is Call else ""
        if name == COMPILED and type(value.args) is tuple and value.args:
            value = value.args[0]
        elif name in WRAPPERS:
            inner = lookup(lookup(value.state, "_modules"), WRAPPERS[name])
            value = value if inner is None else inner
    return value


def _described(value: Value, path: str) -> tuple[str, Value]:
    """The class and the state of an object that was pickled as modules are: made empty, then given its attributes."""
    where = path or "the model"
    if type(value) is not Call:
        raise refused(value, where)
    if value.name in TRACED:
        raise unknown(f"{where} was traced by torch.fx: what it does is Python text in the file")
    name = _class_name(value, where)
    state = value.state
    if len(value.states) != 1 or type(state) is not Dict or state.states or value.pairs is not None or value.items is not None:
        if name in MODULES or name in MOVED:
            raise unknown(f"{where} ({name}) was not pickled as torch pickles it")
        module_class(name)
    return name, state


def _class_name(value: Call, where: str) -> str:
    """The full name of a class that is made without arguments; anything else that would be called is refused."""
    outside = class_outside(value.fn)
    fn = outside if outside is not None else value.fn
    args = value.args if type(value.args) is tuple else (None,) * 9
    if type(fn) is not Global:
        raise unknown(f"the class of {where} is computed by the file")
    count = _MADE_BY_COPYREG.get(fn.name)
    if count is not None and len(args) == count:
        plain = count == 1 or (type(args[1]) is Global and args[1].name in _OBJECT and args[2] is None)
        cls = class_outside(args[0]) or args[0]
        if plain and type(cls) is Global:
            return cls.name
    if value.how == "new" and args == ():
        return fn.name
    module_class(fn.name)  # says what is wrong about a name that is not on the list
    raise unknown(f"{where} is made by a call of {fn.name[:200]}")


def _function(item: Global | Call, allowed: frozenset[str], where: str) -> Any:
    """One of the few functions that this attribute may be."""
    name = item.name
    if type(item) is Call:
        args = item.args if type(item.args) is tuple else ()
        plain = name in _GETATTR and len(args) == 2 and type(args[0]) is Global and type(args[1]) is str and not item.states
        name = f"{args[0].name}.{args[1]}" if plain else ""
    found = functions().get(name) if name in allowed else None
    if found is None:
        raise refused(item, where)
    return found


def _check_maker(item: Value, where: str) -> None:
    """A class of the list, or `functools.partial` of one with plain arguments."""
    made = item
    if type(item) is Call and item.name == "functools.partial" and type(item.args) is tuple and len(item.args) == 1:
        made = item.args[0]
    if type(made) is not Global or made.name not in MODULES:
        raise refused(item, where)


__all__ = ["rebuilt"]
