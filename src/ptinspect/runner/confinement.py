"""What the child process gives up before it runs foreign code: writing outside its folder, the network, memory and time without end.

The kernel enforces all of it, on threads and processes that start later too, and nothing can be taken back. What a system cannot do is
said in words and the run goes on: a model that was agreed to runs on every system, and nobody is told of a wall that is not there.

- Call `die_with_parent` and then `confine` first of all, before torch and before any thread: Landlock holds the thread that asks and what
  that starts; BLAS starts its threads as it is imported. It costs an import nothing, since reading stays free.
"""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator

from ptinspect.frozen import frozen
from ptinspect.runner.bounds import bound_files, bound_memory, bound_time, system
from ptinspect.runner.call_filter import refuse_calls
from ptinspect.runner.landlock import landlock_version, restrict_writes
from ptinspect.runner.lifetime import die_with_parent
from ptinspect.runner.surroundings import environment
from ptinspect.runner.system_calls import PR_SET_NO_NEW_PRIVS, keep_read_capability_alone, process_control

_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/shm", "/dev/nvidia*", "/dev/kfd", "/dev/dri/renderD*", "/dev/dxg")  # noqa: S108
_NOT_HELD = "the rights, owner and times of the user's own files can still be changed, and so can shared memory in /dev/shm"


@frozen
class Confined:
    """What the system holds this process to; `why` says in words what it does not, and for what reason."""

    memory: bool
    time: bool
    network: bool
    writes: bool
    why: tuple[str, ...]


def confine(folder: str, memory_bytes: int | None, seconds: float) -> Confined:
    """Give up what a model needs not, for good. Only `folder` and the devices of GPUs can be written from here on. Never raises."""
    why: list[str] = []
    memory = _held(why, "memory is not bounded", lambda: bound_memory(memory_bytes))
    lasts = _held(why, "processor time is not bounded", lambda: bound_time(seconds))
    _held(why, "the size of files is not bounded", bound_files)
    if sys.platform != "linux":
        why.append(f"the network and files outside the folder are open: {system()} has no walls that a program can put around itself")
        return Confined(memory, lasts, False, False, tuple(why))
    _held(why, "the process keeps the rights of root", _give_up_rights)
    writes = _held(why, "files outside the folder can be written", lambda: _bound_writes(folder, why))
    network = _held(why, "the network is open", lambda: _bound_calls(why))
    return Confined(memory, lasts, network, writes, tuple(why))


def _held(why: list[str], otherwise: str, give_up: Callable[[], None]) -> bool:
    """Whether it holds; the reason goes into `why` where it does not."""
    try:
        give_up()
    except Exception as error:  # noqa: BLE001 - ctypes and kernels have many ways to say no, and a run never ends for one of them
        why.append(f"{otherwise}: {(error.strerror if isinstance(error, OSError) else None) or error}")
        return False
    return True


def _give_up_rights() -> None:
    _wake_gpu()
    process_control(PR_SET_NO_NEW_PRIVS, 1)
    keep_read_capability_alone()


def _wake_gpu() -> None:
    """After a start of the machine the first CUDA program makes NVIDIA's devices with a program that is root. Ours no longer can."""
    if os.path.exists("/proc/driver/nvidia") and not os.path.exists("/dev/nvidia-uvm") and shutil.which("nvidia-modprobe"):
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(["nvidia-modprobe", "-u", "-c=0"], timeout=10, check=False, capture_output=True)  # noqa: S607


def _bound_writes(folder: str, why: list[str]) -> None:
    version = landlock_version()
    if not version:
        raise OSError("this kernel has no Landlock, or the container forbids it")
    held = restrict_writes((folder, *_devices()), version)
    why += _missing(version)
    threads = len(os.listdir("/proc/self/task")) - 1
    if threads and not held:
        raise OSError(f"{threads} threads were running before")


def _missing(version: int) -> Iterator[str]:
    """What this version of Landlock does not hold."""
    yield _NOT_HELD
    if version < 3:
        yield "files outside the folder can be emptied: this kernel's Landlock is older than Linux 6.2"
    if version < 6:
        yield "the user's other processes can be signalled: this kernel's Landlock is older than Linux 6.12"


def _devices() -> Iterator[str]:
    for pattern in _DEVICES:
        yield from glob.iglob(pattern)


def _bound_calls(why: list[str]) -> None:
    """The call filter; without it Landlock's own bound on TCP may hold, which is less than no network."""

    try:
        refuse_calls()
    except OSError:
        if landlock_version() >= 4:
            why.append("TCP is refused, all else of the network is open")
        raise


__all__ = ["Confined", "confine", "die_with_parent", "environment"]
