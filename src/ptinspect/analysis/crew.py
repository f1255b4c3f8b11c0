"""Threads that are handed work some way ahead, and whose results are taken back in order.

What a stream does differs: its jobs, and what becomes of their parts. How far ahead it works, how it counts what is done, and how it
is stopped does not.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, Protocol, Self, TypeVar, cast

from ptinspect.errors import Cancelled

Progress = Callable[[int, int], None]
Found = TypeVar("Found")
Work = TypeVar("Work", bound="Job")
Own = TypeVar("Own")


class Job(Protocol):
    """Work that was handed out: for which places, and how many bytes each part of it has to read."""

    places: tuple[int, ...]
    futures: list[tuple[int, Future[Any]]]


def settled(result: Any) -> Future[Any]:
    """A part that needs no thread."""
    future: Future[Any] = Future()
    future.set_result(result)
    return future


class Crew(Generic[Found, Work]):
    """One stream of work. `progress(done, total)` is told the bytes between parts, and may raise Cancelled to end it."""

    def __init__(self, name: str, threads: int, total: int, progress: Progress | None) -> None:
        self.threads = threads or max(2, min(8, os.cpu_count() or 2))
        self.done, self.total, self.progress = 0, total, progress
        self.stopped = threading.Event()
        self.own = threading.local()
        self.pool = ThreadPoolExecutor(self.threads, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        for pool in self._pools():
            pool.shutdown(wait=True, cancel_futures=True)

    def _pools(self) -> Sequence[ThreadPoolExecutor]:
        return (self.pool,)

    # -- what a stream does --------------------------------------------------------------------------------------------

    def _jobs(self) -> Iterator[Work]:
        """The work, in the order in which it is handed out."""
        raise NotImplementedError

    def _finished(self, job: Work, parts: list[Any]) -> list[Found] | Work:
        """What a job comes to: results, or another job."""
        raise NotImplementedError

    # -- in the thread that asks ---------------------------------------------------------------------------------------

    def results(self, ahead: int) -> Iterator[Found]:
        """Hand out work, so many parts ahead, and take it back in order."""
        waiting: deque[Work] = deque()
        for job in self._jobs():
            waiting.append(job)
            while sum(len(other.futures) for other in waiting) > ahead:
                yield from self._back(waiting)
        while waiting:
            yield from self._back(waiting)

    def _back(self, waiting: deque[Work]) -> Iterator[Found]:
        job = waiting.popleft()
        found = self._finished(job, [self._taken(size, future) for size, future in job.futures])
        if isinstance(found, list):
            yield from found
        else:
            waiting.append(found)

    def _taken(self, size: int, future: Future[Any]) -> Any:
        found = future.result()
        self.done += size
        if self.progress is not None:
            self.progress(min(self.done, self.total), self.total)
        return found

    # -- in a thread of the crew ---------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        if self.stopped.is_set():
            raise Cancelled("the work was stopped")

    def _kept(self, key: object, make: Callable[[], Own]) -> Own:
        """What a thread makes once and uses again and again."""
        mine: dict[object, Any] = self.own.__dict__.setdefault("kept", {})
        if key not in mine:
            mine[key] = make()
        return cast(Own, mine[key])


def gathered(places: Sequence[int], is_small: Callable[[int], bool], most: int) -> Iterator[tuple[int, ...]]:
    """Small ones so many at a time, large ones alone, as they come."""
    batch: list[int] = []
    for place in places:
        if not is_small(place):
            yield (place,)
            continue
        batch.append(place)
        if len(batch) == most:
            yield tuple(batch)
            batch = []
    if batch:
        yield tuple(batch)


__all__ = ["Crew", "Job", "Progress", "gathered", "settled"]
