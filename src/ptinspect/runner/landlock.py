"""Landlock: a process of Linux gives up the right to write outside some folders, for good, and so does all that it starts.

The kernel answers for every way to a file (a name, a link, `..`), so no path is compared here. Reading stays allowed, and so do pipes
and files that are open already. What Landlock does not know of: the rights, the owner and the times of a file.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable

from ptinspect.runner.system_calls import system_call

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same on every processor
_VERSION, _PATH_BENEATH, _ALL_THREADS = 1, 1, 1 << 3

_WRITE_FILE, _TRUNCATE, _REFER = 1 << 1, 1 << 14, 1 << 13
_REMOVE_AND_MAKE = sum(1 << bit for bit in range(4, 13))
_TCP = 0b11  # bind and connect
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def landlock_version() -> int:
    """What this kernel's Landlock can do; 0 where there is none."""
    try:
        return system_call(_CREATE, None, 0, _VERSION)
    except (OSError, AttributeError, TypeError):
        return 0


def restrict_writes(writable: Iterable[str], version: int) -> bool:
    """From here on only what lies at or below `writable` can be changed, no TCP address be reached, and no process outside be
    signalled, as far as that version knows. Needs no_new_privs. Says whether threads that ran before are held as well."""
    handled = _WRITE_FILE | _REMOVE_AND_MAKE | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    asked = _Ruleset(handled, _TCP if version >= 4 else 0, _ABSTRACT_SOCKETS_AND_SIGNALS if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = system_call(_CREATE, ctypes.byref(asked), size, 0)
    try:
        for path in writable:
            _allow(rules, path, handled)
        return _restrict(rules, version)
    finally:
        os.close(rules)


def _restrict(rules: int, version: int) -> bool:
    if version >= 8:
        try:
            system_call(_RESTRICT, rules, _ALL_THREADS)
        except OSError:
            pass
        else:
            return True
    system_call(_RESTRICT, rules, 0)
    return False


def _allow(rules: int, path: str, handled: int) -> None:
    opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        allowed = handled if os.path.isdir(path) else handled & (_WRITE_FILE | _TRUNCATE)
        system_call(_ADD, rules, _PATH_BENEATH, ctypes.byref(_Beneath(allowed, opened)), 0)
    finally:
        os.close(opened)


__all__ = ["landlock_version", "restrict_writes"]
