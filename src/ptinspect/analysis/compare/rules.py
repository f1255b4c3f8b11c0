"""Rules that say which name on the left is which on the right: `encoder.*=backbone.*`, as `--rename` takes them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ptinspect.errors import InspectError
from ptinspect.frozen import frozen

_STAR = "*"


@frozen
class Rule:
    """`old` and `new` are names in which `*` stands for any text, dots included; the text goes over into the new name."""

    old: str
    new: str

    @property
    def text(self) -> str:
        """As it is written."""
        return f"{self.old}={self.new}"

    def renamed(self, name: str) -> str | None:
        """The name on the right, None where the rule does not speak of this one."""
        found = _pattern(self.old).fullmatch(name)
        if found is None:
            return None
        texts = iter(found.groups())
        return "".join(next(texts, "") if part == _STAR else part for part in re.split(r"(\*)", self.new))

    def turned(self) -> Rule:
        """The rule for the two sides swapped."""
        return Rule(self.new, self.old)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("(.*)".join(re.escape(part) for part in text.split(_STAR)), re.DOTALL)


def parsed_rules(texts: Sequence[str]) -> tuple[Rule, ...]:
    """Rules as they are typed. A part that ends in a dot stands for all names below it."""
    return tuple(_parsed(text) for text in texts)


def _parsed(text: str) -> Rule:
    old, equals, new = text.partition("=")
    hint = "Write it as OLD=NEW, for example 'encoder.*=backbone.*'; `*` stands for any text."
    if not equals or not old:
        raise InspectError(f"{text!r} is no rule", hint)
    if old.endswith(".") and (not new or new.endswith(".")):
        old, new = old + _STAR, new + _STAR
    if old.count(_STAR) != new.count(_STAR):
        raise InspectError(f"the two sides of the rule {text!r} have different numbers of `*`", hint)
    return Rule(old, new)
