"""The part of `info` that tells how far a training was, and with what; the trees of settings stay in --json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ptinspect.checkpoint.hyperparameters import CLASS
from ptinspect.checkpoint.training import Training
from ptinspect.quantities import plural
from ptinspect.spelled import plain

MOST_STATES = 8
MOST_NAMES = 12
MOST_GROUPS = 4
_SHORT = 60


def training_lines(training: Training) -> Iterator[str]:
    """One line a subject, unwrapped; none where the file tells nothing that fits into a line."""
    fields = training.fields()
    yield from _progress(training, fields)
    yield from (_optimizer(optimizer) for optimizer in fields["optimizers"][:MOST_STATES])
    yield from (_scheduler(scheduler) for scheduler in fields["schedulers"][:MOST_STATES])
    yield from (line for callback in fields["callbacks"][:MOST_STATES] if (line := _callback(callback)))
    for title in ("hyper_parameters", "versions"):
        yield from _names(title.replace("_", "-"), fields[title])
    stored = [f"{plain(name)} {value_text(value)}" for name, value in fields["stored"].items() if _is_short(value)]
    if stored:
        yield f"also stored: {', '.join(stored[:MOST_NAMES])}"
    if fields["scalers"]:
        yield f"gradient scaler: {', '.join(plain(name) or 'the root' for name in fields['scalers'])}"
    if fields["random_states"]:
        yield f"random states: {', '.join(plain(name) for name in fields['random_states'][:MOST_NAMES])}"


def progress_parts(training: Training) -> Iterator[str]:
    """Epoch, step and loss in a few words; where only the file's name tells, that is said."""
    named = training.from_name
    for name in ("epoch", "step", "loss"):
        value = getattr(training, name)
        if value is not None:
            yield f"{name} {value_text(value)}"
        elif (guessed := getattr(named, name, None)) is not None:
            yield f"{name} {guessed} by the file's name"


def purpose_text(training: Training) -> str:
    """What a file is for that holds a piece of a training and no weights, as Hugging Face's Trainer writes them."""
    if training.schedulers:
        return f"a schedule's state, {plain(training.schedulers[0].class_name or 'of an unknown class')}"
    if training.random_states:
        return f"states of random generators ({', '.join(plain(name) for name in training.random_states[:MOST_NAMES])})"
    if training.hyper_parameters:
        kind = training.hyper_parameters.get(CLASS)
        return f"settings{f' of class {plain(kind)}' if isinstance(kind, str) else ''}"
    return ""


def value_text(value: object) -> str:
    """A number in as many digits as anyone reads; a float32 would print ten more."""
    return f"{value:.6g}" if isinstance(value, float) else plain(str(value))


def _progress(training: Training, fields: Mapping[str, Any]) -> Iterator[str]:
    said = training.from_name.all_metrics() if training.from_name else {}
    stored = {name: fields[name] for name in ("epoch", "step", "loss") if fields[name] is not None}
    stored |= {name: value for name, value in fields["metrics"].items() if said.get(name) != value}
    if stored:
        yield ", ".join(f"{plain(name)} {value_text(value)}" for name, value in list(stored.items())[:MOST_NAMES])
    if training.from_name is not None:
        counts = {"epoch": training.from_name.epoch, "step": training.from_name.step, **training.from_name.metrics}
        fresh = {name: value for name, value in counts.items() if value is not None and value != stored.get(name)}
        parts = [f"{plain(name)} {value_text(value)}" for name, value in fresh.items()]
        parts += [value_text(value) for value in training.from_name.values]
        if parts:
            yield f"by the file's name (inferred): {', '.join(parts[:MOST_NAMES])}"


def _optimizer(optimizer: Mapping[str, Any]) -> str:
    groups = optimizer["groups"]
    rates = [f"lr {value_text(group.get('lr'))} for {plural(group['params'], 'parameter')}" for group in groups[:MOST_GROUPS]]
    rates += [f"and {len(groups) - MOST_GROUPS:,} more groups"] if len(groups) > MOST_GROUPS else []
    return ", ".join([f"{plain(optimizer['path']) or 'optimizer'}: {_class(optimizer)}", *rates])


def _scheduler(scheduler: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in scheduler.items() if name not in ("path", "class", "certainty")}
    shown = "".join(f", {plain(name)} {value_text(value)}" for name, value in rest.items() if _is_short(value))
    return f"{plain(str(scheduler.get('path') or 'schedule'))}: {_class(scheduler)}{shown}"


def _class(one: Mapping[str, Any]) -> str:
    return f"{plain(str(one['class']))} ({one['certainty']})" if one["class"] else "of an unknown class"


def _callback(callback: Mapping[str, Any]) -> str | None:
    """What it watches, the best that it saw, and where that lies; None where its state tells neither."""
    score, path = callback["best_score"], callback["best_path"]
    if score is None and path is None:
        return None
    watched = f" {plain(callback['monitor'])}" if callback["monitor"] else ""
    best = f"best{watched} {value_text(score)}" if score is not None else f"best{watched}"
    return f"{plain(callback['name'])}: {best}{f' in {plain(path)}' if path else ''}"


def _names(title: str, tree: Mapping[str, Any]) -> Iterator[str]:
    names = [f"{plain(name)} {value_text(value)}" if _is_short(value) else plain(name) for name, value in tree.items()]
    if names:
        more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
        yield f"{title}: {', '.join(names[:MOST_NAMES])}{more}"


def _is_short(value: object) -> bool:
    return isinstance(value, (int, float, str, bool)) and len(str(value)) < _SHORT
