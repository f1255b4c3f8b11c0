"""The tensor page: what the headers tell of the selected row. Values and their statistics have their place below it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QVBoxLayout

from ptinspect.session import row_facts
from ptinspect.session.rows import Row
from ptinspect.session.views import DocumentView
from ptinspect.ui.panels.page import Page
from ptinspect.ui.widgets.scroll_page import ScrollArea, fill
from ptinspect.ui.widgets.text import Button, Elided, Text, boxed, column, line, row


class TensorPage(Page):
    """Draws the facts of one row."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: object = None
        self._area = ScrollArea()
        fill(self, self._area)

    def apply(self, view: DocumentView) -> None:
        wanted = (view.whole, view.selected)
        if wanted == self._shown:
            return
        self._shown = wanted
        found = view.whole.find(view.selected) if view.selected else None
        if found is None or found.parent is None:
            self._area.show_layout(_empty("Nothing is selected", "Choose a layer or a tensor on the left."))
        else:
            self._area.show_layout(self._facts(found))

    def _facts(self, found: Row) -> QVBoxLayout:
        steps = row_facts.steps_of(found)
        copy = Button("Copy path", "outline", "copy")
        copy.clicked.connect(lambda: self.copy_requested.emit(found.path))
        names = column(Elided(steps[-1] or "(no name)", 14, 600, middle=True), gap=3)
        if len(steps) > 1:
            names.insertWidget(0, Elided("  ›  ".join(steps[:-1]), 12, 400, "muted", middle=True))
        head = row(gap=12)
        head.addLayout(names, 1)
        head.addWidget(copy, 0, Qt.AlignmentFlag.AlignTop)
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(0)
        grid.setColumnMinimumWidth(0, 110)
        grid.setColumnStretch(1, 1)
        for at, (name, value) in enumerate(row_facts.facts_of(found)):
            _fact(grid, at, name, value)
        layout = column(boxed(head), Text(row_facts.headline_of(found), 12, 400, "text2", wrap=True), 14, boxed(grid), gap=4)
        layout.setContentsMargins(20, 16, 20, 20)
        layout.addStretch(1)
        return layout


def _fact(grid: QGridLayout, at: int, name: str, value: str) -> None:
    if at:
        grid.addWidget(line("hair"), 2 * at, 0, 1, 2)
    label, text = Text(name, 12, 400, "muted"), Text(value, 12, 400, wrap=True)
    text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    for part in (label, text):
        part.setContentsMargins(0, 5, 0, 5)
    grid.addWidget(label, 2 * at + 1, 0, Qt.AlignmentFlag.AlignTop)
    grid.addWidget(text, 2 * at + 1, 1)


def _empty(title: str, text: str) -> QVBoxLayout:
    layout = column(Text(title, 14, 600), Text(text, 12, 400, "muted", wrap=True), gap=4, margins=(20, 18, 20, 20))
    layout.addStretch(1)
    return layout


