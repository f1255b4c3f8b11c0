"""What a pickled numpy array, scalar or dtype is, read from the calls that would make it; numpy is not needed."""

from __future__ import annotations

from ptinspect.frozen import frozen
from ptinspect.pickles.values import Call, Value

_NAMES = {
    "b1": "bool", "i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64", "u1": "uint8", "u2": "uint16", "u4": "uint32", "u8": "uint64",
    "f2": "float16", "f4": "float32", "f8": "float64", "f16": "longdouble", "c8": "complex64", "c16": "complex128", "c32": "clongdouble",
}  # fmt: skip
_SIZED = {"U": "str", "S": "bytes", "V": "void", "M": "datetime64", "m": "timedelta64", "O": "object"}


@frozen
class Array:
    """The shape and the dtype's name, as far as the file says them in a known way."""

    shape: tuple[int, ...]
    dtype: str | None


def array_of(value: Value) -> Array | None:
    """The array that a call and its state stand for, None for all else. Protocol 5 passes everything as arguments."""
    if type(value) is not Call:
        return None
    state, args = value.state, value.args
    if value.name.endswith("multiarray._reconstruct") and type(state) is tuple and len(state) == 5:
        shape, dtype = state[1], state[2]
    elif value.name.endswith("numeric._frombuffer") and type(args) is tuple and len(args) >= 3:
        shape, dtype = args[2], args[1]
    else:
        return None
    if type(shape) is not tuple or not all(type(size) is int for size in shape):
        return None
    return Array(shape, dtype_name(dtype))


def dtype_name(value: Value) -> str | None:
    """The name by which numpy prints a dtype; one of the other byte order says so."""
    if type(value) is not Call or not value.name.endswith("numpy.dtype") or type(value.args) is not tuple or not value.args:
        return None
    code = value.args[0]
    name = (_NAMES.get(code) or _SIZED.get(code[:1])) if type(code) is str else None
    turned = type(value.state) is tuple and len(value.state) > 1 and value.state[1] == ">"
    return f"{name}, big-endian" if name is not None and turned else name


def numpy_type(value: Call) -> str | None:
    """What numpy calls the type of the thing that is made: `ndarray`, `float64`, `dtype`."""
    if not value.name.startswith("numpy."):
        return None
    if array_of(value) is not None:
        return "ndarray"
    if value.name.endswith("multiarray.scalar"):
        return (dtype_name(value.args[0]) if type(value.args) is tuple and value.args else None) or "numpy scalar"
    return None


__all__ = ["Array", "array_of", "dtype_name", "numpy_type"]
