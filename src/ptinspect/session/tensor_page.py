"""What the tensor page says: numbers as words, what a histogram leaves out, and which views a tensor has."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from ptinspect.checkpoint.layers import LayerNode, TensorRow
from ptinspect.frozen import frozen
from ptinspect.session.numbers import Numbers
from ptinspect.session.rows import Row
from ptinspect.session.tensor_looks import Failed, LookKind, LookRequest, Sample, has_filters
from ptinspect.session.words import count_text, number_text, plain, plural, signed

if TYPE_CHECKING:
    from ptinspect.analysis.higher_moments import HigherMoments
    from ptinspect.analysis.histogram import Histogram
    from ptinspect.analysis.spectrum import Spectrum
    from ptinspect.analysis.statistics import Statistics

ViewName = Literal["filters", "heat", "surface", "line", "table", "channels", "spectrum", "facts"]
VIEWS: dict[ViewName, str] = {
    "filters": "Filters", "heat": "Heat map", "surface": "Surface", "line": "Values", "table": "Table", "channels": "Channels",
    "spectrum": "Spectrum", "facts": "Facts",
}  # fmt: skip
Cell = tuple[str, str, str]
"""Name, value, tone."""
MEANINGS = {
    "Skewness": "0 where values lie evenly around their mean, above 0 where the tail to the right is longer. Read for this tensor alone.",
    "Excess kurtosis": "0 for a normal distribution, above 0 where the tails are heavier. Read for this tensor alone.",
    "Quartile range": "The width of the middle half of the values",
    "RMS": "Root mean square: the L2 norm by the root of the count",
    "Effective rank": "How many directions the matrix uses, by the entropy of its singular values; found under Spectrum",
}


@frozen
class Measure:
    """The numbers of one tensor as far as they are known. `seen` is set where only some values were looked at."""

    statistics: Statistics | None
    seen: int | None = None
    problem: str = ""


@frozen
class Extras:
    """What is read for the one tensor that is looked at: None until it is there, `stopped` where it will not come."""

    moments: HigherMoments | None = None
    spectrum: Spectrum | None = None
    stopped: bool = False
    is_matrix: bool = False


def extras_of(row: Row, numbers: Numbers) -> Extras:
    """As far as they are known."""
    moments, spectrum = _answer(numbers, "moments", row), _answer(numbers, "spectrum", row)
    stopped, is_matrix = isinstance(moments, Failed), isinstance(row.source, TensorRow) and "spectrum" in views_of(row.source)
    return Extras(None if stopped else moments, None if isinstance(spectrum, Failed) else spectrum, stopped, is_matrix)


def _answer(numbers: Numbers, kind: LookKind, row: Row) -> Any:
    return numbers.look(LookRequest(kind, row.key).name)


def measure_of(row: Row, numbers: Numbers) -> Measure:
    """From the count of the whole file where it has come there, else from a look at the tensor alone."""
    source = row.source
    found = row.table.facts.shelf.statistics(source)
    if found is not None:
        return Measure(None if found.problem else found, None, plain(found.problem or "", 400))
    if isinstance(source, TensorRow) and source.tensor.problem:
        return Measure(None, None, plain(source.tensor.problem, 400))
    look = numbers.look(LookRequest("sample", row.key).name)
    if isinstance(look, Failed):
        return Measure(None, None, plain(look.message, 400))
    if isinstance(look, Sample) and isinstance(source, TensorRow):
        return Measure(look.statistics, look.seen if look.seen < source.tensor.elements else None)
    return Measure(None)


def tensors_below(row: Row, most: int) -> list[Row]:
    """The rows of the largest parameters below a layer, in their order."""
    found: list[Row] = []
    todo = [row]
    while todo and len(found) < 4_000:
        one = todo.pop()
        found += [below for below in one.below if below.kind == "tensor"]
        todo += [below for below in reversed(one.below) if isinstance(below.source, LayerNode)]
    sized = [(one.source.tensor.elements, at) for at, one in enumerate(found) if isinstance(one.source, TensorRow)]
    return [found[at] for at in sorted(at for _, at in sorted(sized, reverse=True)[:most])]


def neighbour(row: Row, by: int) -> Row | None:
    """The next tensor of the tree, or the one before, without a walk through all of it."""
    step = _after if by > 0 else _before
    found = step(row)
    while found is not None and found.kind != "tensor":
        found = step(found)
    return found


def _after(row: Row) -> Row | None:
    if row.below:
        return row.below[0]
    at: Row | None = row
    while at is not None and at.parent is not None:
        if at.at + 1 < len(at.parent.below):
            return at.parent.below[at.at + 1]
        at = at.parent
    return None


def _before(row: Row) -> Row | None:
    if row.parent is None or row.at == 0:
        return row.parent
    found = row.parent.below[row.at - 1]
    while found.below:
        found = found.below[-1]
    return found


def cells_of(found: Statistics, extras: Extras | None = None) -> tuple[Cell, ...]:
    """Three columns of five, column by column."""
    extras = extras or Extras(stopped=True)
    shares = found.quantiles
    low, middle, high = (shares[0], shares[3], shares[6]) if shares else (None, None, None)
    spread = shares[4] - shares[2] if shares else None
    rms = found.l2 / math.sqrt(found.count) if found.l2 is not None and found.count else None
    broken = found.nans or found.infs
    zeros = f"{found.zeros:,}" + (f"  ·  {_share(found.zeros, found.count)}" if found.zeros and found.count else "")
    return (
        ("Mean", _number(found.mean), "text"), ("Std dev", _number(found.std), "text"), ("Min", _number(found.low), "text"),
        ("Max", _number(found.high), "text"), ("L2 norm", _number(found.l2), "text"),
        ("Median", _number(middle), "text"), ("Quartile range", _number(spread), "text"), ("1\u2009%", _number(low), "text"),
        ("99\u2009%", _number(high), "text"), ("RMS", _number(rms), "text"),
        *_beyond(found, extras), _rank(extras),
        ("Exact zeros", zeros, "text"), ("NaN / Inf", f"{found.nans:,} / {found.infs:,}", "danger" if broken else "good"),
    )  # fmt: skip


def _beyond(found: Statistics, extras: Extras) -> tuple[Cell, Cell]:
    """Skewness and kurtosis, which are read in the background once the tensor is looked at."""
    moments = extras.moments
    if moments is None and not extras.stopped and found.count:
        return ("Skewness", "reading …", "muted"), ("Excess kurtosis", "reading …", "muted")
    skewness, kurtosis = (moments.skewness, moments.kurtosis) if moments is not None else (None, None)
    return ("Skewness", _shape(skewness), "text"), ("Excess kurtosis", _shape(kurtosis), "text")


def _shape(value: float | None) -> str:
    return "–" if value is None else signed(f"{value + 0.0:.3f}") if abs(value) < 1000 else number_text(value)


def _rank(extras: Extras) -> Cell:
    if extras.spectrum is not None:
        rank = extras.spectrum.effective_rank
        return ("Effective rank", f"{rank:.1f} of {extras.spectrum.total:,}" if rank is not None else "–", "text")
    return ("Effective rank", "see Spectrum" if extras.is_matrix else "–", "muted")


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, int) or (abs(value) < 1e9 and value == int(value)):
        return signed(f"{int(value):,}") if abs(value) < 1e12 else number_text(float(value))
    return signed(f"{value:.4f}") if 0.001 <= abs(value) < 10 else signed(f"{value:.2e}") if abs(value) < 0.001 else number_text(value)


def _share(part: int, whole: int) -> str:
    percent = 100 * part / whole
    return f"{percent:.2f} %" if percent >= 0.01 else "<0.01 %"


def note_of(found: Statistics, seen: int | None, total: int) -> str:
    """Beside the heading: how many values in how many bins."""
    bins = found.histogram.counts.size if found.histogram is not None else 0
    text = plural(seen if seen is not None else total, "value") if (seen or total) < 10**6 else f"{count_text(seen or total)} values"
    return f"{text} in {plural(bins, 'bin')}" + (", exponents on the axis" if _is_symlog(found) else "")


def _is_symlog(found: Statistics) -> bool:
    return found.histogram is not None and found.histogram.scale == "symlog"


def outside_text(found: Statistics) -> str:
    """What the histogram does not show, in words."""
    histogram = found.histogram
    if histogram is None:
        return ""
    parts = []
    if histogram.below:
        parts.append(f"{histogram.below:,} below {number_text(float(histogram.edges[0]))}, down to {number_text(found.low)}")
    if histogram.above:
        parts.append(f"{histogram.above:,} above {number_text(float(histogram.edges[-1]))}, up to {number_text(found.high)}")
    return "Not in the picture: " + " and ".join(parts) if parts else ""


def bin_text(histogram: Histogram, at: int) -> tuple[str, tuple[tuple[str, str], ...]]:
    """What a bin holds: its range, its values, their share, and how many are there or above."""
    edges, counts = histogram.edges, histogram.counts
    total = max(1, histogram.total)
    above = int(counts[at:].sum()) + histogram.above
    low, high = edges[at], edges[at + 1]
    if histogram.scale == "whole" and int(high) - int(low) <= 1:
        title = signed(str(int(low)))
    elif histogram.scale == "whole":
        title = f"{signed(str(int(low)))} … {signed(str(int(high) - 1))}"
    else:
        title = " … ".join(_edge(float(edge), abs(float(high) - float(low))) for edge in (low, high))
    count = int(counts[at])
    return title, (("Values", f"{count:,}"), ("Share", _percent(count / total)), ("At or above", _percent(above / total)))


def _edge(value: float, apart: float) -> str:
    """With as many digits as tell the edges of a bin apart."""
    if not apart or not 1e-7 < apart < 1e7:
        return signed(f"{value:.6g}")
    return signed(f"{value:.{max(0, min(9, 2 - math.floor(math.log10(apart))))}f}")


def _percent(share: float) -> str:
    percent = 100 * share
    return f"{percent:.1f} %" if percent >= 2 or percent == 0 else f"{percent:.2f} %" if percent >= 0.01 else "<0.01 %"


def views_of(row: TensorRow) -> tuple[ViewName, ...]:
    """Which views a tensor has, the one it opens with first."""
    tensor = row.tensor
    if tensor.problem or not tensor.elements or (tensor.storage is not None and tensor.storage.is_meta):
        return ("facts",)
    names: list[ViewName] = []
    if has_filters(tensor.shape) and tensor.layout == "strided":
        names.append("filters")
    sizes = [size for size in tensor.shape if size > 1]
    if len(sizes) > 1 and tensor.layout != "nested":
        names += ["heat", "surface"]
    elif tensor.elements > 1:
        names.append("line")
    names.append("table")
    if len(sizes) > 1:
        names += ["channels", "spectrum"]
    return (*names, "facts")


def spectrum_cells(found: object) -> tuple[Cell, ...]:
    """What singular values say, as cells."""
    names = (
        ("Largest", "largest"), ("Rank", "rank"), ("Stable rank", "stable_rank"), ("Effective rank", "effective_rank"),
        ("Condition", "condition"), ("90 % in", "rank_90"), ("99 % in", "rank_99"),
    )  # fmt: skip
    values: Any = getattr(found, "values", ())
    cells: list[Cell] = []
    for title, name in names:
        value = (float(values[0]) if len(values) else None) if name == "largest" else getattr(found, name, None)
        cells.append((title, _number(value), "text"))
    tail = getattr(found, "tail", None)
    cells.append(("Alpha of the tail", f"{tail.alpha:.2f}" if tail is not None else "–", "text"))
    return tuple(cells)
