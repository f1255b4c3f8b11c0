"""seccomp: system calls that a model has no business with are refused, in every thread and in all that the process starts.

The list is short on purpose, each line with its reason; a longer one breaks drivers and compilers. Refused calls fail as they fail
for lack of a right, so honest code goes on or says why it cannot.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import sys

from ptinspect.frozen import frozen
from ptinspect.runner.system_calls import system_call

_LOAD, _MASK, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_NUMBER_AT, _PROCESSOR_AT, _FIRST_ARGUMENT_AT, _SECOND_ARGUMENT_AT = 0, 4, 16, 24
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_FILTER, _ALL_THREADS, _NO_SPECULATION_GUARD = 1, 1, 4
_OTHER_TABLE = 0x40000000  # the x32 calls: the same ones under other numbers


@frozen
class _Processor:
    """What the kernel calls it, the number of `seccomp`, and those of the calls below in their order."""

    audit: int
    seccomp: int
    numbers: tuple[int, ...]


# A socket is refused unless it is a stream between processes of this machine (asyncio wakes itself through a pair). A datagram carries
# its address along, so it would reach what `connect` may not.
_SOCKETS = ("socket", "socketpair")
_REFUSED = {
    "connect": errno.EACCES,  # what is left of it leads to the session's bus, an X server, a container daemon: they run things for us
    "io_uring_setup": errno.ENOSYS,  # makes sockets past this filter
    "ptrace": errno.EPERM,  # these four read and change other processes of the user
    "process_vm_readv": errno.EPERM,
    "process_vm_writev": errno.EPERM,
    "pidfd_getfd": errno.EPERM,
    "add_key": errno.EPERM,  # the user's keys in the kernel
    "request_key": errno.EPERM,
    "keyctl": errno.EPERM,
    "setsid": 0,  # said to be done, and not done: what the child starts stays in its group, so one signal ends all of it
    "setpgid": 0,
}
_PROCESSORS = {
    "x86_64": _Processor(0xC000003E, 317, (41, 53, 42, 425, 101, 310, 311, 438, 248, 249, 250, 112, 109)),
    "aarch64": _Processor(0xC00000B7, 277, (198, 199, 203, 425, 117, 270, 271, 438, 217, 218, 219, 157, 154)),
}


class _Step(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("steps", ctypes.POINTER(_Step)))


def refuse_calls() -> None:
    """Install the filter. Needs no_new_privs. Raises OSError where the kernel has no filters or the processor is not known."""
    processor = _PROCESSORS.get(_machine()) if sys.maxsize > 1 << 32 else None
    if processor is None:
        raise OSError(errno.ENOSYS, f"the calls of {_machine()} are not known")
    steps = _steps(processor)
    program = _Program(len(steps), (_Step * len(steps))(*(_Step(*step) for step in steps)))
    # Without the last flag older kernels turn off speculation in a filtered process, and a measured model would be slower than it is.
    left = system_call(processor.seccomp, _FILTER, _ALL_THREADS | _NO_SPECULATION_GUARD, ctypes.byref(program))
    if left:
        raise OSError(errno.ESRCH, f"thread {left} cannot be held")


def _machine() -> str:
    return os.uname().machine


def _steps(processor: _Processor) -> list[tuple[int, int, int, int]]:
    numbers = dict(zip((*_SOCKETS, *_REFUSED), processor.numbers, strict=True))
    steps = [(_LOAD, 0, 0, _PROCESSOR_AT), (_EQUAL, 1, 0, processor.audit), _fails(errno.ENOSYS), (_LOAD, 0, 0, _NUMBER_AT)]
    steps += [(_AT_LEAST, 0, 1, _OTHER_TABLE), _fails(errno.ENOSYS)]
    for name, code in _REFUSED.items():
        steps += [(_EQUAL, 0, 1, numbers[name]), _fails(code)]
    local = _local_streams()
    for name in _SOCKETS:
        steps += [(_EQUAL, 0, len(local), numbers[name]), *local]
    return [*steps, (_RETURN, 0, 0, _ALLOW)]


def _local_streams() -> list[tuple[int, int, int, int]]:
    family = [(_LOAD, 0, 0, _FIRST_ARGUMENT_AT), (_EQUAL, 1, 0, socket.AF_UNIX), _fails(errno.EACCES)]
    kind = [(_LOAD, 0, 0, _SECOND_ARGUMENT_AT), (_MASK, 0, 0, 0xF)]
    streams = [(_EQUAL, 2, 0, socket.SOCK_STREAM), (_EQUAL, 1, 0, socket.SOCK_SEQPACKET)]
    return [*family, *kind, *streams, _fails(errno.EACCES), (_RETURN, 0, 0, _ALLOW)]


def _fails(code: int) -> tuple[int, int, int, int]:
    return (_RETURN, 0, 0, _FAIL | code)


__all__ = ["refuse_calls"]
