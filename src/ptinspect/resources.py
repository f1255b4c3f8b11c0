"""Where the files that ship with ptinspect lie: inside the package when it was installed from a wheel, beside `src` in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def path(name: str) -> Path:
    """The place of a shipped file or folder, such as `samples` or `samples/weights.pt`."""
    shipped = _PACKAGE / "resources" / name
    return shipped if shipped.exists() else _PACKAGE.parents[1] / "resources" / name
