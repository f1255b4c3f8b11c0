"""The work of a test batch, in the background: ask whether its code may run, then listen to the child process.

Events come in bursts of thousands. They are read where they are heard, and handed over in bundles: as long as a bundle waits, no other
is posted, and a listener that is far ahead of the screen waits for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.errors import Cancelled, InspectError
from ptinspect.frozen import frozen
from ptinspect.runner.protocol import Event, Failed, FileAsked, Measured, RunRequest
from ptinspect.session.batch.choices import Choices, Subject, request_of
from ptinspect.session.batch.heard import Surroundings, surroundings_of
from ptinspect.session.batch.record import Part, part_of
from ptinspect.session.tasks import Context

AT_ONCE, FAR_AHEAD = 400, 8_000
PROBE_SECONDS = 120.0
Runs = Callable[..., Iterator[Event]]


def run_child(
    request: RunRequest, is_cancelled: Callable[[], bool], python: str | None = None, trace_to: str | None = None
) -> Iterator[Event]:
    """The child process itself; tests put recorded events in its place."""
    from ptinspect.runner.client import run  # noqa: PLC0415 - subprocess and its like, for who runs something

    return run(request, is_cancelled, python, trace_to=trace_to)


@frozen
class Question:
    """Code that would run, and that nobody agreed to yet."""

    checkpoint: Checkpoint
    model: str
    digest: str
    paths: tuple[str, ...] = ()


class Ear:
    """Takes what is heard from one thread to the other."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._parts: list[Part] = []
        self._lock = threading.Lock()
        self._is_posted = False

    def hear(self, event: Event) -> None:
        """One event more, from the thread that listens."""
        part = part_of(event)
        with self._lock:
            self._parts.append(part)
            waiting, post, self._is_posted = len(self._parts), not self._is_posted, True
        if post:
            self._context.partial(self)
        while waiting > FAR_AHEAD and not self._context.is_cancelled:
            time.sleep(0.02)
            waiting = len(self._parts)

    def taken(self) -> list[Part]:
        """What waits, some of it at a time; from the thread that draws."""
        with self._lock:
            found, self._parts = self._parts[:AT_ONCE], self._parts[AT_ONCE:]
            self._is_posted = bool(self._parts)
        if self._is_posted:
            self._context.partial(self)
        return found

    @property
    def has_more(self) -> bool:
        """Whether another bundle is on its way."""
        return self._is_posted

    def rest(self) -> list[Part]:
        """All that waits, at the end."""
        with self._lock:
            found, self._parts = self._parts, []
            return found


def run(choices: Choices, subject: Subject, python: str, context: Context, runs: Runs) -> Ear | Question:
    """Run it, or say what somebody would have to agree to first. A question leaves no trace: nothing was started."""
    context.progress(0.0, "Looking at what would run")
    trusts: list[str | None] = []
    for checkpoint in (subject.checkpoint, subject.other):
        found = None if checkpoint is None else consent(checkpoint, choices.model, choices.paths)
        context.raise_if_cancelled()
        if isinstance(found, Question):
            return found
        trusts.append(found)
    request = request_of(choices, subject.checkpoint, subject.other, (trusts[0], trusts[1]))
    context.progress(0.0, "Starting Python")
    ear = Ear(context)
    try:
        for event in runs(request, lambda: context.is_cancelled, python or None, trace_to=choices.trace or None):
            ear.hear(event)
    except InspectError as problem:  # after all that was heard: a trace that cannot be written costs no figure
        ear.hear(Failed(type(problem).__name__, problem.message, problem.hint))
    return ear


def consent(checkpoint: Checkpoint, model: str, paths: tuple[str, ...] = ()) -> str | Question | None:
    """The digest that was agreed to, None where nothing of anybody's is run, or the question."""
    from ptinspect.session.consenting import is_kept, needed_digest  # noqa: PLC0415

    digest = needed_digest(checkpoint, model, paths)
    if digest is None:
        return None
    return digest if is_kept(digest) else Question(checkpoint, model, digest, paths)


def probe(python: str, context: Context, runs: Runs) -> Surroundings:
    """Ask the child's torch which devices it sees; nothing of a file is touched."""
    request = RunRequest(FileAsked("", (0, 0, 0, 0)), probe=True, seconds=PROBE_SECONDS)
    from ptinspect.runner.results import Result  # noqa: PLC0415

    result, found = Result(), Surroundings(())
    for event in runs(request, lambda: context.is_cancelled, python or None):
        result.take(event)
        if isinstance(event, Measured) and event.name == "devices":
            found = surroundings_of(event.value)
    problem = result.problem()
    if problem is not None:
        context.raise_if_cancelled()
        raise InspectError(problem.message, problem.hint)
    return found


__all__ = ["Cancelled", "Ear", "Question", "Runs", "probe", "run", "run_child"]
