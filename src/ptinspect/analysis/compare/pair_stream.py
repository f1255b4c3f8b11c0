"""The numbers of many pairs in one stream over two files, by several threads.

A stretch whose bytes are equal is left at that: it is counted only if another one of its pair differs, since then the pair's lengths
and histograms need all of it. So two equal files cost their reading and no more. Small pairs are sorted whole, many at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import reduce
from typing import Any

from ptinspect.analysis.compare.difference import SAME, Difference, PairSums, told
from ptinspect.analysis.compare.pair_histograms import pair_histograms
from ptinspect.analysis.compare.pair_tally import PairTally, small_sums
from ptinspect.analysis.compare.portions import CHUNK, Both, Direct, PairPortion, Room, in_step, once, portions
from ptinspect.analysis.compare.rounding import units
from ptinspect.analysis.compare.small_pairs import Arrays, sums_of_each
from ptinspect.analysis.crew import Crew, Progress, gathered, settled
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.storage_bytes import StorageBytes
from ptinspect.errors import FileProblem
from ptinspect.frozen import field, frozen, replace, slotted
from ptinspect.tensors import TensorInfo

SMALL = 1 << 16  # elements
WORTH = 40_000_000  # elements that differ; below it numpy is done before the compiled loops are there
_BATCH = 256
_GATHERED = 1 << 18  # values of small pairs that are added up at once
_AHEAD = 48


@frozen
class PairRequest:
    """What to compare, and how: pairs of equal shapes.

    `numbers` may be left out where only equality is asked for; `lengths` asks for those of equal tensors too.
    """

    left: Checkpoint
    right: Checkpoint
    pairs: Sequence[Both]
    histograms: bool = True
    numbers: bool = True
    lengths: bool = False
    threads: int = 0
    compiled: bool | None = None


@frozen
class Measured:
    """What was found out about one pair: whether its bytes are the same, how far they are apart, or why nobody can say."""

    same: bool
    difference: Difference | None = None
    problem: str | None = None


@frozen
class _Part:
    """What a thread found in a portion: the sums of what differs, and the stretches that are equal and were not counted."""

    sums: PairSums = PairSums()
    equal: PairPortion | None = None
    differs: bool = False
    problem: str | None = None


def measured(request: PairRequest, progress: Progress | None = None) -> Iterator[tuple[int, Measured]]:
    """Each pair by its place in the request, about in the order of the left file.

    `progress(done, total)` is told the bytes between portions, and may raise Cancelled to end the work.
    """
    with StorageBytes(request.left) as left, StorageBytes(request.right) as right, _Run(request, (left, right), progress) as run:
        yield from run.refused.items()
        yield from run.results(_AHEAD)


@slotted
class _Job:
    """A batch of small pairs, or the portions of a large one: perhaps again, since what is equal in it is to be counted too."""

    places: tuple[int, ...]
    futures: list[tuple[int, Future[Any]]]
    sums: PairSums = field(default_factory=PairSums)
    again: bool = False
    same: bool = False


class _Run(Crew[tuple[int, Measured], _Job]):
    """One stream of pairs."""

    def __init__(self, request: PairRequest, storages: tuple[StorageBytes, StorageBytes], progress: Progress | None) -> None:
        self.request, self.storages = request, storages
        self.pairs, self.repeats, self.refused = _each_once(request.pairs)
        self.kernels: Any = None
        self.kernels_asked = False
        self.lock = threading.Lock()
        # Small pairs are work for the interpreter, which has one lock: two threads would only hand it to and fro.
        self.single = ThreadPoolExecutor(1, "small pairs")
        super().__init__("comparison", request.threads, sum(_nbytes(self.pairs[place]) for place in self._readable()), progress)

    def _pools(self) -> Sequence[ThreadPoolExecutor]:
        return self.single, self.pool

    def _readable(self) -> list[int]:
        return [place for place in range(len(self.pairs)) if place not in self.refused]

    def _jobs(self) -> Iterator[_Job]:
        ordered = sorted(self._readable(), key=lambda at: _offset(self.pairs[at][0]))
        for places in gathered(ordered, self._is_small, _BATCH):
            yield self._batch(places) if self._is_small(places[0]) else self._large(places[0])

    def _is_small(self, place: int) -> bool:
        return self.pairs[place][0].elements <= SMALL

    def _batch(self, batch: tuple[int, ...]) -> _Job:
        size = sum(_nbytes(self.pairs[place]) for place in batch)
        return _Job(batch, [(size, self.single.submit(self._each, batch))])

    def _large(self, place: int) -> _Job:
        both = self.pairs[place]
        try:
            parts = portions(self.storages, both)
        except FileProblem as problem:
            return _Job((place,), [(_nbytes(both), settled(_Part(problem=problem.message)))])
        return _Job((place,), [(part.nbytes, self.pool.submit(self._portion, part)) for part in parts])

    # -- in a thread ---------------------------------------------------------------------------------------------------

    def _each(self, batch: tuple[int, ...]) -> list[Measured]:
        """Whole, where the bytes differ: sorted for a histogram, or many of one kind together."""
        found: dict[int, Measured] = {}
        kinds: dict[tuple[str, ...], list[tuple[int, bool, Arrays]]] = {}
        for place in batch:
            self._go_on()
            looked = self._small(place)
            if isinstance(looked, Measured):
                found[place] = looked
                continue
            alike = kinds.setdefault(tuple(tensor.dtype.name for tensor in self.pairs[place]), [])
            alike.append((place, *looked))
            if sum(pair[0].size for _, _, pair in alike) > _GATHERED:
                found |= self._together_told(alike)
                alike.clear()
        for alike in kinds.values():
            found |= self._together_told(alike)
        return [found[place] for place in batch]

    def _small(self, place: int) -> Measured | tuple[bool, Arrays]:
        """What is known of a small pair, or whether it is the same and all of its values."""
        try:
            pair, same = self._whole(self.pairs[place])
        except FileProblem as problem:
            return Measured(False, problem=problem.message)
        if pair is None or (same and not self.request.lengths):
            return Measured(same, SAME)
        if not self.request.numbers:
            return Measured(same)
        if self.request.histograms:
            both = self.pairs[place]
            return Measured(same, self._told(place, small_sums(*pair, units(both[0].dtype, both[1].dtype), counting=True)))
        return same, (pair[0].copy(), pair[1].copy())  # the room is needed for the next one

    def _together_told(self, alike: list[tuple[int, bool, Arrays]]) -> dict[int, Measured]:
        if not alike:
            return {}
        both = self.pairs[alike[0][0]]
        sums = sums_of_each([pair for _, _, pair in alike], units(both[0].dtype, both[1].dtype))
        return {place: Measured(same, self._told(place, one)) for (place, same, _), one in zip(alike, sums, strict=True)}

    def _whole(self, both: Both) -> tuple[tuple[Any, Any] | None, bool]:
        """All values of both, None where there are none, and whether they are equal."""
        part = portions(self.storages, both)
        if not part:
            return None, True
        if part[0].stretches is not None:
            direct, stretch = Direct(part[0], self._room()), (0, both[0].elements)
            same = direct.read(stretch)
            return direct.arrays(stretch), same
        found = list(in_step(self.storages, both))
        if not found:
            return None, True
        pair = _joined(found)
        return pair, both[0].dtype.name == both[1].dtype.name and _equal(*pair)

    def _portion(self, part: PairPortion, count_equal: bool = False) -> _Part:
        tally = self._tally(part.both)
        try:
            if part.stretches is None:
                return self._in_step(part.both, tally)
            direct, equal = Direct(part, self._room()), []
            differs = False
            for stretch in part.stretches:
                self._go_on()
                if direct.read(stretch) and not count_equal:
                    equal.append(stretch)
                elif self.request.numbers:
                    differs = True
                    tally.kernels = self._kernels()
                    tally.add(*direct.arrays(stretch))
                else:
                    return _Part(differs=True)
        except FileProblem as problem:
            tally.take()
            return _Part(problem=problem.message)
        return _Part(tally.take(), replace(part, stretches=tuple(equal)) if equal else None, differs)

    def _in_step(self, both: Both, tally: PairTally) -> _Part:
        differs = both[0].dtype.name != both[1].dtype.name
        tally.kernels = self._kernels() if self.request.numbers else None
        for left, right in in_step(self.storages, both):
            self._go_on()
            differs = differs or not _equal(left, right)
            if self.request.numbers:
                tally.add(left, right)
        return _Part(tally.take(), None, differs)

    def _tally(self, both: Both) -> PairTally:
        key = both[0].dtype.name, both[1].dtype.name
        return self._kept(key, lambda: PairTally(units(both[0].dtype, both[1].dtype), self.request.histograms))

    def _room(self) -> Room:
        return self._kept("room", Room)

    def _kernels(self) -> Any:
        """The compiled loops, from the first difference on, where they are worth their start and can be had; numpy otherwise."""
        with self.lock:
            if not self.kernels_asked:
                self.kernels_asked = True
                self.kernels = _compiled(self.request)
            return self.kernels

    # -- and back ------------------------------------------------------------------------------------------------------

    def _finished(self, job: _Job, parts: list[Any]) -> list[tuple[int, Measured]] | _Job:
        if parts and type(parts[0]) is list:
            return list(zip(job.places, parts[0], strict=True))
        result = self._together(job, parts)
        return result if isinstance(result, _Job) else [(job.places[0], result)]

    def _together(self, job: _Job, parts: list[_Part]) -> Measured | _Job:
        """A large pair from its portions, or the job of counting what is equal in it too."""
        problem = next((part.problem for part in parts if part.problem is not None), None)
        if problem is not None:
            return Measured(False, problem=problem)
        same = job.same if job.again else not any(part.differs for part in parts)
        if same and not self.request.lengths:
            return Measured(True, SAME)
        if not self.request.numbers:
            return Measured(False)
        sums = reduce(PairSums.merged, (part.sums for part in parts), job.sums)
        equal = [part.equal for part in parts if part.equal is not None]
        if equal:
            return _Job(job.places, [(0, self.pool.submit(self._portion, part, True)) for part in equal], sums, True, same)
        return Measured(same, self._told(job.places[0], sums))

    def _told(self, place: int, sums: PairSums) -> Difference:
        sums = sums.times(self.repeats[place])
        histograms = pair_histograms(sums.stats) if sums.stats is not None else None
        return told(sums, histograms)


def _each_once(pairs: Sequence[Both]) -> tuple[list[Both], list[int], dict[int, Measured]]:
    """The pairs without repeats that both sides show, how often each value counts, and those that nobody would wait for."""
    found: list[Both] = []
    repeats: list[int] = []
    refused: dict[int, Measured] = {}
    for place, both in enumerate(pairs):
        kept, times = both, 1
        try:
            kept, times = once(both)
        except FileProblem as problem:
            refused[place] = Measured(False, problem=problem.message)
        found.append(kept)
        repeats.append(times)
    return found, repeats, refused


def _joined(found: list[tuple[Any, Any]]) -> tuple[Any, Any]:
    import numpy as np  # noqa: PLC0415 - only what has no plain place in its file comes here

    left, right = (np.concatenate([pair[side] for pair in found]) for side in (0, 1))
    return left, right


def _equal(left: Any, right: Any) -> bool:
    return bool(left.dtype == right.dtype and left.tobytes() == right.tobytes())


def _compiled(request: PairRequest) -> Any:
    wanted = request.compiled
    if wanted is None:
        wanted = sum(both[0].elements for both in request.pairs if both[0].elements > SMALL and not both[0].problem) >= WORTH
    if not wanted:
        return None
    try:
        from ptinspect.analysis import pair_kernels  # noqa: PLC0415 - numba takes longer to import than most pairs to compare
    except ImportError:
        return None
    return pair_kernels


def _nbytes(both: Both) -> int:
    return sum(0 if tensor.problem else max(0, tensor.dtype.nbytes(tensor.elements)) for tensor in both)


def _offset(tensor: TensorInfo) -> tuple[int, str]:
    storage = next(iter(tensor.storages()), None)
    return (0, "") if storage is None else ((storage.offset or 0) + tensor.span[0], storage.key)


__all__ = ["CHUNK", "SMALL", "Measured", "PairRequest", "measured"]
