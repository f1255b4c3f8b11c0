"""`ptinspect diff A B C ...`: how far each file is from each, block by block."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from ptinspect.analysis.compare.chosen import fitting
from ptinspect.analysis.compare.model import Side
from ptinspect.analysis.compare.rules import parsed_rules
from ptinspect.analysis.compare.series import Series, series
from ptinspect.cli.diff_sides import opened_file, side_at
from ptinspect.cli.output import print_json
from ptinspect.cli.progress import ProgressLine
from ptinspect.errors import InspectError
from ptinspect.spelled import plain

SAME, DIFFERENT = 0, 1


def run_series(arguments: argparse.Namespace) -> int:
    """Open all, compare each with each, tell."""
    odd = next((name for name in ("html", "markdown", "quick", "thorough") if getattr(arguments, name)), None)
    if odd is not None or arguments.tolerance is not None or len(arguments.weights) > 1:
        name = f"--{odd}" if odd else "--tolerance" if arguments.tolerance is not None else "a second --weights"
        raise InspectError(f"{name} is for two files", "Compare two of them, or leave it out for the distances of all.")
    path = arguments.weights[0] if arguments.weights else None
    sides: list[Side] = [side_at(opened_file(name, arguments), path) for name in arguments.files]
    arguments.opened = sides
    with ProgressLine("comparing") as progress:
        chosen = fitting(sides[0], sides[1], arguments.match)
        found = series(sides, parsed_rules(arguments.rename), chosen, progress)
    if arguments.json:
        print_json(arguments.files[0], fields_of(found, arguments.files))
    else:
        sys.stdout.writelines(f"{line}\n" for line in lines(found, arguments.files))
    return SAME if found.same else DIFFERENT


def fields_of(found: Series, files: Sequence[str]) -> dict[str, Any]:
    """The document without its head."""
    return {"files": list(files), "blocks": list(found.blocks), "distance": [[list(row) for row in block] for block in found.distance]}


def lines(found: Series, files: Sequence[str]) -> Iterator[str]:
    """The files by number, a line for each block with every two of them, and which is nearest to which."""
    for place, name in enumerate(files):
        yield f"{place + 1:>3}  {plain(name)}"
    ways = [(one, other) for one in range(len(files)) for other in range(one + 1, len(files))]
    width = max([20, *(len(plain(block)) for block in found.blocks)])
    yield ""
    yield f"{'Block':<{width}}" + "".join(f"{f'{one + 1}–{other + 1}':>11}" for one, other in ways)
    yield "─" * (width + 11 * len(ways))
    for block, matrix in zip(found.blocks, found.distance, strict=True):
        yield f"{plain(block) or '(the root)':<{width}}" + "".join(f"{_cell(matrix[one][other]):>11}" for one, other in ways)
    yield "─" * (width + 11 * len(ways))
    for place in range(len(files)):
        other = found.nearest(place)
        if other is not None:
            yield f"{place + 1} is nearest to {other + 1}"
    yield "Distances are l2 of the change over the size; – where a block has tensors without a partner."


def _cell(value: float | None) -> str:
    return "–" if value is None else "same" if value == 0 else f"{100 * value:.3g} %"
