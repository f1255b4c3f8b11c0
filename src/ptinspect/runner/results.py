"""Gathers what a run tells into one answer. What was measured before an end of any kind stays in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ptinspect.errors import InspectError, RunCrashed, RunProblem
from ptinspect.runner import protocol
from ptinspect.runner.protocol import MOST_LAYERS, Cancelled, Crashed, Event, Failed, LayerMeasured, Measured, Started

_EMPTY: dict[str, Any] = {
    "device": None, "torch": None, "model": None, "input": [], "output": [], "top": None,
    "latency_ms": {"first": None, "median": None, "p95": None}, "throughput_per_s": None, "peak_memory_bytes": None,
    "totals": {"parameters": None, "trainable": None, "mult_adds": None}, "layers": [],
    "load": {"missing": [], "unexpected": [], "mismatched": []}, "findings": [],
}  # fmt: skip


class Result:
    """The answer so far."""

    def __init__(self) -> None:
        self.sections: dict[str, Any] = {}
        self.layers: dict[str, Mapping[str, Any]] = {}
        self.end: Event | None = None

    def take(self, event: Event) -> None:
        """One event more."""
        if isinstance(event, Started):
            self.sections |= {"device": event.device, "torch": event.torch, "model": event.model, "note": event.note}
        elif isinstance(event, LayerMeasured) and (event.layer["path"] in self.layers or len(self.layers) < MOST_LAYERS):
            self.layers[event.layer["path"]] = event.layer
        elif isinstance(event, Measured):
            self.sections[event.name] = event.value
        elif protocol.is_end(event):
            self.end = event

    def fields(self) -> dict[str, Any]:
        """The document of `run --json`."""
        return {**_EMPTY, **self.sections, "layers": list(self.layers.values())}

    def problem(self) -> InspectError | None:
        """Why it did not come to its end, as one sentence and what to do."""
        end = self.end
        if isinstance(end, Failed):
            return problem_of(end)
        if isinstance(end, Crashed):
            return RunCrashed(end.message, end.hint or "Run it again; its last output may say why.")
        if isinstance(end, Cancelled):
            return RunProblem("the run was stopped", "What was measured until then is shown.")
        return None

    def details(self) -> str:
        """What a programmer would want to read: where it was raised, or the last that the process said."""
        end = self.end
        return end.detail if isinstance(end, Failed) else end.output if isinstance(end, Crashed) else ""


def problem_of(failed: Failed) -> InspectError:
    """The error that the child named; a name that is none of ours is a RunProblem."""
    kinds = {kind.__name__: kind for kind in _below(InspectError)}
    return kinds.get(failed.type, RunProblem)(failed.message, failed.hint, failed.where)


def _below(kind: type[InspectError]) -> list[type[InspectError]]:
    return [kind, *(below for one in kind.__subclasses__() for below in _below(one))]


__all__ = ["Result", "problem_of"]
