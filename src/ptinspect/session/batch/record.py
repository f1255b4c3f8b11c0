"""What a run told so far: filled by the thread that draws, from parts that were read in the one that listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ptinspect.errors import InspectError
from ptinspect.findings import Finding
from ptinspect.frozen import frozen
from ptinspect.runner.protocol import Crashed, Event, Failed, Finished, LayerMeasured, Measured, Progress, Started, is_end
from ptinspect.runner.results import Result
from ptinspect.session.batch import heard
from ptinspect.session.batch.choices import Choices
from ptinspect.session.batch.network import network_of
from ptinspect.session.batch.rows import LayerTable

_SEVERITIES = ("info", "notice", "warning", "danger")


@frozen
class Part:
    """An event, and what it says in values of known types; read where it was heard."""

    event: Event
    value: Any = None


def _totals(value: object) -> tuple[int | None, ...]:
    told = heard.fields(value)
    return tuple(heard.count(told.get(name)) for name in ("parameters", "trainable", "mult_adds"))


def _accuracy(value: object) -> tuple[int, int, int, tuple[int | None, ...]] | None:
    """What was right, and the class of each sample; None where it belongs to none that is known."""
    told = heard.fields(value)
    right, within, samples = (heard.count(told.get(name)) for name in ("right", "right_in_top_5", "samples"))
    labels = told.get("labels")
    known = tuple(heard.count(one) for one in labels[: heard.MOST_SAMPLES]) if isinstance(labels, list) else ()
    return None if right is None or within is None or not samples else (right, within, samples, known)


def _findings(value: object) -> tuple[Finding, ...]:
    found = []
    for one in heard.rows(value, heard.MOST_FINDINGS):
        severity = one.get("severity")
        where = one.get("where")
        title, detail = heard.word(one.get("title"), 200), heard.word(one.get("detail"), 600)
        place = heard.path(where) if isinstance(where, str) else None
        found.append(Finding(severity if severity in _SEVERITIES else "notice", title, detail, place))
    return tuple(found)


def _load(value: object) -> tuple[tuple[str, int], ...]:
    told = heard.fields(value)
    names = (name for name in ("missing", "unexpected", "mismatched") if isinstance(told.get(name), list))
    return tuple((name, len(told[name])) for name in names if told[name])


_READ: dict[str, Callable[[object], Any]] = {
    "load": _load, "samples": heard.given_of, "predictions": heard.answers_of, "accuracy": _accuracy, "latency_ms": heard.latency_of,
    "throughput_per_s": heard.number, "peak_memory_bytes": heard.count, "totals": _totals, "findings": _findings, "sweep": heard.sizes_of,
    "agreement": heard.beside_of, "parting": heard.beside_of, "backward": heard.backward_of, "graph": network_of,
    "devices": heard.surroundings_of,
}  # fmt: skip


def part_of(event: Event) -> Part:
    """An event, read."""
    if isinstance(event, LayerMeasured):
        return Part(event, heard.layer_of(event.layer))
    if isinstance(event, Measured) and event.name in _READ:
        return Part(event, _READ[event.name](event.value))
    return Part(event)


class Record:
    """One run. Its `result` is the document of `run --json`; `parts` are the same in values that can be drawn."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.result = Result()
        self.table = LayerTable()
        self.parts: dict[str, Any] = {}
        self.device: heard.Device | None = None
        self.torch = self.note = self.source = ""
        self.is_trusted = False
        self.stage, self.done, self.total = "", 0, 0
        self.times: list[float] = []
        self.problem: InspectError | None = None
        self.detail = ""
        self.seconds: float | None = None

    def take(self, part: Part) -> None:
        """One event more."""
        event = part.event
        self.result.take(event)
        if isinstance(event, LayerMeasured):
            self.table.put(part.value)
        elif isinstance(event, Progress):
            self._progressed(event)
        elif isinstance(event, Started):
            self.device = heard.device_of(event.device)
            self.torch, self.note = heard.word(event.torch, 40), heard.word(event.note, 200)
            self.source, self.is_trusted = heard.word(event.model.get("source"), 200), event.model.get("trusted") is not False
        elif isinstance(event, Measured):
            self.parts[event.name] = part.value
            if event.name in {"agreement", "parting"}:
                self.table.compare(part.value.gaps)
        elif is_end(event):
            self._ended(event)

    def _progressed(self, event: Progress) -> None:
        self.stage, self.done, self.total = heard.word(event.stage, 40), event.done, event.total
        spent = heard.number(event.figures.get("latency_ms"))
        if spent is not None and 0 <= spent < 1e12 and len(self.times) < heard.MOST_TIMES:
            self.times.append(spent)

    def _ended(self, event: Event) -> None:
        self.problem = self.result.problem()
        if isinstance(event, Finished):
            self.seconds = heard.number(event.seconds)
        elif isinstance(event, Failed):
            self.detail = event.detail
        elif isinstance(event, Crashed):
            self.detail = event.output

    @property
    def has_figures(self) -> bool:
        """Whether anything was measured."""
        return bool(self.table.count or self.parts.get("latency_ms"))


__all__ = ["Part", "Record", "part_of"]
