"""Recorded runs: what a child said of a small model, and children that end in other ways."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from ptinspect.runner.protocol import (
    Cancelled,
    Crashed,
    Event,
    Failed,
    Finished,
    LayerMeasured,
    Measured,
    Progress,
    RunRequest,
    Started,
    event_line,
    event_of,
)

CPU = {"type": "cpu", "name": "CPU, 2 cores", "word": "cpu", "memory": 25_000_000_000, "count": 1}
GPU = {"type": "cuda", "name": "NVIDIA H100", "word": "cuda:0", "memory": 80_000_000_000, "count": 1}
HISTOGRAM = {"low": -1.0, "high": 1.0, "counts": [1, 4, 9, 4]}


def layer(path: str, kind: str = "Linear", **more: Any) -> LayerMeasured:
    told = {
        "path": path, "type": kind, "input_shape": [4, 8], "output_shape": [4, 8], "parameters": 72, "calls": 1, "output_bytes": 128,
        "dtype": "float32", "container": False, "mean": 0.25, "std": 1.5, "min": -1.0, "max": 1.0, "nans": 0, "infs": 0, "bad_samples": 0,
        "histogram": HISTOGRAM, "first_bad": False, "mult_adds": 256, "time_ms": 1.5,
    }  # fmt: skip
    return LayerMeasured(told | more)


def devices(*, gpu: bool = False) -> list[Event]:
    told = {"devices": [GPU, CPU] if gpu else [CPU], "torch": "2.13.0", "build": "CUDA 13.0" if gpu else "CPU", "note": ""}
    return [Progress("torch"), Measured("devices", told), Finished(0.1)]


def beginning(**model: Any) -> list[Event]:
    return [
        Progress("torch"), Progress("model"),
        Started(CPU, "2.13.0", {"source": "torchvision:resnet18", "trusted": False, **model}, "here"),
        Measured("load", {"missing": [], "unexpected": [], "mismatched": []}), Measured("findings", []), Progress("input"),
        Measured("samples", {"note": "random numbers", "specs": ["random:8"], "samples": []}),
    ]  # fmt: skip


def layers(**bad: Any) -> list[Event]:
    return [
        Progress("layers"), layer("", "Net", container=True, parameters=0, time_ms=6.0), layer("stem"),
        layer("blocks.0", "Block", container=True, parameters=0, time_ms=3.0), layer("blocks.0.linear"),
        layer("blocks.0.norm", "LayerNorm", **bad), layer("blocks.1", "Block", container=True, parameters=0), layer("blocks.1.linear"),
        layer("head"),
    ]  # fmt: skip


def rest(**sections: Any) -> list[Event]:
    top = [{"label": "tabby", "index": 2, "probability": 0.75}, {"label": "lynx", "index": 1, "probability": 0.25}]
    told = {
        "latency_ms": {"first": 9.0, "median": 2.0, "p95": 3.0, "all": [2.0, 3.0, 2.0]}, "throughput_per_s": 2_000.0,
        "peak_memory_bytes": 4_000_000, "totals": {"parameters": 360, "trainable": 360, "mult_adds": 1280},
        "output": [{"path": "", "shape": [4, 8], "dtype": "float32", "mean": 0.0, "std": 1.0, "nans": 0}], "top": top,
        "predictions": [{"top": top, "entropy": 0.56}] * 4, **sections,
    }  # fmt: skip
    return [Progress("timing", 2, 3, {"latency_ms": 2.0}), *(Measured(name, value) for name, value in told.items())]


GRAPH = {
    "from": "torch.fx",
    "nodes": [
        {"id": "x", "path": None, "label": "input", "kind": "placeholder", "shape": None},
        {"id": "stem", "path": "stem", "label": "Linear", "kind": "call_module", "shape": [4, 8]},
        {"id": "add", "path": None, "label": "add", "kind": "call_function", "shape": None},
        {"id": "head", "path": "head", "label": "Linear", "kind": "call_module", "shape": [4, 8]},
    ],
    "edges": [["x", "stem"], ["stem", "add"], ["x", "add"], ["add", "head"]],
}


def whole(**sections: Any) -> list[Event]:
    return [*beginning(), *layers(), *rest(**sections), Finished(1.25)]


def spoiled() -> list[Event]:
    bad = {"infs": 3, "bad_samples": 1, "first_bad": True, "dtype": "float16"}
    where = "blocks.0.norm"
    found = {"severity": "danger", "title": f"Inf first appears in {where}", "detail": "float16 ends at 65,504", "where": where}
    return [*beginning(), *layers(**bad), Measured("findings", [found]), *rest(), Finished(1.0)]


def failed() -> list[Event]:
    hint = "Give it another input (--input)."
    return [*beginning(), Failed("InputDoesNotFit", "stem failed on an input of 4 × 7", hint, "stem", "Traceback\n<b>x")]


def crashed() -> list[Event]:
    return [*beginning(), *layers(), Crashed("the process was killed", "Try a smaller batch.", "last words")]


class Child:
    """Stands where the client stands: yields what was recorded, as it would have crossed the pipe."""

    def __init__(self, *runs: list[Event], hangs: bool = False, gpu: bool = False) -> None:
        self.left = list(runs)
        self.hangs, self.gpu = hangs, gpu
        self.requests: list[RunRequest] = []
        self.pythons: list[str | None] = []
        self.ended = threading.Event()

    def __call__(
        self, request: RunRequest, is_cancelled: Callable[[], bool], python: str | None = None, trace_to: str | None = None
    ) -> Iterator[Event]:
        if request.probe:
            self.pythons.append(python)
            yield from devices(gpu=self.gpu)
            return
        self.requests.append(request)
        for event in self.left.pop(0):
            yield event if isinstance(event, Crashed) else event_of(event_line(event))
        while self.hangs and not is_cancelled():
            self.ended.wait(0.01)
        if self.hangs:
            self.ended.set()
            yield Cancelled()
