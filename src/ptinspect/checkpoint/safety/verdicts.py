"""What a name means for somebody who loads the file: plain data, code, or a known danger.

`data` is decided by the full name and nothing else. `dangerous` may look at the module, at re-exports (`pathlib.os.system`) and, for the
few names that are harmless or a gadget by what they are called with, at the arguments. Everything else is `code`: a fact, no alarm.
"""

from __future__ import annotations

from typing import Literal

from ptinspect.checkpoint.safety.dangerous_names import (
    ATTRIBUTES,
    EXCEPTIONS,
    MODULES,
    NAMES,
    REACHING,
    SUFFIX_MODULES,
    SUFFIX_OWNERS,
)
from ptinspect.checkpoint.safety.plain_names import PLAIN

Verdict = Literal["data", "code", "dangerous"]
RANKS: dict[Verdict, int] = {"data": 0, "code": 1, "dangerous": 2}

COMPILED = "__torch__."
MOST_PARTS = 64
MOST_PREFIX = 6


def worst(verdicts: list[Verdict]) -> Verdict:
    """The worst of some verdicts; `data` where there is none."""
    return max(verdicts, key=RANKS.__getitem__, default="data")


def verdict_of_name(name: str) -> Verdict:
    """The verdict of a full name, whatever it is used for."""
    if name in PLAIN:
        return "data"
    if name.startswith(COMPILED) or name in EXCEPTIONS:
        return "code"
    return "dangerous" if is_dangerous(name) else "code"


def is_dangerous(name: str) -> bool:
    """Whether a name is a known way to run, reach, read or write something, or leads to one."""
    parts = name.split(".", MOST_PARTS)
    prefixes = [".".join(parts[:count]) for count in range(1, min(len(parts), MOST_PREFIX) + 1)]
    if any(prefix in MODULES or prefix in NAMES for prefix in prefixes) or name.startswith("pandas.read_"):
        return True
    if len(parts) > 1 and (parts[-1] in ATTRIBUTES or any(part in REACHING for part in parts[1:])):
        return True
    return any(_leads(parts[at:]) for at in range(1, len(parts)))


def _leads(rest: list[str]) -> bool:
    """Whether the end of a name is itself the name of a danger: a module that another one imports, perhaps as `_os`."""
    first = rest[0].strip("_")
    if first in SUFFIX_MODULES:
        return len(rest) == 1 or first != "builtins" or f"builtins.{rest[1]}" in NAMES
    names = (".".join([first, *rest[1:count]]) for count in range(2, min(len(rest), 4) + 1))
    return first in SUFFIX_OWNERS and any(name in NAMES for name in names)
