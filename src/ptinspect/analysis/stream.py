"""Statistics of many tensors in one stream over the file, by several threads.

Large tensors are counted in portions whose results merge; small ones are sorted whole, many at a time. Memory is a buffer and a few
counters for each thread, whatever the file holds. What two names share is counted once. `tests/bench` says how fast it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np

from ptinspect.analysis.between import Between, between_for
from ptinspect.analysis.crew import Crew, Progress, gathered, settled
from ptinspect.analysis.histogram import BINS, Edges, Histogram, choose_edges, counted
from ptinspect.analysis.portions import CHUNK_BYTES, Portion, chunks, implied_zeros, portions, repeats_of
from ptinspect.analysis.statistics import SHARES, Statistics, edge_type, told
from ptinspect.analysis.tallies import Tally, tally_for
from ptinspect.analysis.tensor_stats import TensorStats, stats_of
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.storage_bytes import StorageBytes
from ptinspect.errors import FileProblem
from ptinspect.formats.document import Record
from ptinspect.frozen import frozen, slotted
from ptinspect.tensors import TensorInfo

SMALL = 1 << 16  # elements; below it sorting is as quick as counting, and exact
WORTH = 60_000_000  # elements; below it numpy is done before the compiled loops are there
_BATCH = 128
_AHEAD = 4  # pieces of work for each thread that are handed out before the first result is taken

Found = tuple[int, Statistics]
Part = TensorStats | Histogram | str


@frozen
class Request:
    """What to count, and how: everything that the work needs, so that it can be done anywhere."""

    checkpoint: Checkpoint
    tensors: Sequence[TensorInfo]
    bins: int = BINS
    threads: int = 0
    compiled: bool | None = None


def statistics(request: Request, progress: Progress | None = None) -> Iterator[Found]:
    """The statistics of each tensor, by its place in the request, in the order of the file.

    `progress(done, total)` is told the bytes between portions, and may raise Cancelled to end the work.
    """
    with StorageBytes(request.checkpoint) as storages, _Run(request, storages, progress) as run:
        yield from run.results(run.threads * _AHEAD)


@slotted
class _Job:
    """A batch of small tensors, or the portions of a large one, perhaps for the second time."""

    places: tuple[int, ...]
    futures: list[tuple[int, Future[Any]]]
    stats: TensorStats | None = None
    edges: Edges | None = None


class _Run(Crew[Found, _Job]):
    """One stream of statistics."""

    def __init__(self, request: Request, storages: StorageBytes, progress: Progress | None) -> None:
        self.request, self.storages = request, storages
        self.tensors, self.names = distinct(request.tensors)
        self.kernels = _kernels(request, self.tensors)
        super().__init__("statistics", request.threads, sum(nbytes_of(tensor) for tensor in self.tensors), progress)

    def _jobs(self) -> Iterator[_Job]:
        records = self.request.checkpoint.document.records
        ordered = sorted(range(len(self.tensors)), key=lambda at: _offset(self.tensors[at], records))
        small = {place for place in ordered if self._is_small(self.tensors[place])}
        for places in gathered(ordered, small.__contains__, _BATCH):
            yield self._batch(places) if places[0] in small else self._portions(places)

    def _is_small(self, tensor: TensorInfo) -> bool:
        """Whether what is stored of it is little; an expanded tensor shows the same values many times."""
        if tensor.elements <= SMALL or tensor.problem or 0 not in tensor.strides:
            return tensor.elements <= SMALL
        try:
            return tensor.elements // repeats_of(self.storages, tensor) <= SMALL
        except FileProblem:
            return False  # which says why as it is read

    def _batch(self, batch: tuple[int, ...]) -> _Job:
        size = sum(nbytes_of(self.tensors[place]) for place in batch)
        return _Job(batch, [(size, self.pool.submit(self._sorted, batch))])

    def _portions(self, places: tuple[int, ...], stats: TensorStats | None = None, edges: Edges | None = None) -> _Job:
        tensor = self.tensors[places[0]]
        try:
            parts = list(portions(self.storages, tensor))
        except FileProblem as problem:
            return _Job(places, [(nbytes_of(tensor), settled(problem.message))])
        submitted = [(0 if edges else part.nbytes, self.pool.submit(self._counted, tensor, part, edges)) for part in parts]
        return _Job(places, submitted, stats, edges)

    # -- in a thread ---------------------------------------------------------------------------------------------------

    def _sorted(self, batch: tuple[int, ...]) -> list[Statistics]:
        return [self._small(self.tensors[place]) for place in batch]

    def _small(self, tensor: TensorInfo) -> Statistics:
        self._go_on()
        try:
            repeats = repeats_of(self.storages, tensor) if tensor.elements > SMALL else 1
            parts = [Portion(tensor)] if repeats == 1 else portions(self.storages, tensor)
            found = [chunk.copy() for part in parts for chunk in chunks(self.storages, part, self._buffer())]
        except FileProblem as problem:
            return Statistics(problem=problem.message)
        stats = stats_of(np.concatenate(found)).times(repeats) if found else TensorStats()
        stats = stats.with_zeros(implied_zeros(tensor, stats))
        if not stats.count:
            return told(stats, None)
        shares = stats.census.quantiles(SHARES)
        edges = choose_edges(stats, edge_type(tensor.dtype), self.request.bins, (shares[0], shares[-1]))
        return told(stats, counted(stats.census, edges), shares)

    def _counted(self, tensor: TensorInfo, part: Portion, edges: Edges | None) -> Part:
        into: Tally | Between = self._tally(tensor) if edges is None else between_for(edges, tensor.dtype, self.kernels)
        try:
            for chunk in chunks(self.storages, part, self._buffer()):
                self._go_on()
                into.add(chunk)
        except FileProblem as problem:
            into.take()
            return problem.message
        return into.take()

    def _tally(self, tensor: TensorInfo) -> Tally:
        return self._kept(tensor.dtype.name, lambda: tally_for(tensor.dtype, self.kernels))

    def _buffer(self) -> np.ndarray[Any, Any]:
        return self._kept("buffer", lambda: np.empty(CHUNK_BYTES, np.uint8))

    # -- and back ------------------------------------------------------------------------------------------------------

    def _finished(self, job: _Job, parts: list[Any]) -> list[Found] | _Job:
        results = parts[0]
        if type(results) is not list:
            whole = self._together(job, parts)
            if isinstance(whole, _Job):
                return whole
            results = [whole]
        return [(name, result) for place, result in zip(job.places, results, strict=True) for name in self.names[place]]

    def _together(self, job: _Job, parts: list[Part]) -> Statistics | _Job:
        """A large tensor from its portions, or the job of counting it again between even edges."""
        problem = next((part for part in parts if isinstance(part, str)), None)
        if problem is not None:
            return Statistics(problem=problem)
        tensor = self.tensors[job.places[0]]
        histograms = [part for part in parts if isinstance(part, Histogram)]
        if job.stats is not None and histograms:
            return told(job.stats, _whole(histograms, repeats_of(self.storages, tensor), job.stats))
        stats = TensorStats()
        for part in parts:
            stats = stats.merged(part) if isinstance(part, TensorStats) else stats
        stats = stats.times(repeats_of(self.storages, tensor))
        stats = stats.with_zeros(implied_zeros(tensor, stats)).known()
        if not stats.count:
            return told(stats, None)
        edges = choose_edges(stats, edge_type(tensor.dtype), self.request.bins)
        return self._portions(job.places, stats, edges) if edges.need_count else told(stats, counted(stats.census, edges))


def _whole(parts: list[Histogram], repeats: int, stats: TensorStats) -> Histogram:
    """All parts of a histogram, and the zeros that a sparse tensor does not store."""
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.merged(part)
    return whole.times(repeats).with_zeros(stats.count - whole.total * repeats)


def distinct(tensors: Sequence[TensorInfo]) -> tuple[list[TensorInfo], list[list[int]]]:
    """Each tensor once, and at which places it was asked for."""
    places: dict[str, int] = {}
    unique: list[TensorInfo] = []
    names: list[list[int]] = []
    for name, tensor in enumerate(tensors):
        known = places.setdefault(identity_of(tensor), len(unique))
        if known == len(unique):
            unique.append(tensor)
            names.append([])
        names[known].append(name)
    return unique, names


def identity_of(tensor: TensorInfo) -> str:
    """Equal for two names of the same values in one file, in this run and in the next."""
    key = tensor.storage.key if tensor.storage is not None else f"{tensor.name} {tensor.problem}"
    numbers = tuple(number for number in tensor.quantizer or () if not isinstance(number, TensorInfo))
    parts = ",".join(identity_of(part) for part in tensor.parts)
    own = f"{tensor.storage_offset} {tensor.shape} {tensor.strides} {tensor.dtype.name} {tensor.layout} {tensor.pending}"
    return f"{key} {own} {numbers} [{parts}]"


def nbytes_of(tensor: TensorInfo) -> int:
    """About how many bytes there are to read for it."""
    if tensor.problem:
        return 0
    return max(0, tensor.span[1] - tensor.span[0]) if tensor.storage is not None else sum(nbytes_of(part) for part in tensor.parts)


def _offset(tensor: TensorInfo, records: dict[str, Record]) -> int:
    """About where in the file its values begin; reading in that order goes forwards."""
    storage = next(iter(tensor.storages()), None)
    if storage is None:
        return 0
    record = records.get(storage.record or "")
    return (storage.offset or (record.header if record else 0)) + tensor.span[0]


def _kernels(request: Request, tensors: list[TensorInfo]) -> Any:
    """The compiled loops, where they are worth their start and can be had; numpy otherwise."""
    wanted = request.compiled
    if wanted is None:
        wanted = sum(tensor.elements for tensor in tensors if tensor.elements > SMALL and not tensor.problem) >= WORTH
    if not wanted:
        return None
    try:
        from ptinspect.analysis import kernels  # noqa: PLC0415 - numba takes longer to import than most files to count
    except (ImportError, OSError, RuntimeError):  # its library of machine code may be missing or of another system
        return None
    return kernels


__all__ = ["SMALL", "Progress", "Request", "distinct", "identity_of", "statistics"]
