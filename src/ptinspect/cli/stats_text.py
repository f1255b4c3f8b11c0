"""Statistics as a table with a small histogram in each row, and as a table for spreadsheets."""

from __future__ import annotations

import csv
import io
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator

from ptinspect.analysis.histogram import Histogram
from ptinspect.analysis.statistics import SHARES, Statistics
from ptinspect.checkpoint.layer_table import cut
from ptinspect.checkpoint.layers import TensorRow
from ptinspect.checkpoint.model import memory_of
from ptinspect.findings import Finding
from ptinspect.quantities import count_text, plural, size_text
from ptinspect.spelled import plain

Measured = tuple[TensorRow, Statistics]

_BLOCKS = "▁▂▃▄▅▆▇█"
_PLAIN_BLOCKS = ".:-=+*#%@"
_ASCII = str.maketrans("−–…", "--.")
_NARROW, _WIDE = 120, 180
_SPARK, _SHAPE, _NUMBER, _NOTE = 18, 16, 10, 7
_COLUMNS = ("path", "shape", "dtype", "count", "mean", "std", "min", "max", "l2", "zeros", "nans", "infs")


def table_lines(measured: Iterable[Measured]) -> Iterator[str]:
    """Header, a line a tensor, totals."""
    width = max(_NARROW, min(_WIDE, shutil.get_terminal_size((_NARROW, 24)).columns))
    name = width - _SPARK - _SHAPE - 4 * _NUMBER - _NOTE - 9
    blocks = _BLOCKS if _can_say(_BLOCKS) else _PLAIN_BLOCKS
    titles = "".join(f"{title:>{_NUMBER}}" for title in ("Mean", "Std", "Min", "Max"))
    yield f"{cut('Tensor', name)}  {'Shape':>{_SHAPE}}  {'Histogram':<{_SPARK}} {titles}  {'Zeros':>{_NOTE}}".rstrip()
    yield ("─" if _can_say("─") else "-") * width
    totals = _Totals()
    for row, found in measured:
        totals.add(row, found)
        left = f"{_tail(plain(row.path or '(the root)'), name)}  {cut(_shape(row), _SHAPE).strip():>{_SHAPE}}"
        line = f"{left}  {_numbers(found, blocks)}".rstrip()
        yield line if _can_say("−–…") else line.translate(_ASCII)
    yield ("─" if _can_say("─") else "-") * width
    yield from totals.lines()


def _numbers(found: Statistics, blocks: str) -> str:
    if found.problem is not None:
        return plain(found.problem)
    notes = [f"{number:,} {word}" for number, word in ((found.nans, "NaN"), (found.infs, "Inf")) if number]
    share = 100 * found.zeros / found.count if found.count else 0
    zeros = "" if not found.zeros else f"{share:.1f} %" if share >= 0.05 else "<0.1 %"
    figures = "".join(f"{number_text(number):>{_NUMBER}}" for number in (found.mean, found.std, found.low, found.high))
    return f"{spark(found.histogram, blocks):<{_SPARK}} {figures}  {zeros:>{_NOTE}}  {', '.join(notes)}"


def spark(histogram: Histogram | None, blocks: str = _BLOCKS, width: int = _SPARK) -> str:
    """A histogram in one line: bins put together, the fullest one at full height, none without a mark where there is a value."""
    if histogram is None:
        return ""
    counts = histogram.counts.tolist()
    places = min(width, len(counts))
    sums = [sum(counts[at * len(counts) // places : (at + 1) * len(counts) // places]) for at in range(places)]
    most = max(sums) or 1
    return "".join(blocks[-(-count * len(blocks) // most) - 1] if count else " " for count in sums)


def number_text(number: float | None) -> str:
    """Four digits that tell something; whole numbers as they are while they fit."""
    if number is None:
        return "–"
    if isinstance(number, int) and abs(number) < 10**9:
        return str(number).replace("-", "−")
    text = f"{number:.4g}"
    text = f"{number:.3g}" if "e" in text else text
    return text.replace("-", "−") if "e" not in text else text.replace("-", "−", 1) if number < 0 else text


def _shape(row: TensorRow) -> str:
    return "(" + ", ".join(map(str, row.tensor.shape)) + ")"


def _tail(path: str, width: int) -> str:
    """A path as wide as its column; of a longer one the end is told, where names differ."""
    return f"{path:<{width}}" if len(path) <= width else f"…{path[len(path) - width + 1 :]}"


def _can_say(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


class _Totals:
    """What all rows have together; tied tensors count once."""

    def __init__(self) -> None:
        self.tensors = self.values = self.bytes = self.zeros = self.nans = self.infs = self.unread = 0
        self.seen: set[object] = set()

    def add(self, row: TensorRow, found: Statistics) -> None:
        """One row more."""
        self.tensors += 1
        if row.shared_with:
            key = memory_of(row.tensor)
            if key in self.seen:
                return
            self.seen.add(key)
        self.unread += found.problem is not None
        self.values += found.count + found.nans + found.infs
        self.bytes += row.tensor.dtype.nbytes(row.tensor.elements)
        self.zeros += found.zeros
        self.nans += found.nans
        self.infs += found.infs

    def lines(self) -> Iterator[str]:
        """The totals."""
        if not self.tensors:
            yield "There is no tensor to count."
            return
        yield f"{plural(self.tensors, 'tensor')}, {plural(self.values, 'value')} ({count_text(self.values)}) in {size_text(self.bytes)}"
        share = f" ({100 * self.zeros / self.values:.2g} %)" if self.zeros else ""
        yield f"Zeros {self.zeros:,}{share}, NaN {self.nans:,}, infinite {self.infs:,}"
        if self.unread:
            yield f"{plural(self.unread, 'tensor')} could not be read; the rows say why."


def csv_lines(measured: Iterable[Measured]) -> Iterator[str]:
    """A header and a line a tensor, with full precision; no bins."""
    yield _csv([*_COLUMNS, *(f"q{share}" for share in SHARES), "problem"])
    for row, found in measured:
        numbers: list[object] = [found.count, found.mean, found.std, found.low, found.high, found.l2, found.zeros, found.nans, found.infs]
        if found.problem is not None:
            numbers = [None] * len(numbers)
        shape = "x".join(map(str, row.tensor.shape))
        shares = found.quantiles or (None,) * len(SHARES)
        yield _csv([_cell(row.path), shape, row.tensor.dtype.name, *numbers, *shares, _cell(found.problem or "")])


def _csv(cells: list[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(["" if cell is None else cell for cell in cells])
    return line.getvalue()


def _cell(name: str) -> str:
    """A name from a file that a spreadsheet would take for a formula is told apart by a quote, and cannot steer a terminal."""
    name = plain(name)
    return f"'{name}" if name[:1] in ("=", "+", "-", "@") else name


def finding_lines(findings: list[Finding]) -> Iterator[str]:
    """What is unhealthy, the worst first."""
    yield ""
    if not findings:
        yield "Health: nothing stands out."
        return
    yield "Health"
    for finding in findings:
        where = f"  [{plain(finding.where)}]" if finding.where else ""
        yield f"  {finding.severity}: {plain(finding.title)}{where}"
        yield from textwrap.wrap(plain(finding.detail), _NARROW, initial_indent="    ", subsequent_indent="    ")
