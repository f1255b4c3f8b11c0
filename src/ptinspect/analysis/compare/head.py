"""Which pairs belong to the head, what is replaced when a network learns a new task, and which modules the others stand in."""

from __future__ import annotations

from collections.abc import Sequence

from ptinspect.analysis.compare.model import Match
from ptinspect.checkpoint.heads import heads
from ptinspect.checkpoint.model import Entry
from ptinspect.checkpoint.weight_sets import without_wrappers


class Head:
    """The head of either side by its names; a pair is inside where one of its names is."""

    def __init__(self, left: Sequence[Entry], right: Sequence[Entry]) -> None:
        self.left, self.right = _heads(left), _heads(right)

    def holds(self, match: Match) -> bool:
        """Whether a pair is inside."""
        return _is_inside(match.left, self.left) or _is_inside(match.right, self.right)

    @property
    def names(self) -> tuple[str, ...]:
        """What it is called, each name once."""
        return tuple(dict.fromkeys(name.removesuffix(".") for name in (*self.left, *self.right)))


def _heads(entries: Sequence[Entry]) -> tuple[str, ...]:
    return heads([without_wrappers(entry.name) for entry in entries if entry.role == "parameter"])


def _is_inside(entry: Entry | None, names: tuple[str, ...]) -> bool:
    return entry is not None and without_wrappers(entry.name).startswith(names) if names else False


def module_of(name: str) -> str:
    """The module that holds a parameter."""
    return without_wrappers(name).rpartition(".")[0]


def blocks_of(names: Sequence[str]) -> dict[str, str]:
    """The block of each name: the child that it stands in where the tree first has several, as the head is found."""
    split = {name: without_wrappers(name).split(".") for name in names}
    level = 0
    while len({parts[level] if len(parts) > level + 1 else "" for parts in split.values()}) == 1:
        if any(len(parts) <= level + 2 for parts in split.values()):
            break
        level += 1
    return {name: ".".join(parts[: level + 1]) if len(parts) > level + 1 else ".".join(parts[:-1]) for name, parts in split.items()}
