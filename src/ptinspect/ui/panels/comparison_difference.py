"""The difference of the pair that is selected: both distributions, what lies between them, numbers, and the values as colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget
from shiboken6 import isValid

from ptinspect.session import row_facts
from ptinspect.session.comparison.looks import PairLook
from ptinspect.session.comparison.pair_page import (
    FigureRow,
    facts_of,
    figures_of,
    furthest_below,
    headline_of,
    is_single,
    seen_text,
    shares_text,
)
from ptinspect.session.comparison.rows import PairRow
from ptinspect.session.views import ComparisonView
from ptinspect.ui import plots, theme
from ptinspect.ui.panels.comparison_page import PairPage
from ptinspect.ui.widgets.chip import Tag
from ptinspect.ui.widgets.scroll_page import ScrollArea, fill
from ptinspect.ui.widgets.segments import Segments
from ptinspect.ui.widgets.settings_list import SettingsList
from ptinspect.ui.widgets.text import Elided, Text, ToolButton, boxed, column, line, row

if TYPE_CHECKING:
    from ptinspect.ui.widgets.heat_trio import HeatTrio
    from ptinspect.ui.widgets.pair_plots import ApartPlot, Bins, OverlaidPlot

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class DifferencePage(PairPage):
    """Draws one pair, or says in a sentence what is below a layer."""

    def __init__(self) -> None:
        super().__init__()
        self._look: PairLook | None = None
        self._key = ""
        self._drawn: object = None
        self._revision = -1
        self._area = ScrollArea()
        fill(self, self._area)
        self._area.show_layout(self._lay_out())
        self.overlaid: OverlaidPlot | None = None
        self.apart: ApartPlot | None = None
        self.trio: HeatTrio | None = None

    def _lay_out(self) -> QVBoxLayout:
        self.title = PairTitle()
        self.title.copy.clicked.connect(lambda: self.copy_requested.emit(self._key.partition(":")[2]))
        self.title.before.clicked.connect(lambda: self.comparing.step(-1))
        self.title.after.clicked.connect(lambda: self.comparing.step(1))
        self.scale = Segments((("linear", "Linear"), ("log", "Log")))
        self.scale.setAccessibleName("Scale of the counts")
        self.scale.chosen.connect(self._scaled)
        self.empty = Text("", 12, 400, "muted", wrap=True)
        self._plots, self._lower, self._heat = QVBoxLayout(), QVBoxLayout(), QVBoxLayout()
        left, right = Text("Left", 12, 400, "text2"), Text("Right", 12, 400, "text2")
        legend = row(Square("leftgraphic"), left, 6, Square("rightgraphic"), right, gap=5)
        self.tag = Tag("sample", "warn")
        self.distribution = boxed(column(row(Text("Distribution", 12, 600), self.tag, None, legend, 14, self.scale), self._plots, gap=4))
        note = Text("right minus left, value by value", 11, 400, "muted")
        self.difference = boxed(column(line(), 8, row(Text("Difference", 12, 600), note, None, gap=10), self._lower, gap=0))
        self.figures, self.facts = FigureTable(), FactGrid()
        self.heat_note = Elided("", 11, 400, "muted")
        self.heat = boxed(column(line(), 8, row(Text("Values", 12, 600), self.heat_note, gap=10), 4, self._heat, gap=0))
        self._lines = QVBoxLayout()
        self._listed: SettingsList | None = None
        self.below = boxed(column(Text("What differs below it", 12, 600), 6, self._lines, gap=0))
        parts = (self.empty, self.below, self.distribution, self.difference, self.figures, self.facts, self.heat)
        body = column(*parts, gap=10, margins=(16, 10, 16, 16))
        layout = column(self.title, line(), body, gap=0)
        layout.addStretch(1)
        return layout

    def apply(self, view: ComparisonView) -> None:
        found = self.selected_row(view)
        if found is None:
            self._nothing("Nothing is selected. Choose a row on the left, or go to the next difference with Ctrl+Down.")
            return
        look = self.look_at(view, found)
        self.title.show_row(found, look)
        is_growing = found.pair is None and view.state.revision != self._revision and view.state.busy is None
        if (view.state.selected, look) != (self._key, self._look) or self._drawn is None or is_growing:
            self._revision = view.state.revision
            fresh, self._key, self._look = self._key != view.state.selected, view.state.selected, look
            if fresh:
                self._area.verticalScrollBar().setValue(0)
            self._drawn = view.state.selected
            self._show(found, look)

    def _nothing(self, text: str) -> None:
        self._drawn, self._key = None, ""
        self.title.hide()
        self._hide(text)

    def _hide(self, text: str) -> None:
        self.empty.setText(text)
        self.empty.setVisible(bool(text))
        for part in (self.below, self.distribution, self.difference, self.figures, self.facts, self.heat):
            part.hide()

    def _show(self, found: PairRow, look: PairLook | None) -> None:
        self.title.show()
        if look is None:
            self._hide("" if found.pair is None else "Reading its values …")
            self._list(found)
            return
        problem = look.left.problem or look.right.problem or look.pair.problem or ""
        self._hide(f"Its values cannot be read: {problem}" if problem else "")
        figures, facts = figures_of(look), facts_of(look)
        self.figures.setVisible(bool(figures))
        self.facts.setVisible(bool(facts))
        self.figures.show_rows(figures, seen_text(look))
        self.tag.setVisible(look.seen is not None)
        self.facts.show_facts(facts)
        plots.when_ready(self._draw)

    def _list(self, found: PairRow) -> None:
        """What differs below a layer."""
        lines = furthest_below(found)
        self.below.setVisible(bool(lines))
        if found.pair is None and not lines:
            self.empty.setText("Nothing below it differs, as far as it was read.")
            self.empty.show()
        if self._listed is not None:
            self._lines.removeWidget(self._listed)
            self._listed.deleteLater()
        self._listed = SettingsList([(0, name, said) for name, said in lines])
        self._lines.addWidget(self._listed)

    def _draw(self) -> None:
        """The plots, once they can be made."""
        look = self._look
        if look is None or not isValid(self):  # the tab may be closed by the time that plots can be made
            return
        if self.overlaid is None or self.apart is None or self.trio is None:
            from ptinspect.ui.widgets.heat_trio import HeatTrio  # noqa: PLC0415 - pyqtgraph is there by now
            from ptinspect.ui.widgets.pair_plots import ApartPlot, OverlaidPlot  # noqa: PLC0415

            self.overlaid, self.apart, self.trio = OverlaidPlot(), ApartPlot(), HeatTrio()
            self._plots.addWidget(self.overlaid)
            self._lower.addWidget(self.apart)
            self._heat.addWidget(self.trio)
        left, right, apart = _bins(look) if not is_single(look) else (None, None, None)
        self.distribution.setVisible(left is not None or right is not None)
        if left is not None or right is not None:
            self.overlaid.show_sides(left, right, _medians(look), are_shares=apart is None)
        moved = apart is not None and look.pair.status != "same"
        self.difference.setVisible(moved)
        if moved:
            self.apart.show_bins(apart, shares_text(look))
        pictures = look.pictures if not is_single(look) else None
        self.heat.setVisible(pictures is not None)
        if look.pictures is not None and pictures is not None:
            self.heat_note.set_whole(f"{look.pictures.note}, all on one scale")
            self.trio.show_cells(look.pictures.left, look.pictures.right, look.pictures.apart, look.pictures.reach)

    def _scaled(self, key: str) -> None:
        for plot in (self.overlaid, self.apart):
            if plot is not None:
                plot.set_log(key == "log")


def _bins(look: PairLook) -> tuple[Bins | None, Bins | None, Bins | None]:
    """Both sides on shared edges where those were found; each on its own where the sides cannot be laid over each other."""
    from ptinspect.ui.widgets.pair_plots import Bins  # noqa: PLC0415

    found = look.pair.difference.histograms if look.pair.difference is not None else None
    if found is not None:
        left, right, apart = (Bins(one.edges, one.counts, one.scale) for one in (found.left, found.right, found.apart))
        return left, right, apart
    sides = [side.statistics.histogram if side.statistics is not None else None for side in (look.left, look.right)]
    if all(side is not None for side in sides) and len({side.scale for side in sides if side is not None}) > 1:
        sides[1] = None
    one, other = (None if side is None else Bins(side.edges, side.counts, side.scale) for side in sides)
    return one, other, None


def _medians(look: PairLook) -> tuple[float | None, float | None]:
    found = [side.statistics.quantiles if side.statistics is not None else None for side in (look.left, look.right)]
    one, other = (None if shares is None else float(shares[3]) for shares in found)
    return one, other


class Square(QWidget):
    """A square of a legend."""

    def __init__(self, tone: str) -> None:
        super().__init__()
        self._tone = tone
        self.setFixedSize(9, 16)

    def paintEvent(self, event: object) -> None:
        from PySide6.QtGui import QPainter  # noqa: PLC0415

        QPainter(self).fillRect(0, 4, 9, 9, theme.tokens().colour(self._tone))


class PairTitle(QWidget):
    """Where it is, what it is called, what happened to it, and buttons to go on and to copy."""

    def __init__(self) -> None:
        super().__init__()
        self.way, self.name = Elided("", 12, 400, "muted", middle=True), Text("", 14, 600)
        self.what, self.happened = Text("", 12, 400, "text2"), Elided("", 12, 500)
        self.before, self.after, self.copy = ToolButton("chevron-up"), ToolButton("chevron-down"), ToolButton("copy")
        for button, name in ((self.before, "Difference before"), (self.after, "Next difference"), (self.copy, "Copy path")):
            button.setAccessibleName(name)
            button.setToolTip(name)
        head = row(self.way, self.name, None, self.before, self.after, self.copy, gap=4)
        head.setStretch(0, 100)
        self.setLayout(column(head, row(self.what, self.happened, gap=14), gap=0, margins=(16, 8, 10, 10)))

    def show_row(self, found: PairRow, look: PairLook | None) -> None:
        """Another row, or more of it."""
        steps = row_facts.steps_of(found)
        way = "  ›  ".join(steps[:-1])
        self.way.set_whole(f"{way}  ›" if way else "")
        self.way.setMaximumWidth(self.way.sizeHint().width() + 4 if way else 0)
        self.way.setVisible(bool(way))
        self.name.setText(steps[-1] if steps and steps[-1] else "(no name)")
        what, happened = headline_of(found, look)
        self.what.setText(what)
        self.happened.set_whole(happened)


class FigureTable(QWidget):
    """A figure in a line: left, right, how far apart, and that against the left."""

    TITLES = (("", "text"), ("Left", "left"), ("Right", "right"), ("Difference", "text2"), ("Relative", "text2"))

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(0)
        self._cells: list[list[Text]] = []
        self._grid.addWidget(line(), 0, 0, 1, 5)
        self.seen = Text("", 11, 400, "muted")
        for at, (title, tone) in enumerate(self.TITLES):
            head = Text(title, 11, 500, tone) if title else self.seen
            head.setAlignment(_RIGHT if title else _LEFT)
            head.setFixedHeight(28)
            self._grid.addWidget(head, 1, at)
            self._grid.setColumnStretch(at, 1)

    def show_rows(self, rows: Sequence[FigureRow], seen: str) -> None:
        """The rows keep their places; only the values change. `seen` says of which values they are."""
        self.seen.setText(seen)
        while len(self._cells) < len(rows):
            self._add()
        for at, cells in enumerate(self._cells):
            found = rows[at] if at < len(rows) else None
            texts = ("", "", "", "", "") if found is None else (found.name, found.left, found.right, found.apart, found.relative)
            for cell, text in zip(cells, texts, strict=True):
                cell.setText(text)
                cell.setVisible(found is not None)

    def _add(self) -> None:
        place, cells = 2 + 2 * len(self._cells), []
        if self._cells:
            self._grid.addWidget(line("hair"), place - 1, 0, 1, 5)
        for at in range(5):
            cell = Text("", 12, 500 if at in (1, 2) else 400, "text" if at in (1, 2) else "text2")
            cell.setFixedHeight(21)
            cell.setAlignment(_RIGHT if at else _LEFT)
            cell.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._grid.addWidget(cell, place, at)
            cells.append(cell)
        self._cells.append(cells)


class FactGrid(QWidget):
    """Names and values in two columns, row by row."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(28)
        self._grid.setVerticalSpacing(0)
        self._grid.setColumnStretch(0, 1)
        self._grid.setColumnStretch(1, 1)
        self._grid.addWidget(line(), 0, 0, 1, 2)
        self._cells: list[tuple[QWidget, Text, Text]] = []

    def show_facts(self, facts: Sequence[tuple[str, str, str]]) -> None:
        """The cells keep their places."""
        while len(self._cells) < len(facts):
            name, value = Text("", 12, 400, "text2"), Text("", 12, 500)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            cell, at = boxed(row(name, None, value)), len(self._cells)
            cell.setFixedHeight(22)
            self._grid.addWidget(cell, 1 + at // 2, at % 2)
            self._cells.append((cell, name, value))
        for at, (cell, name, value) in enumerate(self._cells):
            cell.setVisible(at < len(facts))
            if at < len(facts):
                name.setText(facts[at][0])
                value.setText(facts[at][1])
                value.set_tone(facts[at][2])
                value.setAccessibleName(f"{facts[at][0]} {facts[at][1]}")
