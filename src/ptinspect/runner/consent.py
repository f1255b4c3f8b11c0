"""What somebody agrees to when they let a file's code run: its bytes, by their SHA-256, never its name.

The digest covers every byte of the file but its raw numbers (`holes`): pickles, program texts, constants, the table of records, and
whatever else a loader may find. Each piece counts with its place and length, so none can be moved, cut or joined unseen.

What was agreed to is what runs. The child reads through a `SealedFile`, which compares each piece with the digest again at the moment
it is handed to the loader, on the descriptor that was hashed. A file that is replaced, or written to in place, between the question
and the run fails; there is no gap to slip through.

Not covered: what the file's code imports from elsewhere (`models.py` beside it, an installed package), and what it downloads.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import struct
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.errors import ChangedOnDisk, NotTrusted
from ptinspect.formats.source import FileSource
from ptinspect.frozen import frozen
from ptinspect.runner.holes import Hole, holes_of

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined]

PIECE = 1 << 20
_BUFFER = 1 << 16
_DOMAIN = b"ptinspect consent 1\x00file\x00"
_ADVICE = "Look at its safety page (`ptinspect scan`) first. If you trust where it comes from: --trust."
_SEGMENT = struct.Struct("<BQQ")


@frozen
class Segment:
    """A stretch of the file; `digest` is None for a hole."""

    start: int
    end: int
    digest: bytes | None


@frozen
class Seal:
    """A file as it was hashed, piece by piece."""

    digest: str
    segments: tuple[Segment, ...]


def digest_of(source: FileSource, checkpoint: Checkpoint) -> str:
    """The digest of an open file, in hex: the same for the same code, whatever its weights are now."""
    return sealed(source, checkpoint).digest


def sealed(source: FileSource, checkpoint: Checkpoint) -> Seal:
    """Hash an open file. It has to be the file that `checkpoint` tells about."""
    if source.identity != checkpoint.identity:
        raise _changed()
    whole = hashlib.sha256(_DOMAIN)
    whole.update(_framed(checkpoint.document.container.encode()))
    segments = tuple(_segments(source, holes_of(source, checkpoint)))
    for segment in segments:
        whole.update(_SEGMENT.pack(segment.digest is None, segment.start, segment.end - segment.start) + (segment.digest or b""))
    return Seal(whole.hexdigest(), segments)


def _framed(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def _segments(source: FileSource, holes: list[Hole]) -> Iterator[Segment]:
    """The whole file, hashed pieces and holes in turn."""
    at = 0
    for hole in (*holes, Hole(source.size, source.size)):
        while at < hole.start:
            end = min(at + PIECE, hole.start)
            yield Segment(at, end, hashlib.sha256(_exactly(source, at, end)).digest())
            at = end
        if hole.end > hole.start:
            yield Segment(hole.start, hole.end, None)
        at = hole.end


def _exactly(source: FileSource, start: int, end: int) -> bytes:
    found = source.read(start, end - start)
    if len(found) != end - start:
        raise _changed()
    return found


@contextmanager
def consented(checkpoint: Checkpoint, agreed: str | None) -> Iterator[io.BufferedReader]:
    """The file, open for its loader, if it is what was agreed to. Raises NotTrusted before a loader has seen anything of it."""
    with checkpoint.source as source:
        seal = sealed(source, checkpoint)
        refuse_unless(seal.digest, agreed, "this file", _ADVICE)
        file = SealedFile(source, seal)
        try:
            yield io.BufferedReader(file, _BUFFER)
        except Exception:
            if file.was_changed:  # loaders have other words for it
                raise _changed() from None
            raise
        if file.was_changed:
            raise _changed()


def refuse_unless(digest: str, agreed: str | None, what: str, advice: str) -> None:
    """Raise NotTrusted, with advice, unless somebody agreed to exactly this."""
    if agreed is None:
        raise NotTrusted(f"running {what} runs code that it brings along, and nobody has agreed to that", advice)
    if not hmac.compare_digest(digest.encode(), agreed.encode("utf-8", "replace")):
        raise NotTrusted(f"{what} is not what was agreed to: its code was changed since", "Look at it again before you trust it again.")


class SealedFile(io.RawIOBase):
    """A file that gives only what was hashed; its numbers come as they are. There is no `fileno`: nothing reads past it."""

    def __init__(self, source: FileSource, seal: Seal) -> None:
        super().__init__()
        self._source = source
        self._segments = seal.segments
        self._starts = [segment.start for segment in seal.segments]
        self._at = 0
        self._kept: tuple[Segment | None, bytes] = (None, b"")
        self.was_changed = False

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be read in any order."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        """The place."""
        return self._at

    def readinto(self, buffer: Buffer, /) -> int:
        """Fill a buffer as far as the file goes: some loaders take a short answer for the file's end."""
        view, got = memoryview(buffer).cast("B"), 0
        while got < len(view) and self._at < self._source.size:
            step = self._part(view[got:])
            got += step
            self._at += step
        return got

    def _part(self, view: memoryview) -> int:
        """As much as lies in one segment."""
        segment = self._segments[bisect_right(self._starts, self._at) - 1]
        length = min(len(view), segment.end - self._at)
        if segment.digest is None:
            if self._source.read_into(self._at, view[:length]) != length:
                raise _changed()
            return length
        inside = self._at - segment.start
        view[:length] = self._checked(segment)[inside : inside + length]
        return length

    def _checked(self, segment: Segment) -> bytes:
        """A piece, compared with what was hashed; the last one is kept, since pickles are read byte by byte."""
        if self._kept[0] is not segment:
            found = _exactly(self._source, segment.start, segment.end)
            if hashlib.sha256(found).digest() != segment.digest:
                self.was_changed = True
                raise _changed()
            self._kept = (segment, found)
        return self._kept[1]


def _changed() -> ChangedOnDisk:
    return ChangedOnDisk("the file was changed since it was agreed to run it", "Reload it, look at it again, and run it again.")


__all__ = ["PIECE", "Seal", "SealedFile", "consented", "digest_of", "refuse_unless", "sealed"]
