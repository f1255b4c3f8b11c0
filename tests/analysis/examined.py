"""Save with torch, count, examine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ptinspect.analysis.health import health
from ptinspect.analysis.statistics import Statistics
from ptinspect.analysis.stream import Request, statistics
from ptinspect.checkpoint.layer_tree import layer_tree
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.findings import Finding
from ptinspect.tensors import TensorInfo
from tests.checkpoint.saved import saved

Measured = list[tuple[str, TensorInfo, Statistics]]


def measured(checkpoint: Checkpoint) -> Measured:
    """Every tensor of a file with its statistics, as `stats` gives them."""
    rows = [row for node in layer_tree(checkpoint).walk() for row in node.tensors]
    found = dict(statistics(Request(checkpoint, [row.tensor for row in rows])))
    return [(row.path, row.tensor, found[at]) for at, row in enumerate(rows)]


def examined(
    folder: Path, value: object, rows: bool = True, progress: Callable[[int, int], None] | None = None, **options: object
) -> tuple[Finding, ...]:
    """The findings about what torch has saved."""
    checkpoint = saved(folder, value, **options)
    return health(checkpoint, measured(checkpoint), progress, rows)


def titles(findings: tuple[Finding, ...], *severities: str) -> list[str]:
    """The titles, of these severities or of all."""
    return [finding.title for finding in findings if not severities or finding.severity in severities]


def one(findings: tuple[Finding, ...], title: str) -> Finding:
    """The only finding of this title."""
    found = [finding for finding in findings if finding.title == title]
    assert len(found) == 1, titles(findings)
    return found[0]


def alarms(findings: tuple[Finding, ...]) -> list[Finding]:
    """What somebody would be worried by."""
    return [finding for finding in findings if finding.severity in ("warning", "danger")]
