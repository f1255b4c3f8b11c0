"""What was counted of a file's values so far: it grows in the background while rows are drawn from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptinspect.analysis.packed import INF, NAN, brief, marks_of, pack, statistics_of
from ptinspect.checkpoint.layers import LayerNode, TensorRow
from ptinspect.findings import SEVERITIES, Finding, Severity

if TYPE_CHECKING:
    from ptinspect.analysis.statistics import Statistics

LATELY = 512


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
        if marks := marks_of(packed):
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
            found = statistics_of(packed)
            while len(self._lately) >= LATELY:
                del self._lately[next(iter(self._lately))]
            self._lately[id(source)] = found
        return found

    def brief(self, source: object) -> tuple[float, float, float, int] | None:
        """Mean, deviation and width of the range of a tensor, NaN where it has none, and which of NaN and Inf it holds; None before."""
        packed = self._packed.get(id(source))
        return None if packed is None else brief(packed)

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


__all__ = ["INF", "NAN", "Shelf", "pack"]
