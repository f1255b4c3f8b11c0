"""Shapes and strides as a stream gives them, and whether they fit what they are laid over."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import NamedTuple

from ptinspect.dtypes import DType
from ptinspect.pickles.values import Bytes, Call, Value
from ptinspect.tensors import StorageRef

MOST_ELEMENTS = (1 << 63) - 1


class Malformed(Exception):
    """An argument is not what the function takes."""


def integers(value: Value) -> tuple[int, ...]:
    """A shape or strides: a tuple or list of whole numbers, or a torch.Size around one."""
    if type(value) is Call and value.name == "torch.Size" and type(value.args) is tuple and len(value.args) == 1:
        value = value.args[0]
    if type(value) not in (tuple, list):
        raise Malformed("its shape is no list of numbers")
    for item in value:
        if type(item) is not int:
            raise Malformed("its shape holds something that is no whole number")
    return tuple(value)


def fits(shape: tuple[int, ...], strides: tuple[int, ...], span: tuple[int, int], ref: StorageRef) -> bool:
    """A quick yes for nearly every tensor; where it says no, `misfit` finds out what is wrong, if anything."""
    return 0 <= span[0] < span[1] <= ref.present and _is_regular(shape, strides)


@lru_cache(maxsize=4_096)
def _is_regular(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """A stride for each size, and none of them zero or negative."""
    return len(shape) == len(strides) and (not shape or (min(shape) > 0 and min(strides) > 0))


def misfit(shape: tuple[int, ...], strides: tuple[int, ...], offset: Value, dtype: DType, ref: StorageRef) -> str | None:
    """What is wrong between a view and its storage, or None."""
    if type(offset) is not int or offset < 0:
        return "its offset is negative or no number"
    if len(shape) != len(strides):
        return f"it has {len(shape)} sizes and {len(strides)} strides"
    high, elements = offset, 1
    for size, stride in zip(shape, strides, strict=True):
        if size < 0:
            return "it has a negative size"
        if stride < 0:
            return "it has a negative stride"
        high += (size - 1) * stride
        elements *= size
    if elements == 0 or ref.location == "meta":
        return None
    if elements > MOST_ELEMENTS:
        return "it has more elements than 64 bits can count"
    reach = (high * dtype.bits + dtype.bits + 7) // 8
    if reach > ref.nbytes:
        return f"it reaches byte {reach:,} of a storage of {ref.nbytes:,}"
    if reach > ref.present:
        return f"its bytes are cut off: {ref.present:,} of {ref.nbytes:,} are there"
    return None


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a tensor whose elements lie one after another."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(1, size)
    return tuple(reversed(strides))


class Array(NamedTuple):
    """A pickled numpy array: its shape, numpy's dtype as the stream has it, its bytes."""

    shape: tuple[int, ...]
    kind: Value
    data: Value
    fortran: bool = False

    @classmethod
    def of(cls, value: Value) -> Array | None:
        """From its state (version, shape, dtype, fortran, bytes), or since protocol 5 from `_frombuffer(bytes, dtype, shape, order)`."""
        if type(value) is not Call:
            return None
        if value.name.endswith(".numeric._frombuffer") and type(value.args) is tuple and len(value.args) >= 3:
            return cls(integers(value.args[2]), value.args[1], value.args[0], value.args[3:] == ("F",))
        state = value.state
        if type(state) is tuple and len(state) >= 5 and type(state[1]) is tuple:
            return cls(integers(state[1]), state[2], state[4], state[3] is True)
        return None

    @property
    def strides(self) -> tuple[int, ...]:
        """Row by row, or column by column where Fortran's order was kept."""
        return contiguous(self.shape[::-1])[::-1] if self.fortran else contiguous(self.shape)

    @property
    def code(self) -> str:
        """numpy's short name of the type, without its byte order: `f4`. Empty where it is not known."""
        args = self.kind.args if type(self.kind) is Call else None
        code = args[0] if type(args) is tuple and args else None
        return code if type(code) is str and code[1:].isdecimal() and len(code) < 4 else ""

    @property
    def order(self) -> str:
        """The byte order that the type's state names: `<`, `>` or `|`."""
        state = self.kind.state if type(self.kind) is Call else None
        return state[1] if type(state) is tuple and len(state) > 1 and type(state[1]) is str else "<"

    def misfit(self) -> str | None:
        """What is wrong between shape and bytes, where both can be told."""
        width = int(self.code[1:]) if self.code else None
        length = self.data.length if type(self.data) is Bytes else len(self.data) if type(self.data) is bytes else None
        if length is None or width is None or length == prod(self.shape) * width:
            return None
        return f"it needs {prod(self.shape) * width:,} bytes and is given {length:,}"
