"""`ptinspect demo`: the sample checkpoints that come along, in the window; without a screen, what `info` and `tree` say of them."""

from __future__ import annotations

import argparse

from ptinspect import resources
from ptinspect.checkpoint.layer_table import table_lines
from ptinspect.checkpoint.layer_tree import layer_tree
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.cli.info import fields_of
from ptinspect.cli.info_text import lines_of
from ptinspect.cli.output import print_json, terminal_width


def add(parser: argparse.ArgumentParser) -> None:
    """No arguments of its own."""


def run(arguments: argparse.Namespace) -> int:
    """Every sample: in a tab of its own, or one after the other."""
    samples = sorted(path for path in resources.path("samples").iterdir() if path.is_file() and path.suffix != ".md")
    if arguments.json:
        print_json(None, {"files": [{"path": str(path), **fields_of(open_checkpoint(path))} for path in samples]})
        return 0
    from ptinspect.ui.platforms import has_screen

    if has_screen():
        from ptinspect.ui.app import run as show

        return show([str(path) for path in reversed(samples)])  # the last one stands in front: a whole training checkpoint
    for path in samples:
        checkpoint = open_checkpoint(path)
        print("\n".join([*lines_of(checkpoint), "", *table_lines(layer_tree(checkpoint), None, terminal_width()), "", ""]))
    print(f"These files lie in {resources.path('samples')}. Now try one of your own: ptinspect info FILE")
    return 0
