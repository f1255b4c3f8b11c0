"""Bytes by offset: the file on disk, a stretch of another source, and what inflating a record gives.

A file is opened for one round of reads and closed after it (on Windows an open handle blocks a trainer that replaces the file),
never mapped (a file cut short under a mapping kills the process), and compared with itself at the end of the round. Rounds may
overlap, in several threads; a round that begins later finds the file that the first one found, or a ChangedOnDisk.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable
from types import TracebackType
from typing import BinaryIO, Self

from ptinspect.errors import ChangedOnDisk, FileProblem, NotACheckpoint, Unsupported
from ptinspect.frozen import frozen
from ptinspect.pickles.window import Memory, Source

Watch = Callable[[int, int], None]
"""Is told how far a long stretch was read, of how much; it may raise to end the reading."""
LONG = 1 << 20  # a pickle of so many bytes takes longer to read than people notice

_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)
_ENDINGS = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".th", ".pkl")
_REASONS = {
    errno.ELOOP: ("the link leads back to itself", "Remove the link and open the file itself."),
    errno.ENAMETOOLONG: ("the path is too long", "Move the file to a shorter path."),
}


@frozen
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
        self.watch: Watch | None = None
        self._file: BinaryIO | None = None
        self._rounds = 0
        self._was_open = False
        self._lock = threading.Lock()
        self.identity = Identity.of(_regular(self.path))
        self.size = self.identity.size

    def __enter__(self) -> Self:
        with self._lock:
            if self._file is None:
                self._open()
            self._rounds += 1
        return self

    def _open(self) -> None:
        try:
            # A pipe that took the file's place since the look at it would block an ordinary open for ever.
            file = open(self.path, "rb", buffering=0, opener=_open_at_once)  # noqa: SIM115  (open until the last round ends)
            status = os.fstat(file.fileno())
        except (OSError, ValueError) as error:
            raise unreadable(self.path, error) from None
        identity = Identity.of(status)
        if not stat.S_ISREG(status.st_mode) or (self._was_open and identity != self.identity):
            file.close()
            raise _changed()
        self._file, self._was_open = file, True
        self.identity, self.size = identity, identity.size

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._lock:
            self._rounds -= 1
            file = self._file
            if file is None or self._rounds:
                return
            self._file = None
        try:
            changed = Identity.of(os.fstat(file.fileno())) != self.identity
        except OSError:
            changed = True
        finally:
            file.close()
        if changed and (error is None or isinstance(error, FileProblem)):
            raise _changed() from None

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on."""
        length = min(length, self.size - offset)
        if offset < 0 or length <= 0:
            self._opened()
            return b""
        try:
            found = self._part(offset, length)
            while 0 < len(found) < length:  # the system gives at most 2 GB at once
                more = self._part(offset + len(found), length - len(found))
                if not more:
                    break
                found += more
        except OSError as error:
            raise unreadable(self.path, error) from None
        return found

    def read_into(self, offset: int, into: memoryview) -> int:
        """Fill `into` from `offset` on; says how many bytes there were. A buffer that is used again costs no new memory."""
        got, length = 0, min(len(into), self.size - offset)
        try:
            while got < length:
                more = self._fill(offset + got, into[got:length])
                if not more:
                    break
                got += more
        except OSError as error:
            raise unreadable(self.path, error) from None
        return got

    def _opened(self) -> BinaryIO:
        if self._file is None:
            raise ValueError("a file is read inside `with` only")
        return self._file

    if hasattr(os, "pread") and hasattr(os, "preadv"):  # reads by offset need no lock

        def _part(self, offset: int, length: int) -> bytes:
            return os.pread(self._opened().fileno(), length, offset)

        def _fill(self, offset: int, into: memoryview) -> int:
            return os.preadv(self._opened().fileno(), [into], offset)

    else:

        def _part(self, offset: int, length: int) -> bytes:
            with self._lock:
                self._opened().seek(offset)
                return self._opened().read(length)

        def _fill(self, offset: int, into: memoryview) -> int:
            with self._lock:
                self._opened().seek(offset)
                return self._opened().readinto(into) or 0  # type: ignore[attr-defined]


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _changed() -> ChangedOnDisk:
    return ChangedOnDisk("the file changed while it was read", "Open it again once whatever writes it has finished.")


class Slice:
    """A stretch of another source, counted from its own beginning."""

    __slots__ = ("offset", "size", "source", "watch")

    def __init__(self, source: Source, offset: int, size: int) -> None:
        self.source = source
        self.offset = offset
        self.size = max(0, min(size, source.size - offset))
        self.watch: Watch | None = getattr(source, "watch", None) if self.size >= LONG else None

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on."""
        if self.watch is not None:
            self.watch(min(offset, self.size), self.size)
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
        names = sorted(os.listdir(path))
    except OSError as error:
        return unreadable(path, error)
    if ".metadata" in names or any(name.endswith(".distcp") for name in names):
        return Unsupported("this folder is a distributed checkpoint (.distcp)", "This version opens single files only.")
    index = next((name for name in names if name.endswith(".index.json")), None)
    if index is not None:
        return Unsupported(f"this folder is a sharded checkpoint ({index!r} lists its parts)", "Open one of its shards.")
    if {"data.pkl", "version"} <= set(names):
        return NotACheckpoint("this folder is a checkpoint that was unpacked", "Open the file that it was unpacked from.")
    if "saved_model.pb" in names:
        return NotACheckpoint("this folder is a TensorFlow SavedModel", "ptinspect opens PyTorch and safetensors files.")
    files = [name for name in names if name.endswith(_ENDINGS)]
    if files:
        return NotACheckpoint("this is a folder", f"Open one of the files in it, {files[0]!r} for example.")
    return NotACheckpoint("this is a folder", "Open one of the files in it.")


def unreadable(path: str, error: OSError | ValueError) -> FileProblem:
    """What the operating system said, in one sentence."""
    if isinstance(error, FileNotFoundError):
        if os.path.islink(path):
            return FileProblem("this link points to a file that is not there", "Download or restore the file that it points to.")
        return FileProblem("there is no such file", "Check the path and the spelling.")
    if isinstance(error, PermissionError):
        return FileProblem("this file may not be read", "Ask its owner for permission to read it.")
    if isinstance(error, NotADirectoryError):
        return FileProblem("there is no such file: a part of the path is a file, not a folder", "Check the path and the spelling.")
    number = error.errno if isinstance(error, OSError) else None
    if number in _REASONS:
        return FileProblem(*_REASONS[number])
    reason = error.strerror if isinstance(error, OSError) and error.strerror else "the path cannot be used"
    return FileProblem(f"the file cannot be read: {reason.lower()}", "Check the path, the disk and the network share.")


__all__ = ["FileSource", "Identity", "Memory", "Slice", "Source", "Watch", "unreadable"]
