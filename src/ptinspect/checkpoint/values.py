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

from ptinspect.checkpoint.sparse import dense
from ptinspect.checkpoint.storage_bytes import Bytes, StorageBytes, exactly
from ptinspect.checkpoint.views import Loops, Piece, goes_forward, in_order, pieces, slabs
from ptinspect.dtypes import DType
from ptinspect.errors import Unsupported
from ptinspect.tensors import TensorInfo

Array = np.ndarray[Any, Any]

CHUNK = 1 << 18
SLAB = 1 << 22  # elements of a turned tensor that are put in order at once: the more, the fewer ways through its storage
MOST_STORED = 1 << 26  # what a sparse tensor stores stands in memory while it is spread out
MOST_DENSE = 1 << 32
MOST_CHANNELS = 1 << 24
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
    if not tensor.elements:
        return
    if tensor.layout.startswith("sparse"):
        yield from dense(tensor, [whole(storages, part) for part in tensor.parts], most)
    elif tensor.layout in ("nested", "wrapper"):
        yield from values(storages, inner(tensor), most)
    else:
        yield from _strided(storages, tensor, most)


def whole(storages: StorageBytes, tensor: TensorInfo) -> Array:
    """All values in the tensor's shape. For tensors that are known to be small, and for parts of large ones."""
    found = list(values(storages, tensor))
    flat = np.concatenate(found) if found else np.empty(0, numpy_type(tensor.dtype))
    return flat.reshape(value_shape(tensor))


def value_shape(tensor: TensorInfo) -> tuple[int, ...]:
    """The shape of its values: that of the buffer of a nested tensor, and packed ones counted one by one."""
    shape = inner(tensor).shape if tensor.layout in ("nested", "wrapper") else tensor.shape
    if tensor.dtype.per_item > 1:
        return (*shape[:-1], shape[-1] * tensor.dtype.per_item) if shape else (tensor.dtype.per_item,)
    return shape


def refuse(tensor: TensorInfo) -> None:
    """Raise Unsupported for a tensor without values that can be read, with the reason."""
    storage = tensor.storage
    if tensor.problem:
        raise Unsupported(tensor.problem, _HINT, tensor.name)
    if storage is not None and storage.is_meta and tensor.elements:
        raise Unsupported("it is on the meta device: a shape without values", _HINT, tensor.name)
    if tensor.layout in ("nested", "wrapper"):
        refuse(inner(tensor))
    elif tensor.layout.startswith("sparse"):
        _refuse_sparse(tensor)
    elif storage is not None:
        _refuse_overlap(tensor, max(storage.present * 8 // tensor.dtype.bits, 1 << 20))


def _refuse_sparse(tensor: TensorInfo) -> None:
    if tensor.elements > MOST_DENSE:
        raise Unsupported(f"written out with its zeros it would have {tensor.elements:,} values", _HINT, tensor.name)
    for part in tensor.parts:
        refuse(part)
        if part.elements > MOST_STORED:
            raise Unsupported(f"it stores {part.elements:,} indices or values, more than are read at once", _HINT, tensor.name)


def _refuse_overlap(tensor: TensorInfo, stored: int) -> None:
    if tensor.elements > MOST_OVERLAP * stored:
        spread = prod(size for size, stride in zip(tensor.shape, tensor.strides, strict=False) if stride)
        if spread > MOST_OVERLAP * stored:
            raise Unsupported(f"it shows each byte of its storage more than {MOST_OVERLAP} times", _HINT, tensor.name)


def inner(tensor: TensorInfo) -> TensorInfo:
    """What holds the values of a nested tensor or of a wrapper around a single plain one."""
    if tensor.layout == "nested" and tensor.parts:
        return tensor.parts[0]
    name = tensor.subclass or "a wrapper"
    hint = "The tensors inside it have rows of their own."
    if len(tensor.parts) != 1 or tensor.parts[0].dtype != tensor.dtype or tensor.parts[0].layout != "strided":
        raise Unsupported(f"its values are packed in the way of {name}", hint, tensor.name)
    if tensor.parts[0].elements != tensor.elements:
        part = f"{tensor.parts[0].elements:,} of its {tensor.elements:,} values"
        raise Unsupported(f"{name} keeps {part} in this file", hint, tensor.name)
    return tensor.parts[0]


def _strided(storages: StorageBytes, tensor: TensorInfo, most: int) -> Iterator[Array]:
    if tensor.storage is None:
        raise Unsupported("it has no storage", _HINT, tensor.name)
    data = storages.of(tensor.storage)
    decoder = Decoder(storages, tensor)
    at = 0
    for raw in _stored(data, tensor, most):
        yield decoder.decoded(raw, at)
        at += len(raw)


def _stored(data: Bytes, tensor: TensorInfo, most: int) -> Iterator[Array]:
    """The stored elements in the tensor's order. A turned tensor is read in the storage's order and put into its own part by part."""
    start, loops = tensor.storage_offset, in_order(tensor)
    if goes_forward(loops):
        for piece in pieces(start, loops, most):
            yield read_piece(data, piece, tensor.dtype)
        return
    for slab in slabs(start, loops, max(most, SLAB)):
        turned = _turned(data, slab, tensor.dtype, max(most, CHUNK))
        for at in range(0, len(turned), most):
            yield turned[at : at + most]


def _turned(data: Bytes, slab: Piece, dtype: DType, most: int) -> Array:
    """A slab's elements in the order of its loops; those of a loop without a step are there once and repeated at the end."""
    moving = [place for place, (_, stride) in enumerate(slab.loops) if stride]
    by_stride = sorted(moving, key=lambda place: -slab.loops[place][1])
    loops: Loops = tuple(slab.loops[place] for place in by_stride)
    kind = raw_type(dtype)
    found = np.empty(prod(size for size, _ in loops), kind)
    at = 0
    for piece in pieces(slab.start, loops, most):
        found[at : at + piece.elements] = read_piece(data, piece, dtype)
        at += piece.elements
    pair = kind.shape
    turned = found.reshape(*(size for size, _ in loops), *pair).transpose(
        *(by_stride.index(place) for place in moving), *range(len(loops), len(loops) + len(pair))
    )
    turned = turned.reshape(*(size if stride else 1 for size, stride in slab.loops), *pair)
    return np.broadcast_to(turned, (*(size for size, _ in slab.loops), *pair)).reshape(-1, *pair)


def read_piece(data: Bytes, piece: Piece, dtype: DType, big: bool | None = None) -> Array:
    """The stored elements of a piece, flat, in the order of its loops. The bytes know their order unless `big` says another."""
    if dtype.bits < 8:
        return _unpacked(data, piece, dtype.bits)
    kind = raw_type(dtype)
    buffer = np.empty(piece.span * dtype.itemsize, np.uint8)
    exactly(data, piece.start * dtype.itemsize, buffer.data)
    if (data.big if big is None else big) and dtype.itemsize > 1:
        half = dtype.itemsize // 2 if dtype.family == "complex" else dtype.itemsize
        buffer = np.ascontiguousarray(buffer.reshape(-1, half)[:, ::-1]).reshape(-1)  # a single number would stay a view
    found = np.frombuffer(buffer, kind) if kind.subdtype is None else buffer.view(np.float16).reshape(-1, 2)
    return found if piece.is_dense else taken(found, piece)


def taken(found: Array, piece: Piece) -> Array:
    """The elements that the loops of a piece take out of those it reaches over. numpy checks that they stay inside."""
    pair = found.shape[1:]  # complex32 comes as pairs
    sizes = (*(size for size, _ in piece.loops), *pair)
    steps = (*(stride * found.strides[0] for _, stride in piece.loops), *found.strides[1:])
    shown: Array = np.ndarray(sizes, found.dtype, found.view(np.uint8).data, 0, steps)
    return shown.reshape(-1, *pair)


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
        self.pending = tensor.pending
        self.scale: Array | None = None
        self.zero: Array | None = None
        self.inner = self.channels = 1
        if tensor.dtype.family == "quantized":
            self._quantizer(storages, tensor)

    def _quantizer(self, storages: StorageBytes, tensor: TensorInfo) -> None:
        numbers = (tensor.quantizer or ())[1:]
        axis = numbers[2] if len(numbers) > 2 else 0
        channels = tensor.shape[axis] if type(axis) is int and 0 <= axis < len(tensor.shape) else None
        plain = [_numbers(storages, number, channels) for number in numbers[:2]]
        if len(plain) < 2 or plain[0].ndim != plain[1].ndim:
            raise Unsupported("its scale and zero point cannot be read", _HINT, tensor.name)
        self.scale, self.zero = plain
        if self.scale.ndim and type(axis) is int:
            self.channels, self.inner = self.scale.size, prod(tensor.shape[axis + 1 :])

    @np.errstate(all="ignore")  # a file may hold any number, and a scale that makes it infinite
    def decoded(self, raw: Array, at: int) -> Array:
        """The values."""
        if self.scale is not None and self.zero is not None:
            return self._real(raw, at, self.scale, self.zero)
        if self.dtype.per_item > 1:
            nibbles = np.stack((raw & 0xF, raw >> 4), axis=1).reshape(-1)
            return nibbles.astype(np.uint8).view(numpy_type(self.dtype))
        found: Array = raw.view(np.uint8) != 0 if self.dtype.family == "bool" else raw
        if self.dtype.name == "complex32":
            found = raw.astype(np.float32).view(np.complex64).reshape(-1)
        return self._done(found) if self.pending else found

    def _done(self, found: Array) -> Array:
        """What torch put off, where the type knows it."""
        if "conj" in self.pending and self.dtype.family == "complex":
            found = np.conj(found)
        if "neg" in self.pending and self.dtype.family in ("float", "complex", "int"):
            found = np.negative(found)
        return found

    def _real(self, raw: Array, at: int, scale: Array, zero: Array) -> Array:
        """As torch does it: the zero point taken off, times the scale in float32."""
        if scale.ndim:
            channel = (np.arange(at, at + raw.size) // self.inner) % self.channels
            scale, zero = scale[channel], zero[channel]
        if zero.dtype.kind == "f":
            return ((raw.astype(np.float32) - zero.astype(np.float32)) * scale.astype(np.float32)).astype(np.float32)
        return ((raw.astype(np.int64) - zero.astype(np.int64)).astype(np.float32) * scale.astype(np.float32)).astype(np.float32)


def _numbers(storages: StorageBytes, number: object, channels: int | None) -> Array:
    """A scale or zero point: one number, or one for each channel."""
    if isinstance(number, TensorInfo):
        if channels is None or number.shape != (channels,) or channels > MOST_CHANNELS or number.layout != "strided":
            raise Unsupported("its scales do not fit its shape", _HINT)
        found = whole(storages, number)
    else:
        found = np.asarray(number if type(number) in (int, float) else None)
    if found.dtype.kind not in "iuf":
        raise Unsupported("its scale and zero point cannot be read", _HINT)
    return found


__all__ = [
    "CHUNK", "Array", "Decoder", "inner", "numpy_type", "raw_type", "read_piece", "refuse", "taken", "value_shape", "values", "whole",
]  # fmt: skip
