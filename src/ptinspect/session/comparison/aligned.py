"""The aligned tree: the pairs of both sides as layers and tensors, with what is known of them so far.

It is made of the same nodes and rows as the tree of one file, so that the filter's language and the way rows are made serve both. What
the numbers say comes in while rows are drawn from it: each pair that is read changes the counts of the layers above it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from sys import intern

from ptinspect.analysis.compare.comparison import Comparison, Outline, glanced
from ptinspect.analysis.compare.difference import SAME as UNMOVED
from ptinspect.analysis.compare.lengths import has_length
from ptinspect.analysis.compare.model import STATUSES, Match, Pair, Status
from ptinspect.checkpoint.layers import MOST_DEPTH, MOST_ROWS, LayerNode, TensorRow
from ptinspect.checkpoint.weight_sets import without_wrappers
from ptinspect.session.comparison.report_page import ReportPage, report_of
from ptinspect.session.filters import Listing
from ptinspect.session.rows import Facts

UNKNOWN = 0
BY_CODE: tuple[Status | None, ...] = (None, *STATUSES)
CODES: dict[Status | None, int] = {status: code for code, status in enumerate(BY_CODE)}
SAME = CODES["same"]
DIFFERS = bytes(code not in (UNKNOWN, SAME) for code in range(256))


class Below:
    """What is known of everything below a layer: pairs by status, and the lengths of what changed."""

    __slots__ = ("counts", "length", "moved", "unmeasured")

    def __init__(self) -> None:
        self.counts = [0] * len(BY_CODE)
        self.moved = 0.0  # squares of the lengths of differences, and of what they are measured against
        self.length = 0.0
        self.unmeasured = 0  # what is the same and of a length that nobody knows yet

    def add(self, pair: Pair, by: int) -> None:
        """Count a pair, or take it out again."""
        self.counts[CODES[pair.status]] += by
        moved, length = _lengths(pair)
        self.moved += by * moved
        self.length += by * length
        self.unmeasured += by * (pair.status == "same" and not length and _is_unmeasured(pair))

    @property
    def status(self) -> Status | None:
        """One word for all: what differs where all of it differs so, `changed` where it is mixed, None while nothing is known."""
        found = [code for code, count in enumerate(self.counts) if count and code not in (UNKNOWN, SAME)]
        if not found:
            return None if self.counts[UNKNOWN] else "same"
        status = BY_CODE[found[0]] if len(found) == 1 else "changed"
        is_alone = not self.counts[SAME] and not self.counts[UNKNOWN]
        return status if is_alone or status not in ("left_only", "right_only") else "changed"

    @property
    def relative(self) -> float | None:
        """How far all of it moved, against what it was; at most so far where not all is measured. None where nothing has a length."""
        if self.length > 0:
            return math.sqrt(max(0.0, self.moved) / self.length)
        return math.inf if self.moved > 0 else None


def _lengths(pair: Pair) -> tuple[float, float]:
    """Squares of how far a pair moved and of its length before. Whole numbers count something else, and would outweigh all weights."""
    found = pair.difference
    if found is None or not has_length(pair) or found.left_l2 is None or found.l2 is None:
        return 0.0, 0.0
    moved, length = found.l2 * found.l2, found.left_l2 * found.left_l2
    return (moved, length) if math.isfinite(moved) and math.isfinite(length) else (0.0, 0.0)


def _is_unmeasured(pair: Pair) -> bool:
    return has_length(pair) and (pair.difference is None or pair.difference.left_l2 is None)


class Aligned:
    """The tree and its pairs. Compared by identity: it is made anew where the pairs are others."""

    __slots__ = (
        "_at",
        "above",
        "below",
        "facts",
        "furthest",
        "glance",
        "leaves",
        "left_out",
        "listing",
        "marks",
        "outline",
        "page",
        "pairs",
        "places",
        "ranks",
        "root",
        "types",
    )  # fmt: skip

    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        self.glance: Comparison = glanced(outline)
        self.page: ReportPage = report_of(self.glance)
        self.pairs: list[Pair] = list(outline.pairs)
        self.types: tuple[dict[str, str], dict[str, str]] = ({}, {})
        self.root = LayerNode("", "")
        self.left_out = 0
        self.furthest = 0.0  # the largest relative change so far; 1 is as far as all of it
        self.places: dict[int, int] = {}
        self.above: dict[int, LayerNode] = {}
        self._at: dict[int, TensorRow] = {}
        self._grow()
        self.leaves = [leaf for node in self.root.walk() for leaf in node.tensors]
        self.ranks = {id(leaf): rank for rank, leaf in enumerate(self.leaves)}
        self.marks = bytearray(len(self.leaves))
        self.below = {id(node): Below() for node in self.root.walk()}
        self.facts, self.listing = Facts(self.root), Listing(self.root)
        for leaf in self.leaves:
            self._count(leaf, self.pair(leaf), 1)

    def _grow(self) -> None:
        nodes, taken = {"": self.root}, dict[str, int]()
        for place in _in_both_orders(self.outline):
            match = self.pairs[place].match
            entry = match.left or match.right
            if entry is None or len(self.places) >= MOST_ROWS:
                self.left_out += 1
                continue
            parent, name = _parted(self.name_of(match))
            path = f"{parent}.{name}" if parent else name
            taken[path] = taken.get(path, 0) + 1
            if taken[path] > 1:  # one name on either side that a rule has paired otherwise
                path = f"{path}#{taken[path]}"
            leaf, node = TensorRow(intern(name), path, entry.tensor, match.role), self._node(nodes, parent)
            node.tensors.append(leaf)
            self.above[id(leaf)], self.places[id(leaf)], self._at[place] = node, place, leaf

    def _node(self, nodes: dict[str, LayerNode], path: str) -> LayerNode:
        missing = []
        while (above := nodes.get(path)) is None:
            parent, name = _parted(path)
            missing.append((path, name))
            path = parent
        for step, name in reversed(missing):
            made = LayerNode(name, step)
            above.add(made)
            self.above[id(made)] = above
            nodes[step] = above = made
        return above

    def name_of(self, match: Match) -> str:
        """What a pair is called in the tree: without wrappers, and without the prefixes that only one side has."""
        alignment = self.outline.alignment
        entry, prefix = (match.left, alignment.left_prefix) if match.left is not None else (match.right, alignment.right_prefix)
        return "" if entry is None else without_wrappers(entry.name).removeprefix(prefix or "")

    # -- what is known --------------------------------------------------------------------------------------------------------------

    def pair(self, leaf: TensorRow) -> Pair:
        """The pair of a row."""
        return self.pairs[self.places[id(leaf)]]

    def leaf_of(self, place: int) -> TensorRow | None:
        """The row of a pair; a very large file has pairs without one."""
        return self._at.get(place)

    def take(self, found: Iterable[tuple[int, Pair]]) -> None:
        """Pairs that were read; in the thread that draws."""
        for place, pair in found:
            leaf = self._at.get(place)
            if leaf is not None:
                self._count(leaf, self.pairs[place], -1)
                self._count(leaf, pair, 1)
            self.pairs[place] = pair

    def _count(self, leaf: TensorRow, pair: Pair, by: int) -> None:
        self.marks[self.ranks[id(leaf)]] = CODES[pair.status]
        if pair.difference is not None and pair.difference.relative_l2 and _lengths(pair)[1]:
            self.furthest = max(self.furthest, min(1.0, pair.difference.relative_l2))
        node: LayerNode | None = self.above[id(leaf)]
        while node is not None:
            self.below[id(node)].add(pair, by)
            node = self.above.get(id(node))

    @property
    def counts(self) -> dict[Status | None, int]:
        """How many rows there are of each status; None for those that nobody has read yet."""
        return dict(zip(BY_CODE, self.below[id(self.root)].counts, strict=True))

    def differences(self, shown: bytes | None = None) -> bytes:
        """1 for each row, in the tree's order, that differs; of those that are shown, where not all are."""
        found = bytes(self.marks).translate(DIFFERS)
        if shown is None:
            return found
        both = int.from_bytes(found, "little") & int.from_bytes(shown, "little")
        return both.to_bytes(len(found), "little")


def _parted(path: str) -> tuple[str, str]:
    """The path above and the last step; the last of too many takes all steps that are left."""
    if path.count(".") >= MOST_DEPTH:
        *above, name = path.split(".", MOST_DEPTH)
        return ".".join(above), name
    parent, _, name = path.rpartition(".")
    return parent, name


def _in_both_orders(outline: Outline) -> Iterator[int]:
    """Places of the pairs in the order of the left; what only the right has stands behind what it follows there."""
    behind: dict[int | None, list[int]] = {}
    by_right = {id(pair.match.right): place for place, pair in enumerate(outline.pairs) if pair.match.right is not None}
    last: int | None = None
    for entry in outline.right.entries:
        place = by_right.get(id(entry))
        if place is None:
            continue
        if outline.pairs[place].match.left is None:
            behind.setdefault(last, []).append(place)
        else:
            last = place
    yield from behind.get(None, ())
    for place, pair in enumerate(outline.pairs):
        if pair.match.left is not None:
            yield place
            yield from behind.get(place, ())


def realigned(outline: Outline, matched: Sequence[tuple[int, int]]) -> Outline:
    """The outline with more pairs, by the places of their entries on either side: what equal bytes brought together elsewhere."""
    left, right = outline.left.entries, outline.right.entries
    partner = {id(left[one]): right[other] for one, other in matched}
    gone = {id(entry) for entry in partner.values()}
    pairs: list[Pair] = []
    for pair in outline.pairs:
        match = pair.match
        if match.left is not None and id(match.left) in partner and match.right is None:
            pairs.append(by_bytes(Match(match.left, partner[id(match.left)], "bytes")))
        elif match.left is not None or id(match.right) not in gone:
            pairs.append(pair)
    return Outline(outline.left, outline.right, outline.alignment, tuple(pairs))


def by_bytes(match: Match) -> Pair:
    """A pair that equal bytes brought together."""
    return Pair(match, "same", "bytes", UNMOVED)
