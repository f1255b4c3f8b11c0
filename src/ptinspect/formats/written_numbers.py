"""Numbers that stand in a pickle itself: a storage as a list of them, or a numpy array. Packed as torch would store them."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

from ptinspect.dtypes import DType
from ptinspect.errors import Corrupt, Truncated, Unsupported

_FORMATS = {
    "float64": "d", "float32": "f", "float16": "e", "bfloat16": "f", "bool": "?", "complex64": "ff", "complex128": "dd",
    "uint8": "B", "int8": "b", "int16": "h", "int32": "i", "int64": "q", "uint16": "H", "uint32": "I", "uint64": "Q",
}  # fmt: skip
_ARRAYS = {
    "b1": "?", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q",
    "f2": "e", "f4": "f", "f8": "d", "c8": "ff", "c16": "dd",
}  # fmt: skip
_ROUNDED_TO_INFINITY = {"f": 3.4028235677973366e38, "e": 65_520.0}
_LARGEST = 1 << 1_024  # no float64 reaches it
_AT_ONCE = 1 << 16
_AGAIN = "Load the file and save it again."

Number = int | float | complex


def packed(numbers: Sequence[object], dtype: DType) -> bytes:
    """The bytes of a storage whose numbers are written one by one."""
    form = _FORMATS.get(dtype.name)
    if form is None:
        raise Unsupported(f"numbers of type {dtype.name} are not known to stand in a pickle", _AGAIN)
    plain = [number for number in numbers if isinstance(number, (int, float, complex))]
    if len(plain) != len(numbers):
        raise Corrupt("its storage holds something that is no number", _AGAIN)
    return b"".join(_packed(plain[at : at + _AT_ONCE], dtype, form) for at in range(0, len(plain), _AT_ONCE))


def as_stored(kind: str, order: str, dtype: DType) -> bool:
    """Whether a numpy array's bytes are already those of that dtype."""
    return _ARRAYS.get(kind) == _FORMATS.get(dtype.name) and dtype.name != "bfloat16" and order != ">"


def converted(data: bytes, count: int, kind: str, order: str, dtype: DType) -> bytes:
    """The bytes of `count` numpy numbers as those of another dtype, in the order in which they stand."""
    form = _ARRAYS.get(kind)
    if form is None or dtype.name not in _FORMATS:
        raise Unsupported(f"an array of numpy's type {kind!r} cannot become {dtype.name}", _AGAIN)
    one = struct.calcsize(f"<{form}")
    if len(data) < one * count:
        raise Truncated(f"its array ends after {len(data):,} bytes of {one * count:,}", _AGAIN)
    mark = ">" if order == ">" else "<"
    found = bytearray()
    for at in range(0, count, _AT_ONCE):
        part = min(_AT_ONCE, count - at)
        numbers: Sequence[Number] = struct.unpack_from(f"{mark}{form * part if len(form) > 1 else f'{part}{form}'}", data, at * one)
        if len(form) > 1:
            numbers = [complex(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)]
        found += _packed(numbers, dtype, _FORMATS[dtype.name])
    return bytes(found)


def _packed(numbers: Sequence[Number], dtype: DType, form: str) -> bytes:
    if len(form) > 1:
        pairs = [side for number in numbers for side in (number.real, number.imag)]
        return _floats(pairs, form[0])
    real = [number.real for number in numbers]
    if dtype.name == "bfloat16":
        return _upper_halves(_floats(real, "f"))
    if dtype.family == "float":
        return _floats(real, form)
    if dtype.family == "bool":
        return bytes(number != 0 for number in real)
    return struct.pack(f"<{len(real)}{form}", *(_wrapped(number, dtype) for number in real))


def _floats(numbers: Sequence[float], form: str) -> bytes:
    """Floats of any width; what is too large for one is infinite, as it is for torch."""
    try:
        return struct.pack(f"<{len(numbers)}{form}", *numbers)
    except (OverflowError, struct.error):
        most = _ROUNDED_TO_INFINITY.get(form, _LARGEST)
        fit = [(math.inf if number > 0 else -math.inf) if abs(number) >= most else number for number in numbers]
        return struct.pack(f"<{len(fit)}{form}", *fit)


def _wrapped(number: float, dtype: DType) -> int:
    """A whole number of so many bits; what does not fit goes round as in C."""
    try:
        cut = int(number) & ((1 << dtype.bits) - 1)
    except (ValueError, OverflowError):  # NaN and the infinities
        return 0
    return cut - (1 << dtype.bits) if dtype.family == "int" and cut >> (dtype.bits - 1) else cut


def _upper_halves(floats: bytes) -> bytes:
    """float32 to bfloat16, to the nearest, halves to even; NaN stays one."""
    found = bytearray()
    for (word,) in struct.iter_unpack("<I", floats):
        is_nan = word & 0x7FFFFFFF > 0x7F800000
        found += struct.pack("<H", (word >> 16) | 0x40 if is_nan else (word + 0x7FFF + ((word >> 16) & 1)) >> 16)
    return bytes(found)


__all__ = ["as_stored", "converted", "packed"]
