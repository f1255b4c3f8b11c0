"""A child that does not outlive its parent, and leaves nothing behind when it ends, however either of them ends.

A guard, forked before anything foreign runs, waits in the kernel for the end of the child or of the parent and then kills the child's
process group, itself included. It holds where a thread of the child cannot: native code that keeps the GIL, a stopped process, a crash.
The guard stands outside the child's Landlock domain, so foreign code cannot signal it, and the call filter keeps what the child starts
inside the group.
(Rejected: PR_SET_PDEATHSIG alone. It follows the parent's *thread*, so a pool's thread that ends would take the child with it, and it
says nothing to what the child started. It stays where the kernel has no handles of processes: the client must then start the child from
a thread that lives as long as the run.)
"""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import signal
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

from ptinspect.runner.system_calls import PR_SET_PDEATHSIG, process_control, system_call

_PIDFD_OPEN = 434  # Python has a name for it only where it was built with new headers
_ENDED = 1
_MOST_OPEN = 4096


def die_with_parent() -> tuple[str, ...]:
    """Tie this process to the one that started it; call it before any thread is started. In words, what could not be tied."""
    if sys.platform == "win32":
        threading.Thread(target=_end_after_parent, daemon=True).start()
        return ("on Windows what the process starts may outlive it",)
    return _tied(os.getppid())


def _tied(parent: int) -> tuple[str, ...]:
    """The guard, or what the system has instead."""
    if os.getpgrp() != os.getpid():
        with contextlib.suppress(OSError):
            os.setsid()
    try:
        _post_guard(os.getpid(), parent)
    except (OSError, AttributeError) as error:
        threading.Thread(target=_end_after_parent, daemon=True).start()
        _ask_for_death(parent)
        return (f"what the process starts may outlive it: {error}",)
    return ()


def _ask_for_death(parent: int) -> None:
    with contextlib.suppress(OSError, AttributeError):
        process_control(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended while we asked
        os._exit(_ENDED)


def _post_guard(child: int, parent: int) -> None:
    """Fork the guard, twice, so that foreign code which waits for its own children does not wait for ours."""
    if os.getpgrp() != child:
        raise OSError("the process has no group of its own")
    handles = [system_call(_PIDFD_OPEN, pid, 0) for pid in (child, parent)] if sys.platform == "linux" else []
    if os.getppid() != parent:
        os._exit(_ENDED)
    between = os.fork()
    if not between:
        failed = 1
        try:
            if not os.fork():
                _stand_guard(child, parent, handles)
            failed = 0
        finally:
            os._exit(failed)
    _, failed = os.waitpid(between, 0)
    for handle in handles:
        os.close(handle)
    if failed:
        raise OSError("no further process can be started")


def _stand_guard(child: int, parent: int, handles: Sequence[int]) -> NoReturn:
    """Hold no pipe of the child's, wait, and end the group. The group has this number for as long as the guard is in it."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN)
        os.chdir("/")
        edges = [-1, *sorted(handles), _MOST_OPEN]
        for below, above in itertools.pairwise(edges):
            os.closerange(below + 1, above)
        _wait_for_either((child, parent), handles)
    finally:
        os.killpg(child, signal.SIGKILL)
        os._exit(_ENDED)


def _wait_for_either(processes: Sequence[int], handles: Sequence[int]) -> None:
    if sys.platform == "linux":
        waiting = select.poll()
        for handle in handles:
            waiting.register(handle, select.POLLIN)
        waiting.poll()
    elif sys.platform != "win32":
        ends = [
            select.kevent(pid, select.KQ_FILTER_PROC, select.KQ_EV_ADD | select.KQ_EV_ONESHOT, select.KQ_NOTE_EXIT) for pid in processes
        ]
        select.kqueue().control(ends, 1, None)  # an OSError says that one of them is gone already


def _end_after_parent() -> None:
    """Where there is no guard: a thread that ends this process after its parent. Reads nothing, since the pipe's lines are another's."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415

        kernel = ctypes.windll.kernel32
        kernel.OpenProcess.restype = ctypes.c_void_p
        handle = kernel.OpenProcess(0x0010_0000, False, os.getppid())  # the right to wait for it
        if handle:
            kernel.WaitForSingleObject(ctypes.c_void_p(handle), 0xFFFF_FFFF)
        os._exit(_ENDED)
    else:
        waiting = select.poll()
        waiting.register(0, 0)
        if any(event & select.POLLHUP for _, event in waiting.poll()):
            os._exit(_ENDED)


__all__ = ["die_with_parent"]
