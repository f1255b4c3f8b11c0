"""What went wrong in somebody else's code, in one sentence: its words, the line, and what can be done about it."""

from __future__ import annotations

import os
import traceback

_MOST_WORDS = 300
_FOLDERS_UP = 4


def sentence(error: BaseException) -> str:
    """The error's type and the first line of what it says."""
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {first[:_MOST_WORDS]}" if first else type(error).__name__


def where_in(error: BaseException, path: str | None) -> str:
    """` in line 12`: the last line of the file that was running, and where that called another."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if path is not None and frame.filename == path]
    if not own:
        return ""
    last = frames[-1]
    beyond = f" (in {os.path.basename(last.filename)}, line {last.lineno})" if last is not own[-1] and os.path.isfile(last.filename) else ""
    return f" in line {own[-1].lineno}{beyond}"


def missing_module(error: BaseException, near: str) -> str:
    """What to do about a module that is missing: a file of that name that lies near another is named; empty for other errors."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    folder = _folder_with(error.name, near)
    if folder is not None:
        found = os.path.join(folder, error.name.partition(".")[0])
        return f"There is {found if os.path.isdir(found) else f'{found}.py'}: add --path {folder}"
    return f"Point to the folder that holds {error.name.partition('.')[0]}: --path DIR. Or install it, if it is a package."


def _folder_with(module: str, near: str) -> str | None:
    """A folder beside a file, or above it, that holds the module."""
    folder = os.path.dirname(os.path.abspath(near))
    relative = os.path.join(*module.split("."))
    for _ in range(_FOLDERS_UP + 1):
        place = os.path.join(folder, relative)
        if os.path.isfile(f"{place}.py") or os.path.isdir(place):
            return folder
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return None


__all__ = ["missing_module", "sentence", "where_in"]
