"""One door for background work: `tasks.run(slot, work, done, failed)`.

A new task for a slot cancels the old one and raises the slot's generation, so that whatever comes late is dropped. `work` runs in a
thread of its own and never touches the screen; `done`, `failed` and `progress` are posted to whoever draws.
(Rejected: a pool of threads. concurrent.futures costs its import on the way to the first paint and waits for its threads at the end.)
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from ptinspect.errors import Cancelled, InspectError

T = TypeVar("T")
Post = Callable[[Callable[[], None]], None]


class Context:
    """What a work may ask and tell while it runs."""

    def __init__(self, tell: Callable[[float, str], None], hand: Callable[[Any], None] = lambda _: None) -> None:
        self._stopped = threading.Event()
        self._tell = tell
        self._hand = hand

    def cancel(self) -> None:
        """Ask the work to stop; it looks once per chunk."""
        self._stopped.set()

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody asked."""
        return self._stopped.is_set()

    def raise_if_cancelled(self) -> None:
        """Leave the work if somebody asked for it."""
        if self._stopped.is_set():
            raise Cancelled("stopped")

    def progress(self, share: float, text: str = "") -> None:
        """How much of the work is done, 0 to 1."""
        self._tell(share, text)

    def partial(self, found: Any) -> None:
        """Hand over a part of the result; parts come in their order, and before the result."""
        self._hand(found)


class _Task(Generic[T]):
    """One run of one slot."""

    def __init__(
        self,
        generation: int,
        work: Callable[[Context], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None],
        *,
        progress: Callable[[float, str], None] | None,
        partial: Callable[[Any], None] | None,
    ) -> None:
        self.generation = generation
        self.work = work
        self.done = done
        self.failed = failed
        self.progress = progress
        self.partial = partial
        self.context: Context
        self.thread: threading.Thread

    def forget(self) -> None:
        """It has ended: a task and its context know each other, and must not keep the file that the work has read."""
        self.work = self.done = self.failed = _forgotten
        self.progress = self.partial = None


def _forgotten(*_: object) -> Any:
    """What a task does that has ended."""


class Tasks:
    """All background work of the application."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._running: dict[str, _Task[object]] = {}
        self._generation = 0

    @property
    def slots(self) -> tuple[str, ...]:
        """The slots at work."""
        return tuple(self._running)

    def run(
        self,
        slot: str,
        work: Callable[[Context], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None],
        progress: Callable[[float, str], None] | None = None,
        *,
        partial: Callable[[Any], None] | None = None,
    ) -> None:
        """Start a work; whatever ran in its slot is cancelled and its result dropped."""
        self.cancel(slot)
        self._generation += 1
        task = _Task(self._generation, work, done, failed, progress=progress, partial=partial)
        task.context = Context(
            lambda share, text: self._post(lambda: self._progressed(slot, task, share, text)),
            lambda found: self._post(lambda: self._parted(slot, task, found)),
        )
        task.thread = threading.Thread(target=self._work, args=(slot, task), name=f"ptinspect {slot}", daemon=True)
        self._running[slot] = task  # type: ignore[assignment]
        task.thread.start()

    def cancel(self, slot: str) -> None:
        """Stop what runs in a slot, if anything does."""
        task = self._running.pop(slot, None)
        if task is not None:
            task.context.cancel()

    def cancel_all(self, wait: float = 0.0) -> None:
        """Stop everything; wait that long for each thread to notice."""
        running = list(self._running.values())
        for slot in list(self._running):
            self.cancel(slot)
        for task in running:
            task.thread.join(wait)

    def _work(self, slot: str, task: _Task[T]) -> None:
        try:
            found = task.work(task.context)
        except InspectError as error:
            problem: Exception = error.with_traceback(None)  # its frames would keep what the work read, and each other
            self._post(lambda: self._ended(slot, task, lambda: task.failed(problem)))
        except Exception as error:  # noqa: BLE001 - a bug of ours is told as one, in the window, with its report
            bug = error
            self._post(lambda: self._ended(slot, task, lambda: task.failed(bug)))
        else:
            self._post(lambda: self._ended(slot, task, lambda: task.done(found)))

    def _is_current(self, slot: str, task: _Task[T]) -> bool:
        current = self._running.get(slot)
        return current is not None and current.generation == task.generation

    def _ended(self, slot: str, task: _Task[T], tell: Callable[[], None]) -> None:
        if self._is_current(slot, task):
            del self._running[slot]
            tell()
        task.forget()

    def _progressed(self, slot: str, task: _Task[T], share: float, text: str) -> None:
        if task.progress is not None and self._is_current(slot, task):
            task.progress(share, text)

    def _parted(self, slot: str, task: _Task[T], found: Any) -> None:
        if task.partial is not None and self._is_current(slot, task):
            task.partial(found)
