"""The upper half of the tensor page: the histogram, what it leaves out, and the numbers below it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QMenu, QVBoxLayout, QWidget

from ptinspect.session.tensor_page import MEANINGS, Cell, Extras, Measure, bin_text, cells_of, note_of, outside_text
from ptinspect.session.words import number_text, plain, signed
from ptinspect.ui import plots, theme
from ptinspect.ui.widgets.chip import Tag
from ptinspect.ui.widgets.segments import Segments
from ptinspect.ui.widgets.text import Elided, Text, ToolButton, boxed, column, line, row, tip

if TYPE_CHECKING:
    from ptinspect.analysis.statistics import Statistics
    from ptinspect.ui.widgets.histogram import Bars, HistogramPlot


class Numbers(QWidget):
    """Names and values in three columns."""

    def __init__(self, rows: int = 5) -> None:
        super().__init__()
        self._rows = rows
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(0)
        self._grid.setVerticalSpacing(0)
        self._values: dict[str, Text] = {}

    def show_cells(self, cells: Sequence[Cell]) -> None:
        """The same names keep their places; only the values change then."""
        if [name for name, _, _ in cells] != list(self._values):
            self._build(cells)
        for name, value, tone in cells:
            text = self._values[name]
            text.setText(value)
            text.set_tone(tone)
            text.setAccessibleName(f"{name} {value}")

    def _build(self, cells: Sequence[Cell]) -> None:
        while item := self._grid.takeAt(0):
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self._values = {}
        for at, (name, _, _) in enumerate(cells):
            place, side = at % self._rows, at // self._rows
            value = Text("", 12, 500)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._values[name] = value
            label = Text(name, 12, 400, "text2")
            label.setToolTip(tip(MEANINGS.get(name, "")))
            cell = boxed(row(label, None, value, margins=(0 if side == 0 else 14, 0, 14 if side < 2 else 0, 0)))
            cell.setFixedHeight(21)
            self._grid.addWidget(cell, 2 * place, side)
            self._grid.setColumnStretch(side, 1)
            if place and side == 0:
                self._grid.addWidget(line("hair"), 2 * place - 1, 0, 1, 3)


class Distribution(QWidget):
    """Draws measures: one with its numbers, several over each other with a legend."""

    saved = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[tuple[str, Measure], ...] = ()
        self._state: object = None
        self._extras = Extras()
        self.plot: HistogramPlot | None = None
        self.note, self.tag = Elided("", 11, 400, "muted"), Tag("sample", "warn")
        self.scale = Segments((("linear", "Linear"), ("log", "Log")))
        self.scale.setAccessibleName("Scale of the counts")
        self.scale.chosen.connect(self._scaled)
        self.more = ToolButton("menu")
        self.more.setAccessibleName("Picture of the distribution")
        self.more.setToolTip("Copy or save the picture")
        self.more.clicked.connect(lambda: self.picture_menu().popup(self.more.mapToGlobal(QPoint(0, self.more.height()))))
        self._room = QVBoxLayout()
        self._room.setContentsMargins(0, 0, 0, 0)
        self.outside = Text("", 11, 400, "muted", wrap=True)
        self.legend = QWidget()
        self.numbers = Numbers()
        self.empty = Text("", 12, 400, "muted", wrap=True)
        layout = column(gap=0)
        layout.addWidget(boxed(row(Text("Distribution", 12, 600), self.note, self.tag, self.scale, self.more, gap=8)))
        layout.addSpacing(6)
        layout.addLayout(self._room)
        for part in (self.empty, self.outside, self.legend):
            layout.addWidget(part)
        layout.addSpacing(10)
        layout.addWidget(line("line"))
        layout.addSpacing(4)
        layout.addWidget(self.numbers)
        self.setLayout(layout)

    def show_measures(self, found: Sequence[tuple[str, Measure]], total: int, extras: Extras | None = None) -> None:
        """The first one is the one that was selected last; `extras` are of a single one."""
        state = [(name, id(one.statistics), one.seen, one.problem) for name, one in found]  # arrays have no one answer to ==
        extras = extras or Extras(stopped=True)
        if state == self._state:
            self._extend(extras)
            return
        self._state, self._shown, self._extras = state, tuple(found), extras
        if len(found) > 1:
            self._several(found)
        elif found:
            self._single(found[0][1], total)
        if any(measure.statistics is not None and measure.statistics.histogram is not None for _, measure in found):
            plots.when_ready(self._draw_soon)
        elif self.plot is not None:
            self.plot.hide()

    def _single(self, measure: Measure, total: int) -> None:
        statistics = measure.statistics
        self.legend.hide()
        self.tag.setVisible(measure.seen is not None)
        self.numbers.setVisible(statistics is not None)
        empty = ""
        if statistics is None:
            empty = f"Its values cannot be read: {measure.problem}" if measure.problem else "Reading its values …"
        elif statistics.histogram is None:
            empty = "Every value is NaN or infinite." if statistics.nans or statistics.infs else "It holds no values."
        self.empty.setText(empty)
        self.empty.set_tone("danger" if statistics is not None and (statistics.nans or statistics.infs) else "muted")
        self.empty.setVisible(bool(empty))
        self.scale.setVisible(not empty)
        self.more.setVisible(not empty)
        self.note.set_whole(note_of(statistics, measure.seen, total) if statistics is not None else "")
        outside = outside_text(statistics) if statistics is not None else ""
        self.outside.setText(outside)
        self.outside.setVisible(bool(outside))
        if statistics is not None:
            self.numbers.show_cells(cells_of(statistics, self._extras))

    def _extend(self, extras: Extras) -> None:
        """What is read for the one tensor has come."""
        statistics = self._shown[0][1].statistics if len(self._shown) == 1 else None
        if extras is not self._extras and statistics is not None:
            self._extras = extras
            self.numbers.show_cells(cells_of(statistics, extras))

    def _several(self, found: Sequence[tuple[str, Measure]]) -> None:
        there = [(name, measure.statistics) for name, measure in found if measure.statistics is not None]
        self.tag.hide()
        self.empty.setText("Reading their values …" if not there else "")
        self.empty.setVisible(not there)
        self.outside.hide()
        self.numbers.hide()
        self.scale.hide()
        self.more.setVisible(bool(there))
        self.note.set_whole(f"{len(found)} tensors, each by its own highest bin")
        self._legend(there)

    def _legend(self, there: Sequence[tuple[str, Statistics]]) -> None:
        old = self.legend.layout()
        if old is not None:
            QWidget().setLayout(old)  # Qt gives a layout up only to another widget
        layout = column(gap=3, margins=(44, 8, 0, 0))
        for at, (name, statistics) in enumerate(there):
            layout.addWidget(_LegendLine(name, statistics, at))
        self.legend.setLayout(layout)
        self.legend.show()

    def _draw_soon(self) -> None:
        """The first plot is made after the page was painted: both at once would be felt."""
        if self.plot is None:
            QTimer.singleShot(0, self, self._draw)
        else:
            self._draw()

    def _draw(self) -> None:
        from ptinspect.ui.widgets.histogram import HistogramPlot  # noqa: PLC0415 - pyqtgraph is there by now

        if self.plot is None:
            self.plot = HistogramPlot()
            self._room.addWidget(self.plot)
        drawn = [(name, one) for name, one in self._shown if one.statistics is not None and one.statistics.histogram is not None]
        self.plot.setVisible(bool(drawn))
        if drawn:
            self.plot.show_bars([_bars(name, one) for name, one in drawn], _label(drawn[0][1].statistics))

    def _scaled(self, key: str) -> None:
        if self.plot is not None:
            self.plot.set_log(key == "log")

    # -- the picture ------------------------------------------------------------------------------------------------------------------

    def picture_menu(self) -> QMenu:
        """What can be done with the picture."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Copy picture", self.copy_picture)
        menu.addAction("Save picture …", self._ask)
        if self.plot is not None:
            menu.addSeparator()
            menu.addAction("Show the whole range", self.plot.field.show_all)
        return menu

    def copy_picture(self) -> None:
        """Put it on the clipboard."""
        if self.plot is not None:
            self.plot.field.show_at(-1)
            QGuiApplication.clipboard().setImage(self.plot.grab().toImage())

    def _ask(self) -> None:
        from ptinspect.ui.dialogs import choose_target  # noqa: PLC0415 - only who asks for it

        path = choose_target(self, "Save picture", "histogram.png", "Pictures (*.png)")
        if path:
            self.save_picture(path)

    def save_picture(self, path: str) -> None:
        """Write it as an image."""
        if self.plot is not None:
            self.plot.field.show_at(-1)
            self.saved.emit(path if self.plot.grab().save(path) else "")


class _LegendLine(QWidget):
    """The colour of a histogram, its name, its mean and deviation."""

    def __init__(self, name: str, statistics: Statistics, at: int) -> None:
        super().__init__()
        numbers = f"{number_text(statistics.mean)} ± {number_text(statistics.std)}" if statistics.mean is not None else "no finite value"
        self.mark = _Swatch(at)
        self.setLayout(row(self.mark, Elided(plain(name, 300), 12, 400, middle=True), Text(numbers, 12, 400, "text2"), gap=8))


class _Swatch(QWidget):
    """A short line in the colour of its histogram."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at
        self.setFixedSize(14, 14)

    def paintEvent(self, event: Any) -> None:
        from PySide6.QtGui import QPainter  # noqa: PLC0415

        from ptinspect.ui.widgets.histogram import ink  # noqa: PLC0415

        if plots.is_ready():
            QPainter(self).fillRect(0, 5, 14, 3, theme.tokens().colour(ink(self._at)))


def _bars(name: str, measure: Measure) -> Bars:
    from ptinspect.ui.widgets.histogram import Bars  # noqa: PLC0415

    statistics = measure.statistics
    if statistics is None or statistics.histogram is None:
        raise ValueError("nothing to draw")
    histogram, shares = statistics.histogram, statistics.quantiles
    edges = histogram.edges.astype(float)
    if histogram.scale == "whole" and (edges[1:] - edges[:-1] <= 1).all():
        edges = edges - 0.5  # a whole number stands in the middle of its bar
        if edges[-1] == edges[-2]:
            edges[-1] += 1
    marks = (shares[0], shares[2], shares[3], shares[4], shares[6]) if shares else None
    names: Callable[[int], str] | None = None
    if histogram.scale == "symlog":
        names = lambda at: signed(f"{float(histogram.edges[min(at, histogram.edges.size - 1)]):.1g}")  # noqa: E731 - as short as a table entry
    return Bars(name, edges, histogram.counts, marks, names, measure.seen is not None)


def _label(statistics: Statistics | None) -> Callable[[int], tuple[str, Sequence[tuple[str, str]]]]:
    if statistics is None or statistics.histogram is None:
        return lambda _: ("", ())
    histogram = statistics.histogram
    return lambda at: bin_text(histogram, at)
