"""Where compiled loops are kept between runs: a folder of the user's cache that nobody else can write to.

numba reads its cache with pickle, so a folder that another user could fill would be a way to run code: such a folder is not used.
A file there that is cut off, or a disk that is full, costs the time to compile and nothing else; numba itself would end with it.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

from ptinspect.cache_folder import cache_folder


def private_folder() -> Path | None:
    """The folder, made if need be; None where it cannot be had for this user alone."""
    folder = cache_folder() / "compiled"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = os.lstat(folder)
        if not stat.S_ISDIR(status.st_mode):
            return None
        if hasattr(os, "getuid"):
            if status.st_uid != os.getuid():
                return None
            if stat.S_IMODE(status.st_mode) != 0o700:
                folder.chmod(0o700)
        return folder if os.access(folder, os.W_OK | os.X_OK) else None
    except OSError:
        return None


class KeptLoop:
    """numba's cache of one loop, without its complaints. A loop is out of date, too, when the file of its `parts` has changed."""

    def __init__(self, kept: Any, parts: str = "") -> None:
        self._kept = kept
        index: Any = getattr(kept, "_cache_file", None)
        if parts and hasattr(index, "_source_stamp"):  # numba looks at the file of the loop itself, and at none that it calls
            status = os.stat(parts)
            index._source_stamp = (index._source_stamp, status.st_mtime, status.st_size)  # noqa: SLF001

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept, name)

    def load_overload(self, signature: Any, context: Any) -> Any:
        """The compiled loop, None where there is none that can be read, or where another process kept its own in the same place."""
        try:
            found = self._kept.load_overload(signature, context)
            if found is None or tuple(found.signature.args) == tuple(getattr(signature, "args", signature)):
                return found
        except Exception:  # noqa: BLE001, S110 - what is damaged may raise anything
            pass
        with suppress(OSError):
            self._kept.flush()
        return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep it if that is possible."""
        with suppress(OSError):
            self._kept.save_overload(signature, result)


def forgiving(loop: Any, parts: str = "") -> Any:
    """A loop that numba compiles and keeps, with a cache whose troubles are not ours."""
    if hasattr(loop, "_cache"):  # there is no other way in; a numba without it has its own way to fail
        loop._cache = KeptLoop(loop._cache, parts)  # noqa: SLF001
    return loop


__all__ = ["forgiving", "private_folder"]
