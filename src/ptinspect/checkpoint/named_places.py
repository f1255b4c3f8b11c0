"""From a name that a person types to the tensor it means, and to the nearest ones where it means none."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from heapq import nlargest
from typing import NamedTuple

from ptinspect.checkpoint.layers import TreeBuilder
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.weight_sets import joined
from ptinspect.errors import InspectError
from ptinspect.tensors import TensorInfo

ROOT = "(the root)"
LISTED = 5
_LOOKED_AT = 300
_LONGEST = 200


class NamedPlace(NamedTuple):
    """A tensor under the path that `tree` prints for it."""

    path: str
    tensor: TensorInfo


def place_of(checkpoint: Checkpoint, name: str) -> NamedPlace:
    """The tensor of that path, or of that name within the main weights. Raises InspectError, which lists the nearest ones."""
    known = _tensors(checkpoint)
    if name in known:
        return NamedPlace(name, known[name])
    if name == ROOT and "" in known:
        return NamedPlace("", known[""])
    found = [path for path in _within_main(checkpoint, name) if path in known]
    if len(found) == 1:
        return NamedPlace(found[0], known[found[0]])
    if found:
        raise InspectError(f"`{name}` may mean more than one tensor", f"Give the whole path: {_listed(found)}.")
    raise _unknown(name, known)


def _tensors(checkpoint: Checkpoint) -> dict[str, TensorInfo]:
    """Every path of the tree, then what a very large file has beyond its rows."""
    builder = TreeBuilder(checkpoint)
    builder.build()
    known = {path: row.tensor for path, row in builder.rows.items()}
    for place in checkpoint.document.places:
        known.setdefault(place.path, place.tensor)
    return known


def _within_main(checkpoint: Checkpoint, name: str) -> list[str]:
    main = checkpoint.main
    if main is None:
        return []
    names = [name, f"{main.prefix}{name}"] if main.prefix else [name]
    return [joined(main.path, one) for one in names]


def _unknown(name: str, known: dict[str, TensorInfo]) -> InspectError:
    if not known:
        return InspectError("this file has no tensors", "There is nothing in it that could be exported.")
    below = [path for path in known if path.startswith(f"{name}.")] if name else []
    if below:
        return InspectError(f"`{name}` is no tensor; it holds {len(below):,}", f"Give the path of one: {_listed(below)}.")
    return InspectError(f"there is no tensor `{name}` in this file", f"The nearest: {_listed(nearest(name, known))}. `tree` lists all.")


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """The few paths that are most like a name. Only those that begin or end alike are compared letter by letter."""
    name, wanted = name[:_LONGEST], name[:_LONGEST].casefold()
    alike = nlargest(_LOOKED_AT, known, key=lambda path: _ends_alike(path.casefold(), wanted))
    return nlargest(LISTED, alike, key=lambda path: _likeness(path[-_LONGEST:].casefold(), wanted))


def _ends_alike(path: str, wanted: str) -> int:
    return _shared(path, wanted) + 2 * _shared(path[::-1], wanted[::-1])


def _shared(one: str, other: str) -> int:
    """How many letters two texts begin with alike."""
    return next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _likeness(path: str, wanted: str) -> float:
    inside = path.endswith(f".{wanted}") or wanted.endswith(f".{path}")
    return inside + SequenceMatcher(None, path, wanted, autojunk=False).ratio()


def _listed(paths: list[str]) -> str:
    more = ", …" if len(paths) > LISTED else ""
    return ", ".join(f"`{path or ROOT}`" for path in paths[:LISTED]) + more


__all__ = ["ROOT", "NamedPlace", "nearest", "place_of"]
