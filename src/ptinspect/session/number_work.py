"""Statistics of a whole file in the background: in a process of its own where it takes long, in a thread where it does not."""

from __future__ import annotations

import json
import os
import subprocess
import time
from base64 import b85decode
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ptinspect.analysis.packed import Pictured
from ptinspect.checkpoint.layers import LayerNode, TensorRow
from ptinspect.errors import ChangedOnDisk, InspectError
from ptinspect.findings import SEVERITIES, Finding
from ptinspect.frozen import frozen
from ptinspect.session.children import child
from ptinspect.session.tasks import Context
from ptinspect.session.words import plain

if TYPE_CHECKING:
    from ptinspect.checkpoint.model import Checkpoint

SMALL_BYTES, SMALL_COUNT = 16 << 20, 2_000  # below both a thread is done before another Python has started
OFTEN = 0.1
MOST_AT_ONCE = 2_000  # tensors that the thread that draws is told of at once


@frozen
class Counted:
    """What came since the last time: rows with their numbers and pictures, and pictures of layers that are complete."""

    rows: tuple[tuple[TensorRow, bytes, bytes], ...]
    layers: tuple[tuple[LayerNode, bytes], ...]
    share: float
    text: str


Told = Callable[[Counted], None]


def count_all(checkpoint: Checkpoint, tree: LayerNode, context: Context, told: Told) -> tuple[Finding, ...]:
    """Count every tensor, tell of them in bundles, and return what is unhealthy."""
    bundle = _Bundle(tree, context, told)
    size = sum(row.tensor.dtype.nbytes(row.tensor.elements) for row in bundle.rows if not row.tensor.problem)
    if size <= SMALL_BYTES and len(bundle.rows) <= SMALL_COUNT:
        return _in_thread(checkpoint, tree, bundle)
    return _in_process(checkpoint, bundle)


class _Bundle:
    """Collects what is found, and hands it on ten times a second."""

    def __init__(self, tree: LayerNode, context: Context, told: Told) -> None:
        self._nodes = list(tree.walk())
        self.rows = [row for node in self._nodes for row in node.tensors]
        self.context, self._told = context, told
        self._new: list[tuple[TensorRow, bytes, bytes]] = []
        self._done: list[tuple[LayerNode, bytes]] = []
        self._last, self._text, self._share, self._step = time.monotonic(), "", 0.0, "values"

    def found(self, found: Pictured) -> None:
        """The numbers of one tensor."""
        row = self.rows[found.place]
        self._new.append((row, found.packed, found.spark))
        self._done += [(self._nodes[at], spark) for at, spark in found.layers]
        self._text = row.path
        self._look()

    def progress(self, step: str, done: int, total: int) -> None:
        """How far it is."""
        self._share, self._step = done / total if total else 0.0, step
        self._look()

    def _look(self) -> None:
        self.context.raise_if_cancelled()
        if time.monotonic() - self._last >= OFTEN or len(self._new) >= MOST_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Hand on what there is."""
        self._last = time.monotonic()
        text = "Looking for dead rows" if self._step == "health" else f"Reading value statistics — {plain(self._text, 120)}"
        self._told(Counted(tuple(self._new), tuple(self._done), self._share, text.removesuffix(" — ")))
        self._new, self._done = [], []


def _in_thread(checkpoint: Checkpoint, tree: LayerNode, bundle: _Bundle) -> tuple[Finding, ...]:
    from ptinspect.analysis.appraisal import Audience, appraise  # noqa: PLC0415 - numpy comes after the first paint

    findings = appraise(checkpoint, tree, Audience(bundle.found, bundle.progress), compiled=False)
    bundle.flush()
    return findings


def _in_process(checkpoint: Checkpoint, bundle: _Bundle) -> tuple[Finding, ...]:
    identity = checkpoint.identity
    numbers = (identity.device, identity.inode, identity.size, identity.modified)
    try:
        with child("ptinspect.analysis.appraisal", os.path.abspath(checkpoint.path), *map(str, numbers)) as made:
            return _heard(made, bundle)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        raise InspectError("counting values went wrong", "Reload the file to try it again.") from None


def _heard(made: subprocess.Popen[bytes], bundle: _Bundle) -> tuple[Finding, ...]:
    """Take what the child says, line by line. It speaks ten times a second, so a wish to stop is noticed soon.

    It has drawn and packed everything: here nothing is left to do that would hold the window up.
    """
    for line in made.stdout or ():
        bundle.context.raise_if_cancelled()
        told = json.loads(line)
        if "place" in told:
            layers = tuple((at, b85decode(spark)) for at, spark in told["layers"])
            bundle.found(Pictured(told["place"], b85decode(told["packed"]), b85decode(told["spark"]), layers))
        elif "findings" in told:
            bundle.flush()
            return _findings(told["findings"])
        elif "problem" in told:
            raise ChangedOnDisk(str(told["problem"]), str(told.get("hint") or ""))
        else:
            bundle.progress(str(told["step"]), int(told["done"]), int(told["total"]))
    hint = "Reload the file to try it again; other programs may need the memory."
    raise InspectError("the process that counts values has ended by itself", hint)


def _findings(told: Any) -> tuple[Finding, ...]:
    return tuple(Finding(one[0], str(one[1]), str(one[2]), None if one[3] is None else str(one[3])) for one in told if one[0] in SEVERITIES)
