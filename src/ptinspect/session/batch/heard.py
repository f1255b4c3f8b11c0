"""What the child process told, as values of known types and bounded sizes.

The child runs foreign code, so nothing that it says is believed to be what it should be: a number that is none is left out, a text is
cut and spelled out, a list ends where it is long enough.
"""

from __future__ import annotations

import math
from typing import Any

from ptinspect.frozen import frozen
from ptinspect.session.words import plain, signed

MOST_LAYERS, MOST_SAMPLES, MOST_INPUTS, MOST_FINDINGS, MOST_SIZES, MOST_TIMES = 20_000, 256, 16, 40, 64, 10_000
LONGEST_PATH, LONGEST_WORD, DEEPEST = 500, 120, 40
_MOST_BINS, _LARGEST = 512, 1 << 62
Shape = tuple[int, ...]


def number(value: object) -> float | None:
    """A number, whatever its size; None for anything else."""
    if type(value) not in (int, float):
        return None
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        return None


def count(value: object) -> int | None:
    """A whole number that something can be counted with."""
    return value if type(value) is int and 0 <= value < _LARGEST else None


def word(value: object, longest: int = LONGEST_WORD) -> str:
    """A text on one line."""
    return plain(value, longest) if isinstance(value, str) else ""


def fields(value: object) -> dict[str, Any]:
    """An object; empty where it is none."""
    return value if isinstance(value, dict) else {}


def rows(value: object, most: int) -> list[dict[str, Any]]:
    """A list of objects, as far as they are some."""
    return [one for one in value[:most] if isinstance(one, dict)] if isinstance(value, list) else []


def shape(value: object) -> Shape | None:
    """The sizes of a tensor."""
    if not isinstance(value, list) or len(value) > 64:
        return None
    found = [count(size) for size in value]
    return None if None in found else tuple(size for size in found if size is not None)


def path(value: object) -> str:
    """A layer's path, as a row can stand for it."""
    return plain(value, LONGEST_PATH) if isinstance(value, str) else ""


def figure(value: float | None, digits: int = 3) -> str:
    """A number in a table; what is not finite is named."""
    if value is None:
        return ""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else signed("-Inf" if value < 0 else "Inf")
    if value == 0 or 0.5 * 10**-digits <= abs(value) < 1e6:
        whole = len(f"{abs(value):.0f}")
        return signed(f"{value:,.{max(0, min(digits, digits + 1 - whole))}f}")  # the more before the point, the less behind it
    return signed(f"{value:.1e}")


@frozen
class Histogram:
    """Counts of equal width between two values."""

    low: float
    high: float
    counts: tuple[int, ...]


@frozen
class LayerFigures:
    """One layer, as it was measured."""

    path: str
    type: str
    input_shape: Shape | None = None
    output_shape: Shape | None = None
    parameters: int = 0
    mult_adds: int | None = None
    time_ms: float | None = None
    mean: float | None = None
    std: float | None = None
    min: float | None = None
    max: float | None = None
    nans: int = 0
    infs: int = 0
    bad_samples: int = 0
    is_first_bad: bool = False
    histogram: Histogram | None = None
    dtype: str = ""
    output_bytes: int = 0
    calls: int = 1
    has_numbers: bool = False

    @property
    def is_bad(self) -> bool:
        """Whether its output holds what is no number."""
        return bool(self.nans or self.infs)


def layer_of(value: object) -> LayerFigures:
    """A layer."""
    told = fields(value)
    spent = number(told.get("time_ms"))
    return LayerFigures(
        path(told.get("path")),
        word(told.get("type"), 60),
        shape(told.get("input_shape")),
        shape(told.get("output_shape")),
        count(told.get("parameters")) or 0,
        count(told.get("mult_adds")),
        spent if spent is not None and math.isfinite(spent) and spent >= 0 else None,
        number(told.get("mean")),
        number(told.get("std")),
        number(told.get("min")),
        number(told.get("max")),
        count(told.get("nans")) or 0,
        count(told.get("infs")) or 0,
        count(told.get("bad_samples")) or 0,
        told.get("first_bad") is True,
        _histogram(told.get("histogram")),
        word(told.get("dtype"), 20),
        count(told.get("output_bytes")) or 0,
        count(told.get("calls")) or 1,
        number(told.get("mean")) is not None or bool(count(told.get("nans")) or count(told.get("infs"))),
    )


def _histogram(value: object) -> Histogram | None:
    told = fields(value)
    low, high, counts = number(told.get("low")), number(told.get("high")), told.get("counts")
    if low is None or high is None or not isinstance(counts, list) or not 0 < len(counts) <= _MOST_BINS:
        return None
    found = tuple(count(one) for one in counts)
    if None in found or not (math.isfinite(low) and math.isfinite(high) and low <= high and math.isfinite(high - low)):
        return None
    return Histogram(low, high, tuple(one or 0 for one in found))


@frozen
class Sample:
    """One sample of the batch: where its picture lies and which part of it the model sees, if it is one."""

    name: str
    path: str = ""
    size: tuple[int, int] | None = None
    crop: tuple[float, float, float, float] | None = None


@frozen
class Given:
    """The inputs: how they were made, in words and as specs, and the samples."""

    note: str = ""
    specs: tuple[str, ...] = ()
    samples: tuple[Sample, ...] = ()


def given_of(value: object) -> Given:
    """The section `samples`."""
    told = fields(value)
    specs = told.get("specs")
    texts = tuple(word(one, 400) for one in specs[:MOST_INPUTS] if isinstance(one, str)) if isinstance(specs, list) else ()
    return Given(word(told.get("note"), 300), texts, tuple(_sample(one) for one in rows(told.get("samples"), MOST_SAMPLES)))


def _sample(told: dict[str, Any]) -> Sample:
    where, size, crop = told.get("path"), shape(told.get("size")), told.get("crop")
    box = tuple(number(one) for one in crop) if isinstance(crop, list) and len(crop) == 4 else ()
    whole = tuple(one for one in box if one is not None and math.isfinite(one) and abs(one) < 1e6)
    return Sample(
        word(told.get("name"), 200),
        where if isinstance(where, str) and len(where) < 4_096 and "\0" not in where else "",
        (size[0], size[1]) if size is not None and len(size) == 2 else None,
        (whole[0], whole[1], whole[2], whole[3]) if len(whole) == 4 and whole[2] > 0 and whole[3] > 0 else None,
    )


@frozen
class Answer:
    """What the model says of a sample: its likeliest classes and how sure it is of them."""

    top: tuple[tuple[str, int, float], ...]
    entropy: float | None = None


def answer_of(value: object) -> Answer:
    """One of the section `predictions`."""
    told = fields(value)
    return Answer(_top(told.get("top")), number(told.get("entropy")))


def _top(value: object) -> tuple[tuple[str, int, float], ...]:
    found = []
    for one in rows(value, 5):
        share, index = number(one.get("probability")), count(one.get("index"))
        if share is not None and math.isfinite(share):
            found.append((word(one.get("label"), 80), index if index is not None else -1, max(0.0, min(1.0, share))))
    return tuple(found)


def answers_of(value: object) -> tuple[Answer, ...]:
    """The section `predictions`."""
    return tuple(answer_of(one) for one in rows(value, MOST_SAMPLES))


@frozen
class Latency:
    """Milliseconds for a batch: the first time, and over the runs."""

    first: float | None = None
    median: float | None = None
    p95: float | None = None
    all: tuple[float, ...] = ()


def latency_of(value: object) -> Latency:
    """The section `latency_ms`."""
    told = fields(value)
    every = told.get("all")
    times = [number(one) for one in every[:MOST_TIMES]] if isinstance(every, list) else []
    kept = tuple(one for one in times if one is not None and math.isfinite(one))
    first, median, p95 = (_finite(told.get(name)) for name in ("first", "median", "p95"))
    return Latency(first, median, p95, kept)


def _finite(value: object) -> float | None:
    found = number(value)
    return found if found is not None and math.isfinite(found) else None


@frozen
class Gap:
    """How far a layer's output is from that of another run."""

    path: str
    type: str
    relative: float | None
    largest: float | None
    cosine: float | None
    shapes: tuple[Shape | None, Shape | None] | None = None  # where they differ
    means: tuple[float | None, ...] = ()  # of this run and of the other
    stds: tuple[float | None, ...] = ()


@frozen
class Beside:
    """A run beside another: the same model elsewhere, or the model of a second file."""

    with_: str
    source: str
    gaps: dict[str, Gap]
    parts_at: str | None
    largest: float | None
    same_top: int | None
    samples: int | None


def beside_of(value: object) -> Beside:
    """The sections `agreement` and `parting`."""
    told = fields(value)
    gaps = {gap.path: gap for one in rows(told.get("layers"), MOST_LAYERS) if (gap := _gap(one)).path}
    parts = told.get("parts_at")
    return Beside(
        word(told.get("with"), 300),
        word(told.get("source"), 200),
        gaps,
        path(parts) if isinstance(parts, str) else None,
        number(told.get("largest_gap")),
        count(told.get("same_top")),
        count(told.get("samples")),
    )


def _gap(told: dict[str, Any]) -> Gap:
    shapes = (shape(told.get("shape")), shape(told.get("other_shape"))) if "other_shape" in told else None
    relative, largest, cosine = (number(told.get(name)) for name in ("relative_l2", "max_abs", "cosine"))
    means, stds = _pair(told.get("means")), _pair(told.get("stds"))
    return Gap(path(told.get("path")), word(told.get("type"), 60), relative, largest, cosine, shapes, means, stds)


def _pair(value: object) -> tuple[float | None, ...]:
    return tuple(map(number, value)) if isinstance(value, list) and len(value) == 2 else ()


@frozen
class Flow:
    """The gradients of one layer."""

    path: str
    status: str
    norm: float | None
    mean: float | None
    largest: float | None
    nans: int
    infs: int
    output: float | None


@frozen
class Backward:
    """A backward pass."""

    loss: float | None
    note: str
    flows: dict[str, Flow]


def backward_of(value: object) -> Backward:
    """The section `backward`."""
    told = fields(value)
    flows = {flow.path: flow for flow in map(_flow, rows(told.get("layers"), MOST_LAYERS))}
    return Backward(number(told.get("loss")), word(told.get("note"), 200), flows)


def _flow(told: dict[str, Any]) -> Flow:
    norm, mean, largest = (number(told.get(name)) for name in ("norm", "mean_abs", "max_abs"))
    nans, infs = (count(told.get(name)) or 0 for name in ("nans", "infs"))
    return Flow(path(told.get("path")), word(told.get("status"), 20), norm, mean, largest, nans, infs, number(told.get("output_norm")))


@frozen
class Sizes:
    """Throughput over batch sizes: samples, milliseconds, samples a second, bytes; and why it ended."""

    rows: tuple[tuple[int, float, float, int | None], ...]
    end: str


def sizes_of(value: object) -> Sizes:
    """The section `sweep`."""
    told = fields(value)
    found = []
    for one in rows(told.get("sizes"), MOST_SIZES):
        size, spent, rate = count(one.get("batch")), _finite(one.get("latency_ms")), _finite(one.get("throughput_per_s"))
        if size and spent is not None and rate is not None:
            found.append((size, spent, rate, count(one.get("peak_memory_bytes"))))
    return Sizes(tuple(found), word(told.get("end"), 200))


@frozen
class Device:
    """A device of the child's torch."""

    word: str
    type: str
    name: str
    memory: int | None


def device_of(value: object) -> Device:
    """A device; one that says nothing of itself is called by its kind."""
    told = fields(value)
    kind = word(told.get("type"), 20)
    return Device(word(told.get("word"), 20) or kind, kind, word(told.get("name"), 80) or kind, count(told.get("memory")))


@frozen
class Surroundings:
    """The child's torch: its devices, its version, what it was built for, and what it misses."""

    devices: tuple[Device, ...]
    torch: str = ""
    build: str = ""
    note: str = ""


def surroundings_of(value: object) -> Surroundings:
    """The section `devices`."""
    told = fields(value)
    found = tuple(device_of(one) for one in rows(told.get("devices"), 32))
    return Surroundings(found, word(told.get("torch"), 40), word(told.get("build"), 60), word(told.get("note"), 400))
