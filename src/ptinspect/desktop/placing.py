"""Files put in place by a plan, and taken away again.

The record is written before the first file and names every digest that a file may have then: a run that was cut off can be told,
completed or undone. A file with any other content was changed by the user, or never was ours: it is left alone and told.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from ptinspect.desktop.record import LARGEST, Record, as_json, load
from ptinspect.errors import OutputProblem
from ptinspect.frozen import frozen

FileState = Literal["as written", "changed", "missing"]


@frozen
class Planned:
    """A file that should be there."""

    path: Path
    content: bytes
    is_program: bool = False

    @property
    def digest(self) -> str:
        """Of its content."""
        return _digest(self.content)


@frozen
class Removed:
    """What uninstall did: files that went, files that stay because someone changed them, and what else there is to say."""

    gone: tuple[Path, ...] = ()
    left: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


def place(plan: Sequence[Planned], place_of_record: Path, program: tuple[str, ...], also: Iterable[Path], force: bool) -> tuple[Path, ...]:
    """Put a plan in place; `also` are files that other tools will make. Returns the files that were left because they are not ours."""
    before = load(place_of_record) or Record(program, {})
    known = {planned.path: before.files.get(str(planned.path), ()) for planned in plan}
    new = {planned.path: planned.digest for planned in plan}
    left = () if force else tuple(path for path, digests in known.items() if state(path, (*digests, new[path])) == "changed")
    folders = tuple(dict.fromkeys((*before.folders, *_missing_folders((*known, *also, place_of_record)))))
    during = {str(path): tuple(dict.fromkeys((*known[path], new[path]))) for path in known if path not in left or known[path]}
    write(place_of_record, as_json(Record(program, {**before.files, **during}, folders)))
    for planned in plan:
        if planned.path not in left:
            write(planned.path, planned.content, planned.is_program)
    stale = {name: digests for name, digests in before.files.items() if Path(name) not in known}
    remove(stale)
    after = {name: digests if Path(name) in left else digests[-1:] for name, digests in during.items()}
    write(place_of_record, as_json(Record(program, after, folders)))
    return left


def take_away(plan: Sequence[Planned], place_of_record: Path) -> Removed:
    """Remove what a record names; without one, what holds exactly what would be written today. Folders stay until `finish`."""
    record = load(place_of_record)
    return remove(record.files if record is not None else {str(planned.path): (planned.digest,) for planned in plan})


def survey(plan: Sequence[Planned], record: Record | None) -> tuple[tuple[str, FileState], ...]:
    """How each file is that a record names; without one, each that would be written today."""
    files = {str(planned.path): (planned.digest,) for planned in plan} if record is None else record.files
    return tuple((name, state(Path(name), digests)) for name, digests in files.items())


def left_notes(left: Iterable[Path]) -> list[str]:
    """What to say of files that were not written."""
    return [f"{path} is not as install writes it and was left alone; --force writes it anew." for path in left]


def finish(place_of_record: Path) -> None:
    """Take the record away, and every folder that was made and is empty by now."""
    record = load(place_of_record)
    with suppress(FileNotFoundError):
        _unlink(place_of_record)
    for folder in sorted(record.folders if record is not None else (), key=len, reverse=True):
        with suppress(OSError):
            Path(folder).rmdir()


def remove(files: Mapping[str, tuple[str, ...]]) -> Removed:
    """Take away the files that are as they were written."""
    states = {Path(name): state(Path(name), digests) for name, digests in files.items()}
    gone = tuple(path for path, found in states.items() if found == "as written")
    for path in gone:
        with suppress(FileNotFoundError):
            _unlink(path)
    return Removed(gone, tuple(path for path, found in states.items() if found == "changed"))


def state(path: Path, digests: Sequence[str]) -> FileState:
    """How a file is now, against what may have been written."""
    try:
        with path.open("rb") as file:
            return "as written" if _digest(file.read(LARGEST)) in digests else "changed"
    except FileNotFoundError:
        return "missing"
    except OSError:
        return "missing" if not path.is_symlink() and not path.exists() else "changed"


def write(path: Path, content: bytes, is_program: bool = False) -> None:
    """Whole or not at all; a file that is as it should be is not touched."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    mode = 0o755 if is_program else 0o644
    try:
        if state(path, (_digest(content),)) == "as written" and (os.name == "nt" or path.stat().st_mode & 0o777 == mode):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(content)
            part.chmod(mode)
            part.replace(path)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise
    except OSError as error:
        raise OutputProblem(
            f"{path} cannot be written: {error.strerror or type(error).__name__}",
            "Make its folder writable for this user, or free some space, and run it again.",
        ) from None


def _unlink(path: Path) -> None:
    try:
        path.unlink()
    except FileNotFoundError:
        raise
    except OSError as error:
        hint = "Make its folder writable for this user and run it again."
        raise OutputProblem(f"{path} cannot be removed: {error.strerror}", hint) from None


def _missing_folders(paths: Iterable[Path]) -> list[str]:
    return [str(folder) for folder in dict.fromkeys(folder for path in paths for folder in path.parents) if not folder.exists()]


def digest_of(path: Path) -> str:
    """Of a file that another program wrote."""
    with path.open("rb") as file:
        return _digest(file.read(LARGEST))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
