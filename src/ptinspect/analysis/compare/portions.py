"""Reading two tensors side by side: in stretches that threads share where both lie in their files as they are, in order otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ptinspect.analysis.compare.equality import has_same_layout, is_plain, raw_bytes
from ptinspect.checkpoint.storage_bytes import InFile, StorageBytes, exactly
from ptinspect.checkpoint.values import MOST_OVERLAP, raw_type, values
from ptinspect.checkpoint.views import in_order
from ptinspect.errors import Unsupported
from ptinspect.frozen import frozen, replace
from ptinspect.tensors import TensorInfo

Array = np.ndarray[Any, Any]
Stretch = tuple[int, int]
"""First and last-plus-one element."""

CHUNK = 1 << 17  # elements
PORTION = 128  # chunks; turning counters into a census costs as much as some twenty of them
Both = tuple[TensorInfo, TensorInfo]


@frozen
class PairPortion:
    """Some stretches of a pair. Without them it is all of the pair, in the order of its elements."""

    both: Both
    stretches: tuple[Stretch, ...] | None = None
    places: tuple[tuple[InFile, int], ...] = ()  # where the bytes of each side lie

    @property
    def nbytes(self) -> int:
        """About how much there is to read."""
        if self.stretches is None:
            return sum(tensor.dtype.nbytes(tensor.elements) for tensor in self.both)
        return sum(end - begin for begin, end in self.stretches) * sum(tensor.dtype.itemsize for tensor in self.both)


def once(both: Both) -> tuple[Both, int]:
    """The pair without the repeats that both sides show alike, and how often each of its elements then counts.

    Raises Unsupported where what is left still is far more than the files hold: nobody waits for 2**40 pairs of two numbers.
    """
    left, right = both
    if left.layout == right.layout == "strided" and "quantized" not in (left.dtype.family, right.dtype.family):
        steps = zip(left.shape, left.strides, right.strides, strict=False)
        shape = tuple(1 if one == other == 0 and size else size for size, one, other in steps)
        if len(shape) == len(left.shape) and shape != left.shape:
            both = replace(left, shape=shape), replace(right, shape=shape)
    stored = sum(storage.present for tensor in both for storage in tensor.storages())
    if both[0].elements > max(MOST_OVERLAP * stored, 1 << 24) and not both[0].parts and not both[1].parts:
        raise Unsupported(f"its sides show each stored byte more than {MOST_OVERLAP} times", "", left.name)
    return both, left.elements // max(1, both[0].elements)


class Room:
    """Buffers that one thread uses again and again."""

    def __init__(self) -> None:
        self.left, self.right = (bytearray(CHUNK * 16) for _ in range(2))


def portions(storages: tuple[StorageBytes, StorageBytes], both: Both) -> list[PairPortion]:
    """The pair in portions. Raises FileProblem where a side cannot be read."""
    places = direct_places(storages, both)
    if not places:
        return [PairPortion(both)]
    total, step = both[0].elements, CHUNK * PORTION
    return [PairPortion(both, tuple(_chunks(begin, min(begin + step, total))), places) for begin in range(0, total, step)]


def _chunks(begin: int, end: int) -> Iterator[Stretch]:
    for at in range(begin, end, CHUNK):
        yield at, min(at + CHUNK, end)


def direct_places(storages: tuple[StorageBytes, StorageBytes], both: Both) -> tuple[tuple[InFile, int], ...]:
    """Where either side's bytes lie, if the same stretch of both holds the same elements; empty otherwise."""
    left, right = both
    if left.dtype.per_item > 1 or right.dtype.per_item > 1 or not (is_plain(left) and is_plain(right)):
        return ()
    ordered = len(in_order(left)) <= 1 and len(in_order(right)) <= 1
    if not (ordered or has_same_layout(left, right)):
        return ()
    found = [raw_bytes(side, tensor) for side, tensor in zip(storages, both, strict=True)]
    places = tuple(one[:2] for one in found if one is not None and not (one[0].big and left.dtype.itemsize > 1))
    return places if len(places) == 2 else ()


class Direct:
    """Reads stretches of a pair that lies in its files as it is; arrays are views of the room and gone with the next stretch."""

    def __init__(self, part: PairPortion, room: Room) -> None:
        self.both, self.places, self.room = part.both, part.places, room
        self.kinds = [raw_type(tensor.dtype) for tensor in part.both]
        self.may_be_equal = self.both[0].dtype.name == self.both[1].dtype.name

    def read(self, stretch: Stretch) -> bool:
        """Fill the room; True if both hold the same bytes."""
        begin, end = stretch
        sizes = []
        for (data, start), kind, buffer in zip(self.places, self.kinds, (self.room.left, self.room.right), strict=True):
            size = (end - begin) * kind.itemsize
            exactly(data, start + begin * kind.itemsize, memoryview(buffer)[:size])
            sizes.append(size)
        return self.may_be_equal and _same(self.room, sizes[0])

    def arrays(self, stretch: Stretch) -> tuple[Array, Array]:
        """What was read last, as numbers."""
        count = stretch[1] - stretch[0]
        left, right = (
            decoded(np.frombuffer(buffer, np.uint8, count * kind.itemsize), tensor, kind)
            for buffer, kind, tensor in zip((self.room.left, self.room.right), self.kinds, self.both, strict=True)
        )
        return left, right


def _same(room: Room, size: int) -> bool:
    """A look at the beginning finds most differences; numpy compares words without the interpreter's lock."""
    if room.left[:64] != room.right[:64] and size >= 64:
        return False
    words = size // 8
    left, right = (np.frombuffer(buffer, np.uint64, words) for buffer in (room.left, room.right))
    return bool(np.array_equal(left, right)) and room.left[words * 8 : size] == room.right[words * 8 : size]


def decoded(raw: Array, tensor: TensorInfo, kind: np.dtype[Any]) -> Array:
    """Bytes as the numbers of a plain tensor."""
    if tensor.dtype.family == "bool":
        return raw.astype(np.bool_)
    if kind.subdtype is not None:  # complex32
        return raw.view(np.float16).astype(np.float32).view(np.complex64)
    return raw.view(kind)


def in_step(storages: tuple[StorageBytes, StorageBytes], both: Both) -> Iterator[tuple[Array, Array]]:
    """The values of both in their own order, in chunks of the same length."""
    left, right = (_pieces(side, tensor) for side, tensor in zip(storages, both, strict=True))
    one, other = next(left, None), next(right, None)
    while one is not None and other is not None:
        size = min(one.size, other.size)
        yield np.ascontiguousarray(one[:size]), np.ascontiguousarray(other[:size])
        one = one[size:] if size < one.size else next(left, None)
        other = other[size:] if size < other.size else next(right, None)
    if one is not None or other is not None:
        raise Unsupported("its sides hold different numbers of values", "", both[0].name)


def _pieces(storages: StorageBytes, tensor: TensorInfo) -> Iterator[Array]:
    for chunk in values(storages, tensor):
        yield from (chunk[at : at + CHUNK] for at in range(0, chunk.size, CHUNK))


__all__ = ["CHUNK", "Direct", "PairPortion", "Room", "in_step", "once", "portions"]
