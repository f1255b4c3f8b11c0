"""Which tensor of the left belongs to which of the right, by their names: rules first, then equal names, then names behind a prefix.

A prefix counts when most names of a side carry it and more tensors find their partner of the same shape without it; what compiling
and sharding put into names is left out anyway. Tensors pair by equal bytes in a later step, and by shape never without being asked.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence

from ptinspect.analysis.compare.model import Match, PairedBy
from ptinspect.analysis.compare.rules import Rule
from ptinspect.checkpoint.model import Entry
from ptinspect.checkpoint.weight_sets import PREFIXES, without_wrappers
from ptinspect.frozen import frozen

_LEVELS = 4
_Naming = Callable[[Entry], str | None]


@frozen
class Alignment:
    """Matches in the order of the left, then what only the right has; the prefixes that names lost; how often each rule was used."""

    matches: tuple[Match, ...]
    left_prefix: str | None
    right_prefix: str | None
    used: tuple[tuple[Rule, int], ...] = ()


def align(left: Sequence[Entry], right: Sequence[Entry], rules: Sequence[Rule] = ()) -> Alignment:
    """Pair by names."""
    pairing = _Pairing(left, right)
    used = tuple((rule, pairing.pair("rule", _by_rule(rule), _plain_name)) for rule in rules)
    lefts, rights = prefixes(left, right)
    if lefts == rights:
        pairing.pair("name", _name, _name)
    pairing.pair("prefix", _without(lefts), _without(rights))
    pairing.pair("name", _name, _name)
    return Alignment(pairing.matches(), *pairing.lost(), used)


def _name(entry: Entry) -> str:
    return entry.name


def _plain_name(entry: Entry) -> str:
    return without_wrappers(entry.name)


def _by_rule(rule: Rule) -> _Naming:
    def naming(entry: Entry) -> str | None:
        renamed = rule.renamed(entry.name)
        return rule.renamed(_plain_name(entry)) if renamed is None else renamed

    return naming


def _without(prefix: str) -> _Naming:
    def naming(entry: Entry) -> str | None:
        name = without_wrappers(entry.name)
        return name[len(prefix) :] if name.startswith(prefix) else None

    return naming


class _Pairing:
    """Entries of both sides, and the partners found so far."""

    def __init__(self, left: Sequence[Entry], right: Sequence[Entry]) -> None:
        self.left, self.right = left, right
        self.partner: dict[int, tuple[int, PairedBy]] = {}
        self.taken: set[int] = set()

    def pair(self, how: PairedBy, left_name: _Naming, right_name: _Naming) -> int:
        """Pair what has no partner yet and is called the same by these two ways of naming; says how many."""
        places: dict[str, deque[int]] = defaultdict(deque)
        for at, entry in enumerate(self.right):
            name = None if at in self.taken else right_name(entry)
            if name is not None:
                places[name].append(at)
        before = len(self.partner)
        for at, entry in enumerate(self.left):
            name = None if at in self.partner else left_name(entry)
            if name is not None and places.get(name):
                other = places[name].popleft()
                same = entry.name == self.right[other].name
                self.partner[at] = (other, "name" if same and how == "prefix" else how)
                self.taken.add(other)
        return len(self.partner) - before

    def matches(self) -> tuple[Match, ...]:
        """Everything, each tensor once."""
        found = []
        for at, entry in enumerate(self.left):
            other = self.partner.get(at)
            found.append(Match(entry, None) if other is None else Match(entry, self.right[other[0]], other[1]))
        found += [Match(None, entry) for at, entry in enumerate(self.right) if at not in self.taken]
        return tuple(found)

    def lost(self) -> tuple[str | None, str | None]:
        """What the names of each side lost to fit, where that is not the same on both."""
        lefts, rights = Counter[str](), Counter[str]()
        for at, (other, how) in self.partner.items():
            if how == "prefix":
                left, right = _cut(self.left[at].name, self.right[other].name)
                lefts[left] += 1
                rights[right] += 1
        return _most(lefts), _most(rights)


def _most(counts: Counter[str]) -> str | None:
    return max(counts, key=lambda text: (counts[text], text)) or None if counts else None


def _cut(left: str, right: str) -> tuple[str, str]:
    """What stands before the part that two names share; the segments of wrappers where they stand inside it."""
    tails = zip(reversed(left.split(".")), reversed(right.split(".")), strict=False)
    shared = 0
    for one, other in tails:
        if one != other:
            break
        shared += len(one) + 1
    one, other = left[: max(0, len(left) - shared + 1)], right[: max(0, len(right) - shared + 1)]
    begin = 0
    while "." in one[begin:] and other[begin:].startswith(one[begin:].partition(".")[0] + "."):
        begin += len(one[begin:].partition(".")[0]) + 1
    return one[begin:], other[begin:]


def prefixes(left: Sequence[Entry], right: Sequence[Entry]) -> tuple[str, str]:
    """The pair of prefixes without which most tensors have a partner of the same name and shape; empty texts where none helps."""
    if {entry.name for entry in left} == {entry.name for entry in right}:
        return "", ""
    lefts, rights = ([(without_wrappers(entry.name), entry.tensor.shape) for entry in side] for side in (left, right))
    every = [(one, other) for one in _candidates(lefts) for other in _candidates(rights)]
    # Where both sides would lose something, one of them is a wrapper's: `encoder.` for `backbone.` is another name, not a prefix.
    candidates = [(one, other) for one, other in every if _is_wrappers(one) or _is_wrappers(other)]
    # The shortest of equals, whichever side it stands on: the sides may be swapped.
    return max(candidates, key=lambda pair: (_partners(lefts, rights, *pair), -len("".join(pair)), sorted(pair)))


def _partners(lefts: list[tuple[str, tuple[int, ...]]], rights: list[tuple[str, tuple[int, ...]]], one: str, other: str) -> int:
    known = {(name[len(other) :], shape) for name, shape in rights if name.startswith(other)}
    return sum((name[len(one) :], shape) in known for name, shape in lefts if name.startswith(one))


def _is_wrappers(prefix: str) -> bool:
    """Whether it is empty, or made of what DataParallel, training frameworks and average keepers put before names."""
    return all(f"{part}." in PREFIXES for part in prefix.split(".")[:-1])


def _candidates(named: Iterable[tuple[str, tuple[int, ...]]]) -> list[str]:
    """Nothing, and what at least half of the names that are below anything begin with, up to a few levels."""
    names = [name for name, _ in named if "." in name]
    counts = Counter[str]()
    for name in names:
        end = -1
        for _ in range(_LEVELS):
            end = name.find(".", end + 1)
            if end < 0:
                break
            counts[name[: end + 1]] += 1
    return ["", *sorted(prefix for prefix, count in counts.items() if count * 2 >= len(names))]


def pair_unmatched(matches: Sequence[Match], key: Callable[[Entry, bool], object | None], how: PairedBy) -> tuple[Match, ...]:
    """Pair tensors that stand alone and have the same key, in file order among equals. `key` is told whether an entry is the left's."""
    alone = [match.right for match in matches if match.left is None]
    places: dict[object, deque[Entry]] = defaultdict(deque)
    for entry in alone:
        found = None if entry is None else key(entry, False)
        if entry is not None and found is not None:
            places[found].append(entry)
    taken: set[int] = set()
    made = []
    for match in matches:
        if match.right is None and match.left is not None:
            waiting = places.get(key(match.left, True))
            if waiting:
                other = waiting.popleft()
                taken.add(id(other))
                made.append(Match(match.left, other, how))
                continue
        made.append(match)
    return tuple(match for match in made if match.left is not None or id(match.right) not in taken)


def proposals(matches: Sequence[Match]) -> tuple[Match, ...]:
    """What could belong together by its shape alone, for people to accept."""
    made = pair_unmatched([match for match in matches if match.both is None], _shape, "shape")
    return tuple(match for match in made if match.both is not None)


def _shape(entry: Entry, left: bool) -> object:
    return entry.tensor.shape
