"""Recognises an architecture among the known ones, by names and shapes alone. Always inferred: equal names are no proof.

Names are compared as the library writes them: without wrapper segments, without the set's prefix, and, where the whole does not
fit, below a leading name that holds a good part of the set (`backbone.`, `encoder.`). The digest of all names and shapes, or of
those outside the head, leads straight to most files' layouts; samples propose candidates for the rest; what is proposed is then
compared in full.

(Rejected: a digest of the names without shapes. A network of the same names and other widths is another network, and would not
even be called similar.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ptinspect import resources
from ptinspect.checkpoint.architecture_index import Index, crcs, digest, named, plainness
from ptinspect.checkpoint.architecture_matches import (
    FEWEST_NAMES,
    MATCHES,
    Comparison,
    Match,
    Mismatch,
    View,
    because,
    classes,
    comparison,
    judge,
)
from ptinspect.checkpoint.heads import heads
from ptinspect.checkpoint.model import WeightSet
from ptinspect.checkpoint.weight_sets import common_prefix, without_wrappers
from ptinspect.frozen import frozen

_PART = 0.2
_LARGE = 2_000  # names: the parts of more are not tried, for an answer that nearly always is None costs time as well
_COMPARED = 8_000  # names, for all candidates together
_CANDIDATES, _PARTS, _DEPTH, _SAMPLES = 8, 4, 3, 3
Judged = list[tuple[Match, Comparison]]


@frozen
class Architecture:
    """The known model that a weight set fits.

    `missing` and `mismatched` are the library's names, `unexpected` the file's. `leading` is what was taken off the file's names
    besides wrapper segments; `arguments` are what the library's constructor needs for this file, such as `num_classes`.
    """

    name: str
    library: str
    match: Match
    also: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[Mismatch, ...]
    because: str
    leading: str = ""
    arguments: tuple[tuple[str, int], ...] = ()

    @property
    def claim(self) -> str:
        """The architecture in a few words."""
        return f"{self.library}'s {self.name}{'' if self.match == 'exact' else f', {self.match}'}"


def recognise(weights: WeightSet) -> Architecture | None:
    """The known model whose names and shapes these are, or None; also None where no index was installed."""
    if len(weights.entries) < FEWEST_NAMES:
        return None
    try:
        index = Index.opened(resources.place("architectures.bin"))
    except (OSError, ValueError):
        return None
    with index:
        return None if len(weights.entries) > 2 * index.most_names else among(index, whole(weights))


def whole(weights: WeightSet) -> View:
    """All names of a set without wrapper segments and prefix; an average's counter is none of the model's names."""
    plain = [(without_wrappers(entry.name), entry.tensor.shape) for entry in weights.entries if entry.name != "n_averaged"]
    prefix = common_prefix([name for name, _ in plain]) or ""
    return View(prefix, {name[len(prefix) :]: tuple(shape) for name, shape in plain})


def among(index: Index, view: View) -> Architecture | None:
    """The best match of the whole set; unless that is whole outside its head, a part with a leading name may fit better.

    What explains more of the file fits better, then what misses less: a ResNet under `backbone.` also fits torchvision's
    segmentation models without their classifier, but more is missing.
    """
    best = judged(index, view)
    if (not best or best[0][0] not in ("exact", "head differs")) and len(view.tensors) <= _LARGE:
        found = [best] if best else []
        for part in parts(view):
            if some := judged(index, part):
                found.append(some)
                if not some[0][1].unexplained:
                    break
        best = min(found, key=lambda some: (some[0][1].unexplained, some[0][1].differences), default=[])
    return described(best) if best else None


def judged(index: Index, view: View) -> Judged:
    """The best match of a view and all that are as good, the plainest first. A trunk fits whatever head was taken from it."""
    found = [(match, seen) for seen in compared(index, view) if (match := judge(seen)) is not None]
    order = [(MATCHES.index(match), seen.outside_head if match == "subset" else seen.differences) for match, seen in found]
    equals = [one for one, rank in zip(found, order, strict=True) if rank == min(order)]
    return sorted(equals, key=lambda one: plainness(one[1].layout.entries[0]))


def parts(view: View) -> Iterator[View]:
    """The set below each leading name that holds a good part of it, the largest first."""
    counts: dict[str, int] = {}
    for name in view.tensors:
        at = -1
        for _ in range(_DEPTH):
            at = name.find(".", at + 1)
            if at < 0:
                break
            counts[name[: at + 1]] = counts.get(name[: at + 1], 0) + 1
    least = max(FEWEST_NAMES, _PART * len(view.tensors))
    large = sorted((prefix for prefix, count in counts.items() if count >= least), key=lambda prefix: (-counts[prefix], len(prefix)))
    for prefix in large[:_PARTS]:
        inside = {name[len(prefix) :]: shape for name, shape in view.tensors.items() if name.startswith(prefix)}
        outside = tuple(name for name in view.tensors if not name.startswith(prefix))
        yield View(view.leading + prefix, inside, outside)


def compared(index: Index, view: View) -> Iterator[Comparison]:
    """The view beside each layout that its digests or its samples propose."""
    values = crcs(view.tensors)
    head = heads(view.tensors)
    trunk = digest(value for name, value in values.items() if not name.startswith(head))
    proposed = dict.fromkeys(index.with_digest(digest(values.values())) or index.with_digest(trunk))
    if not proposed:
        hits, size = index.with_samples(values.values()), named(values)
        likely = sorted(
            (number for number, count in hits.items() if count >= _SAMPLES),
            key=lambda number: (-hits[number], abs(index.names_in(number) - size), number),
        )
        proposed = dict.fromkeys(likely[: min(_CANDIDATES, max(2, _COMPARED // len(values)))])
    for number in proposed:
        yield comparison(view, index.layout(number))


def described(best: Judged) -> Architecture:
    """The first of equally good matches, and the names of the others."""
    match, seen = best[0]
    first, *others = dict.fromkeys(entry for _, equal in best for entry in equal.layout.entries)
    library, name, options = _split(first)
    arguments = {**options, **classes(seen)}
    return Architecture(
        name,
        library,
        match,
        tuple(_beside(library, name, others)),
        seen.missing,
        seen.unexpected + seen.view.outside,
        seen.mismatched,
        because(f"{library}'s {name}", match, seen),
        seen.view.leading,
        tuple(arguments.items()),
    )


def _split(entry: str) -> tuple[str, str, dict[str, int]]:
    library, _, rest = entry.partition(":")
    name, _, options = rest.partition("?")
    return library, name, {key: int(value) for key, _, value in (option.partition("=") for option in options.split("&") if option)}


def _beside(library: str, name: str, entries: Iterable[str]) -> Iterator[str]:
    """The names of equal entries; another library's with its name before them."""
    told = {name}
    for entry in entries:
        other, plain, _ = _split(entry)
        label = plain if other == library else f"{other}:{plain}"
        if label not in told:
            told.add(label)
            yield label
