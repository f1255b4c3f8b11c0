"""Plain values of a pickled module, as Python and torch hold them. Whatever could be called is refused by its name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch

from ptinspect.dtypes import from_global
from ptinspect.errors import ArchitectureUnknown
from ptinspect.formats.document import Document
from ptinspect.pickles.values import Bytes, Call, Dict, Global, Persistent, Set, Unknown, Value, entries, pairs_of
from ptinspect.runner.rebuilt_classes import attributes_of, object_class, unknown
from ptinspect.tensors import TensorInfo

_DEEPEST = 32
_LONGEST_TEXT = 100_000
_WIDEST = 64
_MOST = 1_000_000
_SETS = frozenset({"builtins.set", "builtins.frozenset", "__builtin__.set", "__builtin__.frozenset"})
_KINDS: dict[type, str] = {Bytes: "a byte string", bytes: "a byte string", Persistent: "a reference to the outside", Unknown: "a hole"}


class PlainValues:
    """Makes the plain values of one document; `tensor_of` makes its tensors."""

    def __init__(self, document: Document, tensor_of: Callable[[TensorInfo], torch.Tensor]) -> None:
        self._document = document
        self._tensor_of = tensor_of
        self._left = _MOST

    def of(self, value: Value, where: str, depth: int = 0) -> Any:
        """The value. Raises ArchitectureUnknown where it is anything that this module does not know how to hold."""
        self._left -= 1
        if depth > _DEEPEST or self._left < 0:
            raise unknown(f"{where} holds more than any layer does")
        kind = type(value)
        if kind in (type(None), bool, float):
            return value
        if (kind is int and value.bit_length() < _WIDEST) or (kind is str and len(value) <= _LONGEST_TEXT):
            return value
        info = self._document.by_value.get(id(value))
        if info is not None:
            return self._tensor_of(info)
        if kind in (tuple, list):
            return kind(self.of(item, where, depth + 1) for item in value)
        if kind is Set:
            return (frozenset if value.frozen else set)(self._keys(value.items, where))
        if kind is Dict and not value.states:
            return dict(self._pairs(value, where, depth))
        if kind is Global and value.name.startswith("torch.") and from_global(value.name) is not None:
            return self._dtype(value.name, where)
        if kind is Call:
            return self._call(value, where, depth)
        raise refused(value, where)

    def _keys(self, items: list[Value], where: str) -> list[Any]:
        """What a set or a mapping is asked by."""
        if len(items) > _MOST or any(type(item) not in (str, int, bool, type(None)) for item in items):
            raise unknown(f"{where} has keys that are neither texts nor numbers")
        return items

    def _pairs(self, value: Value, where: str, depth: int) -> list[tuple[Any, Any]]:
        pairs = list(entries(pairs_of(value) or []))
        self._keys([key for key, _ in pairs], where)
        return [(key, self.of(item, where, depth + 1)) for key, item in pairs]

    def _dtype(self, name: str, where: str) -> torch.dtype:
        found = vars(torch).get(name.removeprefix("torch."))
        if not isinstance(found, torch.dtype):
            raise unknown(f"{where} is {name}, which is no type of numbers")
        return found

    def _call(self, value: Call, where: str, depth: int) -> Any:
        """The few constructors that describe plain data."""
        args = value.args if type(value.args) is tuple else ()
        if value.name == "collections.OrderedDict" and not value.states and value.items is None:
            return OrderedDict(self._pairs(value, where, depth))
        if value.states or value.pairs is not None or value.items is not None:
            return self._object(value, where, depth)
        if value.name == "torch.Size" and len(args) == 1 and type(args[0]) in (tuple, list):
            sizes = self.of(args[0], where, depth + 1)
            if all(type(size) is int for size in sizes):
                return torch.Size(sizes)
        if value.name == "torch.device" and args and type(args[0]) is str:
            return torch.device("cpu")  # wherever it was, it is here now
        if value.name in _SETS and len(args) == 1 and type(args[0]) in (list, tuple):
            return set(self._keys(list(args[0]), where))
        raise refused(value, where)

    def _object(self, value: Call, where: str, depth: int) -> Any:
        """One of the small objects that detectors hold: made empty, its numbers set one by one."""
        kind = object_class(value.name) if value.how == "new" and value.args == () else None
        state = value.state
        if kind is None or type(state) is not Dict or len(value.states) != 1 or state.states or value.pairs is not None or value.items:
            raise refused(value, where)
        held = dict(self._pairs(state, where, depth))
        odd = next((key for key in held if key not in attributes_of(kind)), None)
        if odd is not None:
            raise unknown(f"{where} sets {str(odd)[:200]!r}, which a {kind.__name__} does not have")
        made: Any = object.__new__(kind)
        vars(made).update(held)
        return made


def refused(value: Value, where: str) -> ArchitectureUnknown:
    """The refusal of a value, by its name."""
    if type(value) is Global:
        return unknown(f"{where} is {value.name[:200]}, something that can be called")
    if type(value) is Call:
        return unknown(f"{where} is made by a call of {value.name[:200] or 'something computed'}")
    return unknown(f"{where} is {_KINDS.get(type(value), 'a value of an unusual kind or size')}")


__all__ = ["PlainValues", "refused"]
