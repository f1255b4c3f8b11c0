"""Starts the child process, listens to it within bounds, and ends it: by a message, then by terminate, then by kill.

The child is treated as hostile: its lines are checked, its output is cut, and whatever it started goes with it. It reads the file
itself, so nothing but the request goes in.

Another Python may be asked to run it, whose torch sees the GPU. That Python must see our package and nothing else of our
environment (our torch would hide its own), so the package is put into `sys.modules` by its folder instead of by `PYTHONPATH`.
(Rejected: `-m ptinspect.runner.child`. Where ptinspect is installed, its folder on the path brings everything installed beside it.)
"""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from typing import IO

import ptinspect
from ptinspect.errors import OutputProblem, RunCrashed, RunProblem
from ptinspect.frozen import frozen
from ptinspect.runner.bounds import is_scanty, scanty
from ptinspect.runner.confinement import environment
from ptinspect.runner.protocol import (
    MOST_LINE,
    MOST_TOTAL,
    TRACE,
    Cancelled,
    Crashed,
    Event,
    RunRequest,
    event_of,
    is_end,
    nonsense,
    request_line,
)

_BOOT = """
import importlib.util, os, sys
folder = sys.argv[1]
spec = importlib.util.spec_from_file_location("ptinspect", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder])
module = importlib.util.module_from_spec(spec)
sys.modules["ptinspect"] = module
spec.loader.exec_module(module)
from ptinspect.runner.child import main
sys.exit(main())
"""
_KEPT_OUTPUT = 16_000
_LARGEST_TRACE = 1 << 30
_OFTEN = 0.05
_END = b""
_QUIET = "Run it again. If it ends like this every time, its last output may say why."


@frozen
class Patience:
    """How long a child may take to end after it was asked to, after it was told to, and after its last word."""

    asked: float = 0.6
    told: float = 0.6
    last: float = 5.0


PATIENCE = Patience()


def run(
    request: RunRequest,
    is_cancelled: Callable[[], bool] = lambda: False,
    python: str | None = None,
    patience: Patience = PATIENCE,
    trace_to: str | None = None,
) -> Iterator[Event]:
    """Run a batch in a child process: its events as they come, the last of them an end. Nothing of the child is left after it.

    A trace that was asked for is put where `trace_to` says, before the end is told.
    """
    folder = tempfile.mkdtemp(prefix="ptinspect-run-")
    try:
        child = _start(python or sys.executable, folder)
        try:
            for event in _Listener(child, request, is_cancelled, patience).events():
                if trace_to is not None and is_end(event):
                    _take_trace(os.path.join(folder, TRACE), trace_to)
                yield event
        finally:
            _end(child)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _take_trace(written: str, target: str) -> None:
    """Copy what the child wrote. It may have put a link there, or anything; only an ordinary file of some size is taken."""
    try:
        handle = os.open(written, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError:
        return
    with os.fdopen(handle, "rb") as source:
        status = os.fstat(source.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_TRACE:
            return
        try:
            with open(target, "wb") as copy:
                shutil.copyfileobj(source, copy)
        except OSError as error:
            raise OutputProblem(f"{target} cannot be written: {error.strerror}", "Choose another place for the trace.") from None


def _start(python: str, folder: str) -> subprocess.Popen[bytes]:
    package = os.path.dirname(os.path.abspath(ptinspect.__file__))
    command = [python, "-P", "-c", _BOOT, package]
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=folder, env=environment(folder), start_new_session=os.name == "posix"
        )
    except OSError as error:
        raise RunProblem(
            f"{python!r} cannot be started: {(error.strerror or 'it is no program').lower()}",
            "Choose the `python` of an environment with torch.",
        ) from None


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill it and what it started, and wait for it."""
    _signal(child, "SIGKILL")
    with contextlib.suppress(OSError):
        child.kill()
    child.wait()


def _signal(child: subprocess.Popen[bytes], name: str) -> None:
    with contextlib.suppress(OSError):
        if os.name == "posix":
            os.killpg(child.pid, getattr(signal, name))
        elif name == "SIGTERM":
            child.terminate()


class _Listener:
    """Hears one child until its end."""

    def __init__(self, child: subprocess.Popen[bytes], request: RunRequest, is_cancelled: Callable[[], bool], patience: Patience) -> None:
        self.child, self.request, self.is_cancelled, self.patience = child, request, is_cancelled, patience
        self.lines: queue.Queue[bytes] = queue.Queue(maxsize=16)
        self.output = bytearray()
        self.gone = threading.Event()
        self.heard: set[str] = set()
        self.asked_at: float | None = None
        self.ended_at: float | None = None

    def events(self) -> Iterator[Event]:
        """What it says, and how it ended."""
        threads = [threading.Thread(target=target, daemon=True) for target in (self._hear, self._collect)]
        for thread in threads:
            thread.start()
        try:
            self._say(request_line(self.request))
            for event in self._heard():
                yield event
                if is_end(event):
                    return
        finally:
            self.gone.set()
            _end(self.child)
            self._close(threads)

    def _close(self, threads: list[threading.Thread]) -> None:
        """Close its pipes. One that a process outside the group still holds stays open: closing it would wait for that process."""
        with contextlib.suppress(OSError, ValueError):
            if self.child.stdin is not None:
                self.child.stdin.close()
        for thread, stream in zip(threads, (self.child.stdout, self.child.stderr), strict=True):
            thread.join(self.patience.told)
            if stream is not None and not thread.is_alive():
                stream.close()

    def _heard(self) -> Iterator[Event]:
        total, began = 0, time.monotonic()
        while True:
            ended = self._impatient(began)
            if ended is not None:
                yield ended
                return
            try:
                line = self.lines.get(timeout=_OFTEN)
            except queue.Empty:
                if not self._is_over():
                    continue
                line = _END
            if line == _END:
                yield Cancelled() if self.asked_at is not None else self._death()
                return
            total += len(line)
            try:
                if total > MOST_TOTAL or len(line) > MOST_LINE or not line.endswith(b"\n"):
                    raise nonsense()
                event = event_of(line)
            except RunCrashed as error:
                yield Crashed(error.message, error.hint, self._last_output())
                return
            self.heard.add(type(event).__name__)
            yield event

    def _is_over(self) -> bool:
        """Whether it ended while something that it left behind holds its pipe, so that the end of the pipe does not come."""
        if self.child.poll() is None:
            return False
        _signal(self.child, "SIGKILL")
        self.ended_at = self.ended_at or time.monotonic()
        return time.monotonic() - self.ended_at > self.patience.told

    def _impatient(self, began: float) -> Event | None:
        """Ask for the end, or make it, where it is time."""
        now = time.monotonic()
        if self.asked_at is None:
            if self.is_cancelled():
                self.asked_at = now
                self._say(b"cancel\n")
            elif now - began > self.request.seconds:
                hint = "Give it more time, or a smaller batch; a model that never ends was stopped here."
                return Crashed(f"the run was stopped after {self.request.seconds:,.0f} s", hint, self._last_output())
            return None
        waited = now - self.asked_at
        if waited > self.patience.asked + self.patience.told:
            return Cancelled()  # the caller's way out kills it
        if waited > self.patience.asked:
            _signal(self.child, "SIGTERM")
        return None

    def _say(self, line: bytes) -> None:
        with contextlib.suppress(OSError, ValueError):
            if self.child.stdin is not None:
                self.child.stdin.write(line)
                self.child.stdin.flush()

    def _hear(self) -> None:
        """Put its lines into the queue, one thread's whole work: a queue that is full makes the child wait, not us grow."""
        stream = self.child.stdout
        with contextlib.suppress(OSError, ValueError):
            while stream is not None and not self.gone.is_set():
                line = stream.readline(MOST_LINE + 1)
                self._put(line)
                if line == _END:
                    return
        self._put(_END)

    def _put(self, line: bytes) -> None:
        while not self.gone.is_set():
            with contextlib.suppress(queue.Full):
                self.lines.put(line, timeout=0.5)
                return

    def _collect(self) -> None:
        """Keep the end of what it and foreign code print."""
        stream = self.child.stderr
        with contextlib.suppress(OSError, ValueError):
            for piece in _pieces(stream):
                self.output += piece
                if len(self.output) > 2 * _KEPT_OUTPUT:
                    del self.output[:-_KEPT_OUTPUT]

    def _last_output(self) -> str:
        return bytes(self.output[-_KEPT_OUTPUT:]).decode("utf-8", "replace")

    def _death(self) -> Crashed:
        """It closed its pipe without a last word: say in one sentence how it ended."""
        try:
            status = self.child.wait(self.patience.last)
        except subprocess.TimeoutExpired:
            return Crashed("the process that ran the model fell silent and did not end", _QUIET, self._last_output())
        time.sleep(_OFTEN)  # its last output may still be on the way
        if is_scanty(self.request.memory) and "Started" not in self.heard:
            return Crashed(*scanty(self.request.memory), self._last_output())
        if not self.heard and status > 0:
            return Crashed(*self._no_python(status), self._last_output())
        return Crashed(*death_sentence(status), self._last_output())

    def _no_python(self, status: int) -> tuple[str, str]:
        """It never got to our own code: another program, or a Python that is too old for it."""
        lines = [line.strip() for line in self._last_output().splitlines() if line.strip()]
        said = (lines[-1] if lines[0].startswith("Traceback") else lines[0])[:200] if lines else "it said nothing"
        name = os.fsdecode(self.child.args[0]) if isinstance(self.child.args, (list, tuple)) else ""
        message = f"{name} ended with status {status} before anything ran: {said}"
        return message, "Choose a Python of 3.11 or newer that has torch: --python."


def _pieces(stream: IO[bytes] | None) -> Iterator[bytes]:
    while stream is not None:
        piece = os.read(stream.fileno(), 1 << 16)
        if not piece:
            return
        yield piece


def death_sentence(status: int) -> tuple[str, str]:
    """How a process ended that said nothing, and what to do next."""
    name = signal.Signals(-status).name if status < 0 and -status in set(signal.Signals) else ""
    if name == "SIGKILL":
        return "the process that ran the model was killed, most likely because memory ran out", "Try a smaller batch or a smaller input."
    if name in ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE"):
        return (
            f"the process that ran the model crashed in native code ({name})",
            "A driver or a library failed there. Try the CPU, or another version of torch.",
        )
    if name:
        return f"the process that ran the model was ended by {name}", _QUIET
    if status == 0:
        return "the process that ran the model ended without an answer", _QUIET
    return f"the process that ran the model ended with status {status}", _QUIET


__all__ = ["Patience", "death_sentence", "run"]
