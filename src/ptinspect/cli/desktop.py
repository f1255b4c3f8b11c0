"""`ptinspect desktop install|uninstall|status`: a double click on a checkpoint opens it; for this user, and undone whole."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Sequence

from ptinspect.cli.output import print_json
from ptinspect.desktop.placing import Removed
from ptinspect.desktop.program import program
from ptinspect.desktop.status import Status
from ptinspect.desktop.system import this_desktop
from ptinspect.quantities import plural
from ptinspect.spelled import plain

ACTIONS = {
    "install": "put the file types, the menu entry and the icons in place; again is the same as once",
    "uninstall": "take away what install wrote; what was changed since stays and is told",
    "status": "what is installed, and for which environment",
}


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "\n".join(f"  {name:<10} {what}" for name, what in ACTIONS.items())
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("--default", action="store_true", help="install: open these files with ptinspect even where another program is set")
    parser.add_argument("--force", action="store_true", help="install: also write files anew that someone has changed")


def run(arguments: argparse.Namespace) -> int:
    """Do it, and say how things stand."""
    desktop, words = this_desktop(), program()
    if arguments.action == "uninstall":
        removed = desktop.uninstall(words)
        if arguments.json:
            print_json(None, {"action": "uninstall", **removed_fields(removed)})
        else:
            _print(removed_lines(removed))
        return 0
    said = desktop.install(words, arguments.default, arguments.force) if arguments.action == "install" else ()
    status = desktop.status(words)
    if arguments.json:
        print_json(None, {"action": arguments.action, **status_fields(status, said)})
    else:
        _print(status_lines(status, said))
    return 0


def _print(lines: Sequence[str]) -> None:
    print("\n".join(plain(line) for line in lines))


def status_fields(status: Status, said: tuple[str, ...]) -> dict[str, object]:
    """The JSON document of install and status."""
    return {
        "state": status.state,
        "program": list(status.program),
        "program_exists": status.program_exists,
        "files": [{"path": path, "state": state} for path, state in status.files],
        "default_for": list(status.default_for),
        "notes": list(dict.fromkeys((*said, *status.notes))),
    }


def status_lines(status: Status, said: tuple[str, ...]) -> list[str]:
    """For people."""
    if status.state == "not installed":
        return ["Not installed: `ptinspect desktop install` makes a double click on a checkpoint open it."]
    there = sum(state != "missing" for _, state in status.files)
    lines = [f"{status.state.capitalize()}: {there} of {plural(len(status.files), 'file')} in place."]
    if status.program:
        lines.append(f"A double click starts: {command_text(status.program)}")
        lines.append(f"It opens by default: {', '.join(status.default_for) or 'nothing yet'}")
    return [*lines, *(f"Note: {note}" for note in dict.fromkeys((*said, *status.notes)))]


def command_text(words: tuple[str, ...]) -> str:
    """A command as one would type it here."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def removed_fields(removed: Removed) -> dict[str, object]:
    """The JSON document of uninstall."""
    return {"removed": list(map(str, removed.gone)), "left": list(map(str, removed.left)), "notes": list(removed.notes)}


def removed_lines(removed: Removed) -> list[str]:
    """For people."""
    if not removed.gone and not removed.left:
        return ["Nothing was installed.", *(f"Note: {note}" for note in removed.notes)]
    lines = [f"Uninstalled: {len(removed.gone)} removed."]
    lines += [f"Note: {path} was changed since, so it stays." for path in removed.left]
    return [*lines, *(f"Note: {note}" for note in removed.notes)]
