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
    called = [_state_names(side.checkpoint) for side in (left, right)]
    known = all(called)  # numbers of one file mean nothing beside names of the other
    one, other = (dict(_facts(side, names if known else {})) for side, names in zip((left, right), called, strict=True))
    paths = list(dict.fromkeys((*one, *other)))
    found = (Outside(path, one.get(path), other.get(path)) for path in paths if one.get(path, _ABSENT) != other.get(path, _ABSENT))
    return tuple(item for item, _ in zip(found, range(MOST), strict=False))


def _state_names(checkpoint: Checkpoint) -> dict[int, str]:
    """The paths of optimizers' tensors by the parameters that they belong to, where that is known: their numbers are those of one file."""
    training = checkpoint.training
    if training is None:
        return {}
    fits = {fit.optimizer: fit for fit in training.fits}
    prefixes = {weights.path: weights.prefix or "" for weights in checkpoint.weights}
    found: dict[int, str] = {}
    for optimizer in training.optimizers:
        fit = fits.get(optimizer.path)
        for slot, kept in optimizer.state.items() if fit is not None else ():
            name = fit.names.get(slot) if fit is not None else None
            if fit is not None and name is not None:
                path = joined(joined(optimizer.path, "state"), name.removeprefix(prefixes.get(fit.weights, "")))
                found |= {id(tensor): joined(path, key) for key, tensor in kept.items()}
    return found


def _facts(side: Side, names: dict[int, str]) -> Iterator[tuple[str, Any]]:
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
    yield from _structure(side, checkpoint, names)


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


def _structure(side: Side, checkpoint: Checkpoint, names: dict[int, str]) -> Iterator[tuple[str, Any]]:
    """Tensors outside the compared weights, by their paths: optimizer state, other weight sets."""
    own = {id(entry.tensor) for entry in side.entries}
    for place in checkpoint.document.places:
        if id(place.tensor) not in own:
            tensor = place.tensor
            yield f"tensors.{names.get(id(tensor), place.path)}", f"{tensor.dtype.name} {list(tensor.shape)}"
