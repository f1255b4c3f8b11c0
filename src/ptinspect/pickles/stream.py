"""What walking one pickle gives."""

from __future__ import annotations

from ptinspect.errors import FileProblem
from ptinspect.frozen import field, slotted
from ptinspect.pickles.values import Bytes, Call, Global, Persistent, Value


@slotted
class Stream:
    """One pickle: its root, every name it would import, and how it ended.

    `odd` tells what CPython would refuse or what looks made by hand; `instructions` holds the opcodes outside those that
    torch's weights_only reader knows; `byte_strings` the byte strings, which may hold another pickle. `left` is what STOP leaves
    on the stack, unseen by whoever loads the file; `computed` are calls of something that is no plain name. `persistent` are the
    references to something outside, thrown away or not: where the storages of a legacy file lie follows from all of them.
    """

    start: int
    end: int = 0
    root: Value = None
    protocol: int = 0
    opcodes: int = 0
    globals: dict[str, Global] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)
    instructions: set[int] = field(default_factory=set)
    byte_strings: list[bytes | Bytes] = field(default_factory=list)
    left: list[Value] = field(default_factory=list)
    computed: list[Call] = field(default_factory=list)
    filled: set[str] = field(default_factory=set)
    persistent: list[Persistent] = field(default_factory=list)
    problem: FileProblem | None = None
