"""Regular expressions that are compiled when they are first asked: most files need none of the long ones."""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


def pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """What `re.compile` returns, later."""
    return cast("re.Pattern[AnyStr]", _Later(text, flags))


class _Later:
    """Stands for a pattern; each of its methods is looked up once."""

    def __init__(self, text: Any, flags: int) -> None:
        self._given = (text, flags)

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(*self._given), name)
        setattr(self, name, found)
        return found
