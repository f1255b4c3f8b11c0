"""The command that a desktop starts: the one of the environment that is asked, whatever the PATH of a login session holds."""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from ptinspect.errors import InspectError


class NotExpressible(InspectError):
    """The place of the program cannot be written into a desktop's files."""


def program(interpreter: str | None = None) -> tuple[str, ...]:
    """The words of the command; the files follow."""
    python = Path(interpreter or sys.executable).absolute()  # not resolved: in an environment it is a link to another Python
    if os.name == "nt":
        windowed = python.with_name("pythonw.exe")  # opens no console
        return (str(windowed if windowed.is_file() else python), "-m", "ptinspect")
    script = python.with_name("ptinspect")
    return (str(script),) if os.access(script, os.X_OK) else (str(python), "-m", "ptinspect")


def doubts(words: tuple[str, ...]) -> tuple[str, ...]:
    """Why a desktop might not be able to start this command."""
    if len(words) == 1:
        return ()
    try:
        distribution("ptinspect")
    except PackageNotFoundError:
        return ("ptinspect is not installed in this Python, so a desktop will not find it: run `python -m pip install .` in its folder.",)
    return ()


def exists(words: tuple[str, ...]) -> bool:
    """Whether the command can still be started."""
    return bool(words) and os.access(words[0], os.X_OK) and Path(words[0]).is_file()


def as_text(word: str) -> str:
    """A word that a text file can hold: in UTF-8, on one line."""
    if any(ord(char) < 0x20 or ord(char) == 0x7F or 0xD800 <= ord(char) <= 0xDFFF for char in word):
        raise NotExpressible(
            f"the place of this Python cannot be written into desktop files: {word!r}",
            "Make the environment in a folder whose name is plain text, install ptinspect there, and run this again.",
        )
    return word
