"""What differs outside the weights: how far the training was, its settings, what the files name, their sizes and their structure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ptinspect.analysis.compare.model import Side
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.weight_sets import joined
from ptinspect.frozen import frozen

MOST = 2_000
_LEFT_OUT = frozenset({"optimizer", "scheduler", "from_name", "random_states"})
_ABSENT = object()


@frozen
class Outside:
    """One path, and what each side has there; None where it has nothing."""

    path: str
    left: Any
    right: Any


def outside(left: Side, right: Side) -> tuple[Outside, ...]:
    """What differs, in the order of the left, then what only the right has; bounded."""
    one, other = (dict(_facts(side)) for side in (left, right))
    paths = list(dict.fromkeys((*one, *other)))
    found = (Outside(path, one.get(path), other.get(path)) for path in paths if one.get(path, _ABSENT) != other.get(path, _ABSENT))
    return tuple(item for item, _ in zip(found, range(MOST), strict=False))


def _facts(side: Side) -> Iterator[tuple[str, Any]]:
    checkpoint = side.checkpoint
    yield "size", checkpoint.identity.size
    yield "container", checkpoint.document.container
    yield "kind", checkpoint.kind
    yield "safety.verdict", checkpoint.safety.verdict
    yield "safety.loads_weights_only", checkpoint.safety.loads_weights_only
    yield from ((f"safety.globals.{one.name}", one.verdict) for one in checkpoint.safety.globals)
    if checkpoint.architecture is not None:
        yield "architecture", checkpoint.architecture.name
    if checkpoint.training is not None:
        fields = {key: value for key, value in checkpoint.training.fields().items() if key not in _LEFT_OUT}
        yield from _flat("", fields)
    yield from _flat("metadata", dict(checkpoint.document.metadata))
    yield from _structure(side, checkpoint)


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A tree as paths to its leaves. It was bounded where it was built."""
    todo: list[tuple[str, Any]] = [(path, value)]
    while todo:
        at, item = todo.pop()
        if isinstance(item, dict) and item:
            todo.extend((joined(at, str(key)), below) for key, below in reversed(item.items()))
        elif isinstance(item, list | tuple) and item:
            todo.extend((joined(at, str(place)), below) for place, below in reversed(list(enumerate(item))))
        elif item is not None and item not in ({}, [], ()):
            yield at, _plain(item)


def _plain(item: Any) -> Any:
    return item if isinstance(item, str | int | float | bool) else str(item)


def _structure(side: Side, checkpoint: Checkpoint) -> Iterator[tuple[str, Any]]:
    """Tensors outside the compared weights, by their paths: optimizer state, other weight sets."""
    own = {id(entry.tensor) for entry in side.entries}
    for place in checkpoint.document.places:
        if id(place.tensor) not in own:
            tensor = place.tensor
            yield f"tensors.{place.path}", f"{tensor.dtype.name} {list(tensor.shape)}"
