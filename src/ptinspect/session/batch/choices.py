"""What a test batch is asked for: all that the form holds, remembered for each architecture."""

from __future__ import annotations

import os
from typing import Any, Literal, get_args

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.errors import InspectError
from ptinspect.frozen import field, frozen, replace
from ptinspect.runner.inputs.spec import parse, paths_of
from ptinspect.runner.protocol import FileAsked, RunRequest, identity_numbers

BatchPage = Literal["layers", "chart", "graph"]
BATCH_PAGES: tuple[BatchPage, ...] = get_args(BatchPage)
PRECISIONS = (("float32", "fp32"), ("tf32", "tf32"), ("bfloat16", "bf16"), ("float16", "fp16"))
PREPARATIONS = (
    ("", "As the model was trained"), ("imagenet", "ImageNet: mean and std"), ("half", "−1 to 1"), ("unit", "0 to 1"),
    ("mnist", "MNIST: mean and std"),
)  # fmt: skip
AGREEMENTS = (("", "Nothing"), ("cpu", "The CPU"), ("float32", "float32"), ("cpu:float32", "The CPU in float32"), ("float64", "float64"))
MOST_TEXTS, LONGEST, MOST_COUNT = 16, 2_000, 1_000_000


@frozen
class Choices:
    """The form. `device`, `dtype` and `model` may be `auto`; no inputs are guessed ones; `batch` None is what suits them."""

    model: str = "auto"
    weights: str | None = None
    inputs: tuple[str, ...] = ()
    preparation: str = ""
    device: str = "auto"
    dtype: str = "auto"
    batch: int | None = None
    repeats: int = 20
    warmup: int = 3
    backward: bool = False
    sweep: bool = False
    agreement: str = ""
    autocast: bool = False
    channels_last: bool = False
    compiled: bool = False
    graph: bool = True
    trace: str = ""
    seconds: int = 600
    memory: int | None = None  # megabytes
    paths: tuple[str, ...] = ()


def as_fields(choices: Choices) -> dict[str, Any]:
    """As JSON."""
    found = {name: getattr(choices, name) for name in choices.__dataclass_fields__}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items() if name != "trace"}


def of_fields(told: object) -> Choices:
    """The same back again, each field by itself: anybody could have written it."""
    start = Choices()
    if not isinstance(told, dict):
        return start
    given: dict[str, Any] = told
    kept: dict[str, Any] = {}
    for name in start.__dataclass_fields__:
        if name in given and (fit := _fitting(getattr(start, name), given[name], name)) is not None:
            kept[name] = fit
    return replace(start, **kept)


def _fitting(like: object, value: object, name: str) -> object | None:
    """The value if it is of the kind that the field has."""
    if isinstance(like, bool):
        return value if isinstance(value, bool) else None
    if isinstance(like, tuple):
        good = isinstance(value, list) and len(value) <= MOST_TEXTS and all(isinstance(one, str) and len(one) <= LONGEST for one in value)
        return tuple(value) if good else None  # type: ignore[arg-type]
    if isinstance(like, int) or name in ("batch", "memory"):
        return value if type(value) is int and (0 if name == "warmup" else 1) <= value <= MOST_COUNT else None
    return value if isinstance(value, str) and len(value) <= LONGEST and "\0" not in value else None


def key_of(checkpoint: Checkpoint) -> str:
    """What the choices are remembered by: the architecture, else the class, else the file."""
    if checkpoint.architecture is not None:
        return f"{checkpoint.architecture.library}:{checkpoint.architecture.name}"
    main = checkpoint.main
    return (main.class_name if main is not None and main.class_name else checkpoint.path)[:LONGEST]


def specs_of(choices: Choices) -> tuple[str, ...]:
    """The inputs as they are asked for, prepared as was chosen. Raises InputDoesNotFit for one that is none."""
    found = []
    for text in choices.inputs:
        if not text.strip():
            continue
        spec = parse(text)
        is_plain = spec.kind in ("image", "mnist") and paths_of(spec) and os.path.exists(spec.rest)
        found.append(f"{spec.text}:{choices.preparation}" if is_plain and choices.preparation else spec.text)
    return tuple(found)


def request_of(choices: Choices, checkpoint: Checkpoint, other: Checkpoint | None, trust: tuple[str | None, str | None]) -> RunRequest:
    """All of it as the child reads it."""
    return RunRequest(
        _asked(checkpoint, choices, choices.weights, trust[0]),
        None if other is None else _asked(other, choices, None, trust[1]),
        specs_of(choices),
        choices.device,
        choices.dtype,
        choices.batch,
        choices.repeats,
        choices.warmup,
        choices.backward,
        choices.autocast,
        choices.channels_last,
        choices.compiled,
        choices.sweep,
        choices.agreement,
        bool(choices.trace),
        choices.graph,
        tuple(os.path.abspath(path) for path in choices.paths if path.strip()),
        float(choices.seconds),
        None if choices.memory is None else choices.memory << 20,
    )


def _asked(checkpoint: Checkpoint, choices: Choices, weights: str | None, trust: str | None) -> FileAsked:
    return FileAsked(os.path.abspath(checkpoint.path), identity_numbers(checkpoint.identity), weights, choices.model, trust)


def roots_of(choices: Choices) -> tuple[str, ...]:
    """Where the files lie that the user chose as input: the only places from which a picture is drawn."""
    found: list[str] = []
    for text in choices.inputs:
        try:
            found += paths_of(parse(text))
        except (InspectError, OSError, ValueError):
            continue
    return tuple(os.path.realpath(path) for path in found)


def is_chosen(path: str, roots: tuple[str, ...]) -> bool:
    """Whether a path that the child named is, or lies within, what the user chose."""
    real = os.path.realpath(path)
    return any(real == root or real.startswith(root.rstrip(os.sep) + os.sep) for root in roots)


@frozen
class Offer:
    """A way to a model that the form offers."""

    word: str
    title: str
    note: str = ""
    runs_code: bool = False


@frozen
class Subject:
    """The files that a batch runs, and what can be chosen for them."""

    checkpoint: Checkpoint = field(compare=False)
    other: Checkpoint | None = field(default=None, compare=False)
    offers: tuple[Offer, ...] = ()
    weights: tuple[tuple[str, str], ...] = ()
    dtype: str = ""
    stamp: int = 0


__all__ = [
    "AGREEMENTS", "BATCH_PAGES", "PRECISIONS", "PREPARATIONS", "BatchPage", "Choices", "Offer", "Subject", "as_fields", "is_chosen",
    "key_of", "of_fields", "request_of", "roots_of", "specs_of",
]  # fmt: skip
