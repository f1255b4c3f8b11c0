"""Windows: the entry in the Start menu, a link that Windows' own shell writes.

The format of a link is open, but what Explorer accepts of it is not: PowerShell, which every Windows has, asks the shell for one.
All it is given comes by its environment, so no path is ever read as a command.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ptinspect.desktop import program
from ptinspect.frozen import frozen

Run = Callable[[Sequence[str], Mapping[str, str]], None]
SCRIPT = (
    "$ErrorActionPreference = 'Stop'; "
    "$link = (New-Object -ComObject WScript.Shell).CreateShortcut($env:PTINSPECT_LINK); "
    "$link.TargetPath = $env:PTINSPECT_TARGET; $link.Arguments = $env:PTINSPECT_ARGUMENTS; "
    "$link.IconLocation = $env:PTINSPECT_ICON; $link.Description = $env:PTINSPECT_WORDS; $link.Save()"
)
WORDS = "Look inside PyTorch checkpoints without running them"
PATIENCE = 60


def run(command: Sequence[str], values: Mapping[str, str]) -> None:
    """Without a window of its own. Raises OSError or SubprocessError where it does not come to its end."""
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    pipe, none = subprocess.PIPE, subprocess.DEVNULL
    environment = {**os.environ, **values}
    subprocess.run(command, env=environment, stdin=none, stdout=none, stderr=pipe, timeout=PATIENCE, check=True, creationflags=flags)


@frozen
class StartMenu:
    """One user's Start menu. `run` starts a program with values in its environment."""

    folder: Path
    run: Run = run

    @property
    def link(self) -> Path:
        """Where the entry lies."""
        return self.folder / "ptinspect.lnk"

    def make(self, words: Sequence[str], icon: Path) -> str:
        """Write the entry; returns why that could not be, or nothing."""
        first, *rest = map(program.as_text, words)
        values = {"LINK": str(self.link), "TARGET": first, "ARGUMENTS": subprocess.list2cmdline(rest), "ICON": str(icon), "WORDS": WORDS}
        try:
            self.run(command(), {f"PTINSPECT_{name}": value for name, value in values.items()})
        except (OSError, subprocess.SubprocessError) as error:
            return f"There is no entry in the Start menu: {_reason(error)}."
        return "" if self.link.is_file() else "There is no entry in the Start menu: Windows wrote none."


def command() -> tuple[str, ...]:
    """PowerShell by its own place: one that lies in the working folder is never started."""
    root = os.environ.get("SYSTEMROOT") or r"C:\Windows"
    return (rf"{root}\System32\WindowsPowerShell\v1.0\powershell.exe", "-NoProfile", "-NonInteractive", "-Command", SCRIPT)


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        said = (error.stderr or b"").decode(errors="replace").split("\n")[0].strip()
        return said.rstrip(".") or f"PowerShell ended with status {error.returncode}"
    return "PowerShell took too long" if isinstance(error, subprocess.TimeoutExpired) else str(error)


def user_programs() -> Path:
    """The folder of this user's Start menu."""
    return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming") / "Microsoft" / "Windows" / "Start Menu" / "Programs"
