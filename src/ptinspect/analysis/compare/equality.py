"""Equal bytes: by the place in the file, by the archive's checksums, or by reading both. None of it needs numpy for plain tensors.

A checksum is what the archive claims; it is good for a first look and for leaving out what cannot be equal. Before a report calls
anything identical, the bytes are compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from math import prod

from ptinspect.analysis.compare.model import EqualBy, Side
from ptinspect.checkpoint.storage_bytes import Bytes, InFile, StorageBytes, exactly
from ptinspect.checkpoint.views import in_any_order, in_order
from ptinspect.formats.document import Record
from ptinspect.frozen import replace
from ptinspect.tensors import StorageRef, TensorInfo

CHUNK = 1 << 18


def at_once(left: Side, one: TensorInfo, right: Side, other: TensorInfo) -> tuple[bool | None, EqualBy | None]:
    """Whether the bytes are the same, as far as headers tell: None where they do not."""
    if left.checkpoint.identity == right.checkpoint.identity and _is_one(one, other):
        return True, "place"
    if not has_same_layout(one, other):
        return None, None
    if one.problem is None and other.problem is None and is_bare(one):
        return True, "place"
    sums = checksum_of(left, one), checksum_of(right, other)
    if None in sums or one.storage_offset != other.storage_offset or _packed(one) != _packed(other):
        return None, None
    if sums[0] == sums[1]:
        return True, "checksum"
    return (False, "checksum") if covers_record(left, one) and covers_record(right, other) else (None, None)


def is_bare(tensor: TensorInfo) -> bool:
    """Whether it has no bytes to differ in: no elements, or the meta device."""
    return not tensor.parts and (not tensor.elements or (tensor.storage is not None and tensor.storage.is_meta))


def has_same_layout(one: TensorInfo, other: TensorInfo) -> bool:
    """Whether equal bytes mean equal tensors."""
    same = one.shape == other.shape and one.dtype.name == other.dtype.name and one.layout == other.layout == "strided"
    return same and (one.strides == other.strides or not one.elements) and one.pending == other.pending


def _packed(tensor: TensorInfo) -> tuple[object, ...]:
    """What quantized codes stand for, where that is no tensor of its own."""
    return tuple(part if type(part) in (int, float, str) else object() for part in tensor.quantizer or ())


def _is_one(one: TensorInfo, other: TensorInfo) -> bool:
    """Whether two tensors of one file are the same one, readable or not, or stand in the same place."""
    if replace(one, name="") == replace(other, name=""):
        return True
    if not has_same_layout(one, other) or one.storage is None or other.storage is None or one.quantizer or other.quantizer:
        return False
    return one.storage.key == other.storage.key and one.storage_offset == other.storage_offset and one.problem == other.problem


def checksum_of(side: Side, tensor: TensorInfo) -> tuple[int, int] | None:
    """Size and checksum of the record that holds a tensor. 0 means that none was stored."""
    record = _record(side, tensor.storage)
    return None if record is None or not record.crc or not record.size else (record.size, record.crc)


def covers_record(side: Side, tensor: TensorInfo) -> bool:
    """Whether every byte of the record is the tensor's, so that another checksum means other values."""
    record = _record(side, tensor.storage)
    return record is not None and tensor.span == (0, record.size) and is_dense(tensor)


def _record(side: Side, storage: StorageRef | None) -> Record | None:
    name = None if storage is None else storage.record
    return None if name is None else side.checkpoint.document.records.get(name)


def is_dense(tensor: TensorInfo) -> bool:
    """Whether its elements stand side by side, in whatever order."""
    loops, repeats = in_any_order(tensor)
    return repeats == 1 and (not loops or (len(loops) == 1 and loops[0][1] == 1))


def is_repeating(tensor: TensorInfo) -> bool:
    """Whether it shows the same stored values again and again: nobody waits for 2**40 of them."""
    stored = sum(storage.present for storage in tensor.storages())
    return tensor.dtype.nbytes(tensor.elements) > 2 * stored + (1 << 24) and not tensor.parts


def is_plain(tensor: TensorInfo) -> bool:
    """Whether its stored bytes say everything: nothing packed, put off, sparse or wrapped."""
    dtype = tensor.dtype
    simple = tensor.layout == "strided" and not tensor.pending and not tensor.parts and tensor.problem is None
    return simple and dtype.family != "quantized" and dtype.bits >= 8 and tensor.storage is not None


def raw_bytes(storages: StorageBytes, tensor: TensorInfo) -> tuple[InFile, int, int] | None:
    """Where all bytes of a plain dense tensor lie: the file, where they begin in its storage, how many. None for any other."""
    if not is_plain(tensor) or not is_dense(tensor) or tensor.storage is None or tensor.storage.is_meta:
        return None
    data: Bytes = storages.of(tensor.storage)
    if not isinstance(data, InFile):
        return None
    return data, tensor.storage_offset * tensor.dtype.itemsize, tensor.dtype.nbytes(prod(tensor.shape))


def digest_of(storages: StorageBytes, tensor: TensorInfo, count: Callable[[int], None]) -> bytes:
    """A digest of a tensor's values in its own order; `count` is told what was read. Raises FileProblem where they cannot be."""
    made = hashlib.sha256()
    for piece in _in_order(storages, tensor):
        made.update(piece)
        count(len(piece))
    return made.digest()


def _in_order(storages: StorageBytes, tensor: TensorInfo) -> Iterator[bytes | memoryview]:
    found = raw_bytes(storages, tensor)
    if found is None or found[0].big or len(in_order(tensor)) > 1:
        from ptinspect.checkpoint.values import values  # noqa: PLC0415 - numpy, which plain tensors do without

        for chunk in values(storages, tensor):
            yield chunk.tobytes()
        return
    data, begin, size = found
    buffer = memoryview(bytearray(min(CHUNK, size)))
    for at in range(0, size, CHUNK):
        part = buffer[: min(CHUNK, size - at)]
        exactly(data, begin + at, part)
        yield part
