"""One line for a plain value of a pickle, and a short name for what holds others. Nothing recurses, nothing is printed whole."""

from __future__ import annotations

from ptinspect.checkpoint.numpy_values import array_of, dtype_name, numpy_type
from ptinspect.checkpoint.scalars import numpy_scalar
from ptinspect.pickles.values import Bytes, Call, Dict, Global, Persistent, Set, Unknown, Value

TEXT = 200
ARGUMENTS = 4
ITEMS, MOST_ITEMS = 12, 100_000
_PLAIN = (type(None), bool, int, float, str)
_NAMES = {
    Dict: "dict",
    list: "list",
    tuple: "tuple",
    Set: "set",
    type(None): "None",
    Bytes: "bytes",
    Persistent: "storage",
    Unknown: "unknown",
}
_DIGITS = 4_000


def container_type(value: Value) -> str:
    """The type as a reader of Python calls it."""
    if type(value) is Call:
        return numpy_type(value) or value.name.rpartition(".")[2] or "object"
    if type(value) is Global:
        return "name"
    return _NAMES.get(type(value), type(value).__name__)


def value_text(value: Value) -> str | None:
    """The value in one line, None where it holds others that want lines of their own."""
    kind = type(value)
    if kind in _PLAIN:
        return _scalar(value)
    if kind is bytes or kind is Bytes:
        return f"{len(value) if kind is bytes else value.length:,} bytes"
    if kind is Global:
        return str(value.name)[:TEXT]
    if kind is Persistent:
        return "a storage without a tensor"
    if kind is Unknown:
        return str(value.why)
    if kind is Call:
        return _call(value)
    if kind in (list, tuple) and value and all(type(item) in _PLAIN for item in value[:ITEMS]) and len(value) <= MOST_ITEMS:
        return _listed(value)
    return "empty" if _is_empty(value) else None


def _listed(items: list[Value] | tuple[Value, ...]) -> str | None:
    """A short list of numbers or words reads best in one line; one that turns out to hold more gets lines of its own."""
    if not all(type(item) in _PLAIN for item in items):
        return None
    shown = ", ".join(repr(item) if type(item) is str and len(item) < TEXT else _scalar(item) for item in items[:ITEMS])
    return f"[{shown}{f', … {len(items):,} in all' if len(items) > ITEMS else ''}]"


def _scalar(value: Value) -> str:
    if type(value) is str:
        return value if len(value) <= TEXT else f"{value[:TEXT]}…"
    if type(value) is int and value.bit_length() > _DIGITS:
        return f"an integer of {value.bit_length():,} bits"
    return str(value)


def _is_empty(value: Value) -> bool:
    if type(value) is Dict:
        return not value.pairs and not value.states
    return not (value.items if type(value) is Set else value)


def _call(call: Call) -> str | None:
    number = numpy_scalar(call)
    if number is not None:
        return str(number)
    array = array_of(call)
    if array is not None:
        sizes = ", ".join(map(_scalar, array.shape[:8])) + (", …" if len(array.shape) > 8 else "," * (len(array.shape) == 1))
        return f"shape ({sizes}){f', {array.dtype}' if array.dtype else ''}"
    dtype = dtype_name(call)
    if dtype is not None:
        return dtype
    args = call.args if type(call.args) is tuple else ()
    if call.states or call.pairs or call.items or not all(type(arg) in (*_PLAIN, Global) for arg in args[:ARGUMENTS]):
        return None
    if not args and call.name.endswith(("OrderedDict", "dict", "list", "set")):
        return "empty"
    shown = ", ".join(arg.name if type(arg) is Global else _scalar(arg) for arg in args[:ARGUMENTS])
    return f"{container_type(call)}({shown}{', …' if len(args) > ARGUMENTS else ''})"[:TEXT]
