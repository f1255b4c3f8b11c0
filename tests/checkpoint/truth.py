"""What torch says a tensor's values are, and what we read of them from a file."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import torch

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.checkpoint.storage_bytes import StorageBytes
from ptinspect.checkpoint.values import Array, values, whole
from ptinspect.tensors import TensorInfo


def truth(tensor: torch.Tensor) -> Array:
    """Torch's own account, as the numpy array that we should come to."""
    tensor = tensor.detach()
    tensor = tensor.dequantize() if tensor.is_quantized else tensor
    tensor = tensor.to_dense() if tensor.layout != torch.strided else tensor
    tensor = tensor.resolve_conj().resolve_neg().contiguous()
    if tensor.dtype is torch.complex32:
        return tensor.to(torch.complex64).numpy()
    name = str(tensor.dtype).removeprefix("torch.")
    if hasattr(ml_dtypes, name):
        return tensor.view(torch.uint8 if tensor.element_size() == 1 else torch.uint16).numpy().view(getattr(ml_dtypes, name))
    return tensor.numpy()


def same(found: Array, expected: Array) -> bool:
    """Equal to the bit; a NaN that was widened may have become another NaN."""
    if (found.dtype, found.shape) != (expected.dtype, expected.shape):
        return False
    return found.tobytes() == expected.tobytes() or (found.dtype.kind == "c" and np.array_equal(found, expected, equal_nan=True))


def place(checkpoint: Checkpoint, path: str) -> TensorInfo:
    """The tensor under a path."""
    return next(found.tensor for found in checkpoint.document.places if found.path == path)


def every_value(path: Path) -> dict[str, Array]:
    """All tensors of a file by their paths."""
    checkpoint = open_checkpoint(path)
    with StorageBytes(checkpoint) as storages:
        return {found.path: whole(storages, found.tensor) for found in checkpoint.document.places}


def in_chunks(checkpoint: Checkpoint, tensor: TensorInfo, most: int) -> list[Array]:
    """One tensor, at most so many elements at a time."""
    with StorageBytes(checkpoint) as storages:
        return list(values(storages, tensor, most))


def of(checkpoint: Checkpoint, path: str) -> Array:
    """The values of one tensor."""
    with StorageBytes(checkpoint) as storages:
        return whole(storages, place(checkpoint, path))
