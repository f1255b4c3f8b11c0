"""The lengths of what stayed the same, where something beside it changed: without them nobody can say how far a layer moved as a whole.

A stream over two files leaves equal bytes uncounted. Of two equal files, and of blocks that nothing touched, nothing is asked here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ptinspect.analysis.compare.comparison import Outline, Progress
from ptinspect.analysis.compare.model import Pair
from ptinspect.frozen import replace


def has_length(pair: Pair) -> bool:
    """Whether it is made of measures. Whole numbers count something else, and would outweigh all weights."""
    both = pair.match.both
    return both is not None and both[0].tensor.dtype.family in ("float", "complex")


def lengths(
    outline: Outline, pairs: Sequence[Pair], compiled: bool | None = None, progress: Progress | None = None
) -> Iterator[tuple[int, Pair]]:
    """Those that stayed the same beside a change, by their places, with their lengths."""
    from ptinspect.analysis.compare.pair_stream import PairRequest, measured  # noqa: PLC0415 - numpy, which an outline does without

    places = list(_beside_a_change(pairs))
    both = [(entries[0].tensor, entries[1].tensor) for place in places if (entries := pairs[place].match.both) is not None]
    left, right = outline.left.checkpoint, outline.right.checkpoint
    request = PairRequest(left, right, both, histograms=False, lengths=True, compiled=compiled)
    for place, found in measured(request, progress) if both else ():
        if found.problem is None and found.same:
            yield places[place], replace(pairs[places[place]], difference=found.difference)


def _beside_a_change(pairs: Sequence[Pair]) -> Iterator[int]:
    above = {way for pair in pairs if pair.status in ("changed", "dtype_changed") and has_length(pair) for way in _ways(pair)}
    for place, pair in enumerate(pairs):
        if pair.status == "same" and has_length(pair) and not above.isdisjoint(_ways(pair)):
            yield place


def _ways(pair: Pair) -> Iterator[str]:
    """The layers above a tensor, outermost last."""
    way = pair.match.name.rpartition(".")[0]
    while way:
        yield way
        way = way.rpartition(".")[0]
