"""What was counted of a file's values so far: it grows in the background while rows are drawn from it."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

from ptinspect.checkpoint.layers import LayerNode, TensorRow
from ptinspect.findings import SEVERITIES, Finding, Severity

if TYPE_CHECKING:
    from ptinspect.analysis.statistics import Statistics

LATELY = 512


def pack(fields: dict[str, Any]) -> bytes:
    """The numbers of a tensor as they are kept: small, and nothing that a garbage collection has to look at, be they a hundred thousand."""
    return zlib.compress(json.dumps(fields).encode(), 1)


class Shelf:
    """Statistics by tensor, small pictures of them by tensor and layer, and the worst finding by path.

    Filled in the thread that draws, so nothing is read while it changes. One for each opening of a file, compared by identity.
    """

    __slots__ = ("_lately", "_marks", "_packed", "_sparks")

    def __init__(self) -> None:
        self._packed: dict[int, bytes] = {}
        self._lately: dict[int, Statistics] = {}
        self._sparks: dict[int, bytes] = {}
        self._marks: dict[str, Severity] = {}

    def __len__(self) -> int:
        return len(self._packed)

    def put(self, row: TensorRow, packed: bytes, spark: bytes) -> None:
        """The numbers of a tensor, as `pack` makes them."""
        self._packed[id(row)] = packed
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

            fields = json.loads(zlib.decompress(packed))
            found = Statistics(problem=fields["problem"]) if fields.get("problem") else of_fields(fields)
            while len(self._lately) >= LATELY:
                del self._lately[next(iter(self._lately))]
            self._lately[id(source)] = found
        return found

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
