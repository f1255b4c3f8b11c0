"""What the window and the child process say to each other: one request in, lines of JSON out.

The child runs foreign code, so whatever comes from it is held to a form: known events, known fields, bounded sizes. A line that is
none of these ends the run. No tensor and no inert state crosses the pipe: the request names the file and what made it this file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ptinspect.errors import RunCrashed
from ptinspect.formats.source import Identity
from ptinspect.frozen import field, frozen

MOST_LINE = 8 << 20
MOST_TOTAL = 256 << 20
MOST_LAYERS = 200_000
MOST_TEXT = 20_000
TRACE = "trace.json"

SECTIONS = frozenset(
    "load input output top predictions accuracy latency_ms throughput_per_s peak_memory_bytes totals findings samples confined sweep"
    " agreement backward trace graph memory parting timing_note devices".split()
)
"""The parts of the answer that are told as soon as they are known, beside the layers."""


@frozen
class FileAsked:
    """A file, what makes it this one, and which model is to be made of it. `trust` is the digest of what somebody agreed to run."""

    path: str
    identity: tuple[int, int, int, int]
    weights: str | None = None
    model: str = "auto"
    trust: str | None = None

    def is_still(self, found: Identity) -> bool:
        """Whether that is the file that was asked for."""
        return self.identity == identity_numbers(found)


def identity_numbers(found: Identity) -> tuple[int, int, int, int]:
    """An identity as it crosses the pipe."""
    return (found.device, found.inode, found.size, found.modified)


@frozen
class RunRequest:
    """All that a run needs. `batch` None: one made sample, or up to sixteen of a file.

    `probe` asks for no run: only which devices the child's torch sees. No file is opened for that, so it may be any.
    """

    file: FileAsked
    other: FileAsked | None = None
    inputs: tuple[str, ...] = ()
    device: str = "auto"
    dtype: str = "auto"
    batch: int | None = None
    repeats: int = 20
    warmup: int = 3
    backward: bool = False
    autocast: bool = False
    channels_last: bool = False
    compiled: bool = False
    sweep: bool = False
    agreement: str = ""
    trace: bool = False
    graph: bool = False
    paths: tuple[str, ...] = ()
    seconds: float = 600.0
    memory: int | None = None
    seed: int = 0
    probe: bool = False


def request_line(request: RunRequest) -> bytes:
    """The request as the child reads it."""
    return json.dumps(_fields(request)).encode() + b"\n"


def request_of(line: bytes) -> RunRequest:
    """The request that a line holds. It comes from the parent, which is trusted."""
    told = json.loads(line)
    file, other = (None if told[name] is None else FileAsked(**_tuples(told[name])) for name in ("file", "other"))
    if file is None:
        raise ValueError("a request names a file")
    return RunRequest(**{**_tuples(told), "file": file, "other": other})


def _fields(value: Any) -> Any:
    names = getattr(value, "__dataclass_fields__", None)
    return value if names is None else {name: _fields(getattr(value, name)) for name in names}


def _tuples(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}


@frozen
class Started:
    """The model is known and the device chosen."""

    device: Mapping[str, Any]
    torch: str
    model: Mapping[str, Any]
    note: str = ""


@frozen
class Progress:
    """How far a stage is; `figures` are measurements that a chart can show while they come."""

    stage: str
    done: int = 0
    total: int = 0
    figures: Mapping[str, Any] = field(default_factory=dict)


@frozen
class LayerMeasured:
    """One layer of the model, in the order of their calls. Told again when more is known of it: the last word counts."""

    layer: Mapping[str, Any]


@frozen
class Measured:
    """A part of the answer."""

    name: str
    value: Any


@frozen
class Finished:
    """Everything asked for was measured."""

    seconds: float


@frozen
class Failed:
    """It ended with a sentence: `type` names the RunProblem or FileProblem."""

    type: str
    message: str
    hint: str = ""
    where: str | None = None
    detail: str = ""


@frozen
class Cancelled:
    """It was stopped."""


@frozen
class Crashed:
    """The process died, hung, or talked nonsense. `output` is the last that it said."""

    message: str
    hint: str = ""
    output: str = ""


Event = Started | Progress | LayerMeasured | Measured | Finished | Failed | Cancelled | Crashed
_TOLD: dict[str, type[Any]] = {kind.__name__: kind for kind in (Started, Progress, LayerMeasured, Measured, Finished, Failed, Cancelled)}
_ENDS = (Finished, Failed, Cancelled, Crashed)


def is_end(event: Event) -> bool:
    """Whether nothing comes after it."""
    return isinstance(event, _ENDS)


def event_line(event: Event) -> bytes:
    """An event as the parent reads it."""
    return json.dumps({"event": type(event).__name__, **_fields(event)}).encode() + b"\n"


def event_of(line: bytes) -> Event:
    """The event that a line holds. Raises RunCrashed for anything else."""
    try:
        told = json.loads(line)
        kind = _TOLD[told.pop("event")]
        made: Event = kind(**told)  # a field that it has not is a TypeError
        _checked(made)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise nonsense() from None
    return made


def nonsense() -> RunCrashed:
    """The answer of a process that does not keep to the form."""
    return RunCrashed("the process that ran the model said something that is no answer", "Run it again; its last output may say more.")


def _checked(event: Event) -> None:
    """Hold every field to its type and size."""
    checks = _CHECKS[type(event)]
    for name, fits in checks.items():
        if not fits(getattr(event, name)):
            raise ValueError(name)


def _text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MOST_TEXT


def _text_or_none(value: object) -> bool:
    return value is None or _text(value)


def _count(value: object) -> bool:
    return type(value) is int and value >= 0


def _number(value: object) -> bool:
    return type(value) in (int, float)


def _named(*names: str) -> Callable[[object], bool]:
    def fits(value: object) -> bool:
        return isinstance(value, dict) and all(_text(value.get(name)) for name in names) and len(value) <= 32

    return fits


def _layer(value: object) -> bool:
    """Its name, its type, its shapes and nothing but JSON."""
    if not isinstance(value, dict) or not (_text(value.get("path")) and _text(value.get("type"))):
        return False
    shapes = (value.get("input_shape"), value.get("output_shape"))
    return all(shape is None or (isinstance(shape, list) and len(shape) <= 64) for shape in shapes) and len(value) <= 48


_CHECKS: dict[type[Any], dict[str, Callable[[object], bool]]] = {
    Started: {"device": _named("type", "name"), "torch": _text, "model": _named("source"), "note": _text},
    Progress: {"stage": _text, "done": _count, "total": _count, "figures": lambda value: isinstance(value, dict) and len(value) <= 16},
    LayerMeasured: {"layer": _layer},
    Measured: {"name": lambda value: value in SECTIONS},
    Finished: {"seconds": _number},
    Failed: {"type": _text, "message": _text, "hint": _text, "where": _text_or_none, "detail": _text},
    Cancelled: {},
}
