"""One line for a plain value of a pickle, and a short name for what holds others. Nothing recurses, nothing is printed whole."""

from __future__ import annotations

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
        return value.name.rpartition(".")[2] or "object"
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


def _array_shape(call: Call) -> tuple[Value, ...] | None:
    """The shape of a pickled numpy array, whose state is (version, shape, dtype, fortran, data)."""
    state = call.state
    if type(state) is not tuple or len(state) != 5 or type(state[1]) is not tuple or not call.name.endswith("_reconstruct"):
        return None
    return state[1] if all(type(size) is int for size in state[1]) else None


def _call(call: Call) -> str | None:
    number = numpy_scalar(call)
    if number is not None:
        return str(number)
    shape = _array_shape(call)
    if shape is not None:
        return f"array of shape ({', '.join(map(str, shape[:8]))})"
    args = call.args if type(call.args) is tuple else ()
    if call.states or call.pairs or call.items or not all(type(arg) in (*_PLAIN, Global) for arg in args[:ARGUMENTS]):
        return None
    if not args and call.name.endswith(("OrderedDict", "dict", "list", "set")):
        return "empty"
    shown = ", ".join(arg.name if type(arg) is Global else _scalar(arg) for arg in args[:ARGUMENTS])
    return f"{container_type(call)}({shown}{', …' if len(args) > ARGUMENTS else ''})"[:TEXT]
