"""`ptinspect run FILE`: one test batch in a child process."""

from __future__ import annotations

import argparse
import os
import sys

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.cli.output import error_fields, print_error, print_json
from ptinspect.cli.progress import ProgressLine
from ptinspect.cli.run_text import result_lines
from ptinspect.errors import InspectError, OutputProblem
from ptinspect.runner.inputs.spec import parse, rooted
from ptinspect.runner.named_factory import anchored
from ptinspect.runner.protocol import FileAsked, Progress, RunRequest, identity_numbers, nonsense
from ptinspect.runner.results import Result
from ptinspect.runner.ways import way_of


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("file", metavar="FILE")
    parser.add_argument(
        "--model", default="auto", metavar="M", help="torchvision:NAME, timm:NAME?num_classes=5, rebuilt, FILE.py:FUNCTION, pickled, ..."
    )
    parser.add_argument("--weights", metavar="PATH", help="this weight set instead of the main one")
    parser.add_argument(
        "--input", action="append", default=[], metavar="SPEC", help="random:3x224x224, image:PATH, tensor:PATH, ...; again for more"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    parser.add_argument(
        "--dtype", default="auto", metavar="D", help="float32, float16, bfloat16, float64, tf32; default: that of the weights"
    )
    parser.add_argument("--batch", type=_count, metavar="N", help="samples in the batch")
    parser.add_argument("--repeats", type=_count, default=20, metavar="N", help="timed passes (default 20)")
    parser.add_argument("--warmup", type=_count_or_none, default=3, metavar="N", help="passes before those (default 3)")
    parser.add_argument("--backward", action="store_true", help="also a backward pass, with the gradients of each layer")
    parser.add_argument("--autocast", action="store_true", help="compute in --dtype by autocast, with the weights as they are")
    parser.add_argument("--channels-last", action="store_true", help="keep pictures with their channels last")
    parser.add_argument(
        "--compile", action="store_true", help="time what torch.compile makes of it (needs a C++ compiler, on a GPU Triton)"
    )
    parser.add_argument("--sweep", action="store_true", help="throughput over batch sizes, up to the memory there is")
    parser.add_argument(
        "--agreement", default="", metavar="WITH", help="compare each layer with a run on the cpu, or in float32, float16, ..."
    )
    parser.add_argument("--against", metavar="FILE", help="run a second file on the same batch, and say where the two part")
    parser.add_argument("--trace", metavar="OUT", help="save a Chrome trace of one pass")
    parser.add_argument("--graph", action="store_true", help="also tell which layer feeds which")
    parser.add_argument(
        "--trust", action="store_true", help="run code that the file or the script brings; remembered for exactly this content"
    )
    parser.add_argument("--python", metavar="PATH", help="the Python to run it with, whose torch is used")
    parser.add_argument("--path", action="append", default=[], metavar="DIR", help="where the model's own modules lie")
    parser.add_argument("--timeout", type=_seconds, default=600.0, metavar="S", help="stop after so many seconds (default 600)")
    parser.add_argument("--memory", type=_count, metavar="MB", help="the most memory that the process may use")
    parser.add_argument("--seed", type=_count_or_none, default=0, metavar="N")


def _count(text: str) -> int:
    found = _count_or_none(text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 1 or more")
    return found


def _count_or_none(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)


def _seconds(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < 1e7:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return found


def run(arguments: argparse.Namespace) -> int:
    """Run it, show how far it is, print what was measured; what was measured before a failure is printed as well."""
    request = _request(open_checkpoint(arguments.file), arguments)
    result = Result()
    problem = _run(request, arguments, result) or result.problem()
    if arguments.json:
        error = {} if problem is None else {"error": {**error_fields(problem), "details": result.details()}}
        print_json(arguments.file, {**result.fields(), **error})
    else:
        problem = _shown(result) or problem
    if problem is not None:
        if result.details() and not arguments.json:
            problem.hint += " The details are in --json."
        print_error(problem, arguments.file, False)
    return 0 if problem is None else 2


def _run(request: RunRequest, arguments: argparse.Namespace, result: Result) -> InspectError | None:
    """Run it. A trace that cannot be put where it was wanted is the end of the trace alone."""
    from ptinspect.runner.client import run as run_child

    with ProgressLine("running") as progress:
        try:
            for event in run_child(request, python=arguments.python, trace_to=arguments.trace):
                result.take(event)
                if isinstance(event, Progress):
                    progress.steps(event.stage, event.done, event.total)
        except OutputProblem as problem:
            return problem
    return None


def _shown(result: Result) -> InspectError | None:
    """Print it. What the process told came from foreign code, and need not be what it should be."""
    try:
        lines = list(result_lines(result))
    except (TypeError, ValueError, KeyError, IndexError, AttributeError):
        return nonsense()
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return None


def _request(checkpoint: Checkpoint, arguments: argparse.Namespace) -> RunRequest:
    paths = tuple(os.path.abspath(path) for path in arguments.path)
    if arguments.trace is not None and not os.path.isdir(os.path.dirname(os.path.abspath(arguments.trace))):
        raise OutputProblem(f"there is no folder for {arguments.trace}", "Make it first, or choose another place for the trace.")
    model = anchored(arguments.model) if way_of(arguments.model, checkpoint) == "factory" else arguments.model
    other = None
    if arguments.against is not None:
        other = _asked(open_checkpoint(arguments.against), None, model, arguments.trust, paths)
    return RunRequest(
        _asked(checkpoint, arguments.weights, model, arguments.trust, paths),
        other,
        tuple(rooted(parse(text)).text for text in arguments.input),
        arguments.device,
        arguments.dtype,
        arguments.batch,
        arguments.repeats,
        arguments.warmup,
        arguments.backward,
        arguments.autocast,
        arguments.channels_last,
        arguments.compile,
        arguments.sweep,
        arguments.agreement,
        arguments.trace is not None,
        arguments.graph,
        paths,
        arguments.timeout,
        None if arguments.memory is None else arguments.memory << 20,
        arguments.seed,
    )


def _asked(checkpoint: Checkpoint, weights: str | None, model: str, trust: bool, paths: tuple[str, ...]) -> FileAsked:
    """The file as the child is asked for it, with the consent that was given for it, now or earlier."""
    from ptinspect.session.consenting import agreed

    identity = identity_numbers(checkpoint.identity)
    return FileAsked(os.path.abspath(checkpoint.path), identity, weights, model, agreed(checkpoint, model, trust, paths))
