"""Sparse tensors from their parts: which values stand where. Indices come from the file and are checked before they are used."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from ptinspect.errors import Corrupt
from ptinspect.tensors import TensorInfo

Array = np.ndarray[Any, Any]

_AGAIN = "Save the tensor again."
_MOST = (1 << 63) - 1


@np.errstate(all="ignore")
def coalesced(tensor: TensorInfo, parts: list[Array]) -> Array:
    """The stored values with duplicates added up, as torch reads a COO tensor that was not coalesced."""
    if tensor.layout != "sparse_coo":
        return parts[-1]
    flat, stored = _coo(tensor.shape, *parts)
    places, inverse = np.unique(flat, return_inverse=True)
    if places.size == flat.size:
        return stored
    summed = np.zeros((places.size, *stored.shape[1:]), stored.dtype)
    np.add.at(summed, inverse, stored)
    return summed


def dense(tensor: TensorInfo, parts: list[Array], most: int) -> Iterator[Array]:
    """All values, flat, zeros included, at most `most` at a time."""
    flat, stored = _scattered(tensor, parts)
    if (np.diff(flat) < 0).any():
        order = np.argsort(flat, kind="stable")  # duplicates are added in the order in which they are stored
        flat, stored = flat[order], stored[order]
    for begin in range(0, tensor.elements, most):
        low, high = np.searchsorted(flat, (begin, begin + most))
        yield _spread(flat[low:high] - begin, stored[low:high], min(most, tensor.elements - begin))


@np.errstate(all="ignore")
def _spread(places: Array, stored: Array, size: int) -> Array:
    chunk = np.zeros(size, stored.dtype)
    np.add.at(chunk, places, stored)
    return chunk


def _scattered(tensor: TensorInfo, parts: list[Array]) -> tuple[Array, Array]:
    """Every stored number and its place among all values."""
    if tensor.layout == "sparse_coo":
        places, stored = _coo(tensor.shape, *parts)
        step = prod(stored.shape[1:])
        flat = (places[:, None] * step + np.arange(step)).reshape(-1)
        return flat, stored.reshape(-1)
    return _from_compressed(tensor, *parts)


def stands_alone(tensor: TensorInfo, indices: Array) -> bool:
    """Whether no two stored values of a COO tensor are to be added up."""
    flat = _places(tensor.shape, indices)
    return bool((np.diff(flat) > 0).all()) or np.unique(flat).size == flat.size


def _coo(shape: tuple[int, ...], indices: Array, stored: Array) -> tuple[Array, Array]:
    """Where each column of indices points to, in elements of the sparse dimensions, and the values of each."""
    flat = _places(shape, indices)
    if stored.shape != (indices.shape[1], *shape[indices.shape[0] :]):
        raise Corrupt("its values do not fit its indices", _AGAIN)
    return flat, stored


def _places(shape: tuple[int, ...], indices: Array) -> Array:
    sparse = indices.shape[0] if indices.ndim == 2 else -1
    if not 0 <= sparse <= len(shape) or prod(shape) > _MOST or not _whole(indices):
        raise Corrupt("its indices do not fit its shape", _AGAIN)
    sizes = np.asarray(shape[:sparse], np.int64).reshape(-1, 1)
    if ((indices < 0) | (indices >= sizes)).any():
        raise Corrupt("its indices point outside its shape", _AGAIN)
    steps = np.asarray([prod(shape[place + 1 : sparse]) for place in range(sparse)], np.int64)
    flat: Array = (indices.astype(np.int64) * steps[:, None]).sum(axis=0)
    return flat


def _whole(indices: Array) -> bool:
    return indices.dtype.kind in "iu"


def _from_compressed(tensor: TensorInfo, starts: Array, others: Array, stored: Array) -> tuple[Array, Array]:
    """CSR, CSC and their block forms, with leading batch dimensions and dense ones behind."""
    by_row = tensor.layout in ("sparse_csr", "sparse_bsr")
    blocked = tensor.layout in ("sparse_bsr", "sparse_bsc")
    batch = starts.shape[:-1]
    block = stored.shape[len(batch) + 1 : len(batch) + 3] if blocked else (1, 1)
    rest = tensor.shape[len(batch) + 2 :]
    _fit(tensor, starts, others, stored, (batch, block, rest))
    rows, columns = tensor.shape[len(batch) : len(batch) + 2]
    grid = (rows // block[0], columns // block[1])
    own = _expanded(starts.reshape(prod(batch), -1), others.shape[-1], grid[0 if by_row else 1])
    other = others.reshape(prod(batch), -1).astype(np.int64)
    if ((other < 0) | (other >= grid[1 if by_row else 0])).any():
        raise Corrupt("its indices point outside its shape", _AGAIN)
    row, column = (own, other) if by_row else (other, own)
    row, column = row * block[0], column * block[1]
    # from here on (batch, stored, block row, block column, dense)
    within = prod(rest)
    place = np.arange(prod(batch)).reshape(-1, 1, 1, 1, 1) * rows
    place = place + row[:, :, None, None, None] + np.arange(block[0])[:, None, None]
    place = place * columns + column[:, :, None, None, None] + np.arange(block[1])[:, None]
    return (place * within + np.arange(within)).reshape(-1), stored.reshape(-1)


def _fit(tensor: TensorInfo, starts: Array, others: Array, stored: Array, dims: tuple[tuple[int, ...], ...]) -> None:
    """The parts against each other and against the shape."""
    batch, block, rest = dims
    shape, count = tensor.shape, len(batch)
    fits = starts.ndim and others.ndim and len(block) == 2 and 0 not in block and len(shape) >= count + 2
    fits = fits and shape[:count] == batch == others.shape[:-1] and _whole(starts) and _whole(others) and prod(shape) <= _MOST
    values = (*others.shape, *block, *rest) if tensor.layout in ("sparse_bsr", "sparse_bsc") else (*others.shape, *rest)
    if not fits or stored.shape != values or shape[count] % block[0] or shape[count + 1] % block[1]:
        raise Corrupt("its parts do not fit each other", _AGAIN)


def _expanded(starts: Array, stored: int, lines: int) -> Array:
    """The line of each stored value, from where each line begins."""
    begins = starts.astype(np.int64)
    counts = np.diff(begins, axis=1)
    if begins.shape[1] != lines + 1 or (counts < 0).any() or (begins[:, 0] != 0).any() or (begins[:, -1] != stored).any():
        raise Corrupt("its row pointers contradict its indices", _AGAIN)
    own = [np.repeat(np.arange(lines), one) for one in counts]
    return np.stack(own) if own else np.empty((0, stored), np.int64)


__all__ = ["coalesced", "dense", "stands_alone"]
