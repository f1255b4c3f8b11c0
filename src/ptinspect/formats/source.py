"""Bytes by offset: the file on disk, a stretch of another source, and what inflating a record gives.

A file is opened for one round of reads and closed after it (on Windows an open handle blocks a trainer that replaces the file),
never mapped (a file cut short under a mapping kills the process), and compared with itself at the end of the round.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Self

from ptinspect.errors import ChangedOnDisk, FileProblem, NotACheckpoint, Unsupported
from ptinspect.pickles.window import Memory, Source

_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes a file on disk this file and no other."""

    device: int
    inode: int
    size: int
    modified: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """The identity in a stat result."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class FileSource:
    """A regular file, open between `with` and its end."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self._file: BinaryIO | None = None
        self.identity = Identity.of(_regular(self.path))
        self.size = self.identity.size

    def __enter__(self) -> Self:
        try:
            self._file = open(self.path, "rb", buffering=0)  # noqa: SIM115 - closed by __exit__
            self.identity = Identity.of(os.fstat(self._file.fileno()))
        except OSError as error:
            raise unreadable(self.path, error) from None
        self.size = self.identity.size
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        try:
            changed = Identity.of(os.fstat(file.fileno())) != self.identity
        finally:
            file.close()
        if changed and (error is None or isinstance(error, FileProblem)):
            raise ChangedOnDisk("the file changed while it was read", "Open it again once whatever writes it has finished.") from None

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on."""
        assert self._file is not None, "read outside `with`"
        if offset >= self.size or length <= 0:
            return b""
        length = min(length, self.size - offset)
        try:
            self._file.seek(offset)
            first = self._file.read(length)
            if first is None or len(first) == length or not first:
                return first or b""
            return first + self.read(offset + len(first), length - len(first))
        except OSError as error:
            raise unreadable(self.path, error) from None


class Slice:
    """A stretch of another source, counted from its own beginning."""

    __slots__ = ("offset", "size", "source")

    def __init__(self, source: Source, offset: int, size: int) -> None:
        self.source = source
        self.offset = offset
        self.size = max(0, min(size, source.size - offset))

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on."""
        return self.source.read(self.offset + offset, max(0, min(length, self.size - offset)))


def _regular(path: str) -> os.stat_result:
    """The status of a path that can be opened as a file; anything else is told by name."""
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from None
    if stat.S_ISREG(status.st_mode):
        return status
    if stat.S_ISDIR(status.st_mode):
        raise _folder(path)
    for matches, name in _KINDS:
        if matches(status.st_mode):
            raise NotACheckpoint(f"this is {name}, not a file", "Save what it gives to a file first and open that.")
    raise NotACheckpoint("this is not a regular file", "Open a file.")


def _folder(path: str) -> FileProblem:
    """A folder may be a distributed or sharded checkpoint; say which."""
    try:
        names = os.listdir(path)
    except OSError as error:
        return unreadable(path, error)
    if ".metadata" in names or any(name.endswith(".distcp") for name in names):
        return Unsupported("this folder is a distributed checkpoint (.distcp)", "This version opens single files only.")
    index = next((name for name in names if name.endswith(".index.json")), None)
    if index is not None:
        return Unsupported(f"this folder is a sharded checkpoint ({index})", "Open one of its shards.")
    return NotACheckpoint("this is a folder", "Open one of the files in it.")


def unreadable(path: str, error: OSError | ValueError) -> FileProblem:
    """What the operating system said, in one sentence."""
    if isinstance(error, FileNotFoundError):
        return FileProblem("there is no such file", "Check the path and the spelling.")
    if isinstance(error, PermissionError):
        return FileProblem("this file may not be read", "Ask its owner for permission to read it.")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else "the path cannot be used"
    return FileProblem(f"the file cannot be read: {reason.lower()}", "Check the path, the disk and the network share.")


__all__ = ["FileSource", "Identity", "Memory", "Slice", "Source", "unreadable"]
