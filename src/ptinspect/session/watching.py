"""Whether a file on disk is still the one that was read."""

from __future__ import annotations

import os

from ptinspect.frozen import frozen


@frozen
class Stamp:
    """What a rewritten file has otherwise."""

    inode: int
    size: int
    modified: int


def stamp_of(path: str) -> Stamp | None:
    """The stamp of a file; None where there is none now."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return Stamp(status.st_ino, status.st_size, status.st_mtime_ns)
