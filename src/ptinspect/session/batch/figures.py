"""The three numbers of a test batch, and what is wrong with it, in words."""

from __future__ import annotations

import re

from ptinspect.errors import ChangedOnDisk, InspectError
from ptinspect.frozen import frozen
from ptinspect.session.batch.heard import figure
from ptinspect.session.batch.record import Record
from ptinspect.session.batch.rows import time_text
from ptinspect.session.state import BatchTab
from ptinspect.session.troubles import Tone
from ptinspect.session.words import plain, size_text

NOTHING = "–"
_OPTION = re.compile(r"`?--(model|input|device|python|path|trust|batch|dtype)`?")
_NAMES = {"path": "Folders", "trust": "and agree", "batch": "Batch size", "dtype": "Precision"}
MOST_POINTS = 48
LONGEST_OUTPUT = 20_000


@frozen
class Card:
    """A number with what belongs to it."""

    title: str
    value: str = NOTHING
    unit: str = ""
    note: str = ""
    line: tuple[float, ...] = ()


@frozen
class Warned:
    """What is wrong: `where` is a layer to look at, `act` a word for what the action does, `detail` the last output."""

    title: str
    text: str
    tone: Tone
    where: str = ""
    action: str = ""
    act: str = ""
    detail: str = ""
    is_end: bool = False  # whether it ended the run


def cards_of(tab: BatchTab) -> tuple[Card, Card, Card]:
    """Latency, throughput, memory."""
    record = tab.record
    if record is None:
        return Card("Latency per batch"), Card("Throughput"), Card("Peak memory")
    samples = _samples(record)
    return _latency(record, samples), _throughput(record, samples), _memory(record)


def _samples(record: Record) -> int:
    """How many are in the batch."""
    told = record.table.root.figures
    sizes = told.input_shape if told is not None else None
    return sizes[0] if sizes else record.choices.batch or 1


def _line(record: Record) -> tuple[float, ...]:
    """Milliseconds, run by run, thinned out where there are many."""
    latency = record.parts.get("latency_ms")
    times = latency.all if latency is not None and latency.all else tuple(record.times)
    step = max(1, -(-len(times) // MOST_POINTS))
    return tuple(times[::step])


def _latency(record: Record, samples: int) -> Card:
    latency, line = record.parts.get("latency_ms"), _line(record)
    title = "Latency per batch"
    if latency is None:
        return Card(title)
    if latency.median is None:
        if line:
            return Card(title, *_spent(sorted(line)[len(line) // 2]), "so far", line)
        return Card(title, *_spent(latency.first), "the first time, so far") if latency.first is not None else Card(title)
    parts = [f"p95 {time_text(latency.p95)}"] if latency.p95 is not None else []
    parts += [f"{time_text(latency.median / samples)} ms each"] if samples > 1 else []
    parts += [f"first {time_text(latency.first)}"] if samples == 1 and latency.first is not None else []
    return Card(title, *_spent(latency.median), "  ·  ".join(parts), line)


def _spent(milliseconds: float) -> tuple[str, str]:
    return (figure(milliseconds / 1e3, 2), "s") if milliseconds >= 10_000 else (figure(milliseconds, 1 if milliseconds >= 1 else 3), "ms")


def _throughput(record: Record, samples: int) -> Card:
    rate, line = record.parts.get("throughput_per_s"), tuple(samples / (spent / 1e3) for spent in _line(record) if spent > 0)
    title, unit = "Throughput", _unit(record)
    if rate is None:
        return Card(title, _rate(sum(line) / len(line)), unit, "so far", line) if line else Card(title)
    return Card(title, _rate(rate), unit, f"best {_rate(max(line))}  ·  worst {_rate(min(line))}" if line else "", line)


def _unit(record: Record) -> str:
    given = record.parts.get("samples")
    kind = given.specs[0].partition(":")[0].rpartition("=")[2] if given is not None and given.specs else ""
    return {"image": "images/s", "mnist": "images/s", "text": "texts/s", "csv": "rows/s"}.get(kind, "samples/s")


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else figure(value, 1)


def _memory(record: Record) -> Card:
    peak = record.parts.get("peak_memory_bytes")
    if peak is None:
        return Card("Peak memory")
    value, _, unit = size_text(peak).partition(" ")
    whole = f"of {size_text(record.device.memory)}" if record.device is not None and record.device.memory else ""
    where = "" if record.device is None or record.device.type == "cuda" else "the whole process"
    return Card("Peak memory", value, unit, "  ·  ".join(part for part in (whole, where) if part), ())


def warned_of(tab: BatchTab) -> Warned | None:
    """The gravest thing that is wrong: why it ended, else where its values stop being numbers, else what was found."""
    problem, record = tab.problem, tab.record
    if problem is not None:
        message = plain(problem.message, 300)
        stale = isinstance(problem, ChangedOnDisk)
        detail = tab.detail[-LONGEST_OUTPUT:]
        return Warned(
            f"{message[:1].upper()}{message[1:]}", hint_of(problem), "danger", _known(record, problem.where),
            "Reload" if stale else "", "reload" if stale else "", "\n".join(plain(line) for line in detail.splitlines()), True,
        )  # fmt: skip
    if tab.is_stale:
        return Warned("The file changed on disk", "What is shown was measured with the file as it was.", "warn", "", "Reload", "reload")
    for finding in record.parts.get("findings") or () if record is not None else ():
        if finding.severity in {"danger", "warning"}:
            act = "bfloat16" if record is not None and _is_narrow(record, finding.detail) else ""
            tone: Tone = "danger" if finding.severity == "danger" else "warn"
            return Warned(finding.title, finding.detail, tone, _known(record, finding.where), "Use bf16" if act else "", act)
    parting = record.parts.get("parting") if record is not None else None
    if parting is not None and parting.parts_at is not None:
        gap = parting.gaps.get(parting.parts_at)
        off = f"Its outputs are {100 * gap.relative:.3g} % apart there." if gap is not None and gap.relative is not None else ""
        return Warned(f"The two models part at {parting.parts_at}", off, "warn", _known(record, parting.parts_at))
    return None


def hint_of(problem: InspectError) -> str:
    """What to do next, in words of the window: options of the command line have the names of fields there."""
    return plain(_OPTION.sub(lambda found: _NAMES.get(found[1], found[1].capitalize()), problem.hint).replace("`", ""), 600)


def _is_narrow(record: Record, detail: str) -> bool:
    return "float16" in detail and record.choices.dtype != "bfloat16"


def _known(record: Record | None, path: str | None) -> str:
    """The path, if there is a row for it."""
    return path if record is not None and path and record.table.find(f"layer:{path}") is not None else ""


__all__ = ["Card", "Warned", "cards_of", "hint_of", "warned_of"]
