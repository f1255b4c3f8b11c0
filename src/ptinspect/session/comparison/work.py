"""The work of a comparison, in the background: open both files, align them, then read every pair.

Numbers are counted in a process of their own where they take long, in this one where that is done before another Python has started.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any

from ptinspect.analysis.compare.broadcast import (
    Listener,
    broadcast,
    histogram_fields,
    matched_places,
    pair_of,
    request_fields,
    with_verdict,
)
from ptinspect.analysis.compare.chosen import fitting
from ptinspect.analysis.compare.comparison import Comparison, Outline, outlined
from ptinspect.analysis.compare.model import Pair, Side, side_of
from ptinspect.analysis.reports.words import by_order
from ptinspect.checkpoint.headers import collector_paused
from ptinspect.checkpoint.layer_tree import chosen, layer_tree
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.errors import ChangedOnDisk, FileProblem, InspectError
from ptinspect.frozen import frozen, replace
from ptinspect.session.children import child
from ptinspect.session.comparison.aligned import Aligned, realigned
from ptinspect.session.comparison.banner import ComparisonBanner, banner_of
from ptinspect.session.comparison.packing import packed
from ptinspect.session.comparison.report_page import ReportPage, report_of
from ptinspect.session.comparison.request import Chosen, ComparisonRequest, SideName
from ptinspect.session.tasks import Context
from ptinspect.session.troubles import Trouble, trouble_of
from ptinspect.session.watching import Stamp, stamp_of
from ptinspect.session.words import plain

SMALL_BYTES, SMALL_COUNT = 16 << 20, 2_000
OFTEN = 0.1
_STEPS = {"bytes": "Looking for equal bytes", "lengths": "Measuring what stayed the same", "verdict": "Coming to a verdict"}


@frozen
class Aligning:
    """The tree, before any value is read."""

    aligned: Aligned
    stamps: tuple[Stamp | None, Stamp | None]


@frozen
class Typed:
    """What kinds of layers stand on either side, by their paths in the tree."""

    left: dict[str, str]
    right: dict[str, str]


@frozen
class Rematched:
    """Equal bytes brought more together: another tree."""

    aligned: Aligned


@frozen
class Heard:
    """Pairs that were read since the last time, their histograms packed, and how far it is."""

    pairs: tuple[tuple[int, Pair], ...]
    histograms: tuple[tuple[int, bytes], ...]
    share: float | None
    text: str


@frozen
class Compared:
    """The end of it."""

    comparison: Comparison
    seconds: float
    banner: ComparisonBanner
    page: ReportPage
    changes: tuple[int, ...]  # the places of the pairs that differ, what changed most first
    first: int | None  # the place of the one that is looked at first


@frozen
class Unreadable:
    """One side cannot be opened."""

    side: SideName
    trouble: Trouble
    stamps: tuple[Stamp | None, Stamp | None]


Part = Aligning | Typed | Rematched | Heard


def compare(request: ComparisonRequest, context: Context) -> Compared | Unreadable:
    """All of it; parts are handed over as they come."""
    started = time.monotonic()
    stamps = stamp_of(request.left.path), stamp_of(request.right.path)
    sides: list[Side] = []
    with collector_paused():
        for name, given in (("left", request.left), ("right", request.right)):
            try:
                sides.append(_side(given, sides, request))
            except Exception as error:  # noqa: BLE001 - what is no problem of the file is a bug, and told as one in the tab
                context.raise_if_cancelled()
                return Unreadable("left" if name == "left" else "right", trouble_of(given.path, error), stamps)
            context.raise_if_cancelled()
        aligned = Aligned(outlined(sides[0], sides[1], request.rules, fitting(sides[0], sides[1], request.match)))
        gc.freeze()
    context.partial(Aligning(aligned, stamps))
    context.raise_if_cancelled()
    aligned.types = _types(aligned)  # also for a tree that is made anew before whoever draws has heard of them
    context.partial(Typed(*aligned.types))
    try:
        found = _read(aligned, request, context)
    except FileProblem as problem:
        raise _named(problem, aligned.outline) from None
    seconds = time.monotonic() - started
    banner = banner_of(found, request.tolerance)
    return Compared(found, seconds, banner, report_of(found), changes_of(found.pairs), furthest_of(found.pairs))


def changes_of(pairs: Sequence[Pair]) -> tuple[int, ...]:
    """The places of what differs, in the order of a report."""
    return tuple(sorted((place for place, pair in enumerate(pairs) if pair.status != "same"), key=lambda place: by_order(pairs[place])))


def furthest_of(pairs: Sequence[Pair]) -> int | None:
    """The place of the parameter that changed most; else of whatever differs."""
    best: tuple[bool, float] | None = None
    found = None
    for place, pair in enumerate(pairs):
        if pair.status not in ("same", None):
            relative = pair.difference.relative_l2 if pair.difference is not None else None
            key = pair.match.role == "parameter", -1.0 if relative is None else relative
            if best is None or key > best:
                best, found = key, place
    return found


def _side(given: Chosen, known: list[Side], request: ComparisonRequest) -> Side:
    """A file that stands on both sides is opened once."""
    is_same = known and request.left.path == request.right.path
    checkpoint = known[0].checkpoint if is_same else open_checkpoint(given.path)
    return side_of(checkpoint, None if given.weights is None else chosen(checkpoint, given.weights))


def _named(problem: FileProblem, outline: Outline) -> FileProblem:
    """Which of the two files it was."""
    for name, side in (("left", outline.left), ("right", outline.right)):
        try:
            with side.checkpoint.source:
                pass
        except FileProblem as found:
            return type(problem)(f"the {name} file, {plain(os.path.basename(side.checkpoint.path), 80)}: {found.message}", found.hint)
    return problem


def _types(aligned: Aligned) -> tuple[dict[str, str], dict[str, str]]:
    """What each layer of the aligned tree is on either side. A file whose layers cannot be told has none."""
    left, right = aligned.outline.left, aligned.outline.right
    prefixes = aligned.outline.alignment.left_prefix, aligned.outline.alignment.right_prefix
    one, other = (_types_of(side, prefix or "") for side, prefix in zip((left, right), prefixes, strict=True))
    return one, other


def _types_of(side: Side, prefix: str) -> dict[str, str]:
    from ptinspect.checkpoint.weight_sets import without_wrappers  # noqa: PLC0415

    root = layer_tree(side.checkpoint)
    lead = f"{side.path}." if side.path else ""
    found = {}
    for node in root.walk():
        if node.path.startswith(lead) and node.type:
            path = without_wrappers(node.path[len(lead) :] + ".").removeprefix(prefix).removesuffix(".")
            found[path] = node.type
    return found


def _read(aligned: Aligned, request: ComparisonRequest, context: Context) -> Comparison:
    outline = aligned.outline
    size = sum(e.tensor.dtype.nbytes(e.tensor.elements) for side in (outline.left, outline.right) for e in side.entries)
    bundle = Bundle(aligned, context)
    if size <= SMALL_BYTES and len(outline.pairs) <= SMALL_COUNT:
        listener = Listener(bundle.rematched, bundle.heard, bundle.progress)
        found = broadcast(outline, listener, compiled=False, thorough=request.thorough)
        bundle.flush()
        return replace(found, pairs=tuple(_light(pair) for pair in found.pairs))
    return _in_process(bundle, request)


class Bundle:
    """Collects what is found, and hands it on ten times a second."""

    def __init__(self, aligned: Aligned, context: Context) -> None:
        self.aligned, self.context = aligned, context
        self.pairs: list[tuple[int, Pair]] = []
        self.histograms: list[tuple[int, bytes]] = []
        self.last, self.text = time.monotonic(), "Looking for equal bytes"
        self.share: float | None = None

    def rematched(self, outline: Outline) -> None:
        """Equal bytes were looked for."""
        made = matched_places(outline)
        if made:
            self.matched(made)

    def matched(self, made: list[tuple[int, int]]) -> None:
        """They brought these together: the tree is another one."""
        types = self.aligned.types
        with collector_paused():
            self.aligned = Aligned(realigned(self.aligned.outline, made))
            gc.freeze()
        self.aligned.types = types
        self.context.partial(Rematched(self.aligned))

    def heard(self, place: int, pair: Pair) -> None:
        """One pair with all that is known of it."""
        shown = pair.difference.histograms if pair.difference is not None else None
        self.found(place, _light(pair), None if shown is None else histogram_fields(shown))

    def found(self, place: int, pair: Pair, histograms: dict[str, Any] | None) -> None:
        """One pair, its histograms beside it."""
        if histograms is not None:
            self.histograms.append((place, packed(histograms)))
        self.pairs.append((place, pair))
        self.text = f"Comparing {plain(pair.match.name, 120)}"
        self.look()

    def progress(self, step: str, done: int, total: int) -> None:
        """How far it is."""
        self.share = done / total if total else None
        self.text = _STEPS.get(step, self.text)
        self.look()

    def look(self) -> None:
        """Stop if that is wanted; hand on if it is time."""
        self.context.raise_if_cancelled()
        if time.monotonic() - self.last >= OFTEN:
            self.flush()

    def flush(self) -> None:
        """Hand on what there is."""
        self.last = time.monotonic()
        self.context.partial(Heard(tuple(self.pairs), tuple(self.histograms), self.share, self.text))
        self.pairs, self.histograms = [], []


def _light(pair: Pair) -> Pair:
    """A pair without its histograms: those are kept packed, beside it."""
    if pair.difference is None or pair.difference.histograms is None:
        return pair
    return replace(pair, difference=replace(pair.difference, histograms=None))


def _in_process(bundle: Bundle, request: ComparisonRequest) -> Comparison:
    told = request_fields(bundle.aligned.outline, request.rules, request.match, request.thorough)
    try:
        with child("ptinspect.analysis.compare.broadcast", told=json.dumps(told).encode() + b"\n") as made:
            return _heard(made, bundle)
    except (ValueError, KeyError, TypeError, IndexError, OSError):
        bundle.context.raise_if_cancelled()
        raise InspectError("the comparison went wrong", "Compare again to try it once more.") from None


def _heard(made: subprocess.Popen[bytes], bundle: Bundle) -> Comparison:
    """Take what the child says, line by line. It speaks ten times a second, so a wish to stop is noticed soon."""
    pairs = list(bundle.aligned.outline.pairs)
    for line in made.stdout or ():
        bundle.context.raise_if_cancelled()
        told: dict[str, Any] = json.loads(line)
        if "place" in told:
            place, difference = int(told["place"]), told.get("difference")
            shown = difference.pop("histograms", None) if difference else None
            pairs[place] = pair_of(told, pairs[place].match)
            bundle.found(place, pairs[place], shown)
        elif "matched" in told:
            if told["matched"]:
                bundle.matched([(int(one), int(other)) for one, other in told["matched"]])
                pairs = list(bundle.aligned.outline.pairs)
        elif "verdict" in told:
            bundle.flush()
            return with_verdict(bundle.aligned.glance, pairs, told)
        elif "error" in told:
            kind: Callable[..., InspectError] = ChangedOnDisk if told.get("changed") else InspectError
            raise kind(str(told["error"]), str(told.get("hint") or ""))
        else:
            bundle.progress(str(told["step"]), int(told["done"]), int(told["total"]))
    hint = "Compare again to try it once more; other programs may need the memory."
    raise InspectError("the process that compares has ended by itself", hint)
