"""`ptinspect trust list|forget`: which code somebody agreed to run, and how to take that back."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ptinspect.cli.output import print_json
from ptinspect.errors import RunProblem
from ptinspect.runner.consents import Consent, Consents, fields_of
from ptinspect.session.settings import folder
from ptinspect.spelled import plain

_DIGITS = 12
_MOST_NAMES = 6


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (
        "  list    what may run code without being asked about again: by content, never by name\n"
        "  forget  take that back; WHICH is a path as listed, or the first digits of a digest"
    )
    parser.add_argument("action", choices=("list", "forget"))
    parser.add_argument("which", metavar="WHICH", nargs="*", help="forget: a path or a digest")
    parser.add_argument("--all", action="store_true", help="forget: every consent")


def run(arguments: argparse.Namespace) -> int:
    """Do it, and say what there is, or what is gone."""
    consents = Consents(folder())
    if arguments.action == "list":
        _no_more(arguments, "`ptinspect trust list` takes no further words")
        given = consents.given()
        if arguments.json:
            print_json(None, {"action": "list", "consents": [fields_of(one) for one in given]})
        else:
            _print(_lines(given) or ["Nobody agreed to run any code."])
        return 0
    gone = _forgotten(consents, arguments)
    if arguments.json:
        print_json(None, {"action": "forget", "forgotten": [fields_of(one) for one in gone]})
    else:
        _print([f"Forgotten: {one.digest[:_DIGITS]} {one.path}" for one in gone] or ["There was nothing to forget."])
    return 0


def _forgotten(consents: Consents, arguments: argparse.Namespace) -> tuple[Consent, ...]:
    if arguments.all:
        _no_more(argparse.Namespace(which=arguments.which, all=False), "`--all` forgets every consent and takes no further words")
        return consents.forget_all()
    if not arguments.which:
        raise RunProblem("nothing is named to forget", "Name a path or a digest of `ptinspect trust list`, or use `--all`.")
    return consents.forget(*arguments.which)


def _no_more(arguments: argparse.Namespace, message: str) -> None:
    if arguments.which or arguments.all:
        raise RunProblem(message, "Run `ptinspect trust --help` to see how it is called.")


def _lines(given: Sequence[Consent]) -> list[str]:
    """Two or three lines for each: its content and what it is, where it lay, what it names."""
    lines = []
    for one in given:
        lines += [f"{one.digest[:_DIGITS]}  {one.kind}, agreed to {one.date}", f"{'':<{_DIGITS}}  {one.path}"]
        names = ", ".join(one.globals[:_MOST_NAMES]) + (", …" if len(one.globals) > _MOST_NAMES else "")
        lines += [f"{'':<{_DIGITS}}  names {names}"] if names else []
    return lines


def _print(lines: Sequence[str]) -> None:
    print("\n".join(plain(line) for line in lines))


__all__ = ["add", "run"]
