"""A block out of a tensor: a part of each dimension, read without the rest where the file allows it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from math import prod
from typing import Any

import numpy as np

from ptinspect.analysis.histogram import BINS, choose_edges, counted
from ptinspect.analysis.statistics import Statistics, edge_type, told
from ptinspect.analysis.tensor_stats import stats_of
from ptinspect.checkpoint.storage_bytes import StorageBytes
from ptinspect.checkpoint.values import CHUNK, inner, numpy_type, refuse, value_shape, values, whole
from ptinspect.errors import Unsupported
from ptinspect.tensors import TensorInfo

Array = np.ndarray[Any, Any]
Spans = Sequence[range]
MOST = 1 << 24  # elements that are read to show a part of them
STRETCHES = 64


def block(storages: StorageBytes, tensor: TensorInfo, spans: Spans) -> Array:
    """The values at these places of each dimension. Raises FileProblem where they cannot be read."""
    refuse(tensor)
    shape = value_shape(tensor)
    if len(spans) != len(shape):
        raise ValueError("as many spans as dimensions")
    if tensor.layout in ("nested", "wrapper"):
        return block(storages, inner(tensor), spans)
    if not prod(map(len, spans)):
        return np.empty(tuple(map(len, spans)), numpy_type(tensor.dtype))
    if tensor.layout == "strided" and tensor.dtype.family != "quantized":
        return _plain(storages, tensor, spans)
    if tensor.elements <= MOST:
        return whole(storages, tensor)[tuple(slice(span.start, span.stop, span.step) for span in spans)]
    return _streamed(storages, tensor, shape, spans)


def _plain(storages: StorageBytes, tensor: TensorInfo, spans: Spans) -> Array:
    """As a view of its storage. Packed values of the last dimension are read with their neighbours."""
    packed = tensor.dtype.per_item
    taken = list(spans)
    if packed > 1:
        taken[-1] = range(spans[-1].start // packed, (spans[-1][-1]) // packed + 1)
    offset = tensor.storage_offset + sum(span.start * stride for span, stride in zip(taken, tensor.strides, strict=False))
    strides = tuple(stride * span.step for span, stride in zip(taken, tensor.strides, strict=False))
    part = TensorInfo(
        tensor.name, tuple(map(len, taken))[: len(tensor.shape)], strides, tensor.dtype, tensor.storage, offset, pending=tensor.pending
    )
    found = whole(storages, part)
    if packed == 1:
        return found
    first = spans[-1].start - taken[-1].start * packed
    return found[..., first : first + spans[-1][-1] - spans[-1].start + 1 : spans[-1].step]


def _streamed(storages: StorageBytes, tensor: TensorInfo, shape: tuple[int, ...], spans: Spans) -> Array:
    """Out of the stream of all values, up to the last one that is wanted."""
    row = prod(shape[1:])
    first, last = spans[0].start * row, (spans[0][-1] + 1) * row
    if last - first > MOST:
        raise Unsupported("too much of it would have to be read at once", "Look at a smaller part.", tensor.name)
    found, at = [], 0
    for chunk in values(storages, tensor):
        if at + chunk.size > first:
            found.append(chunk[max(0, first - at) : last - at])
        at += chunk.size
        if at >= last:
            break
    rest = np.concatenate(found).reshape(-1, *shape[1:])
    return rest[(slice(None, None, spans[0].step), *(slice(span.start, span.stop, span.step) for span in spans[1:]))]


def sample(storages: StorageBytes, tensor: TensorInfo, most: int = CHUNK) -> tuple[Statistics, int]:
    """Statistics of so many values, spread over the tensor where it lies in one piece, and how many were looked at."""
    refuse(tensor)
    found = _spread(storages, tensor, most)
    if found is None:
        found = np.concatenate(list(islice(values(storages, tensor), max(1, most // CHUNK))) or [np.empty(0)])
    stats = stats_of(found)
    if not stats.count:
        return told(stats, None), found.size
    return told(stats, counted(stats.census, choose_edges(stats, edge_type(tensor.dtype), BINS))), found.size


def _spread(storages: StorageBytes, tensor: TensorInfo, most: int) -> Array | None:
    """Stretches at even distances; None where the tensor is no single run of its storage."""
    size = tensor.elements
    if tensor.layout != "strided" or tensor.dtype.family == "quantized" or not _is_run(tensor) or size <= most:
        return None
    length = most // STRETCHES
    starts = (place * (size - length) // (STRETCHES - 1) for place in range(STRETCHES))
    flat = TensorInfo(tensor.name, (size,), (1,), tensor.dtype, tensor.storage, tensor.storage_offset, pending=tensor.pending)
    packed = tensor.dtype.per_item
    return np.concatenate([block(storages, flat, [range(start * packed, (start + length) * packed)]) for start in starts])


def _is_run(tensor: TensorInfo) -> bool:
    expected = 1
    for size, stride in zip(reversed(tensor.shape), reversed(tensor.strides), strict=False):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True


__all__ = ["MOST", "block", "sample"]
