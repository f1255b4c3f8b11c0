"""The user's cache folder for this program, as each system names it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

FOLDER = "PTINSPECT_CACHE"


def cache_folder() -> Path:
    """Where what can be computed again is kept; `PTINSPECT_CACHE` names another place. It need not exist yet."""
    chosen = os.environ.get(FOLDER)
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
        return Path(base) / "ptinspect" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "ptinspect"
    base = os.environ.get("XDG_CACHE_HOME") or ""
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "ptinspect"
