"""Where compiled loops are kept between runs: a folder of the user's cache that nobody else can write to.

numba reads its cache with pickle, so a folder that another user could fill would be a way to run code: such a folder is not used.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

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
