"""A comparison that is told as it is made: what equal bytes bring together, each pair as it is read, and the verdict.

As a program it speaks lines of JSON: `python -P -m ptinspect.analysis.compare.broadcast`, with the request as one line on its standard
input. A window starts it for files that take seconds to compare, as it does to count values: compiling stalls every other thread of its
process, and a child can be ended at any moment. It says how far it is ten times a second, and ends by itself when nobody listens.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from ptinspect.analysis.compare.chosen import fitting
from ptinspect.analysis.compare.comparison import Comparison, Outline, Reading, completed, concluded, outlined, results
from ptinspect.analysis.compare.difference import SAME, Difference, PairHistograms
from ptinspect.analysis.compare.lengths import lengths
from ptinspect.analysis.compare.model import Match, Pair, Side, side_of
from ptinspect.analysis.compare.ranks import LowRank, Tested
from ptinspect.analysis.compare.rules import Rule
from ptinspect.analysis.speech import Speaker
from ptinspect.checkpoint.layer_tree import chosen
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.errors import ChangedOnDisk, InspectError
from ptinspect.frozen import frozen, replace

MOST_HISTOGRAMS = 30_000  # pairs that keep theirs; who looks at another one has it counted again
_NUMBERS = (
    "max_abs", "mean_abs", "relative_l2", "cosine", "changed_fraction", "within_rounding", "sign_flips", "nans_gained", "nans_lost",
    "infinities", "left_l2", "right_l2", "l2",
)  # fmt: skip


@frozen
class Listener:
    """Who hears of it: pairs by the places of their entries that equal bytes made, then pairs by their places, and how far it is."""

    matched: Callable[[Outline], None]
    found: Callable[[int, Pair], None]
    progress: Callable[[str, int, int], None]


def broadcast(outline: Outline, listener: Listener, compiled: bool | None = None, thorough: bool = False) -> Comparison:
    """Read all of it. `listener.progress` may raise Cancelled."""
    outline = completed(outline, lambda done, total: listener.progress("bytes", done, total))
    listener.matched(outline)
    pairs = list(outline.pairs)
    for place, pair in results(outline, Reading(compiled=compiled), lambda done, total: listener.progress("values", done, total)):
        listener.found(place, pair)
        pairs[place] = pair
    for place, pair in lengths(outline, pairs, compiled, lambda done, total: listener.progress("lengths", done, total)):
        listener.found(place, pair)
        pairs[place] = pair
    listener.progress("verdict", 0, 0)
    return concluded(outline, pairs, thorough)


def matched_places(outline: Outline) -> list[tuple[int, int]]:
    """Which entries equal bytes brought together, by their places on either side."""
    left, right = ({id(entry): place for place, entry in enumerate(side.entries)} for side in (outline.left, outline.right))
    both = (pair.match.both for pair in outline.pairs if pair.match.paired_by == "bytes")
    return [(left[id(one)], right[id(other)]) for one, other in filter(None, both)]


# -- as JSON ------------------------------------------------------------------------------------------------------------------------


def difference_fields(found: Difference) -> dict[str, Any]:
    """The numbers of a pair, and its histograms."""
    fields = {name: getattr(found, name) for name in _NUMBERS}
    shown = found.histograms
    return fields if shown is None else {**fields, "histograms": histogram_fields(shown)}


def difference_of(fields: dict[str, Any]) -> Difference:
    """The same back again."""
    shown = fields.get("histograms")
    return Difference(**{name: fields[name] for name in _NUMBERS}, histograms=None if shown is None else histograms_of(shown))


def histogram_fields(found: PairHistograms) -> dict[str, Any]:
    """Both sides on shared bins, the difference on its own."""
    return {
        "edges": found.left.edges.tolist(),
        "scale": found.left.scale,
        "left": _counts(found.left),
        "right": _counts(found.right),
        "difference": {"edges": found.apart.edges.tolist(), "scale": found.apart.scale, **_counts(found.apart)},
    }


def _counts(one: Any) -> dict[str, Any]:
    return {"counts": one.counts.tolist(), "below": one.below, "above": one.above}


def histograms_of(fields: dict[str, Any]) -> PairHistograms:
    """The same back again."""
    apart = fields["difference"]
    return PairHistograms(_histogram(fields, fields["left"]), _histogram(fields, fields["right"]), _histogram(apart, apart))


def _histogram(edges: dict[str, Any], counts: dict[str, Any]) -> Any:
    import numpy as np  # noqa: PLC0415 - whoever only looks at headers does without

    from ptinspect.analysis.histogram import Histogram  # noqa: PLC0415

    values, found = np.array(edges["edges"]), np.array(counts["counts"], np.int64)
    return Histogram(values, found, int(counts["below"]), int(counts["above"]), edges["scale"])


def pair_fields(place: int, pair: Pair) -> dict[str, Any]:
    """What was found out about one pair."""
    found = {"place": place, "status": pair.status, "equal_by": pair.equal_by, "problem": pair.problem}
    if pair.difference is None:
        return found
    return {**found, "difference": None if pair.difference == SAME else difference_fields(pair.difference)}


def pair_of(fields: dict[str, Any], match: Match) -> Pair:
    """The same back again."""
    difference = fields.get("difference")
    known = None if "difference" not in fields else SAME if difference is None else difference_of(difference)
    return Pair(match, fields["status"], fields["equal_by"], known, fields["problem"])


def verdict_fields(found: Comparison) -> dict[str, Any]:
    """What it comes to."""
    rank = found.low_rank
    tested = [[one.name, list(one.shape), one.rank, one.energy] for one in rank.tested]
    return {
        "verdict": found.verdict, "also": list(found.also), "sentence": found.sentence, "buffers_moved": found.buffers_moved,
        "tested": tested, "candidates": rank.candidates,
    }  # fmt: skip


def with_verdict(glance: Comparison, pairs: Sequence[Pair], fields: dict[str, Any]) -> Comparison:
    """A look at the headers with the verdict that came of reading everything."""
    tested = tuple(Tested(name, (int(shape[0]), int(shape[1])), rank, energy) for name, shape, rank, energy in fields["tested"])
    return replace(
        glance,
        pairs=tuple(pairs),
        verdict=fields["verdict"],
        also=tuple(fields["also"]),
        sentence=str(fields["sentence"]),
        buffers_moved=int(fields["buffers_moved"]),
        low_rank=LowRank(tested, int(fields["candidates"])),
    )


# -- the program --------------------------------------------------------------------------------------------------------------------


def request_fields(outline: Outline, rules: Sequence[Rule], match: str = "", thorough: bool = False) -> dict[str, Any]:
    """What the program is told on its standard input."""
    named = [[rule.old, rule.new] for rule in rules]
    return {
        "left": _side_fields(outline.left), "right": _side_fields(outline.right), "rules": named, "match": match, "thorough": thorough,
    }  # fmt: skip


def _side_fields(side: Side) -> dict[str, Any]:
    return {"path": os.path.abspath(side.checkpoint.path), "weights": side.path, "identity": _identity(side)}


def _identity(side: Side) -> list[int]:
    found = side.checkpoint.identity
    return [found.device, found.inode, found.size, found.modified]


def _side(fields: dict[str, Any]) -> Side:
    checkpoint = open_checkpoint(fields["path"])
    path = fields["weights"]
    side = side_of(checkpoint, None if path is None else chosen(checkpoint, path))
    if _identity(side) != fields["identity"]:
        raise ChangedOnDisk("the file has changed since it was opened", "Compare again.", fields["path"])
    return side


class _Speaker(Speaker):
    def __init__(self) -> None:
        super().__init__("bytes")
        self._spare = MOST_HISTOGRAMS

    def found(self, place: int, pair: Pair) -> None:
        """One pair."""
        fields = pair_fields(place, pair)
        if fields.get("difference") is not None:
            self._spare -= 1
            if self._spare < 0:
                fields["difference"].pop("histograms", None)
        self.say(**fields)


def main() -> int:
    """The program."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    speaker = _Speaker()
    speaker.begin()
    try:
        told = json.loads(sys.stdin.readline())
        rules = [Rule(old, new) for old, new in told["rules"]]
        left, right = _side(told["left"]), _side(told["right"])
        outline = outlined(left, right, rules, fitting(left, right, told["match"]))
        listener = Listener(lambda found: speaker.say(matched=matched_places(found)), speaker.found, speaker.progress)
        found = broadcast(outline, listener, thorough=told["thorough"])
    except InspectError as problem:
        speaker.say(error=problem.message, hint=problem.hint, changed=isinstance(problem, ChangedOnDisk))
        return 1
    speaker.say(**verdict_fields(found))
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # no need to take everything down in order
