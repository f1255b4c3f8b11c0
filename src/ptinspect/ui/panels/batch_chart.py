"""Time and memory of each layer as bars, throughput over batch sizes as a line. A click on a bar selects its layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ptinspect.session.batch.charts import Charts, charts_of
from ptinspect.session.batch.heard import figure
from ptinspect.session.state import BatchTab
from ptinspect.session.words import size_text
from ptinspect.ui import plots
from ptinspect.ui.widgets.scroll_page import ScrollArea, fill
from ptinspect.ui.widgets.text import Elided, Text, boxed, column, row

if TYPE_CHECKING:
    from ptinspect.ui.widgets.layer_bars import LayerBars, SizeCurve


class ChartPage(QWidget):
    """Draws Charts."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._charts: Charts | None = None
        self._key: object = None
        self.times: LayerBars | None = None
        self.memory: LayerBars | None = None
        self.sweep: SizeCurve | None = None
        self.empty = Text("Time and memory of each layer come once the batch went through the model.", 12, 400, "muted", wrap=True)
        self._notes = (Elided("", 11, 400, "muted"), Elided("", 11, 400, "muted"), Elided("", 11, 400, "muted"))
        titles = ("Time of each layer, ms", "Memory of each output", "Throughput over batch sizes, samples/s")
        self._rooms = (QVBoxLayout(), QVBoxLayout(), QVBoxLayout())
        self._parts: list[QWidget] = []
        body = column(self.empty, gap=14, margins=(16, 6, 16, 16))
        for title, note, room in zip(titles, self._notes, self._rooms, strict=True):
            part = boxed(column(row(Text(title, 12, 600), note, gap=10), 4, room, gap=0))
            part.hide()
            self._parts.append(part)
            body.addWidget(part)
        body.addStretch(1)
        area = ScrollArea()
        area.show_layout(body)
        fill(self, area)

    def apply(self, state: BatchTab) -> None:
        """Show the charts of a run."""
        record = state.record
        key = None if record is None else (id(record), record.table.structure, record.table.revision, record.parts.get("sweep"))
        if key == self._key:
            return
        self._key = key
        self._charts = charts_of(record) if record is not None else None
        found = self._charts
        has_bars = found is not None and bool(found.bars)
        self.empty.setVisible(not has_bars)
        for part in self._parts[:2]:
            part.setVisible(has_bars)
        self._parts[2].setVisible(found is not None and bool(found.sizes))
        if found is not None:
            more = f", {found.more:,} more layers are not drawn" if found.more else ""
            for note, text in zip(self._notes, (found.times + more, found.memory, found.end), strict=True):
                note.set_whole(text)
            plots.when_ready(self._draw)

    def _draw(self) -> None:
        from ptinspect.ui.widgets.layer_bars import LayerBars, SizeCurve  # noqa: PLC0415 - pyqtgraph is there by now

        found = self._charts
        if found is None or not found.bars:
            return
        if self.times is None or self.memory is None:
            self.times, self.memory = LayerBars("Time of each layer"), LayerBars("Memory of each output")
            for bars, room in zip((self.times, self.memory), self._rooms[:2], strict=True):
                bars.chosen.connect(self.chosen)
                room.addWidget(bars)
        paths = [bar.path for bar in found.bars]
        times, sizes = [bar.milliseconds for bar in found.bars], [float(bar.bytes) for bar in found.bars]

        def label(at: int) -> tuple[str, Sequence[tuple[str, str]]]:
            bar = found.bars[at]
            return bar.path, (("Type", bar.type), ("Time", f"{figure(bar.milliseconds, 3)} ms"), ("Output", size_text(bar.bytes)))

        self.times.show_layers(paths, times, label, lambda value: figure(value, 0 if value >= 10 else 2))
        self.memory.show_layers(paths, sizes, label, lambda value: size_text(round(value)))
        if found.sizes:
            if self.sweep is None:
                self.sweep = SizeCurve("Throughput over batch sizes")
                self._rooms[2].addWidget(self.sweep)
            self.sweep.show_sizes(found.sizes)
