"""The health of a checkpoint's values: what is broken, what does nothing, what will not survive a cast, and how sure that is.

Told from the statistics of every tensor, and, where rows are asked for, from one more pass over the weights. Nothing here alarms
about what is as it was made: fresh networks, optimizer state, masks, tables of positions, random states, whole numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ptinspect.analysis.health_layers import fresh_sets, norms_of, symptoms_of_layers
from ptinspect.analysis.health_rows import symptoms_of_rows
from ptinspect.analysis.health_subjects import Measured, subjects
from ptinspect.analysis.health_symptoms import Symptom, as_findings
from ptinspect.analysis.health_values import symptoms_of
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.findings import Finding
from ptinspect.limits import DEFAULT, Limits

Progress = Callable[[int, int], None]


def health(
    checkpoint: Checkpoint, measured: Measured, progress: Progress | None = None, rows: bool = True, limits: Limits = DEFAULT
) -> tuple[Finding, ...]:
    """What is unhealthy, the worst first. `measured` holds each tensor by its path in the layer tree, with its statistics.

    With `rows`, the weights are read once more; `progress(done, total)` hears of the bytes, and may raise Cancelled.
    """
    return as_findings(_symptoms(checkpoint, measured, progress, rows), limits)


def _symptoms(checkpoint: Checkpoint, measured: Measured, progress: Progress | None, rows: bool) -> Iterator[Symptom]:
    found = subjects(checkpoint, measured)
    norms = norms_of(found)
    fresh = fresh_sets(found, norms)
    for one in found:
        yield from symptoms_of(one, one.weights in fresh)
    yield from symptoms_of_layers(found, norms, fresh)
    if rows:
        yield from symptoms_of_rows(checkpoint, found, tuple(fresh), progress)


__all__ = ["Measured", "Progress", "health"]
