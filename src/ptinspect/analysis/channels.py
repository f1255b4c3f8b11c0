"""Statistics of each channel of one tensor: of every row of a matrix, every filter of a convolution, or along any other axis.

One stream over the values in their own order, in bounded blocks; what is kept is a few numbers for each channel. Every block is
taken relative to its own mean (two passes over it) and merged by means, so a channel of 1000 + 1e-3 x noise keeps its spread, and
64-bit integers are counted from a whole number of their channel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ptinspect.analysis.tensor_stats import real
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.storage_bytes import StorageBytes
from ptinspect.checkpoint.values import CHUNK, MOST_CHANNELS, refuse, value_shape, values
from ptinspect.errors import Unsupported
from ptinspect.frozen import frozen
from ptinspect.tensors import TensorInfo

Array = np.ndarray[Any, Any]
Progress = Callable[[int, int], None]

_HINT = "Choose another axis, or read the statistics of the whole tensor."
_LARGE, _SMALL = 1e150, 1e-150


@frozen
class Channels:
    """One number for each channel in every array, over finite values; complex ones by their size.

    `count` are the finite ones. Where there is none, mean, std and l2 are NaN, and `low` and `high` are not to be read.
    """

    axis: int
    count: Array
    mean: Array
    std: Array
    low: Array
    high: Array
    l2: Array
    zeros: Array
    nans: Array
    infs: Array


class _Part(NamedTuple):
    """Where a block lies: its first channel, and its shape as (times around, channels, values side by side)."""

    first: int
    shape: tuple[int, int, int]


def channels_of(checkpoint: Checkpoint, tensor: TensorInfo, axis: int = 0, progress: Progress | None = None) -> Channels:
    """Read the tensor and count each channel. Raises FileProblem where that cannot be done.

    `progress(done, total)` is told the elements, many times a second, in this thread, and may raise Cancelled to end the work.
    """
    refuse(tensor)
    shape = value_shape(tensor)
    if not -len(shape) <= axis < len(shape):
        raise Unsupported(f"it has {len(shape)} dimensions and no axis {axis}", _HINT, tensor.name)
    axis %= len(shape)
    if shape[axis] > MOST_CHANNELS:
        raise Unsupported(f"it has {shape[axis]:,} channels along axis {axis}", _HINT, tensor.name)
    counts = _Counts(shape[axis])
    done, total = 0, prod(shape)
    with StorageBytes(checkpoint) as storages:
        for block, part in _blocks(values(storages, tensor), shape, axis):
            counts.add(real(block).reshape(part.shape), part.first)
            done += block.size
            if progress is not None:
                progress(done, total)
    return counts.told(axis)


def _blocks(stream: Iterator[Array], shape: tuple[int, ...], axis: int) -> Iterator[tuple[Array, _Part]]:
    """The stream in blocks that begin and end with whole times around, whole channels, or inside a single one."""
    held: list[Array] = []
    there = 0
    for part in _parts(prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])):
        wanted = prod(part.shape)
        while there < wanted:
            chunk = next(stream)
            held.append(chunk)
            there += chunk.size
        found = held[0] if len(held) == 1 else np.concatenate(held)
        there -= wanted
        held = [found[wanted:]] if there else []
        yield found[:wanted], part


def _parts(times: int, channels: int, side: int) -> Iterator[_Part]:
    if not times * channels * side:
        return
    if channels * side <= CHUNK:
        most = CHUNK // (channels * side)
        for at in range(0, times, most):
            yield _Part(0, (min(most, times - at), channels, side))
        return
    many, long = max(1, CHUNK // side), min(side, CHUNK)
    for _ in range(times):
        for first in range(0, channels, many):
            for at in range(0, side, long):
                yield _Part(first, (1, min(many, channels - first), min(long, side - at)))


class _Counts:
    """What is known of each channel so far. The mean lies `apart` from `origin`, in which whole numbers keep what tells them apart."""

    def __init__(self, channels: int) -> None:
        self.count, self.zeros, self.nans, self.infs = (np.zeros(channels, np.int64) for _ in range(4))
        self.apart, self.spread = np.zeros(channels), np.zeros(channels)
        self.low = self.high = self.origin = np.zeros(channels)
        self.begun = False

    def add(self, block: Array, first: int) -> None:
        """Count a block of (times around, channels, values side by side)."""
        if not self.begun:
            self.low, self.high, self.origin = (np.zeros(self.count.size, block.dtype) for _ in range(3))
            self.begun = True
        here = slice(first, first + block.shape[1])
        finite = np.isfinite(block) if block.dtype.kind == "f" else None
        if finite is not None and not finite.all():
            nans = np.isnan(block).sum(axis=(0, 2))
            count = finite.sum(axis=(0, 2))
            self.nans[here] += nans
            self.infs[here] += block.shape[0] * block.shape[2] - count - nans
        else:
            finite, count = None, np.full(block.shape[1], block.shape[0] * block.shape[2])
        self._ends(block, finite, count, here)
        self._moments(block, finite, count, here)

    def _ends(self, block: Array, finite: Array | None, count: Array, here: slice) -> None:
        zeros = block == 0
        self.zeros[here] += zeros.sum(axis=(0, 2))
        some: Any = True if finite is None else finite
        low = block.min(axis=(0, 2), where=some, initial=_most(block.dtype))
        high = block.max(axis=(0, 2), where=some, initial=_least(block.dtype))
        known, new = self.count[here] > 0, count > 0
        self.low[here] = np.where(known & new, np.minimum(self.low[here], low), np.where(new, low, self.low[here]))
        self.high[here] = np.where(known & new, np.maximum(self.high[here], high), np.where(new, high, self.high[here]))
        self.origin[here] = np.where(known | ~new, self.origin[here], low)

    def _moments(self, block: Array, finite: Array | None, count: Array, here: slice) -> None:
        """Two passes over the block, and a merge by means."""
        wide, exponent = _from(block, self.origin[here], finite)
        n = np.maximum(count, 1)
        mean = wide.sum(axis=(0, 2)) / n
        wide -= mean[:, None]
        if finite is not None:
            wide[~finite] = 0
        spread = np.sqrt(np.einsum("ijk,ijk->j", wide, wide))
        if exponent is not None:
            with np.errstate(over="ignore"):
                mean, spread = np.ldexp(mean, exponent), np.ldexp(spread, exponent)
        self._merge(count, mean, spread, here)

    def _merge(self, count: Array, mean: Array, spread: Array, here: slice) -> None:
        before = self.count[here].copy()
        both = np.maximum(before + count, 1)
        half = np.where(count > 0, mean / 2 - self.apart[here] / 2, 0)
        self.apart[here] += 2 * (half * (count / both))
        gap = 2 * (half * np.sqrt(before * (count / both)))
        with np.errstate(over="ignore"):
            self.spread[here] = np.hypot(np.hypot(self.spread[here], spread), gap)
        self.count[here] += count

    def told(self, axis: int) -> Channels:
        """The numbers that people read."""
        none = self.count == 0
        n = np.maximum(self.count, 1)
        same = self.low == self.high  # a constant channel has no spread, though its mean is rounded
        mean = np.where(same, self.low, self.apart + (self.origin if self.origin.dtype.kind in "iu" else 0))
        spread = np.where(same, 0, self.spread)
        std = spread / np.sqrt(n)
        with np.errstate(over="ignore"):
            l2 = np.hypot(spread, mean * np.sqrt(n))
        mean, std, l2 = (np.where(none, np.nan, numbers) for numbers in (mean, std, l2))
        return Channels(axis, self.count, mean, std, self.low, self.high, l2, self.zeros, self.nans, self.infs)


def _most(kind: np.dtype[Any]) -> Any:
    return np.inf if kind.kind == "f" else np.iinfo(kind).max


def _least(kind: np.dtype[Any]) -> Any:
    return -np.inf if kind.kind == "f" else np.iinfo(kind).min


def _from(block: Array, origin: Array, finite: Array | None) -> tuple[Array, Array | None]:
    """float64 of one's own: whole numbers as distances from the origin, others divided by a power of two where squares would not fit."""
    if block.dtype.kind in "iu":
        return _distances(block, origin[:, None]), None
    wide = block.astype(np.float64)
    if finite is not None:
        wide[~finite] = 0
    sizes = np.abs(wide).max(axis=(0, 2))
    if not ((sizes > _LARGE) | ((sizes > 0) & (sizes < _SMALL))).any():
        return wide, None
    exponent = np.frexp(sizes)[1]
    rest = -exponent // 2  # 2 ** 1074 is more than one step can multiply by
    return np.ldexp(np.ldexp(wide, rest[:, None]), (-exponent - rest)[:, None]), exponent


def _distances(block: Array, origin: Array) -> Array:
    """Exact until they are rounded to float64. Beyond 2**63 a difference of 64 bits is right as an unsigned number only."""
    if block.dtype.itemsize < 8:
        return np.asarray(block.astype(np.float64) - origin)
    ahead, behind = ((one.view(np.uint64) - other.view(np.uint64)) for one, other in ((block, origin), (origin, block)))
    return np.where(block >= origin, ahead.astype(np.float64), -behind.astype(np.float64))


def as_fields(found: Channels) -> dict[str, Any]:
    """The numbers by name, ready for JSON: a list for each, None where there is none."""
    names = {"count": "count", "mean": "mean", "std": "std", "low": "min", "high": "max", "l2": "l2"}
    fields: dict[str, Any] = {"axis": found.axis}
    for own, name in (names | {"zeros": "zeros", "nans": "nans", "infs": "infs"}).items():
        numbers = getattr(found, own).tolist()
        if own in ("mean", "std", "low", "high", "l2"):
            numbers = [number if count else None for number, count in zip(numbers, found.count.tolist(), strict=True)]
        fields[name] = numbers
    return fields


__all__ = ["Channels", "as_fields", "channels_of"]
