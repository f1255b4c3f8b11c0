"""The numbers of tensors as they are kept by the hundred thousand: small, and nothing that a garbage collection has to look at.

What rows are sorted and filtered by stands in front, to be read without the rest. Nothing here brings numpy along before it is needed.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from typing import TYPE_CHECKING, Any

from ptinspect.frozen import frozen

if TYPE_CHECKING:
    from ptinspect.analysis.statistics import Statistics

_BRIEF = struct.Struct("<dddB")  # mean, deviation, width of the range; 1 with a NaN, 2 with an Inf
NAN, INF = 1, 2


@frozen
class Pictured:
    """One tensor by its place among the rows, and the layers that miss nothing any more by theirs among the nodes."""

    place: int
    packed: bytes
    spark: bytes
    layers: tuple[tuple[int, bytes], ...]


def pack(fields: dict[str, Any]) -> bytes:
    """Numbers by the names that `stats --json` gives them, or anything else that JSON can say."""
    low, high = fields.get("min"), fields.get("max")
    numbers = (fields.get("mean"), fields.get("std"), None if low is None or high is None else high - low)
    marks = (NAN if fields.get("nans") else 0) | (INF if fields.get("infs") else 0)
    return _BRIEF.pack(*map(_double, numbers), marks) + _pressed(json.dumps(fields).encode())


def _pressed(text: bytes) -> bytes:
    """A window of 4 KB holds such a text; zlib would make one of 32 KB and larger tables, which takes longer than all the rest."""
    press = zlib.compressobj(1, zlib.DEFLATED, 12, 4)
    return press.compress(text) + press.flush()


def _double(number: float | None) -> float:
    try:
        return math.nan if number is None else float(number)
    except OverflowError:  # an integer beyond any float
        return math.inf


def unpacked(packed: bytes) -> dict[str, Any]:
    """What was packed."""
    fields: dict[str, Any] = json.loads(zlib.decompress(packed[_BRIEF.size :]))
    return fields


def statistics_of(packed: bytes) -> Statistics:
    """The numbers of a tensor."""
    from ptinspect.analysis.statistics import Statistics, of_fields  # noqa: PLC0415 - numpy comes after the first paint

    fields = unpacked(packed)
    return Statistics(problem=fields["problem"]) if fields.get("problem") else of_fields(fields)


def brief(packed: bytes) -> tuple[float, float, float, int]:
    """Mean, deviation and width of the range, NaN where there is none, and which of NAN and INF it holds."""
    mean, deviation, width, marks = _BRIEF.unpack_from(packed)
    return mean, deviation, width, marks


def marks_of(packed: bytes) -> int:
    """Which of NAN and INF it holds."""
    return packed[_BRIEF.size - 1]


__all__ = ["INF", "NAN", "Pictured", "brief", "marks_of", "pack", "statistics_of", "unpacked"]
