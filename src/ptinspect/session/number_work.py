"""Statistics of a whole file in the background: in a process of its own where it takes long, in a thread where it does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ptinspect
from ptinspect.checkpoint.layers import LayerNode, TensorRow
from ptinspect.errors import ChangedOnDisk, InspectError
from ptinspect.findings import SEVERITIES, Finding
from ptinspect.frozen import frozen
from ptinspect.session.shelf import pack
from ptinspect.session.tasks import Context
from ptinspect.session.words import plain

if TYPE_CHECKING:
    from ptinspect.analysis.statistics import Statistics
    from ptinspect.checkpoint.model import Checkpoint

SMALL_BYTES, SMALL_COUNT = 16 << 20, 2_000  # below both a thread is done before another Python has started
OFTEN = 0.1
MOST_MERGED = 600  # tensors whose histograms a layer's picture is made of


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
    rows = [row for node in tree.walk() for row in node.tensors]
    size = sum(row.tensor.dtype.nbytes(row.tensor.elements) for row in rows if not row.tensor.problem)
    bundle = _Bundle(rows, tree, context, told)
    if size <= SMALL_BYTES and len(rows) <= SMALL_COUNT:
        return _in_thread(checkpoint, rows, bundle)
    return _in_process(checkpoint, bundle)


class _Bundle:
    """Collects what is found, and hands it on ten times a second."""

    def __init__(self, rows: Sequence[TensorRow], tree: LayerNode, context: Context, told: Told) -> None:
        from ptinspect.analysis.sparklines import sparkline  # noqa: PLC0415 - numpy comes after the first paint

        self.rows, self.context, self.told = rows, context, told
        self._sparkline = sparkline
        self._layers = _Layers(tree)
        self._new: list[tuple[TensorRow, bytes, bytes]] = []
        self._done: list[tuple[LayerNode, bytes]] = []
        self._last, self._text, self._share, self._step = time.monotonic(), "", 0.0, "values"

    def found(self, place: int, found: Statistics, fields: dict[str, Any] | None = None) -> None:
        """The numbers of one tensor."""
        from ptinspect.analysis.statistics import as_fields  # noqa: PLC0415

        row = self.rows[place]
        self._new.append((row, pack(as_fields(found) if fields is None else fields), self._sparkline([found])))
        self._text = row.path
        for node, parts in self._layers.completed(row, found):
            self._done.append((node, self._sparkline(parts)))
        self._look()

    def progress(self, step: str, done: int, total: int) -> None:
        """How far it is."""
        self._share, self._step = done / total if total else 0.0, step
        self._look()

    def _look(self) -> None:
        self.context.raise_if_cancelled()
        if time.monotonic() - self._last >= OFTEN:
            self.flush()

    def flush(self) -> None:
        """Hand on what there is."""
        self._last = time.monotonic()
        text = "Looking for dead rows" if self._step == "health" else f"Reading value statistics — {plain(self._text, 120)}"
        self.told(Counted(tuple(self._new), tuple(self._done), self._share, text.removesuffix(" — ")))
        self._new, self._done = [], []


class _Layers:
    """Knows when everything below a layer is there, so that its picture can be drawn."""

    def __init__(self, tree: LayerNode) -> None:
        self._above: dict[int, LayerNode] = {}
        self._missing: dict[int, int] = {}
        self._parts: dict[int, list[tuple[bool, Statistics]]] = {}
        order = list(tree.walk())
        for node in order:
            for child in node.children:
                self._above[id(child)] = node
            for row in node.tensors:
                self._above[id(row)] = node
        for node in reversed(order):
            self._missing[id(node)] = len(node.tensors) + sum(1 for child in node.children if self._missing[id(child)])

    def completed(self, row: TensorRow, found: Statistics) -> Iterator[tuple[LayerNode, list[Statistics]]]:
        """The layers that miss nothing any more. Where a layer has matrices, its vectors would only hide them."""
        node: LayerNode | None = self._above[id(row)]
        parts = [(len(row.tensor.shape) > 1, found)] if found.histogram is not None and row.role in ("parameter", "other") else []
        while node is not None:
            own = self._parts.setdefault(id(node), [])
            own.extend(parts)
            if len(own) > 2 * MOST_MERGED:  # those above would otherwise hold on to every histogram of the file
                own[:] = own[::2]
            self._missing[id(node)] -= 1
            if self._missing[id(node)]:
                return
            parts = self._parts.pop(id(node))
            parts = [part for part in parts if part[0]] or parts
            parts = parts[:: max(1, len(parts) // MOST_MERGED)]
            yield node, [one for _, one in parts]
            node = self._above.get(id(node))


def _in_thread(checkpoint: Checkpoint, rows: Sequence[TensorRow], bundle: _Bundle) -> tuple[Finding, ...]:
    from ptinspect.analysis.appraisal import Audience, appraise  # noqa: PLC0415

    findings = appraise(checkpoint, rows, Audience(bundle.found, bundle.progress), compiled=False)
    bundle.flush()
    return findings


def _in_process(checkpoint: Checkpoint, bundle: _Bundle) -> tuple[Finding, ...]:
    identity = checkpoint.identity
    numbers = (identity.device, identity.inode, identity.size, identity.modified)
    command = [sys.executable, "-P", "-m", "ptinspect.analysis.appraisal", os.path.abspath(checkpoint.path), *map(str, numbers)]
    sources = str(Path(ptinspect.__file__).parents[1])
    path = os.pathsep.join(filter(None, (sources, os.environ.get("PYTHONPATH"))))
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, env=os.environ | {"PYTHONPATH": path}
        )
        try:
            return _heard(child, bundle)
        except (ValueError, KeyError, TypeError, IndexError):
            raise InspectError("counting values went wrong", "Reload the file to try it again.") from None
        finally:
            child.kill()
            child.wait()
            if child.stdout is not None:
                child.stdout.close()


def _heard(child: subprocess.Popen[bytes], bundle: _Bundle) -> tuple[Finding, ...]:
    """Take what the child says, line by line. It speaks ten times a second, so a wish to stop is noticed soon."""
    from ptinspect.analysis.statistics import Statistics, of_fields  # noqa: PLC0415

    for line in child.stdout or ():
        bundle.context.raise_if_cancelled()
        told = json.loads(line)
        if "place" in told:
            bundle.found(told["place"], Statistics(problem=told["problem"]) if told.get("problem") else of_fields(told), told)
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
