"""The values of tensors as numpy arrays, in their own order, a bounded chunk at a time.

Real values: quantized tensors by their scales, a packed float4 byte as its two values, a sparse tensor with its zeros. The arrays
keep the tensor's own type (through ml_dtypes where numpy has none), so nothing is rounded on the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import ml_dtypes
import numpy as np
from numpy.lib.stride_tricks import as_strided

from ptinspect.checkpoint.sparse import dense
from ptinspect.checkpoint.storage_bytes import Bytes, StorageBytes, exactly
from ptinspect.checkpoint.views import Piece, in_order, pieces
from ptinspect.dtypes import DType
from ptinspect.errors import Unsupported
from ptinspect.tensors import TensorInfo

Array = np.ndarray[Any, Any]

CHUNK = 1 << 18
MOST_DENSE = 1 << 26
MOST_OVERLAP = 64
_HINT = "Its shape and its place in the file are told; its values are not."


def numpy_type(dtype: DType) -> np.dtype[Any]:
    """The numpy type of one value; complex32 has none and widens to complex64 as it is read."""
    if dtype.name == "complex32":
        return np.dtype(np.complex64)
    if dtype.family == "quantized":
        return np.dtype(np.float32)
    name = dtype.decode or "uint8"
    return np.dtype(getattr(ml_dtypes, name, None) or name)


def raw_type(dtype: DType) -> np.dtype[Any]:
    """How one stored element is read: its own type, or the bytes it is packed in."""
    if dtype.per_item > 1 or dtype.bits < 8:
        return np.dtype(np.uint8)
    if dtype.name == "complex32":
        return np.dtype((np.float16, (2,)))
    return np.dtype(getattr(ml_dtypes, dtype.decode or "uint8", None) or dtype.decode)


def values(storages: StorageBytes, tensor: TensorInfo, most: int = CHUNK) -> Iterator[Array]:
    """The tensor's values, flat and in its own order, at most `most` stored elements at a time."""
    refuse(tensor)
    if tensor.layout.startswith("sparse"):
        yield _dense(storages, tensor)
    elif tensor.layout in ("nested", "wrapper"):
        yield from values(storages, inner(tensor), most)
    elif tensor.elements:
        yield from _strided(storages, tensor, most)


def whole(storages: StorageBytes, tensor: TensorInfo) -> Array:
    """All values in the tensor's shape. For tensors that are known to be small, and for parts of large ones."""
    found = list(values(storages, tensor))
    flat = np.concatenate(found) if found else np.empty(0, numpy_type(tensor.dtype))
    shape = inner(tensor).shape if tensor.layout in ("nested", "wrapper") else tensor.shape
    if tensor.dtype.per_item > 1:
        shape = (*shape[:-1], shape[-1] * tensor.dtype.per_item) if shape else (tensor.dtype.per_item,)
    return flat.reshape(shape)


def refuse(tensor: TensorInfo) -> None:
    """Raise Unsupported for a tensor without values that can be read, with the reason."""
    storage = tensor.storage
    if tensor.problem:
        raise Unsupported(tensor.problem, _HINT, tensor.name)
    if storage is not None and storage.is_meta and tensor.elements:
        raise Unsupported("it is on the meta device: a shape without values", _HINT, tensor.name)
    if tensor.layout == "wrapper":
        inner(tensor)
    if storage is not None and tensor.elements > MOST_OVERLAP * max(storage.present * 8 // tensor.dtype.bits, 1 << 20):
        spread = prod(size for size, stride in zip(tensor.shape, tensor.strides, strict=False) if stride)
        if spread > MOST_OVERLAP * max(storage.present * 8 // tensor.dtype.bits, 1 << 20):
            raise Unsupported(f"it shows each byte of its storage more than {MOST_OVERLAP} times", _HINT, tensor.name)


def inner(tensor: TensorInfo) -> TensorInfo:
    """What holds the values of a nested tensor or of a wrapper around a single plain one."""
    if tensor.layout == "nested" and tensor.parts:
        return tensor.parts[0]
    if len(tensor.parts) == 1 and tensor.parts[0].dtype == tensor.dtype and tensor.parts[0].layout == "strided":
        return tensor.parts[0]
    name = tensor.subclass or "a wrapper"
    raise Unsupported(f"its values are packed in the way of {name}", "The tensors inside it have rows of their own.", tensor.name)


def _strided(storages: StorageBytes, tensor: TensorInfo, most: int) -> Iterator[Array]:
    if tensor.storage is None:
        raise Unsupported("it has no storage", _HINT, tensor.name)
    data = storages.of(tensor.storage)
    decoder = Decoder(storages, tensor)
    at = 0
    for piece in pieces(tensor.storage_offset, in_order(tensor), most):
        yield decoder.decoded(read_piece(data, piece, tensor.dtype, storages.big), at)
        at += piece.elements


def read_piece(data: Bytes, piece: Piece, dtype: DType, big: bool = False) -> Array:
    """The stored elements of a piece, flat, in the order of its loops."""
    if dtype.bits < 8:
        return _unpacked(data, piece, dtype.bits)
    kind = raw_type(dtype)
    buffer = np.empty(piece.span * dtype.itemsize, np.uint8)
    exactly(data, piece.start * dtype.itemsize, buffer.data)
    if big and dtype.itemsize > 1:
        half = dtype.itemsize // 2 if dtype.family == "complex" else dtype.itemsize
        buffer = buffer.reshape(-1, half)[:, ::-1].reshape(-1)
    found = np.frombuffer(buffer, kind) if kind.subdtype is None else buffer.view(np.float16).reshape(-1, 2)
    return found if piece.is_dense else taken(found, piece)


def taken(found: Array, piece: Piece) -> Array:
    """The elements that the loops of a piece take out of those it reaches over."""
    steps = tuple(stride * found.strides[0] for _, stride in piece.loops)
    sizes = tuple(size for size, _ in piece.loops)
    if found.ndim == 2:  # complex32, as pairs
        sizes, steps = (*sizes, 2), (*steps, found.strides[1])
        return as_strided(found, sizes, steps).reshape(-1, 2)
    return as_strided(found, sizes, steps).reshape(-1)


def _unpacked(data: Bytes, piece: Piece, bits: int) -> Array:
    """Codes of two or four bits, the first one in the lowest bits of its byte."""
    first, skipped = divmod(piece.start * bits, 8)
    buffer = np.empty((skipped + piece.span * bits + 7) // 8, np.uint8)
    exactly(data, first, buffer.data)
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    codes = ((buffer[:, None] >> shifts) & ((1 << bits) - 1)).reshape(-1)
    begin = skipped // bits
    return taken(codes[begin : begin + piece.span], piece)


class Decoder:
    """Turns stored elements of one tensor into its values; `at` is the place of the first one in the tensor's own order."""

    def __init__(self, storages: StorageBytes, tensor: TensorInfo) -> None:
        self.dtype = tensor.dtype
        self.scale: Array | None = None
        self.zero: Array | None = None
        self.inner = self.channels = 1
        if tensor.dtype.family == "quantized":
            self._quantizer(storages, tensor)

    def _quantizer(self, storages: StorageBytes, tensor: TensorInfo) -> None:
        numbers = (tensor.quantizer or ())[1:]
        plain = [whole(storages, n) if isinstance(n, TensorInfo) else np.asarray(n) for n in numbers[:2]]
        if len(plain) < 2 or any(array.dtype.kind not in "iuf" or array.ndim > 1 for array in plain):
            raise Unsupported("its scale and zero point cannot be read", _HINT, tensor.name)
        self.scale, self.zero = plain
        if self.scale.ndim == 1:
            axis = numbers[2] if len(numbers) > 2 else 0
            if type(axis) is not int or not 0 <= axis < len(tensor.shape) or tensor.shape[axis] != self.scale.size != self.zero.size:
                raise Unsupported("its scales do not fit its shape", _HINT, tensor.name)
            self.channels, self.inner = tensor.shape[axis], prod(tensor.shape[axis + 1 :])

    def decoded(self, raw: Array, at: int) -> Array:
        """The values."""
        if self.scale is not None and self.zero is not None:
            return self._real(raw, at, self.scale, self.zero)
        if self.dtype.per_item > 1:
            nibbles = np.stack((raw & 0xF, raw >> 4), axis=1).reshape(-1)
            return nibbles.astype(np.uint8).view(numpy_type(self.dtype))
        if self.dtype.name == "complex32":
            return raw.astype(np.float32).view(np.complex64).reshape(-1)
        return raw.view(np.uint8) != 0 if self.dtype.family == "bool" else raw

    def _real(self, raw: Array, at: int, scale: Array, zero: Array) -> Array:
        """As torch does it: the zero point taken off, times the scale in float32."""
        if scale.ndim:
            channel = (np.arange(at, at + raw.size) // self.inner) % self.channels
            scale, zero = scale[channel], zero[channel]
        if zero.dtype.kind == "f":
            return ((raw.astype(np.float32) - zero.astype(np.float32)) * scale.astype(np.float32)).astype(np.float32)
        return ((raw.astype(np.int64) - zero.astype(np.int64)).astype(np.float32) * scale.astype(np.float32)).astype(np.float32)


def _dense(storages: StorageBytes, tensor: TensorInfo) -> Array:
    """A sparse tensor with its zeros; only where that is no flood of them."""
    if tensor.elements > MOST_DENSE:
        raise Unsupported(f"written out with its zeros it would have {tensor.elements:,} values", _HINT, tensor.name)
    return dense(tensor, [whole(storages, part) for part in tensor.parts])


__all__ = ["CHUNK", "Array", "Decoder", "inner", "numpy_type", "raw_type", "read_piece", "refuse", "taken", "values", "whole"]
