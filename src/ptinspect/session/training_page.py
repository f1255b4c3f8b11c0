"""The training page: how far, with which optimizer, schedule and settings, as names and values to search."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.frozen import frozen
from ptinspect.session.words import number_text, plain, plural, signed

MOST_LINES, MOST_GROUPS, MOST_NAMES = 4_000, 40, 2_000


@frozen
class Setting:
    """One line of a tree of settings: its depth, its name and its value."""

    depth: int
    name: str
    value: str


@frozen
class Section:
    """Lines under a heading, and how we know."""

    title: str
    note: str
    lines: tuple[Setting, ...]


@frozen
class TrainingPage:
    """All of the page; empty where the file tells nothing of a training."""

    numbers: tuple[tuple[str, str], ...] = ()
    sections: tuple[Section, ...] = ()
    empty: str = ""


def training_page(checkpoint: Checkpoint) -> TrainingPage:
    """The page of one checkpoint."""
    training = checkpoint.training
    if training is None:
        return TrainingPage(empty="The file says nothing about a training: no epoch, no optimizer, no settings.")
    fields = training.fields()
    numbers = [(name.capitalize(), number_text(fields[name])) for name in ("epoch", "step", "loss") if fields[name] is not None]
    numbers += [(plain(name, 40), number_text(value)) for name, value in list(fields["metrics"].items())[:12]]
    return TrainingPage(tuple(numbers), tuple(section for section in _sections(fields) if section.lines))


def _sections(fields: dict[str, Any]) -> Iterator[Section]:
    for optimizer in fields["optimizers"][:8]:
        name = plain(str(optimizer["class"] or "Unknown optimizer"), 60)
        where = f" in {plain(optimizer['path'], 80)}" if optimizer["path"] else ""
        note = f"{optimizer['certainty']}{where}"
        lines = [line for at, group in enumerate(optimizer["groups"][:MOST_GROUPS]) for line in _group(at, group, len(optimizer["groups"]))]
        yield Section(f"Optimizer: {name}", note, tuple(lines))
    for scheduler in fields["schedulers"][:8]:
        rest = {key: value for key, value in scheduler.items() if key not in ("path", "class", "certainty")}
        title = f"Schedule: {plain(str(scheduler['class'] or 'unknown'), 60)}"
        yield Section(title, f"{scheduler['certainty']} in {plain(scheduler['path'], 80)}", _tree(rest))
    yield Section("Hyper-parameters", "as stored", _tree(fields["hyper_parameters"]))
    for path, tree in list(fields["more_parameters"].items())[:8]:
        yield Section(plain(path, 80), "more settings, as stored", _tree(tree))
    yield Section("Versions", "of the software that saved it", _tree(fields["versions"]))
    yield Section("Callbacks", "", _tree({str(at): value for at, value in enumerate(fields["callbacks"])}))
    yield Section("Loss scaling", "", _tree(fields["scalers"]))
    yield Section("Random states", "stored to repeat the run", tuple(Setting(0, plain(name, 200), "") for name in fields["random_states"]))


def _group(at: int, group: dict[str, Any], count: int) -> Iterator[Setting]:
    """One parameter group: how many it holds, then its options but those that are off."""
    rest = {key: value for key, value in group.items() if key != "params" and value is not None and value is not False}
    yield Setting(0, f"Group {at + 1}" if count > 1 else "Parameters", plural(int(group["params"]), "parameter"))
    yield from _tree(rest, 1)


def _tree(value: Any, depth: int = 0) -> tuple[Setting, ...]:
    """A nest of settings as lines, depth first."""
    lines: list[Setting] = []
    todo = [(depth, plain(str(key), 120), item) for key, item in reversed(list(value.items()))] if isinstance(value, dict) else []
    while todo and len(lines) < MOST_LINES:
        level, name, item = todo.pop()
        if isinstance(item, dict) and item and level < 40:
            lines.append(Setting(level, name, ""))
            todo.extend((level + 1, plain(str(key), 120), below) for key, below in reversed(list(item.items())))
        else:
            lines.append(Setting(level, name, _value(item)))
    return tuple(lines)


def _value(item: Any) -> str:
    if isinstance(item, bool) or item is None:
        return str(item)
    if isinstance(item, (list, tuple)) and len(item) <= 12:
        return ", ".join(_value(part) for part in item) or "empty"
    if isinstance(item, (int, float)):
        return signed(f"{item:.6g}" if isinstance(item, float) else str(item))
    return plain(str(item), 400)
