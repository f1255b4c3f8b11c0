"""Finished statistics kept between runs, in the user's cache folder.

An entry belongs to one state of one file: its size, its time of change, and a digest of its first and last bytes, where a zip
archive lists the checksums of all its records. It is a packed text of one JSON line a tensor behind a line that says how many
there are and what they sum up to, so that a damaged or foreign entry is no entry. Entries are put in place whole: two programs at
once do not meet a half-written one. The oldest go when the folder is full; a disk that is full costs the entry and nothing else.
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
from ptinspect.tensors import TensorInfo

MOST_BYTES = 256 << 20
MOST_ENTRY = 64 << 20
_ENDING = ".stats"
_FORM = 1
_HEAD, _TAIL = 64 << 10, 256 << 10
_WORTH = 1 << 20  # bytes of values; less is counted again as fast as it is read back


class StatisticsCache:
    """The entries in one folder."""

    def __init__(self, folder: Path | None = None, most: int = MOST_BYTES) -> None:
        self.folder = cache_folder() / "statistics" if folder is None else folder
        self.most = most

    def load(self, checkpoint: Checkpoint, bins: int) -> dict[str, Statistics]:
        """What is known of this file, by `identity_of` its tensors; empty where there is no entry that can be trusted."""
        path = self._path(checkpoint, bins)
        try:
            if path.stat().st_size > MOST_ENTRY:
                return {}
            found = _unpacked(path.read_bytes())
        except (OSError, ValueError, KeyError, TypeError, zlib.error, RecursionError, OverflowError):
            return {}
        with suppress(OSError):
            os.utime(path)  # used just now: others are older
        return found

    def store(self, checkpoint: Checkpoint, bins: int, found: dict[str, Statistics]) -> bool:
        """Keep an entry; False where that is not possible, which is no error."""
        packed = _packed(found)
        if packed is None:
            return False
        path = self._path(checkpoint, bins)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._make_room(len(packed))
            handle, name = tempfile.mkstemp(dir=self.folder, prefix="new-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(packed)
                os.replace(name, path)
            except OSError:
                os.unlink(name)
                return False
        except OSError:
            return False
        return True

    def _path(self, checkpoint: Checkpoint, bins: int) -> Path:
        return self.folder / f"{_digest(checkpoint, bins)}{_ENDING}"

    def _make_room(self, wanted: int) -> None:
        """Delete the oldest entries, and what a program that died left behind."""
        entries = []
        for path in self.folder.iterdir():
            with suppress(OSError):
                status = path.stat()
                entries.append((status.st_mtime, status.st_size, path))
        size = sum(entry[1] for entry in entries)
        for _, own, path in sorted(entries, key=lambda entry: entry[0]):
            if size + wanted <= self.most:
                return
            with suppress(OSError):
                path.unlink()
                size -= own


def known_statistics(request: Request, progress: Progress | None = None, cache: StatisticsCache | None = None) -> Iterator[Found]:
    """As `statistics`, but what is known already comes first and costs nothing, and what is new is kept."""
    keys = [identity_of(tensor) for tensor in request.tensors]
    checkpoint, bins = request.checkpoint, request.bins
    known = {} if cache is None else cache.load(checkpoint, bins)
    yield from ((place, known[key]) for place, key in enumerate(keys) if key in known)
    missing = [place for place, key in enumerate(keys) if key not in known]
    if not missing:
        return
    before = len(known)
    worth = cache is not None and _worth(request.tensors)
    try:
        for place, found in statistics(_only(request, missing), progress):
            if worth and found.problem is None:
                known[keys[missing[place]]] = found
            yield missing[place], found
    finally:
        if cache is not None and worth and len(known) > before:
            cache.store(checkpoint, bins, known)


def _worth(tensors: Any) -> bool:
    unique, _ = distinct(tensors)
    return sum(tensor.dtype.nbytes(tensor.elements) for tensor in unique if not tensor.problem) >= _WORTH


def _only(request: Request, places: list[int]) -> Request:
    tensors: list[TensorInfo] = [request.tensors[place] for place in places]
    return Request(request.checkpoint, tensors, request.bins, request.threads, request.compiled)


def _digest(checkpoint: Checkpoint, bins: int) -> str:
    """The file's state. Its place does not matter: a file that was moved is the same."""
    identity = checkpoint.identity
    made = hashlib.sha256(f"{_FORM} {__version__} {bins} {identity.size} {identity.modified}".encode())
    with checkpoint.source as source:
        made.update(source.read(0, _HEAD))
        made.update(source.read(max(0, identity.size - _TAIL), _TAIL))
    return made.hexdigest()[:40]


def _packed(found: dict[str, Statistics]) -> bytes | None:
    """The entry, None where it would be too large."""
    lines, size = [], 0
    for key, one in found.items():
        lines.append(json.dumps({"key": key, **as_fields(one)}).encode())
        size += len(lines[-1]) + 1
        if size > MOST_ENTRY:
            return None
    body = b"\n".join(lines)
    head = json.dumps({"tensors": len(lines), "sum": hashlib.sha256(body).hexdigest()}).encode()
    return zlib.compress(head + b"\n" + body, 1)


def _unpacked(packed: bytes) -> dict[str, Statistics]:
    stream = zlib.decompressobj()
    text = stream.decompress(packed, MOST_ENTRY + 1_000)
    if not stream.eof:
        raise ValueError("too long, or cut off")
    head, _, body = text.partition(b"\n")
    about = json.loads(head)
    if hashlib.sha256(body).hexdigest() != about["sum"]:
        raise ValueError("damaged")
    lines = body.split(b"\n") if body else []
    if len(lines) != about["tensors"]:
        raise ValueError("not whole")
    return {entry["key"]: of_fields(entry) for entry in map(json.loads, lines)}


__all__ = ["StatisticsCache", "known_statistics"]
