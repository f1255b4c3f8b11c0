"""The upper half of the tensor page: the histogram, what it leaves out, and the numbers below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QPixmap
from PySide6.QtWidgets import QGridLayout, QMenu, QVBoxLayout, QWidget

from ptinspect.session.distributions import are_apart
from ptinspect.session.tensor_page import MEANINGS, Cell, Extras, Measure, cells_of, note_of, outside_text
from ptinspect.ui import plots
from ptinspect.ui.panels.distribution_bars import LegendLine, bars_of, label_of, line_of, readable_measure
from ptinspect.ui.widgets.chip import Tag
from ptinspect.ui.widgets.segments import Segments
from ptinspect.ui.widgets.text import Elided, Text, ToolButton, boxed, column, line, row, tip

if TYPE_CHECKING:
    from ptinspect.analysis.statistics import Statistics
    from ptinspect.ui.widgets.histogram import HistogramPlot
    from ptinspect.ui.widgets.histogram_rows import HistogramRows


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
        self.rows: HistogramRows | None = None
        self.note, self.tag = Elided("", 11, 400, "muted"), Tag("sample", "warn")
        self.scale = Segments((("linear", "Linear"), ("log", "Log")))
        self.scale.setAccessibleName("Scale of the counts")
        self.scale.chosen.connect(self._scaled)
        self.arrangement = Segments((("over", "Overlaid"), ("rows", "Rows")))
        self.arrangement.setAccessibleName("How several distributions are drawn")
        self.arrangement.chosen.connect(self._arrange)
        self.arrangement.hide()
        self._wanted: str | None = None  # what the user chose; else what can be read
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
        layout.addWidget(boxed(row(Text("Distribution", 12, 600), self.note, self.tag, self.scale, self.arrangement, self.more, gap=8)))
        layout.addSpacing(6)
        layout.addLayout(self._room)
        for part in (self.empty, self.outside, self.legend):
            layout.addWidget(part)
        layout.addSpacing(10)
        self._below = boxed(column(line("line"), self.numbers, gap=4))
        layout.addWidget(self._below)
        self.setLayout(layout)

    def show_measures(self, found: Sequence[tuple[str, Measure]], total: int, extras: Extras | None = None) -> None:
        """The first one is the one that was selected last; `extras` are of a single one."""
        state = [(name, id(one.statistics), one.seen, one.problem) for name, one in found]  # arrays have no one answer to ==
        extras = extras or Extras(stopped=True)
        if state == self._state:
            self._extend(extras)
            return
        self._state, self._shown, self._extras = state, tuple((name, readable_measure(one)) for name, one in found), extras
        if len(found) > 1:
            self._several(self._shown)
        elif found:
            self._single(self._shown[0][1], total)
        if any(measure.statistics is not None and measure.statistics.histogram is not None for _, measure in found):
            plots.when_ready(self._draw_soon)
        else:
            self._show_drawing(None)

    def _show_drawing(self, drawing: QWidget | None) -> None:
        for one in (self.plot, self.rows):
            if one is not None:
                one.setVisible(one is drawing)

    def _single(self, measure: Measure, total: int) -> None:
        statistics = measure.statistics
        self.legend.hide()
        self.arrangement.hide()
        self.tag.setVisible(measure.seen is not None)
        self._below.setVisible(statistics is not None)
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
        self._below.hide()
        self.scale.hide()
        self.more.setVisible(bool(there))
        self.arrangement.setVisible(len(there) > 1)
        self._legend(there)

    @property
    def is_in_rows(self) -> bool:
        """Whether several are drawn one below the other: where the user wants it, or where one axis would not do."""
        there = [one.statistics for _, one in self._shown if one.statistics is not None]
        return len(there) > 1 and (self._wanted == "rows" or (self._wanted is None and are_apart(there)))

    def _arrange(self, key: str) -> None:
        self._wanted = key
        self._draw()

    def _legend(self, there: Sequence[tuple[str, Statistics]]) -> None:
        old = self.legend.layout()
        if old is not None:
            QWidget().setLayout(old)  # Qt gives a layout up only to another widget
        layout = column(gap=3, margins=(44, 8, 0, 0))
        for at, (name, statistics) in enumerate(there):
            layout.addWidget(LegendLine(name, statistics, at))
        self.legend.setLayout(layout)
        self.legend.show()

    def _draw_soon(self) -> None:
        """The first plot is made after the page was painted: both at once would be felt."""
        if self.plot is None:
            QTimer.singleShot(0, self, self._draw)
        else:
            self._draw()

    def _draw(self) -> None:
        drawn = [(name, one) for name, one in self._shown if one.statistics is not None and one.statistics.histogram is not None]
        is_in_rows = self.is_in_rows
        self.arrangement.choose("rows" if is_in_rows else "over")
        self.legend.setVisible(len(self._shown) > 1 and not is_in_rows)
        if len(self._shown) > 1:
            how = "each on a range of its own" if is_in_rows else "each by its own highest bin"
            self.note.set_whole(f"{len(self._shown)} tensors, {how}")
        if is_in_rows:
            self._draw_rows(drawn)
        else:
            self._draw_plot(drawn)

    def _draw_plot(self, drawn: list[tuple[str, Measure]]) -> None:
        from ptinspect.ui.widgets.histogram import HistogramPlot  # noqa: PLC0415 - pyqtgraph is there by now

        if self.plot is None:
            self.plot = HistogramPlot()
            self._room.addWidget(self.plot)
        self._show_drawing(self.plot if drawn else None)
        if drawn:
            self.plot.show_bars([bars_of(name, one) for name, one in drawn], label_of(drawn[0][1].statistics))

    def _draw_rows(self, drawn: list[tuple[str, Measure]]) -> None:
        from ptinspect.ui.widgets.histogram_rows import HistogramRows  # noqa: PLC0415

        if self.rows is None:
            self.rows = HistogramRows()
            self._room.addWidget(self.rows)
        self.rows.show_lines([line_of(name, one, at) for at, (name, one) in enumerate(drawn)])
        self._show_drawing(self.rows)

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
        if self.plot is not None and not self.plot.isHidden():
            menu.addSeparator()
            menu.addAction("Show the whole range", self.plot.field.show_all)
        return menu

    def _picture(self) -> QPixmap | None:
        """What is drawn, without what the pointer marks."""
        if self.plot is not None and not self.plot.isHidden():
            self.plot.field.show_at(-1)
            return self.plot.grab()
        if self.rows is not None and not self.rows.isHidden():
            self.rows.show_at(None)
            return self.rows.grab()
        return None

    def copy_picture(self) -> None:
        """Put it on the clipboard."""
        picture = self._picture()
        if picture is not None:
            QGuiApplication.clipboard().setImage(picture.toImage())

    def _ask(self) -> None:
        from ptinspect.ui.dialogs import choose_target  # noqa: PLC0415 - only who asks for it

        path = choose_target(self, "Save picture", "histogram.png", "Pictures (*.png)")
        if path:
            self.save_picture(path)

    def save_picture(self, path: str) -> None:
        """Write it as an image."""
        picture = self._picture()
        if picture is not None:
            self.saved.emit(path if picture.save(path) else "")
