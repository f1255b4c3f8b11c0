"""One test batch, stage by stage; whatever is known is told at once, so that a late failure costs only what comes after it.

The first pass runs without hooks: what it gives, and how long it took, is there as early as a script of one's own would have it.
Then a pass with hooks for shapes and statistics, a few for the time of each layer, and the timed ones without anything.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.errors import Cancelled, InspectError, OutOfMemory
from ptinspect.findings import Finding, finding_fields
from ptinspect.quantities import size_text
from ptinspect.runner import devices, exported, hooks
from ptinspect.runner.failures import explained
from ptinspect.runner.inputs.batch import Prepared, prepared
from ptinspect.runner.inputs.guess import guessed
from ptinspect.runner.inputs.spec import is_made, with_specs
from ptinspect.runner.multiply_adds import counted
from ptinspect.runner.precision import Precision
from ptinspect.runner.programs import in_eval_mode
from ptinspect.runner.protocol import Event, LayerMeasured, Measured, Progress, RunRequest, Started
from ptinspect.runner.second_count import torchinfo_totals
from ptinspect.runner.sources import Made, made
from ptinspect.runner.timing import middle, per_layer, quantile, timed
from ptinspect.runner.ways import PROGRAMS

MOST_OF_A_FILE = 16


class Run:
    """One run: its model, its batch and its device, for the stages that measure them."""

    def __init__(self, request: RunRequest, say: Callable[[Event], None], check: Callable[[], None]) -> None:
        self.request, self.say, self.check = request, say, check
        self.findings: list[Finding] = []
        self.device = devices.chosen(request.device)
        self.made: Made
        self.module: nn.Module
        self.runs: Callable[..., Any]
        self.prepared: Prepared
        self.precision: Precision
        self.args: Any = None
        self.kwargs: Any = None
        self.first_ms = 0.0
        self.layers: list[dict[str, Any]] = []

    def tell(self, name: str, value: Any) -> None:
        """A part of the answer."""
        self.say(Measured(name, value))

    def stage(self, name: str, done: int = 0, total: int = 0, **figures: Any) -> None:
        """Where it is; the place where it stops if somebody asked for that."""
        self.check()
        self.say(Progress(name, done, total, figures))

    def found(self, *findings: Finding) -> None:
        """Something worth saying about the run."""
        self.findings += findings
        self.tell("findings", [finding_fields(one) for one in self.findings])

    @property
    def samples(self) -> int:
        """How many samples the batch holds."""
        return self.prepared.count

    def forward(self) -> Any:
        """One pass over the batch as it was asked for."""
        with torch.no_grad(), self.precision.context():
            return self.runs(*self.args, **self.kwargs)

    def layered(self) -> Any:
        """The same pass layer by layer: what torch.compile makes of a model has no layers any more."""
        with torch.no_grad(), self.precision.context():
            return self.module(*self.args, **self.kwargs)

    def place(self) -> None:
        """Bring the model and the batch to the device, in the type that was asked for."""
        self.precision = Precision.of(self.request, self.module, self.device)
        self.module = self.precision.placed(self.module)
        self.runs = self.precision.runs(self.module)
        self.args, self.kwargs = self.precision.moved((self.prepared.args, self.prepared.kwargs))


def run_batch(request: RunRequest, mouth: Any) -> None:
    """All stages. Raises a RunProblem, a FileProblem, or Cancelled."""
    run = Run(request, mouth.say, mouth.check)
    torch.manual_seed(request.seed)
    if run.device.is_cuda:
        torch.cuda.set_device(run.device.word)
    try:
        for stage in (_model, _input, _first, _layers, _repeated, _extras):
            stage(run)
    except InspectError:
        raise
    except Exception as error:
        raise _problem(run, error) from error


def _model(run: Run) -> None:
    run.stage("model")
    asked = run.request.file
    run.made = made(asked, open_checkpoint(asked.path), run.request.paths)
    run.module = in_eval_mode(run.made.module)
    model = {"source": run.made.source, "trusted": run.made.trusted, "architecture": run.made.architecture}
    run.say(Started(run.device.fields(), torch.__version__, model, f"{sys.executable}, CUDA {torch.version.cuda or 'none'}"))
    run.tell("load", run.made.load.fields())
    missing = devices.unused_gpu()
    run.found(*run.made.findings, *([missing] if missing and run.device.type == "cpu" else ()))


def _input(run: Run) -> None:
    run.stage("input")
    texts = run.request.inputs or guessed(run.module, run.made.architecture, None)
    specs = with_specs(texts)
    size = run.request.batch or (1 if all(is_made(spec) for spec in specs) else MOST_OF_A_FILE)
    run.prepared = prepared(specs, run.module, run.made.architecture, size, run.request.seed)
    run.tell("input", [dict(source) for source in run.prepared.sources])
    run.tell("samples", {"note": run.prepared.note, "specs": list(texts), "samples": list(run.prepared.samples)})
    run.place()
    if run.precision.note:
        run.found(run.precision.note)


def _first(run: Run) -> None:
    from ptinspect.runner.predictions import tell_predictions  # noqa: PLC0415 - stages of one kind, told where they are taken

    run.stage("first pass")
    kept: list[Any] = []
    first = timed(lambda: kept.append(run.forward()), run.device)
    run.tell("latency_ms", {"first": first, "median": None, "p95": None})
    run.tell("output", [_output(path, tensor) for path, tensor in hooks.tensors_in(kept[0])])
    tell_predictions(run, kept[0])
    run.first_ms = first


def _output(path: str, tensor: torch.Tensor) -> dict[str, Any]:
    found: dict[str, Any] = {
        "path": path,
        "shape": hooks.shape_of(tensor) or [],
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "mean": None,
        "std": None,
        "nans": 0,
    }
    if tensor.numel() and (hooks.holds_numbers(tensor) or not (tensor.is_floating_point() or tensor.is_complex() or tensor.is_quantized)):
        values = tensor.detach().double() if tensor.device.type != "mps" else tensor.detach().float()
        finite = values[torch.isfinite(values)]
        found |= {"nans": int(torch.isnan(values).sum()), "infs": int(torch.isinf(values).sum())}
        if finite.numel():
            found |= {
                "mean": float(finite.mean()),
                "std": float(finite.std(correction=0)),
                "min": float(finite.min()),
                "max": float(finite.max()),
            }
    return found


def _layers(run: Run) -> None:
    run.stage("layers")
    with hooks.Watch(run.module, run.check) as watch:
        given = run.layered()
        if not watch.layers:
            watch.whole(run.args, run.kwargs, given)
    calls = _calls(run, watch)
    told = [hooks.told(layer, run.samples) for layer in watch.layers.values()]
    for layer in told:
        run.say(LayerMeasured(layer))
    _remarks(run, len(told))
    _trouble(run, told)
    run.stage("multiply-adds")
    work = counted(run.module, run.layered)
    _totals(run, work)
    run.stage("layer times")
    spent = per_layer(run.module, run.layered, run.device, run.check)
    if calls:
        with torch.no_grad(), run.precision.context():
            work |= exported.work(run.module, calls, run.args) if work else {}
            spent |= exported.times(run.module, calls, run.args, run.device)
    for layer in told:
        layer |= {"mult_adds": work.get(layer["path"], 0) if work else None, "time_ms": spent.get(layer["path"])}
        run.say(LayerMeasured(layer))
    run.layers = told


def _calls(run: Run, watch: hooks.Watch) -> tuple[exported.Call, ...]:
    """The layers of an exported program, which are told into the watch; none where its graph cannot be followed operator by operator."""
    calls = exported.calls_of(run.module, run.kwargs) if run.made.source == PROGRAMS["torch-export"] else ()
    whole = dict(watch.layers)
    try:
        with torch.no_grad(), run.precision.context():
            exported.watched(watch, run.module, calls, run.args)
    except InspectError:
        raise
    except Exception:  # noqa: BLE001 - the program itself ran; this is only another look at it
        watch.layers = whole
        return ()
    return calls


def _remarks(run: Run, layers: int) -> None:
    if layers < 2 and run.made.source in PROGRAMS.values():
        run.found(Finding("info", "A program runs as a whole", "Its layers cannot be watched one by one; the whole was timed and counted."))
    if run.precision.compiled:
        run.found(Finding("info", "The layers were measured uncompiled", "torch.compile joins them; latency and throughput are compiled."))


def _totals(run: Run, work: dict[str, int]) -> None:
    """Parameters that are shared count once."""
    parameters = list(run.module.parameters())
    totals = {
        "parameters": sum(value.numel() for value in parameters),
        "trainable": sum(value.numel() for value in parameters if value.requires_grad),
        "mult_adds": work.get("") if work else None,
    }
    run.tell("totals", {**totals, "torchinfo": torchinfo_totals(run, totals["parameters"] or 0)})


def _trouble(run: Run, layers: list[dict[str, Any]]) -> None:
    """Say where values stop being finite, and whether the type is too narrow for them."""
    first = hooks.first_trouble(layers)
    if first is None:
        return
    what = "Inf" if first["infs"] else "NaN"
    detail = f"{first['bad_samples']:,} of {run.samples:,} samples have values there that are not finite. Mean and std leave them out."
    if first["dtype"] == "float16" and first["infs"]:
        detail += " float16 ends at 65,504: bfloat16 and float32 reach further."
    run.found(Finding("danger", f"{what} first appears in {first['path'] or 'the model'}", detail, first["path"]))


def _repeated(run: Run) -> None:
    """The batch again and again, without hooks."""
    request = run.request
    for turn in range(request.warmup):
        run.stage("warm-up", turn, request.warmup)
        timed(run.forward, run.device)
    run.device.forget_peak()
    spent: list[float] = []
    for turn in range(request.repeats):
        run.stage("timing", turn, request.repeats, **({"latency_ms": spent[-1]} if spent else {}))
        spent.append(timed(run.forward, run.device))
    if spent:
        median = middle(spent)
        run.tell("latency_ms", {"first": run.first_ms, "median": median, "p95": quantile(spent, 0.95), "all": spent})
        run.tell("throughput_per_s", run.samples * len(spent) / (sum(spent) / 1e3))
    run.tell("peak_memory_bytes", _peak(run))


def _peak(run: Run) -> int | None:
    """On a GPU what torch had in use at most; on the CPU what the whole process had."""
    if run.device.is_cuda or sys.platform == "win32":
        return run.device.peak()
    import resource  # noqa: PLC0415 - Windows has none

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _extras(run: Run) -> None:
    """What was asked for besides; each tells its part and leaves the model as it was. One that fails leaves the rest."""
    for extra in _asked(run.request):
        run.check()
        try:
            extra(run)
        except Cancelled:
            raise
        except Exception as error:  # noqa: BLE001 - the model's own code runs in it
            problem = _problem(run, error)
            run.found(Finding("warning", problem.message[:1].upper() + problem.message[1:], problem.hint, problem.where))


def _problem(run: Run, error: Exception) -> InspectError:
    """The same as a sentence."""
    if isinstance(error, InspectError):
        return error
    return _no_room(run) if devices.is_out_of_memory(error) else explained(error, run)


def _asked(request: RunRequest) -> Iterator[Callable[[Run], None]]:
    """The measurements of their own that a request asks for, each from a module that is read for them alone."""
    if request.graph:
        from ptinspect.runner.graph import tell_graph  # noqa: PLC0415

        yield tell_graph
    if request.backward:
        from ptinspect.runner.backward import tell_backward  # noqa: PLC0415

        yield tell_backward
    if request.agreement or request.other is not None:
        from ptinspect.runner.agreement import tell_agreement, tell_parting  # noqa: PLC0415

        yield from [tell_agreement] * bool(request.agreement) + [tell_parting] * (request.other is not None)
    if request.sweep:
        from ptinspect.runner.sweep import tell_sweep  # noqa: PLC0415

        yield tell_sweep
    if request.trace:
        from ptinspect.runner.trace import tell_trace  # noqa: PLC0415

        yield tell_trace


def _no_room(run: Run) -> OutOfMemory:
    hint = (
        f"Try a smaller batch than {run.samples:,}, a smaller input, or half precision."
        if run.args is not None
        else "Try a smaller batch, a smaller input, another device, or half precision."
    )
    if run.request.memory is not None:
        hint += f" It was allowed {size_text(run.request.memory)}."
    return OutOfMemory(f"{run.device.name} has not enough memory for this batch", hint)


__all__ = ["Run", "run_batch"]
