"""The command line: which command, its arguments, and how it ends.

Each command is a module with `add(parser)` and `run(arguments) -> int`; it is imported only when it is called.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from contextlib import suppress
from types import ModuleType
from typing import Any, NoReturn

from ptinspect import __version__
from ptinspect.cli.output import print_error, speak_any_encoding
from ptinspect.errors import InspectError

COMMANDS = {
    "info": "what a file is, with evidence",
    "tree": "the layers in a table",
    "stats": "statistics and a histogram of each tensor",
    "diff": "what changed from one checkpoint to another",
    "scan": "what a file would run if it were loaded as code",
    "run": "one test batch: does the model work, how fast, and what happens inside",
    "trust": "which code was agreed to run: list, forget",
    "export": "one tensor as .npy, .csv or .safetensors",
    "demo": "try the shipped sample checkpoints",
    "desktop": "open checkpoints by a double click: install, uninstall, status",
}

ERROR, INTERRUPTED = 2, 130


class Misused(InspectError):
    """The command line itself is wrong."""


class Layout(argparse.HelpFormatter):
    """Help as wide as the terminal. argparse would ask `shutil` for the width whenever an argument is added: 4 ms of every command."""

    def __init__(self, prog: str, **named: Any) -> None:
        super().__init__(prog, **{"width": _width(), **named})


def _width() -> int:
    with suppress(ValueError, OSError, AttributeError):
        return int(os.environ.get("COLUMNS") or os.get_terminal_size(sys.__stdout__.fileno()).columns) - 2  # type: ignore[union-attr]
    return 78


class Usage(argparse.ArgumentParser):
    """An argument parser whose complaint is two lines like every other error."""

    def __init__(self, **named: Any) -> None:
        super().__init__(**{"formatter_class": Layout, **named})

    def error(self, message: str) -> NoReturn:
        """What was wrong with the call, and where to look. It may quote the names of files, so it is spelled out like them."""
        raise Misused(f"{self.prog}: {message}", f"Run `{self.prog} --help` to see how it is called.")


def main(argv: list[str], held: argparse.Namespace | None = None) -> int:
    """Run one command and return its exit status. `held` is where its arguments are put, and what it opened with them."""
    if argv and argv[0] in ("-h", "--help", "--version"):
        return _outline(argv)
    if not argv or argv[0] not in COMMANDS:
        return _window(argv)
    command = _command(argv[0])
    parser = Usage(prog=f"ptinspect {argv[0]}", description=COMMANDS[argv[0]].capitalize() + ".")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    command.add(parser)
    try:
        arguments = parser.parse_args(argv[1:], held)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ERROR
    except Misused as error:
        print_error(error, None, "--json" in argv)
        return ERROR
    try:
        return int(command.run(arguments))
    except InspectError as error:
        print_error(error, getattr(arguments, "file", None), arguments.json)
        return ERROR


def _window(argv: list[str]) -> int:
    """Open the window on files; the first word is one, or it would be a command."""
    benchmark = argv[:1] == ["--benchmark-open"]
    paths = [word for word in argv if word not in ("--json", "--benchmark-open")]
    try:
        _refuse(argv, paths, benchmark)
        from ptinspect.ui.app import run

        return run(paths, benchmark)
    except InspectError as error:
        print_error(error, None, "--json" in argv)
        return ERROR


def _refuse(argv: list[str], paths: list[str], benchmark: bool) -> None:
    """A word that is neither a command nor a file is a slip of the keyboard, not a file to open."""
    odd = next((word for word in paths if word.startswith("-") and not os.path.exists(word)), None)
    if odd is not None or "--json" in argv:
        raise Misused(f"ptinspect: {odd or '--json'!r} is no option of the window", "Run `ptinspect --help` to see how it is called.")
    if benchmark and len(paths) != 1:
        raise Misused("ptinspect: --benchmark-open takes one file", "Run `ptinspect --benchmark-open FILE`.")
    if len(paths) == 1 and not os.path.lexists(paths[0]) and not {".", "/", os.sep} & set(paths[0]):
        message = f"ptinspect: {paths[0]!r} is no command, and there is no file of that name"
        raise Misused(message, "Run `ptinspect info FILE` to see what a file is, or `ptinspect --help`.")


def _command(name: str) -> ModuleType:
    """The module of one command; the others stay unread."""
    if name == "info":
        from ptinspect.cli import info

        return info
    if name == "tree":
        from ptinspect.cli import tree

        return tree
    if name == "stats":
        from ptinspect.cli import stats

        return stats
    if name == "diff":
        from ptinspect.cli import diff

        return diff
    if name == "scan":
        from ptinspect.cli import scan

        return scan
    if name == "export":
        from ptinspect.cli import export

        return export
    if name == "run":
        from ptinspect.cli import run

        return run
    if name == "trust":
        from ptinspect.cli import trust

        return trust
    if name == "desktop":
        from ptinspect.cli import desktop

        return desktop
    from ptinspect.cli import demo

    return demo


def _outline(argv: list[str]) -> int:
    if argv[0] == "--version":
        print(f"ptinspect {__version__}")
        return 0
    lines = ["usage: ptinspect [FILE ...]", "       ptinspect COMMAND ...", ""]
    lines += ["Opens PyTorch checkpoints as data: nothing in a file is run. Files alone open in the window.", ""]
    lines += [f"  {name:<7} {text}" for name, text in COMMANDS.items()]
    lines += ["", "`ptinspect COMMAND --help` tells the arguments of a command."]
    print("\n".join(lines))
    return 0


def run_and_exit() -> NoReturn:
    """The console script. A million small objects need not be freed one by one at the end: they are held, and the process just ends."""
    gc.disable()
    status, held = 0, argparse.Namespace()
    try:
        speak_any_encoding()
        status = main(sys.argv[1:], held)
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        status = INTERRUPTED
    except BrokenPipeError:
        pass  # whoever read it has seen enough; a verdict that is known by now stays the exit status
    except OSError as error:
        if error.filename is not None:
            raise  # no trouble with the output, but a bug of ours
        status = ERROR
        sys.stderr.write(f"the output cannot be written: {error.strerror}\nMake room there, or send it somewhere else.\n")
    with suppress(OSError, AttributeError):
        sys.stderr.flush()
    os._exit(status)
