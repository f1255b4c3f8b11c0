"""`ptinspect stats FILE`: statistics and a histogram of each tensor."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from ptinspect.analysis.cache import StatisticsCache, known_statistics
from ptinspect.analysis.histogram import BINS
from ptinspect.analysis.statistics import Statistics, as_fields
from ptinspect.analysis.stream import Request
from ptinspect.checkpoint.layer_tree import tensor_rows
from ptinspect.checkpoint.layers import TensorRow
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.cli.output import error_fields, print_error
from ptinspect.cli.progress import ProgressLine
from ptinspect.cli.stats_text import csv_lines, finding_lines, table_lines
from ptinspect.errors import InspectError
from ptinspect.findings import Finding, finding_fields
from ptinspect.frozen import replace
from ptinspect.plain_json import SCHEMA, dumps

MOST_BINS = 4_096

Measured = tuple[TensorRow, Statistics]


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--bins", type=_bins, default=BINS, metavar="N", help=f"at most N bins a histogram (default {BINS})")
    parser.add_argument("--health", action="store_true", help="say what is unhealthy about the values")
    parser.add_argument("--csv", action="store_true", help="print a table for spreadsheets")
    parser.add_argument("--no-cache", action="store_true", help="count again, and keep nothing")
    parser.add_argument("--match", metavar="GLOB", help="only paths that fit; `*` crosses dots, several by commas")
    parser.add_argument("--weights", metavar="PATH", help="only this weight set")


def _bins(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= MOST_BINS):
        raise argparse.ArgumentTypeError(f"{text!r} is no number between 1 and {MOST_BINS:,}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Open, count, print each tensor as soon as those before it are there."""
    checkpoint = open_checkpoint(arguments.file)
    rows = tensor_rows(checkpoint, arguments.weights, arguments.match)
    findings: list[Finding] = []
    with ProgressLine("counting") as progress:
        measured = _measured(checkpoint, rows, arguments, progress)
        if arguments.health:
            measured = _examined(checkpoint, measured, findings, progress)
        lines = _json(arguments.file, measured, findings) if arguments.json else _text(arguments, measured, findings)
        try:
            for line in lines:
                sys.stdout.write(line)
        except InspectError as error:
            if not arguments.json:
                raise
            sys.stdout.write(f'], "findings": [], "error": {dumps(error_fields(error))}}}\n')  # the document has begun: it is ended well
            print_error(error, arguments.file, False)
            return 2
    return 0


def _measured(
    checkpoint: Checkpoint, rows: Sequence[TensorRow], arguments: argparse.Namespace, progress: ProgressLine
) -> Iterator[Measured]:
    """Each row with its numbers, in the order of the tree; what is ready before its turn waits."""
    request = Request(checkpoint, [row.tensor for row in rows], arguments.bins)
    cache = None if arguments.no_cache else StatisticsCache()
    ready: dict[int, Statistics] = {}
    turn = 0
    for place, found in known_statistics(request, progress, cache):
        ready[place] = found
        while turn in ready:
            yield rows[turn], ready.pop(turn)
            turn += 1


def _examined(checkpoint: Checkpoint, measured: Iterator[Measured], findings: list[Finding], progress: ProgressLine) -> Iterator[Measured]:
    """The same rows; once they are through, what is unhealthy stands in `findings`."""
    from ptinspect.analysis.health import health

    seen = []
    for row, found in measured:
        seen.append((row.path, row.tensor, replace(found, histogram=None)))  # the most of it, and of no use there
        yield row, found
    findings.extend(health(checkpoint, seen, progress))


def _json(path: str, measured: Iterator[Measured], findings: list[Finding]) -> Iterator[str]:
    head = dumps({"schema": SCHEMA, "path": path})
    yield f'{head[:-1]}, "tensors": ['
    before = ""
    for row, found in measured:
        yield before + dumps(row_fields(row, found))
        before = ", "
    yield f'], "findings": {dumps([finding_fields(finding) for finding in findings])}}}\n'


def row_fields(row: TensorRow, found: Statistics) -> dict[str, Any]:
    """One tensor as JSON."""
    return {"path": row.path, "shape": list(row.tensor.shape), "dtype": row.tensor.dtype.name, **as_fields(found)}


def _text(arguments: argparse.Namespace, measured: Iterator[Measured], findings: list[Finding]) -> Iterator[str]:
    lines = csv_lines(measured) if arguments.csv else table_lines(measured)
    yield from (f"{line}\n" for line in lines)
    if arguments.health and not arguments.csv:
        yield from (f"{line}\n" for line in finding_lines(findings))
