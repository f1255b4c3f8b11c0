"""The child process: reads one request, confines itself, runs it, and tells what it measured, line by line.

Its own standard output is kept for events; what foreign code prints goes where errors go. A wish to stop, and the end of the
parent, come through standard input.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import traceback
from typing import BinaryIO

from ptinspect.errors import Cancelled as Stopped
from ptinspect.errors import InspectError
from ptinspect.runner.bounds import is_scanty, scanty
from ptinspect.runner.confinement import confine, die_with_parent
from ptinspect.runner.protocol import (
    MOST_TEXT,
    Cancelled,
    Event,
    Failed,
    Finished,
    Measured,
    Progress,
    RunRequest,
    Started,
    event_line,
    request_of,
)


class Mouth:
    """Says events to the parent. `check` leaves the run where somebody asked for its end."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self.stopped = threading.Event()
        self.has_begun = False

    def say(self, event: Event) -> None:
        """One line, at once."""
        self.has_begun = self.has_begun or isinstance(event, Started)
        with self._lock:
            self._stream.write(event_line(event))
            self._stream.flush()

    def check(self) -> None:
        """Raise where it is to stop."""
        if self.stopped.is_set():
            raise Stopped("stopped")


def main() -> int:
    """One run. The status is 0 whatever became of it: what became of it was said."""
    began = time.monotonic()
    mouth = _mouth()
    request = request_of(sys.stdin.buffer.readline())
    untied = die_with_parent()  # this and the walls come before any thread: they hold those that start later
    confined = confine(os.getcwd(), request.memory or _most_memory(), request.seconds)
    threading.Thread(target=_listen, args=(mouth,), daemon=True).start()
    walls = {name: getattr(confined, name) for name in ("memory", "time", "network", "writes")}
    mouth.say(Measured("confined", {**walls, "why": [*confined.why, *untied]}))
    mouth.say(_outcome(request, mouth, began))
    sys.stderr.flush()
    os._exit(0)  # threads of torch and of foreign code need not agree


def _most_memory() -> int | None:
    """Where nobody said: as much as the machine has, so that a run fails before everything else is swapped out."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else None


def _mouth() -> Mouth:
    """Keep standard output for events; everything else that is printed goes to standard error."""
    own = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return Mouth(os.fdopen(own, "wb"))


def _listen(mouth: Mouth) -> None:
    """A line asks to stop. The end of the pipe means that the parent is gone, and nobody is left to work for."""
    for _ in sys.stdin.buffer:
        mouth.stopped.set()
    os._exit(1)


def _outcome(request: RunRequest, mouth: Mouth, began: float) -> Event:
    """Run it; the event that ends it."""
    try:
        mouth.say(Progress("torch"))
        if request.probe:
            from ptinspect.runner.probe import tell_devices  # noqa: PLC0415

            tell_devices(mouth.say)
            return Finished(time.monotonic() - began)
        from ptinspect.runner.batch import run_batch  # noqa: PLC0415 - torch is imported here, behind the walls

        run_batch(request, mouth)
    except Stopped:
        return Cancelled()
    except InspectError as error:
        return Failed(type(error).__name__, error.message[:MOST_TEXT], error.hint[:MOST_TEXT], error.where, _details(error))
    except Exception as error:  # noqa: BLE001 - foreign code may raise anything; its words are kept
        return _failed(error, request, mouth)
    return Finished(time.monotonic() - began)


def _failed(error: Exception, request: RunRequest, mouth: Mouth) -> Failed:
    named = isinstance(error, ImportError) and error.name
    if is_scanty(request.memory) and not mouth.has_begun and not named:  # torch then fails in many ways while it is imported
        return Failed("OutOfMemory", *scanty(request.memory), None, _details(error))
    if isinstance(error, ImportError):
        return _no_torch(error)
    if isinstance(error, MemoryError):
        return Failed("OutOfMemory", "there is not enough memory for this batch", "Try a smaller batch or a smaller input.")
    return Failed("RunProblem", _sentence(error)[:MOST_TEXT], "Its own code says more about it.", None, _details(error))


def _no_torch(error: ImportError) -> Failed:
    if (error.name or "").partition(".")[0] in ("torch", "numpy"):
        message = f"this Python has no {error.name}: {sys.executable}"
        return Failed("RunProblem", message, "Choose another with `--python`, or install it: pip install torch torchvision.")
    return Failed("RunProblem", _sentence(error), "Install what is missing, or point `--path` to where it lies.", None, _details(error))


def _sentence(error: BaseException) -> str:
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _details(error: BaseException) -> str:
    shown = error.__cause__ if isinstance(error, InspectError) else error
    if shown is None:
        return ""
    with contextlib.suppress(Exception):
        return "".join(traceback.format_exception(shown))[-MOST_TEXT:]
    return ""


__all__ = ["Mouth", "main"]
