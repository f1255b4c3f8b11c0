"""What was counted of a file's values so far: it grows in the background while rows are drawn from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptinspect.checkpoint.layers import LayerNode, TensorRow
from ptinspect.findings import SEVERITIES, Finding, Severity

if TYPE_CHECKING:
    from ptinspect.analysis.statistics import Statistics

BINS = 36
NOWHERE = 255  # where zero is not in a sparkline's range


class Shelf:
    """Statistics by tensor, small pictures of them by tensor and layer, and the worst finding by path.

    Filled in the thread that draws, so nothing is read while it changes. One for each opening of a file, compared by identity.
    """

    __slots__ = ("_marks", "_sparks", "_statistics")

    def __init__(self) -> None:
        self._statistics: dict[int, Statistics] = {}
        self._sparks: dict[int, bytes] = {}
        self._marks: dict[str, Severity] = {}

    def __len__(self) -> int:
        return len(self._statistics)

    def put(self, row: TensorRow, found: Statistics, spark: bytes) -> None:
        """The numbers of a tensor."""
        self._statistics[id(row)] = found
        self._sparks[id(row)] = spark

    def put_layer(self, node: LayerNode, spark: bytes) -> None:
        """The picture of all that is below a layer."""
        self._sparks[id(node)] = spark

    def statistics(self, source: object) -> Statistics | None:
        """The numbers of a tensor's row, if they are there."""
        return self._statistics.get(id(source))

    def spark(self, source: object) -> bytes:
        """36 heights of 0 to 255 and the place of zero among them; empty where nothing is known yet."""
        return self._sparks.get(id(source), b"")

    def mark_all(self, findings: tuple[Finding, ...]) -> None:
        """Remember which paths the findings name, and for grave ones the layers on the way there."""
        for finding in findings:
            path, severity = finding.where or "", finding.severity
            while path:
                known = self._marks.get(path)
                if known is None or SEVERITIES.index(severity) > SEVERITIES.index(known):
                    self._marks[path] = severity
                path = path.rpartition(".")[0] if severity in ("warning", "danger") else ""

    def mark(self, path: str) -> Severity | None:
        """The worst that was found at a path."""
        return self._marks.get(path)
