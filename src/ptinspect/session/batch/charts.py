"""What the charts of a run show: time and memory layer by layer, throughput over batch sizes."""

from __future__ import annotations

from ptinspect.frozen import frozen
from ptinspect.session.batch.heard import figure
from ptinspect.session.batch.record import Record
from ptinspect.session.batch.rows import LayerRow
from ptinspect.session.words import size_text

MOST_BARS = 2_000


@frozen
class Bar:
    """One layer without layers of its own."""

    path: str
    type: str
    milliseconds: float
    bytes: int


@frozen
class Charts:
    """All of the page."""

    bars: tuple[Bar, ...]
    more: int
    times: str
    memory: str
    sizes: tuple[tuple[int, float, float, int | None], ...]
    end: str


def charts_of(record: Record) -> Charts:
    """The layers in the order of their rows, and the sweep."""
    leaves = [row for row in record.table.walk() if not row.below and row.figures is not None]
    bars = tuple(_bar(row) for row in leaves[:MOST_BARS])
    slow = max(bars, key=lambda bar: bar.milliseconds, default=None)
    large = max(bars, key=lambda bar: bar.bytes, default=None)
    sweep = record.parts.get("sweep")
    return Charts(
        bars,
        len(leaves) - len(bars),
        f"{figure(slow.milliseconds, 2)} ms in {slow.path} at most" if slow is not None and slow.milliseconds else "",
        f"{size_text(large.bytes)} in {large.path} at most" if large is not None and large.bytes else "",
        sweep.rows if sweep is not None else (),
        sweep.end if sweep is not None else "",
    )


def _bar(row: LayerRow) -> Bar:
    found = row.figures
    return Bar(row.path, row.type, row.spent or 0.0, found.output_bytes if found is not None else 0)


__all__ = ["Bar", "Charts", "charts_of"]
