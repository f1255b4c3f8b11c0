"""numpy's file format read as data: the header as a literal, the numbers as bytes. An array of objects, which is a pickle, is refused.

Only the first rows are read, from a plain file or from a stream that is unpacked as it goes.
"""

from __future__ import annotations

import ast
import re
import struct
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from ptinspect.errors import InputDoesNotFit

MAGIC = b"\x93NUMPY"
MOST_BYTES = 8 << 30
_MOST_HEADER = 64 << 10
_TYPE = re.compile(r"[<>|=]?[biufc](?:1|2|4|8|16)")
Read = Callable[[int, memoryview], int]
Most = Callable[[tuple[int, ...]], int | None]


def rows(read: Read, most: Most, name: str) -> np.ndarray[Any, Any]:
    """The first rows, as many as `most` says of the shape, None for all. `read` fills a buffer and says how many bytes there were."""
    kind, turned, shape, begin = _header(read, name)
    wanted = most(shape)
    taken = shape if wanted is None or not shape else (min(shape[0], wanted), *shape[1:])
    size = prod(shape if turned else taken) * kind.itemsize
    if size > MOST_BYTES:
        raise InputDoesNotFit(f"{name} needs {size:,} bytes of memory for this batch", "Take a smaller batch, or a smaller array.")
    buffer = np.empty(size, np.uint8)
    if read(begin, buffer.data) != size:
        raise InputDoesNotFit(f"{name} ends before its numbers do", "Get the file again from its source, or save it again.")
    values = buffer.view(kind)
    values = values.reshape(shape, order="F")[: taken[0] if taken else None] if turned and shape else values.reshape(taken)
    return np.ascontiguousarray(values).astype(kind.newbyteorder("="), copy=False)


def _header(read: Read, name: str) -> tuple[np.dtype[Any], bool, tuple[int, ...], int]:
    lead = bytearray(12)
    got = read(0, memoryview(lead))
    if got < 10 or lead[:6] != MAGIC or lead[6] not in (1, 2, 3):
        raise InputDoesNotFit(f"{name} is no numpy array", "Save it with numpy.save.")
    wide = lead[6] > 1
    begin = 12 if wide else 10
    length = struct.unpack_from("<I" if wide else "<H", lead, 8)[0]
    if length > _MOST_HEADER:
        raise InputDoesNotFit(f"{name} has a header of {length:,} bytes", "No honest array needs that.")
    text = bytearray(length)
    read(begin, memoryview(text))
    try:
        fields = ast.literal_eval(text.decode("utf-8" if lead[6] == 3 else "latin-1").strip())
        kind, turned, shape = fields["descr"], fields["fortran_order"], fields["shape"]
    except (ValueError, SyntaxError, KeyError, TypeError, UnicodeDecodeError, RecursionError, MemoryError):
        raise InputDoesNotFit(f"the header of {name} cannot be read", "Save it again with numpy.save.") from None
    if isinstance(kind, str) and kind.lstrip("<>|=").startswith("O"):
        raise InputDoesNotFit(f"{name} holds Python objects, which are a pickle; that is never loaded", "Save it with a dtype of numbers.")
    if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
        raise InputDoesNotFit(f"{name} holds no plain numbers ({str(kind)[:60]})", "Save it with a dtype of numbers.")
    if not isinstance(shape, tuple) or not all(type(size) is int and 0 <= size < 1 << 40 for size in shape) or len(shape) > 32:
        raise InputDoesNotFit(f"the header of {name} cannot be read", "Save it again with numpy.save.")
    try:
        return np.dtype(kind), bool(turned), shape, begin + length
    except TypeError:
        raise InputDoesNotFit(f"{name} holds numbers of an unknown type ({kind})", "Save it with a dtype of numbers.") from None


__all__ = ["MAGIC", "Most", "Read", "rows"]
