"""One array as a file that others read: .npy, .csv, .safetensors. Each is a stream of bytes, made from chunks of values as they come."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.lib import format as npy

from ptinspect.checkpoint.values import Array
from ptinspect.dtypes import DType

Shape = tuple[int, ...]

# As many digits as tell every number of a type from its neighbours, even where a reader goes over float64.
_DIGITS = {"float32": 9, "float16": 5, "bfloat16": 4, "float8_e8m0fnu": 17}
_FEW_DIGITS = 3
_ALIGNMENT = 8
_RESERVED = "__metadata__"


def npy_type(kind: np.dtype[Any]) -> np.dtype[Any]:
    """The type that a .npy file can name: numpy's own, and float32 for the short floats, of which it holds every value."""
    return kind if kind.isbuiltin == 1 else np.dtype(np.float32)


def npy_parts(chunks: Iterable[Array], shape: Shape, kind: np.dtype[Any]) -> Iterator[bytes | memoryview]:
    """numpy's own format, in C order."""
    head, named = io.BytesIO(), npy_type(kind)
    fields = {"descr": npy.dtype_to_descr(named), "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(head, fields)
    yield head.getvalue()
    for chunk in chunks:
        yield _bytes(_widened(chunk, named))


@np.errstate(all="ignore")  # a NaN of any kind is no news
def _widened(chunk: Array, kind: np.dtype[Any]) -> Array:
    return chunk.astype(kind, copy=False)


def safetensors_parts(chunks: Iterable[Array], name: str, shape: Shape, dtype: DType) -> Iterator[bytes | memoryview]:
    """A header with one entry, padded so that the numbers begin at a multiple of eight, then the numbers."""
    packed = dtype.per_item > 1
    count = prod(shape)
    size = count // 2 if packed else count * dtype.itemsize
    entry = {"dtype": dtype.safetensors, "shape": list(shape), "data_offsets": [0, size]}
    key = "tensor" if name in ("", _RESERVED) else name.encode("utf-8", "replace").decode()  # half a letter is no valid JSON
    header = json.dumps({key: entry}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % _ALIGNMENT)
    yield struct.pack("<Q", len(header)) + header
    for chunk in chunks:
        yield _bytes(_paired(chunk) if packed else chunk)


def _paired(values: Array) -> Array:
    """Two values of four bits in a byte, the first one in its lower half."""
    codes = values.view(np.uint8).reshape(-1, 2)
    both: Array = codes[:, 0] | codes[:, 1] << 4
    return both


def _bytes(chunk: Array) -> memoryview:
    return np.ascontiguousarray(chunk).view(np.uint8).data


def csv_parts(chunks: Iterable[Array], shape: Shape, kind: np.dtype[Any]) -> Iterator[bytes]:
    """A line for each row of the last dimension, a vector as a column. No header: every line is numbers."""
    width = shape[-1] if len(shape) > 1 else 1
    text, column = _texts(kind), 0
    for chunk in chunks:
        texts = text(chunk)
        if width == 1:
            yield "".join([f"{one}\n" for one in texts]).encode("ascii")
            continue
        lines, at = [], 0
        while at < len(texts):
            row = texts[at : at + width - column]
            at += len(row)
            begin = "," if column else ""
            column = (column + len(row)) % width
            lines.append(f"{begin}{','.join(row)}" if column else f"{begin}{','.join(row)}\n")
        yield "".join(lines).encode("ascii")


def _texts(kind: np.dtype[Any]) -> Callable[[Array], Sequence[str]]:
    """How numbers of a type are spelled so that reading them gives the same bits."""
    if kind.kind == "c":
        real = _texts(np.dtype(np.float32 if kind.itemsize == 8 else np.float64))
        return lambda chunk: [
            f"{one}{other if other[0] == '-' else f'+{other}'}j" for one, other in zip(real(chunk.real), real(chunk.imag), strict=True)
        ]
    if kind == np.float64:
        return lambda chunk: list(map(repr, chunk.tolist()))
    if kind.kind in "biu" and kind.isbuiltin == 1:
        return lambda chunk: list(map(str, chunk.astype(np.uint8).tolist() if kind.kind == "b" else chunk.tolist()))
    spelled = f"%.{_DIGITS.get(kind.name, _FEW_DIGITS)}g"
    return lambda chunk: (f"{spelled} " * chunk.size % tuple(_widened(chunk, np.dtype(np.float64)).tolist())).split()


def widened(kind: np.dtype[Any]) -> bool:
    """Whether .npy has no name for a type."""
    return npy_type(kind) != kind


__all__ = ["csv_parts", "npy_parts", "npy_type", "safetensors_parts", "widened"]
