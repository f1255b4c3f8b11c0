"""Opening what a spec names: a file problem is told as an input that does not fit, with the path in it."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import zlib
from collections.abc import Iterator

from ptinspect.errors import FileProblem, InputDoesNotFit
from ptinspect.formats.source import FileSource

_PACKED = b"\x1f\x8b"


@contextlib.contextmanager
def told(path: str) -> Iterator[None]:
    """Whatever goes wrong about the file in here is an InputDoesNotFit."""
    try:
        yield
    except FileProblem as problem:
        raise InputDoesNotFit(f"the input `{path}`: {problem.message}", problem.hint) from None
    except (gzip.BadGzipFile, zlib.error, EOFError):
        raise InputDoesNotFit(f"the input `{path}` is cut off or damaged", "Get the file again from its source.") from None
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise InputDoesNotFit(f"the input `{path}` cannot be read: {reason}", "Check the path and the disk.") from None


class _Stream(io.RawIOBase):
    """A file source read from its beginning to its end: a regular file only, since a pipe would block for ever."""

    def __init__(self, source: FileSource) -> None:
        self._source, self._at = source, 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]
        """The next bytes."""
        found = self._source.read_into(self._at, memoryview(into))
        self._at += found
        return found


@contextlib.contextmanager
def opened(path: str) -> Iterator[io.BufferedIOBase]:
    """The bytes of a file in order, unpacked where gzip packed them; they are unpacked as they are read, never as a whole."""
    with told(path), FileSource(path) as source:
        raw = io.BufferedReader(_Stream(source), 1 << 16)
        yield gzip.GzipFile(fileobj=raw, mode="rb") if source.read(0, 2) == _PACKED else raw


def exists(path: str, what: str) -> None:
    """Raise InputDoesNotFit unless there is something under that path; the hint names what lies beside it."""
    if os.path.exists(path):
        return
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise InputDoesNotFit(f"there is no {what} `{path}`", f"The folder `{folder}` is not there either; check the path.")
    ending = os.path.splitext(path)[1].lower()
    try:
        beside = sorted(entry.name for entry in os.scandir(folder) if entry.name.lower().endswith(ending))[:5]
    except OSError:
        beside = []
    raise InputDoesNotFit(f"there is no {what} `{path}`", f"Beside it are: {', '.join(beside)}." if beside else "Check the path.")


__all__ = ["exists", "opened", "told"]
