"""One side of the pair that is selected, by itself: how its values are spread, the values, and where it stands in its file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout
from shiboken6 import isValid

from ptinspect.session.comparison.request import SideName
from ptinspect.session.comparison.side_page import facts_of, measure_of
from ptinspect.session.views import ComparisonView
from ptinspect.session.words import signed
from ptinspect.ui import plots
from ptinspect.ui.panels.comparison_difference import PairTitle
from ptinspect.ui.panels.comparison_page import PairPage
from ptinspect.ui.panels.distribution import Distribution
from ptinspect.ui.widgets.scroll_page import ScrollArea, fill
from ptinspect.ui.widgets.settings_list import SettingsList
from ptinspect.ui.widgets.text import Elided, Text, boxed, column, line, row

if TYPE_CHECKING:
    from ptinspect.ui.widgets.heat_map import HeatMap


class SidePage(PairPage):
    """Draws one side."""

    def __init__(self, side: SideName) -> None:
        super().__init__()
        self.side: SideName = side
        self.stored = ""
        self._state: object = None
        self._facts: SettingsList | None = None
        self.map: HeatMap | None = None
        self._area = ScrollArea()
        fill(self, self._area)
        self._area.show_layout(self._lay_out())

    def _lay_out(self) -> QVBoxLayout:
        self.title = PairTitle()
        self.title.copy.clicked.connect(lambda: self.copy_requested.emit(self.stored))
        self.title.before.clicked.connect(lambda: self.comparing.step(-1))
        self.title.after.clicked.connect(lambda: self.comparing.step(1))
        self.empty = Text("", 12, 400, "muted", wrap=True)
        self.distribution = Distribution()
        self.note = Elided("", 11, 400, "muted")
        self._room, self._lines = QVBoxLayout(), QVBoxLayout()
        self.values = boxed(column(line(), 8, row(Text("Values", 12, 600), self.note, gap=10), 6, self._room, gap=0))
        facts = column(line(), 8, Text("Facts", 12, 600), 4, self._lines, gap=0)
        body = column(self.empty, self.distribution, self.values, boxed(facts), gap=10, margins=(16, 10, 16, 16))
        layout = column(self.title, line(), body, gap=0)
        layout.addStretch(1)
        return layout

    def apply(self, view: ComparisonView) -> None:
        found = self.selected_row(view)
        if found is None:
            self._nothing("Nothing is selected. Choose a row on the left.")
            return
        look = self.look_at(view, found)
        state = (view.state.selected, id(look), id(view.state.aligned))
        if state == self._state:
            return
        self._state = state
        self.title.show()
        self.title.show_row(found, look)
        facts = facts_of(found, view.state, self.side)
        self.stored = dict(facts).get("Name in the file", "")
        self._show_facts(facts)
        measure = measure_of(found, look, self.side)
        pictures = look.pictures if look is not None else None
        cells = None if pictures is None else pictures.left if self.side == "left" else pictures.right
        self.distribution.setVisible(measure is not None)
        text = "" if measure is not None else f"The {self.side} file has no such tensor." if found.pair is not None else ""
        self.empty.setText(text)
        self.empty.setVisible(bool(text))
        if measure is not None:
            self.distribution.show_measures([(found.path, measure)], found.pair_elements(self.side))
        self.values.setVisible(cells is not None)
        if cells is not None and pictures is not None:
            self.note.set_whole(pictures.note)
            plots.when_ready(lambda: self._draw(cells))

    def _nothing(self, text: str) -> None:
        self._state = None
        self.title.hide()
        self.empty.setText(text)
        self.empty.show()
        for part in (self.distribution, self.values):
            part.hide()
        self._show_facts(())

    def _show_facts(self, facts: Sequence[tuple[str, str]]) -> None:
        if self._facts is not None:
            self._lines.removeWidget(self._facts)
            self._facts.deleteLater()
        self._facts = SettingsList([(0, name, value) for name, value in facts])
        self._lines.addWidget(self._facts)

    def _draw(self, cells: object) -> None:
        from ptinspect.ui.widgets.heat_map import HeatMap  # noqa: PLC0415 - numpy is there by now

        if not isValid(self):  # the tab may be closed by the time that plots can be made
            return
        if self.map is None:
            self.map = HeatMap()
            self._room.addWidget(self.map)

        def label(at_row: int, at_column: int) -> tuple[str, Sequence[tuple[str, str]]]:
            value = float(cells[at_row, at_column])  # type: ignore[index]
            return f"row {at_row:,}, column {at_column:,}", (("Value", signed(f"{value:.6g}")),)

        self.map.show_cells(cells, label)
