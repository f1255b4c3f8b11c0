"""The consents that were given: a JSON file in the user's configuration folder, readable and writable for them alone.

What it says decides whether foreign code runs unasked, so it is believed only where nobody else could have written it; anything
odd about it means that nothing was agreed to, never a crash. It is written whole or not at all.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ptinspect.errors import OutputProblem, RunProblem
from ptinspect.frozen import frozen

FILE = "consents.json"
_LARGEST = 16 << 20
_MOST = 10_000
_MOST_GLOBALS = 200
_LONGEST = 4_096
_SHORTEST_PREFIX = 4
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PREFIX = re.compile(rf"[0-9a-fA-F]{{{_SHORTEST_PREFIX},64}}")


@frozen
class Consent:
    """Somebody agreed to run this. `path` is where it lay then; `kind` what it is, `globals` what it names."""

    digest: str
    path: str
    date: str
    kind: str
    globals: tuple[str, ...] = ()


class Consents:
    """The kept list of one configuration folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / FILE

    def given(self) -> tuple[Consent, ...]:
        """All that are kept, the oldest first."""
        return tuple(self._read().values())

    def has(self, digest: str) -> bool:
        """Whether somebody agreed to exactly this content."""
        return digest in self._read()

    def add(self, digest: str, path: str, kind: str, names: tuple[str, ...] = ()) -> Consent:
        """Keep a consent; one that was given before is told anew."""
        if not _DIGEST.fullmatch(digest):
            raise ValueError("a consent is kept by the SHA-256 of what it is for")
        now = datetime.now(UTC).isoformat(timespec="seconds")
        shown = tuple(name[:_LONGEST] for name in names[:_MOST_GLOBALS])
        is_file = os.path.lexists(path) or ":" not in path  # `package.module:Class` lies nowhere
        place = os.path.abspath(path) if is_file else path
        given = Consent(digest, place[:_LONGEST], now, kind[:_LONGEST], shown)
        with self._alone():
            kept = self._read()
            kept.pop(digest, None)
            self._write([*kept.values(), given][-_MOST:])
        return given

    def forget(self, *which: str) -> tuple[Consent, ...]:
        """Take back those for a path, or the one whose digest begins so. Raises RunProblem, all being kept, where one is not clear."""
        with self._alone():
            kept = self._read()
            gone = tuple({one.digest: one for word in which for one in _chosen(kept, word)}.values())
            self._write([given for given in kept.values() if given not in gone])
        return gone

    def forget_all(self) -> tuple[Consent, ...]:
        """Take back every one, what cannot be read of them too."""
        if not os.path.lexists(self.file):
            return ()
        with self._alone():
            gone = tuple(self._read().values())
            self._write([])
        return gone

    def _read(self) -> dict[str, Consent]:
        try:
            told = json.loads(_private_bytes(self.file))
        except (OSError, ValueError, RecursionError):
            return {}
        items = told.get("consents") if isinstance(told, dict) and told.get("schema") == 1 else None
        found = [given for item in (items if isinstance(items, list) else [])[:_MOST] if (given := _consent(item)) is not None]
        return {given.digest: given for given in found}

    def _write(self, kept: list[Consent]) -> None:
        """A file beside it, for its owner alone, then one step in its place."""
        fields = {"schema": 1, "consents": [fields_of(given) for given in kept]}
        temporary = self.folder / f"{FILE}.{secrets.token_hex(8)}.part"
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(json.dumps(fields, indent=1))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.file)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            raise _unwritable(self.file, error) from None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep two windows from writing over each other's consents; where the system has no such lock, the last one wins."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self.folder / f"{FILE}.lock", os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        except OSError as error:
            raise _unwritable(self.file, error) from None
        try:
            _lock(handle)
            yield
        finally:
            os.close(handle)  # and with it the lock


def _lock(handle: int) -> None:
    if sys.platform != "win32":
        import fcntl  # noqa: PLC0415 - Windows has none

        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)


def _private_bytes(path: Path) -> bytes:
    """The file's bytes if it is the user's own and nobody else may write it; OSError otherwise."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is no file")
        if sys.platform != "win32" and (status.st_uid not in (os.geteuid(), 0) or status.st_mode & 0o022):
            raise OSError("somebody else may have written it")
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise OSError("it is too long")
    return data


def _consent(item: object) -> Consent | None:
    """One entry; None where a field is missing or of another kind."""
    fields: dict[str, Any] = item if isinstance(item, dict) else {}
    digest, *texts = (fields.get(name) for name in ("digest", "path", "date", "kind"))
    names = fields.get("globals")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest) or not all(isinstance(text, str) for text in texts):
        return None
    known = tuple(name[:_LONGEST] for name in names[:_MOST_GLOBALS] if isinstance(name, str)) if isinstance(names, list) else ()
    path, date, kind = (str(text)[:_LONGEST] for text in texts)
    return Consent(digest, path, date, kind, known)


def fields_of(given: Consent) -> dict[str, Any]:
    """As JSON."""
    return {"digest": given.digest, "path": given.path, "date": given.date, "kind": given.kind, "globals": list(given.globals)}


def _chosen(kept: dict[str, Consent], which: str) -> tuple[Consent, ...]:
    by_path = tuple(given for given in kept.values() if given.path in (which, os.path.abspath(which)))
    if by_path:
        return by_path
    by_digest = tuple(given for given in kept.values() if _PREFIX.fullmatch(which) and given.digest.startswith(which.lower()))
    if not by_digest:
        hint = "`ptinspect trust list` shows paths and digests; of a digest the first four digits will do."
        raise RunProblem("no consent was given for that", hint)
    if len(by_digest) > 1:
        raise RunProblem(f"{len(by_digest):,} consents begin with {which}", "Give more digits of the digest.")
    return by_digest


def _unwritable(path: Path, error: OSError) -> OutputProblem:
    return OutputProblem(f"{path} cannot be written: {(error.strerror or 'no reason given').lower()}", "Check the folder and the disk.")


__all__ = ["FILE", "Consent", "Consents", "fields_of"]
