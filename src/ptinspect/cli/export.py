"""`ptinspect export FILE NAME OUT`: one tensor as .npy, .csv or .safetensors."""

from __future__ import annotations

import argparse

from ptinspect.checkpoint.extract import Extracted, ending_of, extract
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.cli.output import print_json
from ptinspect.cli.progress import ProgressLine
from ptinspect.quantities import size_text
from ptinspect.spelled import plain


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("name", metavar="NAME", help="the tensor's path as `tree` prints it, or its name within the main weights")
    parser.add_argument("out", metavar="OUT", help="a file that ends in .npy, .csv (a line for each row) or .safetensors")
    parser.add_argument("--force", action="store_true", help="replace OUT where it exists")


def run(arguments: argparse.Namespace) -> int:
    """Open, write, say what was written."""
    ending_of(arguments.out)  # before the file is read
    checkpoint = open_checkpoint(arguments.file)
    with ProgressLine("writing") as progress:
        done = extract(checkpoint, arguments.name, arguments.out, arguments.force, progress)
    if arguments.json:
        print_json(arguments.file, fields_of(done, arguments.out))
    else:
        print("\n".join(lines_of(done, arguments.out)))
    return 0


def fields_of(done: Extracted, out: str) -> dict[str, object]:
    """The JSON document. `dtype` is the tensor's, `written_as` that of the numbers in the file."""
    return {
        "name": done.name,
        "out": out,
        "shape": list(done.shape),
        "dtype": done.dtype,
        "written_as": done.written_as,
        "bytes": done.nbytes,
        "notes": list(done.notes),
    }


def lines_of(done: Extracted, out: str) -> list[str]:
    """What was written, and what changed on the way."""
    shape = "(" + ", ".join(map(str, done.shape)) + ")"
    first = f"{plain(done.name) or 'the tensor'}  {shape}  {done.written_as}  {size_text(done.nbytes)}  {plain(out)}"
    return [first, *(f"  note: {plain(note)}" for note in done.notes)]
