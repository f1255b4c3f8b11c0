"""From two sides to everything that can be said about them, in steps of rising cost.

outlined    pairs by names, shapes, types, and equality as far as headers tell; nothing is read
completed   what stands alone, paired by equal bytes
results     every pair read: equal, or how far apart; one at a time, as they come
concluded   verdict, sentence, what would load, what differs outside the weights
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

from ptinspect.analysis.compare.alignment import Alignment, align, pair_unmatched, proposals
from ptinspect.analysis.compare.chosen import part_of
from ptinspect.analysis.compare.difference import SAME
from ptinspect.analysis.compare.equality import at_once, checksum_of, covers_record, digest_of, is_repeating
from ptinspect.analysis.compare.head import Head
from ptinspect.analysis.compare.model import STATUSES, EqualBy, Match, Pair, Side, Verdict, status_of
from ptinspect.analysis.compare.outside import Outside, outside
from ptinspect.analysis.compare.ranks import LowRank
from ptinspect.analysis.compare.rules import Rule
from ptinspect.analysis.compare.sentence import sentence
from ptinspect.analysis.compare.verdict import judged, verdicts
from ptinspect.analysis.compare.would_load import WouldLoad, would_load
from ptinspect.checkpoint.model import Entry
from ptinspect.checkpoint.storage_bytes import StorageBytes
from ptinspect.errors import FileProblem
from ptinspect.frozen import frozen, replace

Progress = Callable[[int, int], None]


@frozen
class Outline:
    """Both sides and their pairs."""

    left: Side
    right: Side
    alignment: Alignment
    pairs: tuple[Pair, ...]

    @property
    def matches(self) -> tuple[Match, ...]:
        """The pairs without what is known of them."""
        return tuple(pair.match for pair in self.pairs)


@frozen
class Comparison:
    """Everything. Without a verdict no value was read, and equality rests on checksums."""

    outline: Outline
    pairs: tuple[Pair, ...]
    sentence: str
    proposed: tuple[Match, ...]
    would_load: WouldLoad
    outside: tuple[Outside, ...]
    verdict: Verdict | None = None
    also: tuple[Verdict, ...] = ()
    buffers_moved: int = 0
    low_rank: LowRank = LowRank()

    @property
    def summary(self) -> dict[str, int]:
        """How many pairs there are of each status, and how many of all have two names."""
        counts = dict.fromkeys(("same", "changed", "renamed", *STATUSES[2:]), 0)
        for pair in self.pairs:
            if pair.status is not None:
                counts[pair.status] += 1
            counts["renamed"] += pair.match.is_renamed
        return counts

    def is_within(self, tolerance: float) -> bool:
        """Whether every pair is so near, and none is one-sided."""
        return all(within(pair, tolerance) for pair in self.pairs)


def within(pair: Pair, tolerance: float) -> bool:
    """Whether a pair is so near. One of other shapes, or that stands alone or cannot be read, is not."""
    if pair.status == "same":
        return True
    return pair.problem is None and pair.difference is not None and pair.difference.is_within(tolerance)


def outlined(left: Side, right: Side, rules: Sequence[Rule] = (), chosen: Callable[[Match], bool] | None = None) -> Outline:
    """Pairs by names, as far as headers tell. `chosen` keeps some of them."""
    alignment = align(left.entries, right.entries, rules)
    kept = alignment.matches if chosen is None else tuple(match for match in alignment.matches if chosen(match))
    return Outline(left, right, alignment, tuple(_first_look(left, right, match) for match in kept))


def _first_look(left: Side, right: Side, match: Match) -> Pair:
    same: bool | None = None
    by: EqualBy | None = None
    problem = None
    if match.both is not None:
        one, other = (entry.tensor for entry in match.both)
        same, by = at_once(left, one, right, other)
        problem = one.problem or other.problem
    known = SAME if by == "place" and problem is None else None
    return Pair(match, status_of(match, same), by if same else None, known, problem)


def completed(outline: Outline, progress: Progress | None = None) -> Outline:
    """Pair what stands alone on both sides and has equal bytes and shape. Only what may have a partner is read."""
    left, right = outline.left, outline.right
    shapes = [{_kind(m) for m in outline.matches if m.both is None and (m.left is None) == alone} for alone in (False, True)]
    wanted = shapes[0] & shapes[1]
    if not wanted:
        return outline
    sums = [{_sum(side, match, place) for match in outline.matches if match.both is None} for place, side in enumerate((left, right))]
    lone = [match.left or match.right for match in outline.matches if match.both is None and _kind(match) in wanted]
    done, total = [0], sum(entry.tensor.dtype.nbytes(entry.tensor.elements) for entry in lone if entry is not None)
    with ExitStack() as stack:
        storages = {True: stack.enter_context(StorageBytes(left.checkpoint)), False: stack.enter_context(StorageBytes(right.checkpoint))}

        def count(read: int) -> None:
            done[0] += read
            if progress is not None:
                progress(done[0], total)

        def key(entry: Entry, is_left: bool) -> object | None:
            tensor = entry.tensor
            kind = (tensor.shape, tensor.dtype.name)
            own = _own_sum(left if is_left else right, entry)
            foreign = sums[is_left]
            if kind not in wanted or is_repeating(tensor) or (own is not None and None not in foreign and own not in foreign):
                return None
            try:
                return (*kind, digest_of(storages[is_left], tensor, count))
            except FileProblem:
                return None

        matches = pair_unmatched(outline.matches, key, "bytes")
    known = {id(pair.match): pair for pair in outline.pairs}
    pairs = tuple(known.get(id(match)) or Pair(match, status_of(match, True), "bytes", SAME) for match in matches)
    return Outline(left, right, outline.alignment, pairs)


def _kind(match: Match) -> tuple[object, ...]:
    entry = match.left or match.right
    return () if entry is None else (entry.tensor.shape, entry.tensor.dtype.name)


def _sum(side: Side, match: Match, place: int) -> tuple[int, int] | None:
    """The checksum of a lone tensor that fills its record; None where another one could hide the same bytes."""
    entry = match.right if place else match.left
    if entry is None:
        return (-1, -1)
    return _own_sum(side, entry)


def _own_sum(side: Side, entry: Entry) -> tuple[int, int] | None:
    return checksum_of(side, entry.tensor) if covers_record(side, entry.tensor) else None


@frozen
class Reading:
    """How the pairs are to be read; `lengths` asks for those of equal tensors too."""

    numbers: bool = True
    histograms: bool = True
    lengths: bool = False
    threads: int = 0
    compiled: bool | None = None


def results(outline: Outline, reading: Reading | None = None, progress: Progress | None = None) -> Iterator[tuple[int, Pair]]:
    """Every pair that has two tensors of one shape, by its place, with what its bytes say. Raises ChangedOnDisk."""
    from ptinspect.analysis.compare.pair_stream import PairRequest, measured  # noqa: PLC0415 - numpy, which an outline does without

    reading = reading or Reading()
    places, both = [], []
    for place, pair in enumerate(outline.pairs):
        entries = pair.match.both
        settled = pair.equal_by in ("place", "bytes") and not (reading.lengths and pair.status == "same" and entries)
        if entries is not None and entries[0].tensor.shape == entries[1].tensor.shape and not settled:
            places.append(place)
            both.append((entries[0].tensor, entries[1].tensor))
    left, right = outline.left.checkpoint, outline.right.checkpoint
    request = PairRequest(left, right, both, reading.histograms, reading.numbers, reading.lengths, reading.threads, reading.compiled)
    for place, found in measured(request, progress):
        match = outline.pairs[places[place]].match
        status = status_of(match, found.same)
        same: EqualBy | None = "bytes" if status == "same" else None
        yield places[place], Pair(match, status, same, found.difference, found.problem)


def concluded(outline: Outline, pairs: Sequence[Pair], thorough: bool = False) -> Comparison:
    """The verdict on pairs that were all read."""
    low_rank = _low_rank(outline, pairs, thorough)
    found = judged(pairs, Head(outline.left.entries, outline.right.entries), low_rank)
    true = verdicts(found)
    said = sentence(true[0], found, (outline.alignment.left_prefix, outline.alignment.right_prefix))
    return replace(_unjudged(outline, pairs, said), verdict=true[0], also=true[1:], buffers_moved=len(found.buffers), low_rank=low_rank)


def _unjudged(outline: Outline, pairs: Sequence[Pair], said: str) -> Comparison:
    left, right = outline.left, outline.right
    matches = tuple(pair.match for pair in pairs)
    parts = part_of(left, matches, True), part_of(right, matches, False)
    return Comparison(outline, tuple(pairs), said, proposals(matches), would_load(*parts, matches), outside(left, right))


def glanced(outline: Outline) -> Comparison:
    """What headers say alone. Equal checksums are told as such and make nothing identical."""
    same = sum(pair.status == "same" for pair in outline.pairs)
    unknown = sum(pair.status is None for pair in outline.pairs)
    said = f"By the archives' checksums {same:,} of {len(outline.pairs):,} tensors are the same"
    said += f"; of {unknown:,} the headers do not tell." if unknown else "; no byte of them was read."
    return _unjudged(outline, outline.pairs, said)


def _low_rank(outline: Outline, pairs: Sequence[Pair], thorough: bool) -> LowRank:
    named = []
    for pair in pairs:
        both = pair.match.both
        if both is not None and pair.difference is not None and pair.match.role == "parameter" and not pair.is_cast:
            tensors = both[0].tensor, both[1].tensor
            if all(one.dtype.family == "float" and one.dtype.per_item == 1 and not is_repeating(one) for one in tensors):
                named.append((pair.match.name, tensors))
    if not named:
        return LowRank()
    from ptinspect.analysis.compare.low_rank import tested_rank  # noqa: PLC0415 - numpy

    with StorageBytes(outline.left.checkpoint) as left, StorageBytes(outline.right.checkpoint) as right:
        return tested_rank((left, right), named, thorough)
