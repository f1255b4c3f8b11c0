"""Sparse tensors from their parts: which values stand where. Indices come from the file and are checked before they are used."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ptinspect.errors import Corrupt
from ptinspect.tensors import TensorInfo

Array = np.ndarray[Any, Any]


def coalesced(tensor: TensorInfo, parts: list[Array]) -> Array:
    """The stored values with duplicates added up, as torch reads a COO tensor that was not coalesced."""
    stored = parts[-1]
    if tensor.layout != "sparse_coo" or stored.shape[0] < 2:
        return stored
    flat = _places(parts[0], tensor.shape[: parts[0].shape[0]])
    order, inverse = np.unique(flat, return_inverse=True)
    if order.size == flat.size:
        return stored
    summed = np.zeros((order.size, *stored.shape[1:]), stored.dtype)
    np.add.at(summed, inverse, stored)
    return summed


def dense(tensor: TensorInfo, parts: list[Array]) -> Array:
    """All values, flat, zeros included."""
    if tensor.layout == "sparse_coo":
        return _from_coo(tensor.shape, parts[0], parts[1])
    return _from_compressed(tensor, *parts)


def _places(indices: Array, shape: tuple[int, ...]) -> Array:
    """Where each column of indices points to, in elements of the sparse dimensions."""
    sizes = np.asarray(shape, np.int64).reshape(-1, 1)
    if indices.ndim != 2 or ((indices < 0) | (indices >= sizes)).any():
        raise Corrupt("its indices point outside its shape", "Save the tensor again.")
    steps = np.asarray([prod(shape[place + 1 :]) for place in range(len(shape))], np.int64)
    found: Array = (indices.astype(np.int64) * steps[:, None]).sum(axis=0)
    return found


def _from_coo(shape: tuple[int, ...], indices: Array, stored: Array) -> Array:
    sparse = indices.shape[0]
    flat = _places(indices, shape[:sparse])
    if stored.shape != (flat.size, *shape[sparse:]):
        raise Corrupt("its values do not fit its indices", "Save the tensor again.")
    whole = np.zeros((prod(shape[:sparse]), *shape[sparse:]), stored.dtype)
    np.add.at(whole, flat, stored)
    return whole.reshape(-1)


def _from_compressed(tensor: TensorInfo, starts: Array, others: Array, stored: Array) -> Array:
    """CSR, CSC and their block forms, with leading batch dimensions."""
    by_row = tensor.layout in ("sparse_csr", "sparse_bsr")
    batch = starts.shape[:-1]
    blocked = tensor.layout in ("sparse_bsr", "sparse_bsc")
    block = stored.shape[len(batch) + 1 : len(batch) + 3] if blocked else (1, 1)
    rest = tensor.shape[len(batch) + 2 :]
    rows, columns = tensor.shape[len(batch) : len(batch) + 2]
    if 0 in block or others.shape[:-1] != batch or stored.shape[: len(batch) + 1] != others.shape:
        raise Corrupt("its parts do not fit each other", "Save the tensor again.")
    grid = (rows // block[0], columns // block[1])
    whole = np.zeros((prod(batch), *grid, *block, *rest), stored.dtype)
    flat = zip(starts.reshape(-1, starts.shape[-1]), others.reshape(-1, others.shape[-1]), strict=True)
    pieces = stored.reshape(prod(batch), others.shape[-1], *block, *rest)
    for place, (begin, other) in enumerate(flat):
        counts = np.diff(begin)
        if (counts < 0).any() or counts.sum() != other.size or counts.size != grid[0 if by_row else 1]:
            raise Corrupt("its row pointers contradict its indices", "Save the tensor again.")
        own = np.repeat(np.arange(counts.size), counts)
        row, column = (own, other) if by_row else (other, own)
        if ((other < 0) | (other >= grid[1 if by_row else 0])).any():
            raise Corrupt("its indices point outside its shape", "Save the tensor again.")
        whole[place, row, column] = pieces[place]
    axes = (0, 1, 3, 2, 4, *range(5, 5 + len(rest)))
    return whole.transpose(axes).reshape(-1)
