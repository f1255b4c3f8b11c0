"""The sides of a comparison from what was typed: files, weight sets, and which tensors of them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ptinspect.analysis.compare.model import Side, side_of
from ptinspect.checkpoint.layer_tree import chosen
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.errors import InspectError


def both_sides(files: Sequence[str], weights: Sequence[str], arguments: argparse.Namespace) -> tuple[Side, Side]:
    """Two files, or two weight sets of one."""
    if len(files) == 1 and len(weights) != 2:
        hint = "Give two files, or one file and `--weights P --weights Q` for two of its weight sets."
        raise InspectError("one file has nothing to be compared with", hint)
    if len(weights) > 2:
        raise InspectError(f"{len(weights)} weight sets for two sides", "Give --weights once for both sides, or twice.")
    paths = (*weights, *weights)[:2] or (None, None)
    opened = [opened_file(path, arguments) for path in files]
    return side_at(opened[0], paths[0]), side_at(opened[-1], paths[1])


def opened_file(path: str, arguments: argparse.Namespace) -> Checkpoint:
    """One of the files; an error while it is opened is told under its name."""
    arguments.file = path
    found = open_checkpoint(path)
    arguments.file = None
    return found


def side_at(checkpoint: Checkpoint, path: str | None) -> Side:
    """The weight set of that path, the main one without a path."""
    return side_of(checkpoint) if path is None else side_of(checkpoint, chosen(checkpoint, path))
