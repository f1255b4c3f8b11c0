"""Many files, each against each: how far apart they are, block by block. Which of these is closest to which?

The distance of a block is the l2 of all its changes over the mean size of the two sides (the root of the mean of their squares): the
same from either side, 0 for equal blocks, above 1 for unrelated ones. There is none where a tensor of the block has no partner.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from ptinspect.analysis.compare.comparison import Outline, Reading, outlined, results
from ptinspect.analysis.compare.head import blocks_of
from ptinspect.analysis.compare.model import Match, Pair, Side
from ptinspect.analysis.compare.rules import Rule
from ptinspect.frozen import frozen

Progress = Callable[[int, int], None]
_SAME_SHAPE = ("same", "changed", "dtype_changed")


@frozen
class Series:
    """`distance[block][one][other]`, None where two files cannot be compared there. `same` says that all are identical."""

    blocks: tuple[str, ...]
    distance: tuple[tuple[tuple[float | None, ...], ...], ...]
    same: bool

    def nearest(self, one: int) -> int | None:
        """The file that is nearest to one of them, by the blocks that all have."""
        sums = {other: self._sum(one, other) for other in range(len(self.distance[0]) if self.distance else 0) if other != one}
        known = {other: size for other, size in sums.items() if size is not None}
        return min(known, key=lambda other: known[other]) if known else None

    def _sum(self, one: int, other: int) -> float | None:
        found = [block[one][other] for block in self.distance]
        known = [size for size in found if size is not None]
        return math.fsum(known) / len(known) if known else None


def series(
    sides: Sequence[Side], rules: Sequence[Rule] = (), chosen: Callable[[Match], bool] | None = None, progress: Progress | None = None
) -> Series:
    """Every pair of files once."""
    ways = [(one, other) for one in range(len(sides)) for other in range(one + 1, len(sides))]
    blocks: dict[str, None] = {}
    found: dict[tuple[int, int], dict[str, float | None]] = {}
    same = True
    for done, (one, other) in enumerate(ways):
        outline = outlined(sides[one], sides[other], rules, chosen)
        pairs = list(outline.pairs)
        for place, pair in results(outline, Reading(histograms=False, lengths=True), _shifted(progress, done, len(ways))):
            pairs[place] = pair
        found[one, other] = dict(_distances(outline, pairs))
        blocks.update(dict.fromkeys(found[one, other]))
        same = same and all(pair.status == "same" for pair in pairs)
    matrices = tuple(_matrix(len(sides), block, found) for block in blocks)
    return Series(tuple(blocks), matrices, same)


def _shifted(progress: Progress | None, done: int, ways: int) -> Progress | None:
    if progress is None:
        return None
    return lambda at, total: progress(done * total + at, ways * total)


def _distances(outline: Outline, pairs: Sequence[Pair]) -> Iterator[tuple[str, float | None]]:
    """Each block by its parameters, in the order of the left; by its buffers where it has no parameters."""
    cut = outline.alignment.left_prefix or ""
    names = [pair.match.name.removeprefix(cut) for pair in pairs]
    blocks = blocks_of(names)
    sums: dict[str, list[Pair]] = {}
    for name, pair in zip(names, pairs, strict=True):
        sums.setdefault(blocks[name], []).append(pair)
    for block, members in sums.items():
        parameters = [pair for pair in members if pair.match.role == "parameter"]
        yield block, _distance(parameters or members)


def _distance(pairs: Sequence[Pair]) -> float | None:
    if any(pair.status not in _SAME_SHAPE or pair.problem is not None for pair in pairs):
        return None
    moved = [pair.difference for pair in pairs if pair.status != "same" and pair.difference is not None]
    apart = math.hypot(*(one.l2 or 0.0 for one in moved))
    if not apart:
        return 0.0
    sizes = [size for pair in pairs if pair.difference is not None for size in (pair.difference.left_l2, pair.difference.right_l2)]
    whole = math.hypot(*(size or 0.0 for size in sizes)) / math.sqrt(2)
    return apart / whole if whole else None


def _matrix(count: int, block: str, found: dict[tuple[int, int], dict[str, float | None]]) -> tuple[tuple[float | None, ...], ...]:
    def cell(one: int, other: int) -> float | None:
        return 0.0 if one == other else found[min(one, other), max(one, other)].get(block)

    return tuple(tuple(cell(one, other) for other in range(count)) for one in range(count))
