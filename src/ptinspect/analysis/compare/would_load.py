"""What a strict `load_state_dict` would say of the left weights for a model that has the right ones, and the lines that make it load."""

from __future__ import annotations

from collections.abc import Iterator

from ptinspect.analysis.compare.model import Match, Side
from ptinspect.checkpoint.load import lines_to_weights
from ptinspect.checkpoint.weight_sets import metadata_of
from ptinspect.frozen import frozen
from ptinspect.pickles.values import entries, lookup, pairs_of
from ptinspect.tensors import TensorInfo

_COUNTER = "num_batches_tracked"


@frozen
class Mismatch:
    """A name whose size does not fit: what is in the file, what the model has."""

    name: str
    file: tuple[int, ...]
    expected: tuple[int, ...]


@frozen
class WouldLoad:
    """Names as they are stored: a prefix makes every one of them missing and unexpected, as it does for torch."""

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[Mismatch, ...]
    lines: tuple[str, ...] = ()

    @property
    def strict(self) -> bool:
        """Whether it loads as it is."""
        return not (self.missing or self.unexpected or self.mismatched)


def would_load(left: Side, right: Side, matches: tuple[Match, ...]) -> WouldLoad:
    """The left state_dict into a model whose own state_dict is the right one."""
    have = {entry.name: entry.tensor for entry in left.entries}
    want = {entry.name: entry.tensor for entry in right.entries}
    counted = set(_counted_anew(left, want))
    missing = tuple(name for name in want if name not in have and name not in counted)
    unexpected = tuple(name for name in have if name not in want)
    shared = ((name, have[name], want[name]) for name in want if name in have)
    misfits = tuple(Mismatch(name, one.shape, other.shape) for name, one, other in shared if not _fits(one, other))
    found = WouldLoad(missing, unexpected, misfits)
    return WouldLoad(missing, unexpected, misfits, tuple(_lines(left, matches, found)))


def _fits(have: TensorInfo, want: TensorInfo) -> bool:
    """torch takes a list of one number where it wants a single one, as files of 0.3 have it."""
    return have.shape == want.shape or (want.shape == () and len(have.shape) == 1 and have.shape[0] >= 1)


def _counted_anew(left: Side, want: dict[str, TensorInfo]) -> Iterator[str]:
    """Counters that batch norms add themselves to a state_dict of before their version 2, or of no version at all."""
    if left.weights is None:
        return
    versions = {}
    if left.weights.form == "state_dict":
        for key, item in entries(pairs_of(metadata_of(left.weights.value)) or []):
            versions[key] = lookup(item, "version")
    else:
        return
    for name in want:
        module, _, last = name.rpartition(".")
        if last == _COUNTER and f"{module}.running_mean".removeprefix(".") in want:
            version = versions.get(module)
            if type(version) is not int or version < 2:
                yield name


def _lines(left: Side, matches: tuple[Match, ...], found: WouldLoad) -> Iterator[str]:
    """Read the left weights, give them the right names, leave out what does not fit, load."""
    if left.weights is None:
        return
    lines = lines_to_weights(left.checkpoint, left.weights)
    yield from lines
    if lines[-1].startswith("#"):
        return
    pairs = [match.both for match in matches if match.both is not None]
    named = {one.name: other.name for one, other in pairs}
    kept = {one.name: other.name for one, other in pairs if _fits(one.tensor, other.tensor)}
    yield from _renamed(named)
    dropped = [named.get(entry.name, entry.name) for entry in left.entries if entry.name not in kept]
    if dropped:
        yield f"dropped = {tuple(dropped)!r}"
        yield "state_dict = {name: value for name, value in state_dict.items() if name not in dropped}"
    filled = set(kept.values())
    misses = any(name not in filled for name in found.missing) or any(one.name not in filled for one in found.mismatched)
    yield "# `model` is one that has the right file's weights" + ("; what is not in the file keeps its own values." if misses else ".")
    yield f"model.load_state_dict(state_dict{', strict=False' if misses else ''})"


def _renamed(named: dict[str, str]) -> Iterator[str]:
    """One cut and one lead for all names where that says it, name by name otherwise."""
    changed = {one: other for one, other in named.items() if one != other}
    if not changed:
        return
    cut, lead = _affixes(*next(iter(changed.items())))
    if all(lead + one.removeprefix(cut) == other for one, other in named.items()):
        expression = f"name.removeprefix({cut!r})" if cut else "name"
        yield f"state_dict = {{{f'{lead!r} + ' if lead else ''}{expression}: value for name, value in state_dict.items()}}"
        return
    yield f"renamed = {changed!r}"
    yield "state_dict = {renamed.get(name, name): value for name, value in state_dict.items()}"


def _affixes(one: str, other: str) -> tuple[str, str]:
    """What to take off the one name and put before the rest of it to have the other."""
    shared = 0
    while shared < min(len(one), len(other)) and one[-1 - shared] == other[-1 - shared]:
        shared += 1
    return one[: len(one) - shared], other[: len(other) - shared]
