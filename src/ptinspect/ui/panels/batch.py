"""A test batch: what is asked for at the left, numbers and layers in the middle, a sample or a layer at the right."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from ptinspect.session.batch.choices import BATCH_PAGES
from ptinspect.session.batch.figures import cards_of, warned_of
from ptinspect.session.batch.verbs import Testing
from ptinspect.session.chips import Chip
from ptinspect.session.views import BatchView
from ptinspect.ui import theme
from ptinspect.ui.panels.batch_cards import Cards, ProblemBar
from ptinspect.ui.panels.batch_form import Form
from ptinspect.ui.panels.batch_side import WIDTH, Side
from ptinspect.ui.panels.batch_table import BatchTable
from ptinspect.ui.widgets.chip import ChipButton
from ptinspect.ui.widgets.segments import Segments
from ptinspect.ui.widgets.text import Button, Elided, boxed, line, row

TITLES = {"layers": "Layers", "chart": "Memory and time", "graph": "Graph"}
LEAST_MIDDLE = 470


class Chips(QWidget):
    """What runs where, in chips; whose code it is at the right."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(theme.BANNER)
        self._shown: object = None
        self.chips: list[ChipButton] = []
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(16, 0, 16, 0)
        self._layout.setSpacing(6)

    def apply(self, view: BatchView) -> None:
        """Show the chips of a view."""
        wanted = (view.banner, view.safety)
        if wanted == self._shown:
            return
        self._shown = wanted
        while (item := self._layout.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self.chips = [_chip(chip) for chip in (*view.banner, view.safety)]
        for chip in self.chips[:-1]:
            self._layout.addWidget(chip)
        self._layout.addStretch(1)
        self._layout.addWidget(self.chips[-1])
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Where there is no room chips go from the right, never the one about whose code runs."""
        room = self.width() - 48 - (self.chips[-1].sizeHint().width() if self.chips else 0)
        for chip in self.chips[:-1]:
            room -= chip.sizeHint().width() + 6
            chip.setVisible(room >= 0)


def _chip(chip: Chip) -> ChipButton:
    made = ChipButton(chip.text, chip.before, chip.after, chip.icon, chip.tone, chip.tip)
    made.setEnabled(False)
    return made


class BatchPanel(QWidget):
    """Draws a BatchView; everything the user does goes to the verbs, or out by signals."""

    reload_requested = Signal()
    file_requested = Signal(str)
    python_chosen = Signal(str)
    consents_requested = Signal()
    export_requested = Signal()
    asked = Signal(object)

    def __init__(self, view: BatchView, testing: Testing) -> None:
        super().__init__()
        self.testing, self._number = testing, view.tab
        self._view: BatchView | None = None
        self._asking: object = None
        self.chips, self.form, self.side = Chips(), Form(), Side()
        self.cards, self.problem, self.tree = Cards(), ProblemBar(), BatchTable()
        self.pages = QStackedWidget()
        self.pages.addWidget(self.tree)
        self._others: dict[str, QWidget] = {}
        self.switch = Segments([(name, TITLES[name]) for name in BATCH_PAGES])
        self.switch.setAccessibleName("What is shown of the run")
        self.note = Elided("", 11, 400, "muted", right=True)
        self.export = Button("Export…", "link", "file-down")
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        middle = QWidget()
        middle.setObjectName("page")
        middle.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        head = boxed(row(self.switch, self.note, self.export, gap=10))
        inner = QVBoxLayout()
        inner.setContentsMargins(16, 12, 16, 6)
        inner.setSpacing(10)
        for part in (self.cards, self.problem, head):
            inner.addWidget(part)
        centre = QVBoxLayout(middle)
        centre.setContentsMargins(0, 0, 0, 0)
        centre.setSpacing(0)
        centre.addLayout(inner)
        centre.addWidget(self.pages, 1)
        body = QHBoxLayout()
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(0)
        self._edge = line("edge")
        for part in (self.form, line("edge")):
            body.addWidget(part)
        body.addWidget(middle, 1)
        body.addWidget(self._edge)
        body.addWidget(self.side)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.chips)
        layout.addLayout(body, 1)

    def _connect(self) -> None:
        testing, number = self.testing, self._number
        self.form.chosen.connect(lambda name, value: testing.choose(number, **{name: value}))
        self.form.run_requested.connect(self.run)
        self.form.stop_requested.connect(lambda: testing.stop(number))
        self.form.python_chosen.connect(self.python_chosen)
        self.form.consents_requested.connect(self.consents_requested)
        self.tree.selected.connect(testing.select)
        self.tree.opened.connect(testing.expand)
        self.tree.chosen.connect(self.file_requested)
        self.switch.chosen.connect(testing.show_page)
        self.side.sample_requested.connect(testing.show_sample)
        self.side.file_requested.connect(self.file_requested)
        self.side.left.connect(lambda: testing.select(""))
        self.problem.place_chosen.connect(testing.reveal)
        self.problem.acted.connect(self._act)
        self.export.clicked.connect(self.export_requested)

    def run(self) -> None:
        """Run what the form says now."""
        self.form.commit()
        self.testing.run(self._number)

    def _act(self, what: str) -> None:
        if what == "reload":
            self.reload_requested.emit()
        elif what:
            self.testing.choose(self._number, dtype=what)
            self.run()

    def apply(self, view: BatchView) -> None:
        """Show a view."""
        last, self._view = self._view, view
        tab = view.state
        self.chips.apply(view)
        self.form.apply(view)
        self.cards.apply(cards_of(tab))
        self.problem.apply(warned_of(tab))
        self.switch.choose(tab.page)
        self.note.set_whole(_note(view))
        self.export.setEnabled(tab.record is not None)
        self._show_page(view)
        self.side.apply(view)
        if last is None or last.is_inspector_shown != view.is_inspector_shown:
            self._fit()
        if tab.asking is not self._asking:
            self._asking = tab.asking
            if tab.asking is not None:
                self.asked.emit(tab.asking)

    def _show_page(self, view: BatchView) -> None:
        if view.state.page == "layers":
            self.tree.apply(view.state)
            self._bring(self.tree, self.tree)
            return
        page = self._others.get(view.state.page)
        if page is None:
            page = self._others[view.state.page] = self._make_page(view.state.page)
            self.pages.addWidget(page)
        page.apply(view.state)  # type: ignore[attr-defined]
        self._bring(page, page.focusProxy() or page)

    def _bring(self, page: QWidget, focus: QWidget) -> None:
        """To the front; the keyboard goes along, else the next button would get it with a ring that nobody asked for."""
        if self.pages.currentWidget() is not page:
            focused = QApplication.focusWidget()
            had_focus = focused is not None and self.pages.isAncestorOf(focused)
            self.pages.setCurrentWidget(page)
            if had_focus:
                focus.setFocus(Qt.FocusReason.OtherFocusReason)

    def _make_page(self, name: str) -> QWidget:
        if name == "graph":
            from ptinspect.ui.panels.batch_graph import GraphPage  # noqa: PLC0415 - each page is made when it is first shown

            graph = GraphPage()
            graph.chosen.connect(lambda path: self.testing.select(f"layer:{path}"))
            return graph
        from ptinspect.ui.panels.batch_chart import ChartPage  # noqa: PLC0415

        chart = ChartPage()
        chart.chosen.connect(lambda path: self.testing.select(f"layer:{path}"))
        return chart

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """The side goes where it would take the room of the layers."""
        wanted = self._view is None or self._view.is_inspector_shown
        has_room = self.width() - self.form.width() - WIDTH >= LEAST_MIDDLE
        for part in (self.side, self._edge):
            part.setVisible(wanted and has_room)


def _note(view: BatchView) -> str:
    """How many layers are not shown, and whether the numbers are of other choices than the form now has."""
    tab = view.state
    if tab.record is None:
        return ""
    if tab.record.table.more:
        return f"{tab.record.table.more:,} more layers are not shown"
    is_other = tab.busy is None and tab.record.choices != tab.choices
    return "Measured with other choices than the form has now" if is_other else ""
