"""What the window shows of a test batch, from its tab alone."""

from __future__ import annotations

import os

from ptinspect.session.batch.record import Record
from ptinspect.session.chips import Chip
from ptinspect.session.settings import Settings
from ptinspect.session.state import BatchTab
from ptinspect.session.troubles import Tone
from ptinspect.session.views import BatchView, StatusView, TabView
from ptinspect.session.words import count_text, plain, plural

SHORT = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16", "float64": "fp64"}


def head_of(tab: BatchTab) -> TabView:
    """The head of the tab."""
    names = _name(tab.path) + (f" and {_name(tab.other)}" if tab.other else "")
    tip = plain(tab.path) + (f"\n{plain(tab.other)}" if tab.other else "")
    tone: Tone = "danger" if tab.problem is not None and tab.record is None else "plain"
    return TabView(tab.id, plain(f"Test batch — {names}", 80), tip, "play", tone, tab.busy is not None)


def page_of(tab: BatchTab, settings: Settings) -> BatchView:
    """The page of the tab."""
    return BatchView(tab.id, tab, tuple(_chips(tab)), _safety(tab), settings.python, settings.is_inspector_shown)


def _chips(tab: BatchTab) -> list[Chip]:
    subject, record = tab.subject, tab.record
    checkpoint = subject.checkpoint if subject is not None else None
    found = checkpoint.architecture if checkpoint is not None else None
    chips = [Chip(plain(found.name, 40), icon="play", tip=f"Inferred: {plain(found.because, 300)}")] if found is not None else []
    chips.append(Chip(plain(os.path.basename(tab.path), 40), tip=plain(tab.path)))
    if tab.other:
        chips.append(Chip(plain(os.path.basename(tab.other), 40), before="beside", tip=plain(tab.other)))
    totals = record.parts.get("totals") if record is not None else None
    if totals is not None and totals[0] is not None:
        chips.append(Chip(count_text(totals[0]), after="parameters", tip=f"{totals[0]:,} parameters, {totals[1] or 0:,} of them trainable"))
    if record is not None and record.device is not None:
        chips.append(Chip(record.device.name, icon="cpu" if record.device.type == "cpu" else "gpu", tip=f"torch {record.torch}"))
        dtype = record.choices.dtype if record.choices.dtype != "auto" else subject.dtype if subject is not None else ""
        if dtype:
            chips.append(Chip(SHORT.get(dtype, dtype)))
    return chips


def _safety(tab: BatchTab) -> Chip:
    """Whose code runs, in one chip: what did, else what would."""
    record = tab.record
    if record is not None and record.device is not None:
        return _ran(record)
    offer = None if tab.subject is None else next((one for one in tab.subject.offers if one.word == tab.choices.model), None)
    if offer is None or offer.runs_code:
        return Chip("Would run code", after="— only once you agree", icon="shield", tone="warn", tip=offer.note if offer else "")
    return Chip("Runs nothing of the file", icon="shield-check", tone="good", tip=offer.note)


def _ran(record: Record) -> Chip:
    whose, _, _ = record.source.partition(":")
    if record.is_trusted:
        return Chip("Code was run", after="— as agreed", icon="shield", tone="warn", tip=record.source)
    if whose in ("torchvision", "timm", "transformers"):
        return Chip(f"{whose}'s own code", after="— none from the file", icon="shield-check", tone="good", tip=record.source)
    return Chip("Known classes only", after="— no code from the file", icon="shield-check", tone="good", tip=record.source)


def status_of(tab: BatchTab) -> StatusView:
    """The line at the bottom."""
    facts = tuple(_facts(tab))
    if tab.busy is not None:
        return StatusView(tab.busy.text, "loader", "plain", facts, is_busy=True, share=tab.busy.share or 0.0, slot=tab.busy.slot)
    if tab.is_reading:
        return StatusView("Reading the file again", "loader", "plain", facts, is_busy=True)
    record = tab.record
    if tab.problem is not None:
        return StatusView("The last run did not come to its end", "triangle-alert", "warn", facts)
    if tab.stopped:
        return StatusView("Stopped. What was measured until then is shown", "triangle-alert", "warn", facts)
    if record is None or record.seconds is None:
        return StatusView("Nothing was run yet", "play", "plain", facts)
    layers = plural(record.table.count, "layer")
    return StatusView(f"Measured {layers} in {record.seconds:,.1f} s", "circle-check", "good", facts)


def _facts(tab: BatchTab) -> list[str]:
    """What computes, in a few words."""
    record, around = tab.record, tab.around
    found = [f"torch {(record.torch if record is not None and record.torch else around.torch if around is not None else '')}".strip()]
    if around is not None and around.build:
        found.append(around.build if around.build != "CPU" else "CPU build")
    if record is not None:
        asked = record.choices
        switches = ((asked.channels_last, "channels last"), (asked.autocast, "autocast"), (asked.compiled, "compiled"))
        found += [text for is_on, text in switches if is_on]
        if record.parts.get("latency_ms") is not None and asked.warmup:
            found.append(f"{plural(asked.warmup, 'warm-up run')} done")
    return [text for text in found if text != "torch"]


def _name(path: str) -> str:
    """A file's name without what it ends in."""
    name = os.path.basename(path)
    return plain(name.rpartition(".")[0] or name, 60)


__all__ = ["head_of", "page_of", "status_of"]
