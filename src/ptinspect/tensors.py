"""What every floor says about a tensor: where its bytes lie and how they are laid out. Values are never held here."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Literal

from ptinspect.dtypes import DType
from ptinspect.frozen import field, frozen

Layout = Literal["strided", "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc", "nested", "wrapper"]
Pending = Literal["conj", "neg"]


_UNKNOWN = (-1, -1)


@frozen
class StorageRef:
    """A run of bytes that one or more tensors share.

    `key` is unique within the file (two pickles of one archive may number their storages alike), `record` names where the
    bytes lie; `offset` is their place in the file, None where they are compressed, absent or on the meta device.
    `nbytes` is what the file declares, `present` how many of those bytes are there.
    """

    key: str
    dtype: DType
    nbytes: int
    present: int
    record: str | None = None
    offset: int | None = None
    location: str = "cpu"

    @property
    def is_meta(self) -> bool:
        """Meta tensors have a shape and no bytes."""
        return self.location == "meta"


@frozen
class TensorInfo:
    """One tensor as the file describes it. `problem` says why it cannot be read; the rest of the file stays usable.

    `pending` is what torch has put off doing to the stored numbers: the conjugate, the negative of `x.conj().imag`.
    """

    name: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: DType
    storage: StorageRef | None
    storage_offset: int = 0
    requires_grad: bool | None = None
    layout: Layout = "strided"
    is_parameter: bool = False
    subclass: str | None = None
    parts: tuple[TensorInfo, ...] = ()
    quantizer: tuple[object, ...] | None = None
    problem: str | None = None
    pending: tuple[Pending, ...] = ()
    span: tuple[int, int] = field(default=_UNKNOWN, compare=False)
    """First and last-plus-one byte of the storage that this tensor can reach; (0, 0) where it has no element."""

    def __post_init__(self) -> None:
        if self.span is _UNKNOWN:
            object.__setattr__(self, "span", reach(self.shape, self.strides, self.storage_offset, self.dtype.bits))

    @property
    def elements(self) -> int:
        """The product of the shape; none where a size is negative, as an invalid row may say."""
        return 0 if self.problem is not None and min(self.shape, default=0) < 0 else prod(self.shape)

    def storages(self) -> tuple[StorageRef, ...]:
        """Every storage it stands on: one, or those of its indices and values."""
        own = (self.storage,) if self.storage is not None else ()
        return own + tuple(ref for part in self.parts for ref in part.storages()) if self.parts else own


@lru_cache(maxsize=4_096)
def reach(shape: tuple[int, ...], strides: tuple[int, ...], offset: int, bits: int) -> tuple[int, int]:
    """The hull of a view in bytes. Negative strides reach below the offset; torch has none, a hostile file may.

    A network repeats a few shapes thousands of times, so what was worked out once is kept.
    """
    low = high = offset
    for size, stride in zip(shape, strides, strict=False):
        if size == 0:
            return (0, 0)
        if stride < 0:
            low += (size - 1) * stride
        else:
            high += (size - 1) * stride
    return (low * bits // 8, (high * bits + bits + 7) // 8)
