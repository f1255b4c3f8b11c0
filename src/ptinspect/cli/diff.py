"""`ptinspect diff A B`: what changed from one checkpoint to another, by how much, and what that comes to."""

from __future__ import annotations

import argparse
import os
import sys

from ptinspect.analysis.compare.chosen import fitting
from ptinspect.analysis.compare.comparison import Comparison, Outline, Reading, completed, concluded, glanced, outlined, results
from ptinspect.analysis.compare.model import Side
from ptinspect.analysis.compare.rules import parsed_rules
from ptinspect.cli.diff_sides import both_sides
from ptinspect.cli.progress import ProgressLine
from ptinspect.errors import ChangedOnDisk, FileProblem, InspectError
from ptinspect.spelled import plain

SAME, DIFFERENT = 0, 1
MOST_HISTOGRAMS = 10_000  # pairs; with more, their JSON would be half a gigabyte


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("files", metavar="FILE", nargs="+", help="two files; with more, how far each is from each; one with two --weights")
    parser.add_argument("--tolerance", type=_tolerance, metavar="T", help="exit with 0 when no value differs by more than T")
    parser.add_argument("--rename", action="append", default=[], metavar="OLD=NEW", help="a left name is a right one; * is any text")
    parser.add_argument("--weights", action="append", default=[], metavar="PATH", help="a weight set; twice: left and right")
    parser.add_argument("--match", metavar="GLOB", help="only paths that fit; `*` crosses dots, several by commas")
    parser.add_argument("--thorough", action="store_true", help="test every changed matrix for low rank, not the smallest few")
    parser.add_argument("--quick", action="store_true", help="names, shapes and the archives' checksums only; no value is read")
    parser.add_argument("--no-cache", action="store_true", help="accepted as by stats; a comparison keeps nothing")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="a table for a pull request")
    form.add_argument("--html", action="store_true", help="one page with histograms, complete in itself")
    form.add_argument("--window", action="store_true", help="show the comparison in the window")


def _tolerance(text: str) -> float:
    number = float(text)
    if not number >= 0:
        raise argparse.ArgumentTypeError(f"{text} is no distance")
    return number


def run(arguments: argparse.Namespace) -> int:
    """Open, align, read, tell."""
    # The stream over both files has threads of its own; those of numpy's algebra wait for each other in a busy loop.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if arguments.window:
        return _show(arguments)
    if len(arguments.files) > 2:
        from ptinspect.cli.diff_series import run_series

        return run_series(arguments)
    # Both are kept there to the end of the process, as run_and_exit wants it.
    left, right = arguments.opened = both_sides(arguments.files, arguments.weights, arguments)
    found = arguments.found = compared(left, right, arguments)
    _print(found, arguments)
    return _status(found, arguments)


def _show(arguments: argparse.Namespace) -> int:
    """The comparison in the window, or in one that is open already."""
    for name, why in (("json", "it writes no text"), ("quick", "it reads the values in any case, and shows names and shapes before")):
        if getattr(arguments, name):
            raise InspectError(f"--{name} is not for the window: {why}", "Leave it out, or leave out --window.")
    if len(arguments.files) > 2 or (len(arguments.files) == 1 and len(arguments.weights) != 2):
        hint = "Give two files, or one file and `--weights P --weights Q` for two of its weight sets."
        raise InspectError("the window compares two sides", hint)
    from ptinspect.session.comparison.request import Chosen, ComparisonRequest
    from ptinspect.ui.app import run as show

    weights = (*arguments.weights, *arguments.weights)[:2] or (None, None)
    left, right = (Chosen(os.path.abspath(arguments.files[at]), weights[at]) for at in (0, -1))
    rules, part = parsed_rules(arguments.rename), arguments.match or ""
    request = ComparisonRequest(left, right, rules, match=part, tolerance=arguments.tolerance, thorough=arguments.thorough)
    return show([], comparison=request)


def _status(found: Comparison, arguments: argparse.Namespace) -> int:
    if found.verdict is None:
        return SAME if all(pair.status == "same" for pair in found.pairs) else DIFFERENT
    if arguments.tolerance is not None and found.is_within(arguments.tolerance):
        return SAME
    return SAME if found.verdict == "identical" else DIFFERENT


def compared(left: Side, right: Side, arguments: argparse.Namespace) -> Comparison:
    """All that was asked for."""
    outline = outlined(left, right, parsed_rules(arguments.rename), fitting(left, right, arguments.match))
    _complain(outline)
    if arguments.quick:
        return glanced(outline)
    try:
        drawn = arguments.html or (arguments.json and len(outline.pairs) <= MOST_HISTOGRAMS)
        return _read(outline, arguments.thorough, drawn)
    except ChangedOnDisk:
        arguments.file = next((side.checkpoint.path for side in (left, right) if _has_changed(side)), None)
        raise


def _read(outline: Outline, thorough: bool, histograms: bool) -> Comparison:
    with ProgressLine("looking for equal bytes") as progress:
        outline = completed(outline, progress)
    pairs = list(outline.pairs)
    with ProgressLine("comparing") as progress:
        for place, pair in results(outline, Reading(histograms=histograms), progress):
            pairs[place] = pair
        return concluded(outline, pairs, thorough)


def _has_changed(side: Side) -> bool:
    """Which of two files it was: the error is told under its name."""
    try:
        with side.checkpoint.source:
            return False
    except FileProblem:
        return True


def _complain(outline: Outline) -> None:
    """A rule that fits nothing is a slip of the keyboard."""
    for rule, count in outline.alignment.used:
        if not count:
            sys.stderr.write(f"the rule {plain(rule.text)} pairs nothing\n")


def _print(found: Comparison, arguments: argparse.Namespace) -> None:
    names = arguments.files[0], arguments.files[-1]
    if arguments.json:
        from ptinspect.analysis.reports.json_text import pieces

        sys.stdout.writelines(pieces(found, names, arguments.tolerance))
    elif arguments.html:
        from ptinspect.analysis.reports.html_page import page

        sys.stdout.writelines(page(found, names))
    elif arguments.markdown:
        from ptinspect.analysis.reports.markdown import lines as markdown

        sys.stdout.writelines(f"{line}\n" for line in markdown(found, names))
    else:
        from ptinspect.cli.diff_text import lines as text

        sys.stdout.writelines(f"{line}\n" for line in text(found, names))
