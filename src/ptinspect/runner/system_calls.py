"""Linux system calls that Python has no name for, by number. Nothing here is called on another system."""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
PR_CAPBSET_DROP = 24


def system_call(number: int, *values: object) -> int:
    """Ask the kernel. Raises OSError where it refuses."""
    return _checked(_library().syscall, ctypes.c_long(number), *(_wide(value) for value in values))


def process_control(option: int, value: int = 0) -> int:
    """`prctl`, with the three arguments that must be zero."""
    return _checked(_library().prctl, ctypes.c_int(option), *(ctypes.c_ulong(one) for one in (value, 0, 0, 0)))


def keep_read_capability_alone() -> None:
    """Whoever is root stays root in name: no mounts, no modules, no other people's files but to read them. No-one else loses anything."""
    version, read_any = 0x20080522, 1 << 2
    header = (ctypes.c_uint32 * 2)(version, 0)
    held = (ctypes.c_uint32 * 6)()
    library = _library()
    _checked(library.capget, header, held)
    for number in range(64):
        if library.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(number), 0, 0, 0):
            break  # past the last one, or not root
    least = [word & read_any if at < 2 else 0 for at, word in enumerate(held)]
    _checked(library.capset, header, (ctypes.c_uint32 * 6)(*least))


@functools.cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    return library


def _wide(value: object) -> object:
    return ctypes.c_long(value) if isinstance(value, int) else value


def _checked(function: Callable[..., int], *values: object) -> int:
    found = function(*values)
    if found < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return found


__all__ = ["PR_SET_NO_NEW_PRIVS", "PR_SET_PDEATHSIG", "keep_read_capability_alone", "process_control", "system_call"]
