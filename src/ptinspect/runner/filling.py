"""From the file's bytes to torch's tensors. Nothing is unpickled: our own reader says where the bytes lie, and they are read once.

Each stretch that tensors stand on is read straight into the memory that they keep, so weights are copied once on their way to a
CPU, and once more, by torch, to another device. (Rejected: mapping the file. It saves that copy, and a file cut short by whoever
writes it kills the process without a word.)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from ptinspect.checkpoint.model import Entry
from ptinspect.checkpoint.storage_bytes import StorageBytes, exactly
from ptinspect.errors import Corrupt, FileProblem, Unsupported
from ptinspect.tensors import StorageRef, TensorInfo

_STEP = 16  # no element is wider, so a stretch that begins at a multiple holds each at its own alignment
_HINT = "Its shape and its place in the file are told; a run needs its values."


class Filling:
    """Makes torch tensors of one checkpoint, those of one storage on one piece of memory. `wanted` says how much of each is read."""

    def __init__(self, storages: StorageBytes, wanted: Iterable[TensorInfo]) -> None:
        self._storages = storages
        self._hulls: dict[str, tuple[int, int]] = {}
        self._read: dict[tuple[str, int], torch.Tensor] = {}
        self._made: dict[int, torch.Tensor] = {}
        for tensor in wanted:
            self._want(tensor)

    def _want(self, tensor: TensorInfo) -> None:
        for part in tensor.parts:
            self._want(part)
        if tensor.storage is not None and tensor.span != (0, 0):
            low, high = self._hulls.get(tensor.storage.key, tensor.span)
            self._hulls[tensor.storage.key] = (min(low, tensor.span[0]), max(high, tensor.span[1]))

    def tensor_of(self, info: TensorInfo) -> torch.Tensor:
        """The tensor, the same object for the same place in the file. Raises FileProblem where its values cannot be read."""
        if id(info) not in self._made:
            self._made[id(info)] = self._new(info)
        return self._made[id(info)]

    def _new(self, info: TensorInfo) -> torch.Tensor:
        if info.problem:
            raise Unsupported(info.problem, _HINT, info.name)
        if info.layout.startswith("sparse"):
            return self._sparse(info)
        if info.layout == "wrapper" and len(info.parts) == 1 and info.parts[0].shape == info.shape:
            return self._new(info.parts[0])
        if info.layout != "strided" or info.dtype.family == "quantized" or info.dtype.bits < 8:
            raise Unsupported(f"{info.dtype.name} values in this layout ({info.subclass or info.layout}) are not run", _HINT, info.name)
        if info.storage is not None and info.storage.is_meta and info.elements:
            raise Unsupported("it is on the meta device: a shape without values", _HINT, info.name)
        return self._strided(info)

    def _strided(self, info: TensorInfo) -> torch.Tensor:
        kind = torch_type(info.dtype.name)
        if info.storage is None or info.span == (0, 0):
            return torch.empty(info.shape, dtype=kind)
        begin, held = self._stretch(info.storage, info.dtype.itemsize // (2 if info.dtype.family == "complex" else 1), info)
        start = info.storage_offset - begin // info.dtype.itemsize
        found = torch.as_strided(held.view(kind), info.shape, info.strides, start)
        for pending in info.pending:
            found = torch.conj(found) if pending == "conj" else torch._neg_view(found)  # noqa: SLF001 - torch has no other name for it
        return found

    def _stretch(self, storage: StorageRef, width: int, info: TensorInfo) -> tuple[int, torch.Tensor]:
        """Where a storage's stretch begins and its bytes, in this machine's order."""
        low, high = self._hulls.get(storage.key) or info.span
        low -= low % _STEP
        data = self._storages.of(storage)
        swapped = width if data.big else 1
        if (storage.key, swapped) not in self._read:
            held = torch.empty(-(-(high - low) // _STEP) * _STEP, dtype=torch.uint8)
            exactly(data, low, held.numpy().data[: high - low])
            if swapped > 1:
                held = held.view(-1, swapped).flip(1).contiguous().view(-1)
            self._read[storage.key, swapped] = held
        return low, self._read[storage.key, swapped]

    def _sparse(self, info: TensorInfo) -> torch.Tensor:
        """torch checks the indices against the shape."""
        parts = [self.tensor_of(part) for part in info.parts]
        make: Any = torch.sparse_coo_tensor if info.layout == "sparse_coo" else torch.sparse_compressed_tensor
        named = {} if info.layout == "sparse_coo" else {"layout": getattr(torch, info.layout)}
        try:
            found: torch.Tensor = make(*parts, info.shape, check_invariants=True, **named)
        except (RuntimeError, TypeError) as error:
            raise Corrupt(f"its parts do not fit each other: {error}", _HINT, info.name) from None
        return found


def torch_type(name: str) -> torch.dtype:
    """torch's own type of that name; an older torch may lack one."""
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise Unsupported(f"torch {torch.__version__} has no type {name}", "Run it with a newer torch: --python.")
    return found


def filled(storages: StorageBytes, entries: Iterable[Entry]) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors of a weight set by name, and why others cannot be read."""
    entries = tuple(entries)
    filling = Filling(storages, (entry.tensor for entry in entries))
    found: dict[str, torch.Tensor] = {}
    problems: dict[str, str] = {}
    for entry in entries:
        try:
            found[entry.name] = filling.tensor_of(entry.tensor)
        except FileProblem as problem:
            problems[entry.name] = problem.message
    return found, problems


__all__ = ["Filling", "filled", "torch_type"]
