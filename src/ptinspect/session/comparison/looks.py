"""A look at one pair: how far it moved, both sides' numbers, and some of its values. Read in the background, kept as a frozen answer.

Of large tensors a sample comes first, and says that it is one; then all of their values, unless the comparison is about to tell them.
"""

from __future__ import annotations

from math import isqrt, prod
from typing import TYPE_CHECKING, Any

from ptinspect.analysis.compare.comparison import Outline
from ptinspect.analysis.compare.model import Pair, Side, status_of
from ptinspect.checkpoint.model import Entry
from ptinspect.errors import FileProblem
from ptinspect.frozen import frozen, replace
from ptinspect.session.comparison.packing import unpacked
from ptinspect.session.tasks import Context
from ptinspect.session.words import plain

if TYPE_CHECKING:
    from ptinspect.analysis.statistics import Statistics

MOST_READ = 1 << 21  # values of a side that pictures are made of
MOST_ROWS, MOST_COLUMNS = 160, 256


@frozen
class SideNumbers:
    """The statistics of one side; `seen` is set where only some of its values were looked at."""

    statistics: Statistics | None = None
    seen: int | None = None
    problem: str = ""


@frozen
class Shares:
    """How many values are smaller on the right, and how many larger; of those that were looked at."""

    smaller: float
    larger: float
    is_all: bool


@frozen
class Pictures:
    """Both sides and their difference as arrays of the same form; a cell is the largest of several where they are many."""

    left: Any
    right: Any
    apart: Any
    reach: float
    note: str


class PairLook:
    """Everything that the pages say of one pair. Compared by identity: arrays have no one answer to ==."""

    __slots__ = ("is_whole", "left", "pair", "pictures", "right", "shares")

    def __init__(
        self, pair: Pair, left: SideNumbers, right: SideNumbers, shares: Shares | None = None, pictures: Pictures | None = None
    ) -> None:
        self.pair = pair
        self.left, self.right = left, right
        self.shares, self.pictures = shares, pictures
        self.is_whole = True  # else there is more to come

    @property
    def seen(self) -> int | None:
        """How many values its numbers are of, where they are not of all."""
        return min((side.seen for side in (self.left, self.right) if side.seen is not None), default=None)

    def of(self, pair: Pair, left: SideNumbers, right: SideNumbers, is_whole: bool = True) -> PairLook:
        """The same with better numbers."""
        made = PairLook(pair, left, right, self.shares, self.pictures)
        made.is_whole = is_whole
        return made


@frozen
class Known:
    """What the comparison itself has found: its histograms where they were kept, and whether it is still to come to this pair."""

    histograms: bytes | None = None
    is_coming: bool = False


def look(outline: Outline, pair: Pair, context: Context, known: Known | None = None) -> PairLook:
    """Read what there is to see of a pair. What cannot be read is told in the answer."""
    known, match = known or Known(), pair.match
    sides = (outline.left, match.left), (outline.right, match.right)
    left, right = (_numbers(side, entry, context) for side, entry in sides)
    both, is_large = match.both, left.seen is not None or right.seen is not None
    pair, is_known = with_histograms(pair, known.histograms), pair.status == "same" or known.histograms is not None
    is_one = both is None or both[0].tensor.shape != both[1].tensor.shape or bool(left.problem or right.problem)
    first = PairLook(pair, left, right)
    try:
        if both is not None and not is_one:
            if not is_large:
                pair = _measured(outline, pair, both, context)
            first = PairLook(pair, left, right, *_seen(outline, both))
        if not is_large:
            return first
        context.partial(first.of(pair, left, right, is_whole=False))
        left, right = (_all_numbers(side, entry, found, context) for (side, entry), found in zip(sides, (left, right), strict=True))
        if both is not None and not is_one and not is_known:
            if known.is_coming:
                return first.of(pair, left, right, is_whole=False)
            context.partial(first.of(pair, left, right, is_whole=False))
            pair = _measured(outline, pair, both, context)
    except FileProblem as problem:
        return PairLook(replace(pair, problem=problem.message), left, right)
    return first.of(pair, left, right)


def with_histograms(pair: Pair, kept: bytes | None) -> Pair:
    """A pair with what is kept beside it."""
    if kept is None or pair.difference is None:
        return pair
    return replace(pair, difference=replace(pair.difference, histograms=unpacked(kept)))


def _numbers(side: Side, entry: Entry | None, context: Context) -> SideNumbers:
    from ptinspect.session.tensor_looks import LookRequest, Sample  # noqa: PLC0415 - numpy comes after the first paint
    from ptinspect.session.tensor_looks import look as look_at  # noqa: PLC0415

    if entry is None:
        return SideNumbers()
    context.raise_if_cancelled()
    try:
        found = look_at(side.checkpoint, entry.tensor, LookRequest("sample", ""), lambda *_: context.raise_if_cancelled())
    except FileProblem as problem:
        return SideNumbers(problem=plain(problem.message, 300))
    if not isinstance(found, Sample):
        return SideNumbers()
    return SideNumbers(found.statistics, found.seen if found.seen < entry.tensor.elements else None)


def _all_numbers(side: Side, entry: Entry | None, found: SideNumbers, context: Context) -> SideNumbers:
    """The statistics of every value where those that were found are of some."""
    from ptinspect.analysis.stream import Request, statistics  # noqa: PLC0415

    if entry is None or found.seen is None:
        return found
    request = Request(side.checkpoint, [entry.tensor], threads=1, compiled=False)
    whole = next(statistics(request, lambda *_: context.raise_if_cancelled()))[1]
    return SideNumbers(problem=plain(whole.problem, 300)) if whole.problem else SideNumbers(whole)


def _measured(outline: Outline, pair: Pair, both: tuple[Entry, Entry], context: Context) -> Pair:
    from ptinspect.analysis.compare.pair_stream import PairRequest, measured  # noqa: PLC0415

    tensors = both[0].tensor, both[1].tensor
    request = PairRequest(outline.left.checkpoint, outline.right.checkpoint, [tensors], lengths=True, compiled=False)
    found = next((found for _, found in measured(request, lambda *_: context.raise_if_cancelled())), None)
    if found is None:
        return pair
    status = status_of(pair.match, found.same)
    return Pair(pair.match, status, "bytes" if status == "same" else None, found.difference, found.problem)


def _seen(outline: Outline, both: tuple[Entry, Entry]) -> tuple[Shares | None, Pictures | None]:
    """Values of both at the same places: all of them, or those of every so many rows."""
    import numpy as np  # noqa: PLC0415

    from ptinspect.analysis.slices import block  # noqa: PLC0415
    from ptinspect.checkpoint.storage_bytes import StorageBytes  # noqa: PLC0415
    from ptinspect.checkpoint.values import value_shape  # noqa: PLC0415

    shape = value_shape(both[0].tensor)
    if not prod(shape) or value_shape(both[1].tensor) != shape:
        return None, None
    spans, skip = _spans(shape)
    arrays = []
    for side, entry in zip((outline.left, outline.right), both, strict=True):
        with StorageBytes(side.checkpoint) as storages:
            arrays.append(_folded(_floats(block(storages, entry.tensor, spans)), shape))
    left, right = arrays
    with np.errstate(all="ignore"):
        apart = right - left
    shares = Shares(float(np.mean(apart < 0)), float(np.mean(apart > 0)), skip == 1 and prod(map(len, spans)) == prod(shape))
    cells = _reduced(left), _reduced(right), _reduced(apart)
    sizes = np.abs(np.concatenate([cell[np.isfinite(cell)].ravel() for cell in cells[:2]]))
    reach = float(np.quantile(sizes, 0.995)) if sizes.size else 0.0
    reach = reach or (float(sizes.max()) if sizes.size else 0.0) or 1.0
    return shares, Pictures(cells[0], cells[1], cells[2], reach, _note(left.shape, cells[0].shape, skip))


def _spans(shape: tuple[int, ...]) -> tuple[list[range], int]:
    """Every so many rows where all would be too many; of very long rows their beginning."""
    if not shape:
        return [], 1
    inner = prod(shape[1:])
    skip = max(1, -(-shape[0] * inner // MOST_READ)) if len(shape) > 1 else 1
    skip = min(skip, shape[0])
    spans = [range(0, shape[0], skip), *(range(size) for size in shape[1:])]
    room = MOST_READ
    for at, span in enumerate(spans):
        spans[at] = span[: max(1, room)]
        room //= max(1, len(spans[at]))
    return spans, skip


def _floats(found: Any) -> Any:
    import numpy as np  # noqa: PLC0415

    with np.errstate(all="ignore"):
        return np.abs(found).astype(np.float32) if found.dtype.kind == "c" else found.astype(np.float32)


def _folded(found: Any, shape: tuple[int, ...]) -> Any:
    """As a picture: outputs by all the rest; what has one dimension in lines of even length."""
    import numpy as np  # noqa: PLC0415

    if len(shape) > 1:
        return found.reshape(found.shape[0], -1)
    count = found.size
    wide = max(1, min(count, 2 * isqrt(max(1, count))))
    wide = next((one for one in range(wide, max(1, wide // 2), -1) if count % one == 0), wide)
    rows = -(-count // wide)
    flat = np.full(rows * wide, np.nan, np.float32)
    flat[:count] = found.ravel()
    return flat.reshape(rows, wide)


def _reduced(found: Any) -> Any:
    """No more cells than a screen shows, each the value that is furthest from zero among those it stands for."""
    import numpy as np  # noqa: PLC0415

    for axis, most in ((0, MOST_ROWS), (1, MOST_COLUMNS)):
        step = -(-found.shape[axis] // most)
        if step > 1:
            starts = np.arange(0, found.shape[axis], step)
            high, low = np.fmax.reduceat(found, starts, axis=axis), np.fmin.reduceat(found, starts, axis=axis)
            found = np.where(np.abs(low) > np.abs(high), low, high)
    return np.ascontiguousarray(found)


def _note(whole: tuple[int, int], shown: tuple[int, int], skip: int) -> str:
    steps = -(-whole[0] // shown[0]), -(-whole[1] // shown[1])
    text = f"{whole[0] * skip if skip > 1 else whole[0]:,}\u2009×\u2009{whole[1]:,}"
    if steps != (1, 1):
        text += f", a cell is the largest of {steps[0]:,}\u2009×\u2009{steps[1]:,}"
    return text + (f", every {skip:,}th row" if skip > 1 else "")
