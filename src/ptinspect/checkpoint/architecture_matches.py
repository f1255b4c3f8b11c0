"""A weight set beside a known layout: what they share, where they differ, and whether that is a match.

Little evidence is no evidence: beyond complete equality, a set must agree in ten names and shapes, five of them matrices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from ptinspect.checkpoint.architecture_index import Layout, Shape, is_counter
from ptinspect.checkpoint.heads import HEADS, heads
from ptinspect.checkpoint.weight_sets import common_prefix
from ptinspect.frozen import frozen

Match = Literal["exact", "head differs", "subset", "similar"]
MATCHES: tuple[Match, ...] = ("exact", "head differs", "subset", "similar")
AUXILIARY = frozenset({"aux1", "aux2", "AuxLogits", "aux_classifier", "aux_head", "head_dist"})
FEWEST_NAMES, FEWEST_MATRICES = 10, 5
_SUBSET, _SIMILAR = 0.3, 0.75


@frozen
class Mismatch:
    """A name that both have, with another shape."""

    name: str
    file: Shape
    expected: Shape


@frozen
class View:
    """A weight set as seen below a leading name, and the names that lie outside it."""

    leading: str
    tensors: Mapping[str, Shape]
    outside: tuple[str, ...] = ()

    @property
    def is_foreign(self) -> bool:
        """Whether it lies below a name that is no prefix by convention."""
        return bool(self.outside) or common_prefix([self.leading + "x"]) != (self.leading or None)


@frozen
class Comparison:
    """How a view and a layout differ; `equal` names have equal shapes."""

    view: View
    layout: Layout
    equal: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[Mismatch, ...]

    @property
    def differences(self) -> int:
        """How many names do not agree."""
        return len(self.missing) + self.unexplained

    @property
    def unexplained(self) -> int:
        """How many of the file's names the layout does not explain."""
        return len(self.unexpected) + len(self.mismatched) + len(self.view.outside)

    @property
    def outside_head(self) -> int:
        """How many names do not agree outside the head: the layout's, auxiliary ones, and what may stand in their place."""
        usual = tuple(f"{name}." for name in sorted(HEADS | AUXILIARY))
        head = heads(self.layout.tensors) + usual
        return sum(not name.startswith(head) for name in self._different())

    def _different(self) -> Iterator[str]:
        yield from self.missing
        yield from self.unexpected
        yield from (mismatch.name for mismatch in self.mismatched)


def comparison(view: View, layout: Layout) -> Comparison:
    """Both sides name by name."""
    equal, missing, mismatched = [], [], []
    for name, expected in layout.tensors.items():
        found = view.tensors.get(name)
        if found is None:
            missing.append(name)
        elif found == expected:
            equal.append(name)
        else:
            mismatched.append(Mismatch(name, found, expected))
    unexpected = tuple(name for name in view.tensors if name not in layout.tensors)
    return Comparison(view, layout, tuple(equal), tuple(missing), unexpected, tuple(mismatched))


def judge(seen: Comparison) -> Match | None:
    """What kind of match this is, if any."""
    total = len(seen.layout.tensors)
    if seen.differences == 0:
        return "subset" if seen.view.is_foreign else "exact"
    if len(seen.equal) < FEWEST_NAMES or sum(len(seen.layout.tensors[name]) > 1 for name in seen.equal) < FEWEST_MATRICES:
        return None
    if (seen.unexpected or seen.mismatched) and not seen.outside_head:
        return "head differs"
    if not seen.unexpected and not seen.mismatched and len(seen.equal) >= _SUBSET * total:
        return "subset"
    union = total + len(seen.unexpected) + len(seen.view.outside)
    return "similar" if len(seen.equal) >= _SIMILAR * union else None


def classes(seen: Comparison) -> dict[str, int]:
    """The number of classes that explains every shape that differs, where one number does."""
    known, found = seen.layout.classes, set[int | None]()
    for mismatch in seen.mismatched:
        each, rest = divmod(mismatch.expected[0], known) if known and mismatch.expected else (0, 0)
        fits = each and not rest and mismatch.file[1:] == mismatch.expected[1:] and mismatch.file[:1] and mismatch.file[0] % each == 0
        found.add(mismatch.file[0] // each if fits else None)
    number = found.pop() if len(found) == 1 else None
    return {} if number is None else {"num_classes": number}


def because(model: str, match: Match, seen: Comparison) -> str:
    """The evidence in a sentence."""
    where = f" under `{seen.view.leading}`" if seen.view.is_foreign else ""
    count = len(seen.equal)
    if match == "exact" or seen.differences == len(seen.view.outside):
        text = f"all {count} names and shapes{where} are those of {model}"
    elif match == "head differs":
        text = f"all {count} names and shapes{where} outside the head are those of {model}; {_head_change(seen)}"
    elif match == "subset":
        text = f"all {len(seen.view.tensors)} names and shapes{where} are among those of {model}; {_absent(seen)}"
    else:
        text = f"{count} names and shapes{where} are those of {model}, which has {len(seen.layout.tensors)}; {_counts(seen)}"
    return text + (f"; {len(seen.view.outside)} names lie outside" if seen.view.outside else "")


def _head_change(seen: Comparison) -> str:
    """`fc 1000 -> 7` where shapes changed, else which children were replaced."""
    changes = dict.fromkeys(
        f"{mismatch.name.rpartition('.')[0]} {mismatch.expected[0]} -> {mismatch.file[0]}"
        for mismatch in seen.mismatched
        if mismatch.expected[1:] == mismatch.file[1:] and mismatch.expected and mismatch.file
    )
    return ", ".join(changes) or _counts(seen)


def _absent(seen: Comparison) -> str:
    """What is missing, in words where it is one thing."""
    number = len(seen.missing)
    if all(is_counter(name) for name in seen.missing):
        return f"missing are only the {number} counters of batch norms, which came with torch 0.4.1"
    head = heads(seen.layout.tensors)
    gone = dict.fromkeys(name.partition(".")[0] for name in seen.missing)
    if all(name.startswith(head) for name in seen.missing):
        return f"its head is missing ({', '.join(gone)})"
    return f"{number} of its {len(seen.layout.tensors)} are missing, in {', '.join(list(gone)[:4])}{' and more' if len(gone) > 4 else ''}"


def _counts(seen: Comparison) -> str:
    return f"{len(seen.missing)} missing, {len(seen.unexpected)} unexpected, {len(seen.mismatched)} with another shape"
