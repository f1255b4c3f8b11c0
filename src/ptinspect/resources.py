"""Where the files that ship with ptinspect lie: inside the package when it was installed from a wheel, beside `src` in a checkout."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PACKAGE = os.path.dirname(os.path.realpath(__file__))


def place(name: str) -> str:
    """Where a shipped file or folder lies, such as `samples` or `samples/weights.pt`."""
    shipped = os.path.join(_PACKAGE, "resources", *name.split("/"))
    beside = os.path.join(os.path.dirname(os.path.dirname(_PACKAGE)), "resources", *name.split("/"))
    return shipped if os.path.exists(shipped) else beside


def path(name: str) -> Path:
    """The same as a Path."""
    from pathlib import Path  # noqa: PLC0415 - it takes 3 ms, and no command needs it to tell what a file is

    return Path(place(name))
