"""What stands beside the layers: a sample with what the model says of it, or the layer that is selected."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from ptinspect.frozen import frozen
from ptinspect.session.batch import heard
from ptinspect.session.batch.choices import is_chosen, roots_of
from ptinspect.session.batch.heard import Beside, Flow, Gap, Histogram, Sample, figure
from ptinspect.session.batch.record import Record
from ptinspect.session.batch.rows import LayerRow, shape_text, text_of
from ptinspect.session.state import BatchTab
from ptinspect.session.troubles import Tone
from ptinspect.session.words import count_text, signed, size_text

Fact = tuple[str, str, Tone]
Facts = tuple[Fact, ...]
OUTPUTS = 4


@frozen
class SamplePage:
    """One sample: its picture if it is one that the user chose, what the model says, whether that is right."""

    title: str
    name: str = ""
    picture: str = ""
    size: tuple[int, int] | None = None
    crop: tuple[float, float, float, float] | None = None
    note: str = ""
    top: tuple[tuple[str, float], ...] = ()
    verdict: str = ""
    is_right: bool | None = None
    sections: tuple[tuple[str, Facts], ...] = ()
    can_go_back: bool = False
    can_go_on: bool = False


@frozen
class LayerPage:
    """One layer: how its output is spread, and what is known besides."""

    path: str
    title: str
    type: str
    histogram: Histogram | None
    ends: tuple[str, str]
    sections: tuple[tuple[str, Facts], ...]


def sample_of(tab: BatchTab) -> SamplePage:
    """The page of the sample that is looked at."""
    record = tab.record
    if record is None:
        return SamplePage("Sample", note="What the model says of each sample comes here, with the picture where it is one.")
    given, answers = record.parts.get("samples"), record.parts.get("predictions") or ()
    samples: tuple[Sample, ...] = given.samples if given is not None else ()
    count = max(len(samples), len(answers))
    at = min(tab.sample, max(0, count - 1))
    one = samples[at] if at < len(samples) else Sample("")
    answer = answers[at] if at < len(answers) else None
    picture = one.path if one.path and is_chosen(one.path, roots_of(record.choices)) else ""
    seen = one.crop if one.crop is not None else None
    verdict, is_right = _verdict(record, at, answer)
    return SamplePage(
        f"Sample {at + 1:,} of {count:,}" if count else "Sample",
        one.name,
        picture,
        one.size,
        seen,
        _seen(record, one, given.note if given is not None else ""),
        tuple((label, share) for label, _, share in answer.top) if answer is not None else (),
        verdict,
        is_right,
        tuple(_sections(record, answer)),
        at > 0,
        at + 1 < count,
    )


def _seen(record: Record, one: Sample, note: str) -> str:
    """What the model sees of it, in words."""
    root = record.table.root.figures
    sizes = root.input_shape if root is not None else None
    if one.crop is not None and one.path and sizes is not None and len(sizes) == 4:
        return f"The model sees the bright part, {sizes[3]:,} × {sizes[2]:,}"
    return note


def _verdict(record: Record, at: int, answer: heard.Answer | None) -> tuple[str, bool | None]:
    """Whether the sample's label is the likeliest class, where it is known."""
    accuracy = record.parts.get("accuracy")
    if accuracy is None or answer is None or at >= len(accuracy[3]) or not answer.top:
        return "", None
    label = accuracy[3][at]
    if label is None:
        return "Of no known class", None
    name = next((text for text, index, _ in answer.top if index == label), f"class {label:,}")
    is_right = answer.top[0][1] == label
    return (f"Right: {name}" if is_right else f"Labelled {name}"), is_right


def _sections(record: Record, answer: heard.Answer | None) -> Iterator[tuple[str, Facts]]:
    accuracy = record.parts.get("accuracy")
    if accuracy is not None:
        right, within, samples, _ = accuracy
        facts = (("Right", f"{right:,} of {samples:,}"), ("Within the first five", f"{within:,} of {samples:,}"))
        yield "Accuracy", tuple((name, value, "plain") for name, value in facts)
    agreement = record.parts.get("agreement")
    if agreement is not None:
        yield f"Check against {_elsewhere(agreement)}", tuple(_agrees(agreement))
    parting = record.parts.get("parting")
    if parting is not None:
        yield "Beside the second file", tuple(_agrees(parting))
    outputs = tuple(_outputs(record))
    if outputs:
        yield "Output", outputs
    if answer is not None and answer.entropy is not None and isfinite(answer.entropy):
        yield "Certainty", (("Entropy", f"{figure(answer.entropy, 2)} nats", "plain"),)
    load = record.parts.get("load")
    if load:
        yield "Weights", tuple((f"{name.capitalize()} tensors", f"{count:,}", "warn") for name, count in load)
    backward = record.parts.get("backward")
    if backward is not None:
        yield "Backward pass", (("Loss", figure(backward.loss, 4), "plain"), ("", backward.note, "plain"))


def _elsewhere(beside: Beside) -> str:
    """Where the other run was, as people say it."""
    return " in ".join(word.upper() if word in {"cpu", "mps"} else word for word in beside.with_.split() if word != "auto") or "another run"


def _agrees(beside: Beside) -> Iterator[Fact]:
    if beside.same_top is not None and beside.samples:
        tone: Tone = "good" if beside.same_top == beside.samples else "warn"
        yield "Same first label", f"{beside.same_top:,} of {beside.samples:,}", tone
    if beside.largest is not None:
        yield "Largest gap of outputs", figure(beside.largest, 4), "plain"
    worst = max((gap for gap in beside.gaps.values() if gap.relative is not None), key=lambda gap: gap.relative or 0.0, default=None)
    if worst is not None and worst.relative is not None:
        yield "Furthest layer", worst.path or "the model", "plain"
        yield "Its distance", _apart(worst.relative), "plain"
    yield "Part at", beside.parts_at or "nowhere", "warn" if beside.parts_at else "good"


def _apart(relative: float) -> str:
    return f"{signed(f'{100 * relative:.3g}')} %"


def _outputs(record: Record) -> Iterator[Fact]:
    for told in heard.rows(record.result.sections.get("output"), OUTPUTS):
        name = heard.word(told.get("path"), 60) or "Shape"
        yield name, f"{shape_text(heard.shape(told.get('shape')))} {heard.word(told.get('dtype'), 20)}", "plain"
        mean, std, nans = heard.number(told.get("mean")), heard.number(told.get("std")), heard.count(told.get("nans"))
        if mean is not None:
            yield "Mean, std", f"{figure(mean)}, {figure(std)}", "plain"
        if nans:
            yield "NaN", f"{nans:,}", "danger"


def layer_of(tab: BatchTab) -> LayerPage | None:
    """The page of the layer that is selected."""
    record = tab.record
    row = record.table.find(tab.selected) if record is not None and tab.selected else None
    if record is None or row is None:
        return None
    found = row.figures
    histogram = found.histogram if found is not None else None
    ends = (figure(histogram.low), figure(histogram.high)) if histogram is not None else ("", "")
    return LayerPage(row.path, row.name, row.type, histogram, ends, tuple(_layer_sections(record, row)))


def _layer_sections(record: Record, row: LayerRow) -> Iterator[tuple[str, Facts]]:
    found = row.figures
    if found is not None:
        yield "Output", tuple(_output(row, found))
    yield "Cost", tuple(_cost(record, row))
    backward = record.parts.get("backward")
    flow = backward.flows.get(row.path) if backward is not None else None
    if flow is not None:
        yield "Gradients", tuple(_gradients(flow))
    for name in ("agreement", "parting"):
        beside = record.parts.get(name)
        gap = beside.gaps.get(row.path) if beside is not None else None
        if beside is not None and gap is not None:
            title = f"Check against {_elsewhere(beside)}" if name == "agreement" else "Beside the second file"
            yield title, tuple(_gap(gap, beside))


def _output(row: LayerRow, found: heard.LayerFigures) -> Iterator[Fact]:
    yield "Shape", shape_text(found.output_shape) or "no tensor", "plain"
    yield "Input", shape_text(found.input_shape) or "no tensor", "plain"
    if found.dtype:
        yield "Type", found.dtype, "plain"
    for name, value in (("Mean", found.mean), ("Std", found.std), ("Smallest", found.min), ("Largest", found.max)):
        if value is not None:
            yield name, figure(value, 4), "plain"
    for name, count in (("NaN", found.nans), ("Inf", found.infs)):
        if count:
            yield name, f"{count:,}", "danger"
    if found.is_bad:
        yield "Bad samples", f"{found.bad_samples:,}", "danger"


def _cost(record: Record, row: LayerRow) -> Iterator[Fact]:
    found, root = row.figures, record.table.root.figures
    if row.spent is not None:
        whole = root.time_ms if root is not None else None
        share = f"  ·  {100 * row.spent / whole:.0f} %" if whole else ""
        yield "Time", f"{figure(row.spent, 3)} ms{share}", "plain"
    yield "Parameters", text_of(row, "parameters") or "none", "plain"
    if found is not None and found.mult_adds:
        yield "Multiply-adds", count_text(found.mult_adds), "plain"
    if found is not None and found.output_bytes:
        yield "Memory of the output", size_text(found.output_bytes), "plain"
    if found is not None and found.calls > 1:
        yield "Calls", f"{found.calls:,}", "plain"


def _gradients(flow: Flow) -> Iterator[Fact]:
    if flow.status:
        yield "Parameters", flow.status, "plain" if flow.status == "trained" else "warn"
    for name, value in (("Norm", flow.norm), ("Mean size", flow.mean), ("Largest", flow.largest), ("Norm at the output", flow.output)):
        if value is not None:
            yield name, figure(value, 5), "plain"
    for name, count in (("NaN", flow.nans), ("Inf", flow.infs)):
        if count:
            yield name, f"{count:,}", "danger"


def _gap(gap: Gap, beside: Beside) -> Iterator[Fact]:
    if gap.shapes is not None:
        yield "Shapes", f"{shape_text(gap.shapes[0])} and {shape_text(gap.shapes[1])}", "danger"
    for name, pair in (("Means", gap.means), ("Stds", gap.stds)):
        if pair:
            yield name, " and ".join(figure(one, 4) or "none" for one in pair), "plain"
    if gap.relative is not None:
        yield "Relative distance", _apart(gap.relative), "warn" if beside.parts_at == gap.path else "plain"
    if gap.largest is not None:
        yield "Largest gap", figure(gap.largest, 5), "plain"
    if gap.cosine is not None:
        yield "Cosine", figure(gap.cosine, 6), "plain"


__all__ = ["Fact", "LayerPage", "SamplePage", "layer_of", "sample_of"]
