"""What was counted of a file's values so far: it grows in the background while rows are drawn from it."""

from __future__ import annotations

import json
import math
import struct
import zlib
from typing import TYPE_CHECKING, Any

from ptinspect.checkpoint.layers import LayerNode, TensorRow
from ptinspect.findings import SEVERITIES, Finding, Severity

if TYPE_CHECKING:
    from ptinspect.analysis.statistics import Statistics

LATELY = 512
_BRIEF = struct.Struct("<dddB")  # mean, deviation, width of the range; 1 with a NaN, 2 with an Inf
NAN, INF = 1, 2


def pack(fields: dict[str, Any]) -> bytes:
    """The numbers of a tensor as they are kept: small, and nothing that a garbage collection has to look at, be they a hundred thousand.

    What rows are sorted and filtered by stands in front, to be read without the rest.
    """
    low, high = fields.get("min"), fields.get("max")
    numbers = (fields.get("mean"), fields.get("std"), None if low is None or high is None else high - low)
    marks = (NAN if fields.get("nans") else 0) | (INF if fields.get("infs") else 0)
    return _BRIEF.pack(*map(_double, numbers), marks) + zlib.compress(json.dumps(fields).encode(), 1)


def _double(number: float | None) -> float:
    try:
        return math.nan if number is None else float(number)
    except OverflowError:  # an integer beyond any float
        return math.inf


class Shelf:
    """Statistics by tensor, small pictures of them by tensor and layer, and the worst finding by path.

    Filled in the thread that draws, so nothing is read while it changes. One for each opening of a file, compared by identity.
    """

    __slots__ = ("_bad", "_lately", "_marks", "_named", "_packed", "_sparks", "is_judged")

    def __init__(self) -> None:
        self._packed: dict[int, bytes] = {}
        self._lately: dict[int, Statistics] = {}
        self._sparks: dict[int, bytes] = {}
        self._marks: dict[str, Severity] = {}
        self._named: dict[str, Severity] = {}
        self._bad: dict[int, int] = {}
        self.is_judged = False  # whether the findings are there

    def __len__(self) -> int:
        return len(self._packed)

    def put(self, row: TensorRow, packed: bytes, spark: bytes) -> None:
        """The numbers of a tensor, as `pack` makes them."""
        self._packed[id(row)] = packed
        if marks := packed[_BRIEF.size - 1]:
            self._bad[id(row)] = marks
        self._sparks[id(row)] = spark

    def put_layer(self, node: LayerNode, spark: bytes) -> None:
        """The picture of all that is below a layer."""
        self._sparks[id(node)] = spark

    def statistics(self, source: object) -> Statistics | None:
        """The numbers of a tensor's row, if they are there."""
        packed = self._packed.get(id(source))
        if packed is None:
            return None
        found = self._lately.get(id(source))
        if found is None:
            from ptinspect.analysis.statistics import Statistics, of_fields  # noqa: PLC0415 - numpy comes after the first paint

            fields = json.loads(zlib.decompress(packed[_BRIEF.size :]))
            found = Statistics(problem=fields["problem"]) if fields.get("problem") else of_fields(fields)
            while len(self._lately) >= LATELY:
                del self._lately[next(iter(self._lately))]
            self._lately[id(source)] = found
        return found

    def brief(self, source: object) -> tuple[float, float, float, int] | None:
        """Mean, deviation and width of the range of a tensor, NaN where it has none, and which of NaN and Inf it holds; None before."""
        packed = self._packed.get(id(source))
        return None if packed is None else _BRIEF.unpack_from(packed)

    def has(self, source: object) -> bool:
        """Whether a tensor was counted."""
        return id(source) in self._packed

    def bad(self, source: object) -> int:
        """Which of NAN and INF a tensor holds, as far as it was counted."""
        return self._bad.get(id(source), 0)

    def spark(self, source: object) -> bytes:
        """36 heights of 0 to 255 and the place of zero among them; empty where nothing is known yet."""
        return self._sparks.get(id(source), b"")

    def mark_all(self, findings: tuple[Finding, ...]) -> None:
        """Remember which paths the findings name, and for grave ones the layers on the way there."""
        self.is_judged = True
        for finding in findings:
            path, severity = finding.where or "", finding.severity
            _raise(self._named, path, severity)
            while path:
                _raise(self._marks, path, severity)
                path = path.rpartition(".")[0] if severity in ("warning", "danger") else ""

    def mark(self, path: str) -> Severity | None:
        """The worst that was found at a path, or for grave findings below it."""
        return self._marks.get(path)

    def finding(self, path: str) -> Severity | None:
        """The worst finding that names a path itself."""
        return self._named.get(path)


def _raise(marks: dict[str, Severity], path: str, severity: Severity) -> None:
    known = marks.get(path)
    if known is None or SEVERITIES.index(severity) > SEVERITIES.index(known):
        marks[path] = severity
