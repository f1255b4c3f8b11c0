"""Regular expressions that cannot hold the window up: `re` never lets go of the interpreter within one search.

What can take exponential time is refused: a repeated group that may match one text in several ways. The rest takes at most a power of
the length of a text, so the more repeats there are, the shorter a text may be; of a longer one the end is searched.
"""

from __future__ import annotations

import re

from ptinspect.frozen import frozen
from ptinspect.patterns import pattern

_PARTS = pattern(
    r"(\\.)|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?#[^)]*\)"  # a letter with a backslash, a set of letters, a remark
    r"|(\()(\?(?:[:=!>]|<[=!]|P?<\w+>|[a-zA-Z-]*:?))?|(\))|(\|)|([*+?]|\{\d*,?\d*\})",
    re.DOTALL,
)
LONGEST = (4_000, 4_000, 500, 200, 80)  # letters that are searched, by the number of repeats


class Costly(ValueError):
    """A pattern that might never end."""


@frozen
class Expression:
    """A compiled pattern, and how much of a text it may search."""

    compiled: re.Pattern[str]
    most: int

    def search(self, text: str) -> re.Match[str] | None:
        """Its first match."""
        return self.compiled.search(text if len(text) <= self.most else text[-self.most :])


def expression(text: str) -> Expression:
    """Compile a pattern, without regard to case. Raises re.error, or Costly with what is wrong with it."""
    repeats = _repeats(text)
    if repeats >= len(LONGEST):
        raise Costly(f"has more than {len(LONGEST) - 1} repeats")
    return Expression(re.compile(text, re.IGNORECASE), LONGEST[repeats])


def _repeats(text: str) -> int:
    """How many repeats there are; none may stand around another, nor around a choice."""
    count, is_open, last = 0, [False], False  # whether a group may match in several ways; whether the one before may
    for part in _PARTS.finditer(text):
        escape, opens, flags, closes, choice, repeat = part.groups()
        if escape:
            count += escape[1] in "123456789"  # the text of a group again is searched as a repeat is
        elif opens:
            count += flags == "?P"
            if flags and "x" in flags and flags[1] not in "P<":
                raise Costly("uses (?x), which cannot be judged")
            is_open.append(False)
        elif closes and len(is_open) > 1:
            last = is_open.pop()
            is_open[-1] |= last
            continue
        elif choice:
            is_open[-1] = True
        elif repeat:
            if last and repeat != "?" and text[part.start() - 1] == ")":
                raise Costly("repeats a group that repeats or chooses itself")
            is_exact = repeat.startswith("{") and "," not in repeat
            is_open[-1] |= not is_exact
            count += not is_exact and repeat != "?"
            continue
        last = False
    return count
