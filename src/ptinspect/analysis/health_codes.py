"""Quantized tensors by their stored codes: how many stand at the ends of their range, cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod

import numpy as np

from ptinspect.analysis.health_subjects import Subject
from ptinspect.analysis.health_symptoms import Kind, Symptom, share
from ptinspect.checkpoint.storage_bytes import StorageBytes
from ptinspect.checkpoint.values import values
from ptinspect.dtypes import BY_NAME, DType
from ptinspect.tensors import TensorInfo

CUT_OFF = Kind(
    "many quantized values at the ends of their range", "They were cut off there: a larger scale, or one for each channel, keeps them."
)

_CODES: dict[str, DType] = {
    "qint8": BY_NAME["int8"],
    "quint8": BY_NAME["uint8"],
    "quint4x2": DType("codes of 4 bits", 4, "uint", "uint8"),
}
_ENDS = {"qint8": (-128, 127), "quint8": (0, 255), "quint4x2": (0, 15)}
_MANY, _LEAST = 0.02, 8


def at_the_ends(storages: StorageBytes, one: Subject, told: Callable[[int], None]) -> Iterator[Symptom]:
    """Each channel has one or two values at its ends, since its scale was made for them; more were cut off."""
    codes = _CODES.get(one.tensor.dtype.name)
    if codes is None:
        return
    low, high = _ENDS[one.tensor.dtype.name]
    counts = np.zeros(256, np.int64)
    for chunk in values(storages, _stored(one.tensor, codes)):
        counts += np.bincount(chunk.view(np.uint8), minlength=256)
        told(chunk.size)
    ends = int(counts[low & 0xFF] + counts[high & 0xFF])
    if one.tensor.dtype.name == "qint8":
        ends += int(counts[-127 & 0xFF])  # the lower end of a symmetric range
    extra = ends - 2 * _channels(one.tensor) * (3 if codes.bits < 8 else 1)
    if extra >= max(_MANY * one.tensor.elements, _LEAST):
        text = f"{ends:,} of {one.tensor.elements:,} codes, {share(ends, one.tensor.elements)}, are {low} or {high} (confirmed: counted)"
        yield Symptom(CUT_OFF, "notice", one.path, text)


def _stored(tensor: TensorInfo, codes: DType) -> TensorInfo:
    return TensorInfo(tensor.name, tensor.shape, tensor.strides, codes, tensor.storage, tensor.storage_offset)


def _channels(tensor: TensorInfo) -> int:
    """How many scales there are."""
    numbers = (tensor.quantizer or ())[1:]
    scale = numbers[0] if numbers else None
    return prod(scale.shape) if isinstance(scale, TensorInfo) else 1


__all__ = ["at_the_ends"]
