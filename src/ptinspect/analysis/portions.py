"""Reading tensors for counting: in portions that threads share, in whatever order is cheapest.

What is counted has no order, so a transposed tensor is read as it lies in the file, an expanded one once, and a large one in
portions by several threads. What needs its order (scales by channel) or comes out of a stream (deflated records) is one portion.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from ptinspect.analysis.tensor_stats import TensorStats, real
from ptinspect.checkpoint.sparse import coalesced, stands_alone
from ptinspect.checkpoint.storage_bytes import Bytes, InFile, StorageBytes, exactly
from ptinspect.checkpoint.values import inner, raw_type, read_piece, refuse, values, whole
from ptinspect.checkpoint.views import Piece, in_any_order, pieces
from ptinspect.errors import Unsupported
from ptinspect.frozen import frozen
from ptinspect.tensors import StorageRef, TensorInfo

Array = np.ndarray[Any, Any]

CHUNK_BYTES = 1 << 20
PORTION = 64  # chunks; what a portion brings back takes a few milliseconds to put together
_MOST_COALESCED = 1 << 24


@frozen
class Portion:
    """A part of a tensor that one thread counts. Without pieces it is all of the tensor, in its order."""

    tensor: TensorInfo
    pieces: tuple[Piece, ...] | None = None

    @property
    def nbytes(self) -> int:
        """About how much there is to read."""
        if self.pieces is None:
            return self.tensor.dtype.nbytes(self.tensor.elements)
        return sum(piece.span for piece in self.pieces) * self.tensor.dtype.itemsize


def stored(tensor: TensorInfo) -> TensorInfo:
    """The plain tensor that holds the values of this one; Unsupported where there is none."""
    refuse(tensor)
    if tensor.layout.startswith("sparse"):
        return tensor.parts[-1]
    return inner(tensor) if tensor.layout in ("nested", "wrapper") else tensor


def repeats_of(storages: StorageBytes, tensor: TensorInfo) -> int:
    """How often each element that is read counts."""
    return in_any_order(tensor)[1] if _in_pieces(storages, tensor) else 1


def portions(storages: StorageBytes, tensor: TensorInfo) -> Iterator[Portion]:
    """The tensor in portions."""
    holder = stored(tensor)
    if not _in_pieces(storages, tensor):
        yield Portion(tensor)
        return
    loops, _ = in_any_order(holder)
    found = pieces(holder.storage_offset, loops, CHUNK_BYTES // holder.dtype.itemsize)
    while part := tuple(islice(found, PORTION)):
        yield Portion(holder, part)


def _in_pieces(storages: StorageBytes, tensor: TensorInfo) -> bool:
    """Whether its numbers can be taken out of the file as they are, in any order."""
    if not _is_plain(tensor) or not tensor.elements or (storages.big and tensor.dtype.itemsize > 1):
        return False
    return tensor.storage is not None and isinstance(storages.of(tensor.storage), InFile)


def implied_zeros(tensor: TensorInfo, stats: TensorStats) -> int:
    """Zeros that a sparse tensor shows and does not store."""
    if not tensor.layout.startswith("sparse"):
        return 0
    return tensor.elements - stats.count - stats.nans - stats.infs


def storage_of(tensor: TensorInfo) -> StorageRef:
    """The storage of a plain tensor."""
    if tensor.storage is None:
        raise ValueError("a tensor without a storage of its own is no plain one")
    return tensor.storage


def _is_plain(tensor: TensorInfo) -> bool:
    """Whether stored elements are values, in any order."""
    dtype = tensor.dtype
    waits = "neg" in tensor.pending  # a conjugate is as large as what it is of
    return not waits and tensor.layout == "strided" and dtype.family != "quantized" and dtype.bits >= 8 and dtype.name != "complex32"


def chunks(storages: StorageBytes, portion: Portion, buffer: Array) -> Iterator[Array]:
    """The numbers of a portion, real and flat. Plain ones lie in `buffer` and are gone with the next chunk."""
    tensor = portion.tensor
    if portion.pieces is None:
        for chunk in filter(np.size, _ordered(storages, tensor)):
            # The codes of short floats are counted as they are; all else as numbers with an order.
            yield np.ascontiguousarray(chunk if chunk.dtype.itemsize <= 2 and chunk.dtype.kind != "c" else real(chunk))
        return
    data = storages.of(storage_of(tensor))
    for piece in portion.pieces:
        chunk = _plain(data, piece, tensor, buffer)
        yield np.abs(chunk) if chunk.dtype.kind == "c" else chunk


def _plain(data: Bytes, piece: Piece, tensor: TensorInfo, buffer: Array) -> Array:
    if not piece.is_dense:
        return read_piece(data, piece, tensor.dtype)
    into = buffer[: piece.span * tensor.dtype.itemsize]
    exactly(data, piece.start * tensor.dtype.itemsize, into.data)
    return into.view(raw_type(tensor.dtype))


def _ordered(storages: StorageBytes, tensor: TensorInfo) -> Iterator[Array]:
    if not tensor.layout.startswith("sparse"):
        yield from values(storages, tensor)
        return
    holder = stored(tensor)
    if holder.elements > _MOST_COALESCED:
        if tensor.layout == "sparse_coo":
            _refuse_sums(storages, tensor)
        yield from values(storages, holder)
    else:
        yield coalesced(tensor, [whole(storages, part) for part in tensor.parts]).reshape(-1)


def _refuse_sums(storages: StorageBytes, tensor: TensorInfo) -> None:
    """Values that are added up cannot be counted one by one."""
    indices = tensor.parts[0]
    if indices.elements > _MOST_COALESCED or not stands_alone(tensor, whole(storages, indices)):
        message = "it may store several values for one place, and more than are added up at once"
        raise Unsupported(message, "Call `.coalesce()` before it is saved.")


__all__ = ["CHUNK_BYTES", "Portion", "chunks", "implied_zeros", "portions", "repeats_of", "stored"]
