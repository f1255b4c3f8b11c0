"""What of ptinspect a desktop knows, as one value for every system."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ptinspect.desktop import program
from ptinspect.desktop.placing import FileState
from ptinspect.desktop.record import Record
from ptinspect.frozen import frozen

State = Literal["installed", "partly installed", "not installed"]
INSTALL = "`ptinspect desktop install`"


@frozen
class Status:
    """What is there, for which command, and what it opens by default."""

    state: State
    program: tuple[str, ...] = ()
    files: tuple[tuple[str, FileState], ...] = ()
    default_for: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def program_exists(self) -> bool:
        """Whether what a double click starts is still there."""
        return program.exists(self.program)


def judged(record: Record | None, here: tuple[str, ...], files: tuple[tuple[str, FileState], ...]) -> Status:
    """Of the files that a record names, or that should be there. `here` is the command of this environment."""
    found = {state for _, state in files}
    if record is None:
        if found <= {"missing"}:
            return Status("not installed")
        notes = (f"Some files are there, but no record of who put them there: {INSTALL} completes them.",)
        return Status("partly installed", (), files, (), notes)
    state: State = "partly installed" if "missing" in found else "installed"
    return Status(state, record.program, files, (), tuple(_notes(record.program, here, files)))


def _notes(recorded: tuple[str, ...], here: tuple[str, ...], files: tuple[tuple[str, FileState], ...]) -> list[str]:
    notes = []
    if any(state == "missing" for _, state in files):
        notes.append(f"Some files are missing: {INSTALL} puts them back.")
    changed = [Path(name).name for name, state in files if state == "changed"]
    if changed:
        notes.append(f"Changed since: {', '.join(changed)}. They are left alone; {INSTALL[:-1]} --force` writes them anew.")
    if not program.exists(recorded):
        notes.append(f"Its program is gone: run {INSTALL} in the environment that should open files.")
    elif recorded != here:
        notes.append(f"It starts another environment than this one; {INSTALL} changes that.")
    return notes
