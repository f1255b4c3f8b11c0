"""Finished statistics kept between runs, in the user's cache folder.

An entry belongs to one state of one file: its size, its time of change, and a digest of its first and last bytes, where a zip
archive lists the checksums of all its records. It is a packed text of one JSON line a tensor, and a last line that says how many
there are and what they sum up to, so that a damaged or foreign entry is no entry. Entries are put in place whole: two programs at
once do not meet a half-written one. The oldest go when the folder is full; a disk that is full costs the entry and nothing else.

Lines are written as they come and read one by one: a hundred thousand tensors take no more memory than one.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from ptinspect import __version__
from ptinspect.analysis.statistics import Statistics, as_fields, of_fields
from ptinspect.analysis.stream import Found, Progress, Request, distinct, identity_of, statistics
from ptinspect.cache_folder import cache_folder
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.errors import FileProblem

MOST_BYTES = 256 << 20
MOST_TEXT = 512 << 20
_ENDING = ".stats"
_FORM = 2
_PIECE = 1 << 18
_DAMAGE = (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, zlib.error)
_HEAD, _TAIL = 64 << 10, 256 << 10
_WORTH = 1 << 20  # bytes of values; less is counted again as fast as it is read back


class StatisticsCache:
    """The entries in one folder."""

    def __init__(self, folder: Path | None = None, most: int = MOST_BYTES) -> None:
        self.folder = cache_folder() / "statistics" if folder is None else folder
        self.most = most

    def entry(self, checkpoint: Checkpoint, bins: int) -> Path:
        """Where the numbers of this file are kept, if they are."""
        return self.folder / f"{_digest(checkpoint, bins)}{_ENDING}"

    def load(self, entry: Path) -> Iterator[tuple[str, Statistics]]:
        """What is known of a file, by `identity_of` its tensors; nothing where there is no entry that can be trusted."""
        try:
            if not _is_whole(entry):
                return
            os.utime(entry)  # used just now: others are older
            for line in _lines(entry):
                about = json.loads(line)
                if "sum" not in about:
                    yield about["key"], of_fields(about)
        except _DAMAGE:
            return

    def writer(self, entry: Path) -> Writer | None:
        """A new entry; None where there is no place for one, which is no error."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._make_room()
            return Writer(entry)
        except OSError:
            return None

    def _make_room(self) -> None:
        """Delete the oldest entries, and what a program that died left behind."""
        entries = []
        for path in self.folder.iterdir():
            with suppress(OSError):
                status = path.stat()
                entries.append((status.st_mtime, status.st_size, path))
        size = sum(entry[1] for entry in entries)
        for _, own, path in sorted(entries, key=lambda entry: entry[0]):
            if size <= self.most:
                return
            with suppress(OSError):
                path.unlink()
                size -= own


class Writer:
    """An entry that is being written, beside its place. Whatever goes wrong, nothing of it is left."""

    def __init__(self, entry: Path) -> None:
        self.entry = entry
        self.lines = self.size = 0
        self._sum = hashlib.sha256()
        self._packer = zlib.compressobj(1)
        handle, name = tempfile.mkstemp(dir=entry.parent, prefix="new-")
        self._path: Path | None = Path(name)
        self._file = os.fdopen(handle, "wb")

    def add(self, key: str, found: Statistics) -> None:
        """One tensor more."""
        if self._path is None:
            return
        line = json.dumps({"key": key, **as_fields(found)}).encode() + b"\n"
        self._sum.update(line)
        self.lines += 1
        self.size += len(line)
        self._write(self._packer.compress(line))
        if self.size > MOST_TEXT:
            self.drop()

    def close(self) -> bool:
        """Put the entry in its place; False where that did not work."""
        about = json.dumps({"tensors": self.lines, "sum": self._sum.hexdigest()}).encode() + b"\n"
        self._write(self._packer.compress(about) + self._packer.flush())
        if self._path is None:
            return False
        try:
            self._file.close()
            os.replace(self._path, self.entry)
        except OSError:
            self.drop()
            return False
        return True

    def drop(self) -> None:
        """Leave nothing behind."""
        path, self._path = self._path, None
        with suppress(OSError):
            self._file.close()
        if path is not None:
            with suppress(OSError):
                path.unlink()

    def _write(self, packed: bytes) -> None:
        if self._path is None:
            return
        try:
            self._file.write(packed)
        except OSError:
            self.drop()


def known_statistics(request: Request, progress: Progress | None = None, cache: StatisticsCache | None = None) -> Iterator[Found]:
    """As `statistics`, but what is known already comes first and costs nothing, and what is new is kept."""
    if cache is None or not _worth(request.tensors):
        yield from statistics(request, progress)
        return
    wanted: dict[str, list[int]] = {}
    for place, tensor in enumerate(request.tensors):
        wanted.setdefault(identity_of(tensor), []).append(place)
    entry = cache.entry(request.checkpoint, request.bins)
    for key, found in cache.load(entry):
        yield from ((place, found) for place in wanted.pop(key, ()))
    if wanted:
        yield from _counted_and_kept(request, progress, cache, entry, wanted)


def _counted_and_kept(
    request: Request, progress: Progress | None, cache: StatisticsCache, entry: Path, wanted: dict[str, list[int]]
) -> Iterator[Found]:
    """What is missing, counted; the entry is written anew with it, also when somebody stops on the way."""
    keys, places = list(wanted), list(wanted.values())
    missing = Request(request.checkpoint, [request.tensors[own[0]] for own in places], request.bins, request.threads, request.compiled)
    writer = cache.writer(entry)
    try:
        if writer is not None:
            for key, found in cache.load(entry):
                writer.add(key, found)
        for number, found in statistics(missing, progress):
            if writer is not None and found.problem is None:
                writer.add(keys[number], found)
            yield from ((place, found) for place in places[number])
    except FileProblem:
        if writer is not None:
            writer.drop()  # what was counted may be of another file than the one that the entry names
        raise
    finally:
        if writer is not None:
            writer.close()


def _worth(tensors: Any) -> bool:
    unique, _ = distinct(tensors)
    return sum(tensor.dtype.nbytes(tensor.elements) for tensor in unique if not tensor.problem) >= _WORTH


def _digest(checkpoint: Checkpoint, bins: int) -> str:
    """The file's state. Its place does not matter: a file that was moved is the same."""
    identity = checkpoint.identity
    made = hashlib.sha256(f"{_FORM} {__version__} {bins} {identity.size} {identity.modified}".encode())
    with checkpoint.source as source:
        made.update(source.read(0, _HEAD))
        made.update(source.read(max(0, identity.size - _TAIL), _TAIL))
    return made.hexdigest()[:40]


def _lines(entry: Path) -> Iterator[bytes]:
    """The lines of an entry, unpacked as they are asked for."""
    stream, rest, size = zlib.decompressobj(), b"", 0
    with entry.open("rb") as file:
        while not stream.eof:
            packed = stream.unconsumed_tail or file.read(_PIECE)
            text = stream.decompress(packed, _PIECE)
            if not packed and not text:
                raise ValueError("cut off")
            size += len(text)
            if size > MOST_TEXT + _PIECE:
                raise ValueError("too long")
            *lines, rest = (rest + text).split(b"\n")
            yield from lines
    if rest:
        raise ValueError("its last line has no end")


def _is_whole(entry: Path) -> bool:
    """Whether the last line tells the number and the sum of those before it."""
    summed, count, last = hashlib.sha256(), 0, b""
    for line in _lines(entry):
        if count:
            summed.update(last + b"\n")
        last, count = line, count + 1
    about = json.loads(last) if last else {}
    return bool(about == {"tensors": count - 1, "sum": summed.hexdigest()})


__all__ = ["StatisticsCache", "known_statistics"]
