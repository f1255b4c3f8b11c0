"""A user's home that nobody lives in, and the environment that points there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ptinspect.desktop.linux import Freedesktop

KEPT = ("PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "SYSTEMROOT")


def needs(*tools: str) -> pytest.MarkDecorator:
    """Tests that want tools of a Linux desktop."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} not installed here")


def environment(home: Path, **more: str) -> dict[str, str]:
    """Everything below one folder."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    folders = {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "XDG_CONFIG_HOME": str(home / "config")}
    return kept | folders | {"XDG_CACHE_HOME": str(home / "cache"), "XDG_CURRENT_DESKTOP": "GNOME", "LC_ALL": "C.UTF-8"} | more


def desktop(home: Path) -> Freedesktop:
    """Its desktop."""
    return Freedesktop(home / "data", home / "config")


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Everything in a folder: the content of files, None for folders."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}
