"""All numbers of a file: the statistics of each tensor as they come, then what is unhealthy about them.

As a program it speaks lines of JSON: `python -P -m ptinspect.analysis.appraisal PATH DEVICE INODE SIZE MODIFIED`. A window starts it for
files that take seconds to count: importing numba and compiling stalls every other thread of its process for up to a seventh of a
second, and here nobody waits. It says how far it is ten times a second, so that who listens can end it at any time, and ends by
itself when nobody listens any more.
"""

from __future__ import annotations

import os
import sys
from base64 import b85encode
from collections.abc import Callable, Sequence
from typing import Any

from ptinspect.analysis.cache import StatisticsCache, known_statistics
from ptinspect.analysis.health import health
from ptinspect.analysis.packed import Pictured
from ptinspect.analysis.pictures import Pictures
from ptinspect.analysis.speech import Speaker
from ptinspect.analysis.statistics import Statistics
from ptinspect.analysis.stream import Request
from ptinspect.checkpoint.layer_tree import layer_tree
from ptinspect.checkpoint.layers import LayerNode
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.errors import ChangedOnDisk, InspectError
from ptinspect.findings import Finding
from ptinspect.frozen import frozen


@frozen
class Audience:
    """Who hears of it: each tensor's numbers and picture, and how much of the work is done, for each of its two parts."""

    found: Callable[[Pictured], None]
    progress: Callable[[str, int, int], None]


def appraise(checkpoint: Checkpoint, tree: LayerNode, audience: Audience, compiled: bool | None = None) -> tuple[Finding, ...]:
    """Count all tensors of a layer tree and say what is unhealthy. `audience.progress` may raise Cancelled."""
    seen: list[tuple[str, Any, Statistics]] = []
    rows, pictures = [row for node in tree.walk() for row in node.tensors], Pictures(tree)
    request = Request(checkpoint, [row.tensor for row in rows], compiled=compiled)
    for place, found in known_statistics(request, lambda done, total: audience.progress("values", done, total), StatisticsCache()):
        audience.found(pictures.of(place, found))
        seen.append((rows[place].path, rows[place].tensor, found))
    return health(checkpoint, seen, lambda done, total: audience.progress("health", done, total))


class _Speaker(Speaker):
    def found(self, found: Pictured) -> None:
        """One tensor."""
        layers = [(at, _text(spark)) for at, spark in found.layers]
        self.say(place=found.place, packed=_text(found.packed), spark=_text(found.spark), layers=layers)


def _text(packed: bytes) -> str:
    return b85encode(packed).decode("ascii")


def main(arguments: Sequence[str]) -> int:
    """The program."""
    speaker = _Speaker("values")
    speaker.begin()
    try:
        checkpoint = open_checkpoint(arguments[0])
        identity = checkpoint.identity
        if [str(part) for part in (identity.device, identity.inode, identity.size, identity.modified)] != list(arguments[1:5]):
            raise ChangedOnDisk("the file has changed since it was opened", "Open it again.", arguments[0])
        findings = appraise(checkpoint, layer_tree(checkpoint), Audience(speaker.found, speaker.progress))
    except InspectError as problem:
        speaker.say(problem=problem.message, hint=problem.hint)
        return 1
    speaker.say(findings=[[one.severity, one.title, one.detail, one.where] for one in findings])
    return 0


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(status)  # no need to take everything down in order


__all__ = ["Audience", "appraise"]
