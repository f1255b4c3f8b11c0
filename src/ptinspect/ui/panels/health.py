"""The health page: what is wrong with the values, why it matters, and the way there."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from ptinspect.session.health_page import HealthLine, HealthPage, health_page
from ptinspect.session.reading import Reading
from ptinspect.session.views import DocumentView
from ptinspect.ui.panels.page import Page
from ptinspect.ui.widgets.chip import Tag
from ptinspect.ui.widgets.scroll_page import ScrollArea, fill
from ptinspect.ui.widgets.text import Button, IconMark, Text, boxed, column, line, row

_SEVERITY = {
    "info": ("info", "muted", "Note", "plain"),
    "notice": ("info", "accent", "Notice", "accent"),
    "warning": ("triangle-alert", "warnicon", "Warning", "warn"),
    "danger": ("octagon-alert", "danger", "Broken", "danger"),
}
_TITLE = {"plain": ("loader", "muted"), "good": ("circle-check", "good"), "warn": ("triangle-alert", "warnicon")}


class HealthPanel(Page):
    """Draws a session.health_page.HealthPage."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: HealthPage | None = None
        self._reading: Reading | None = None
        self._tab = 0
        self._area = ScrollArea()
        fill(self, self._area)

    def attach(self, reading: Reading) -> None:
        self._reading = reading

    def apply(self, view: DocumentView) -> None:
        self._tab = view.tab
        found = health_page(view.numbers, view.whole.facts.has_tensors, view.unread)
        if found == self._shown:
            return
        self._shown = found
        icon, tone = _TITLE.get(found.tone, ("octagon-alert", "danger"))
        head = row(IconMark(found.icon or icon, tone, 18), Text(found.title, 18, 600, family="display"), None, gap=10)
        layout = column(boxed(head), 4, Text(found.text, 12, 400, "text2", wrap=True), gap=0, margins=(20, 20, 20, 20))
        if found.can_count:
            again = Button("Read the values", "outline", "refresh")
            again.clicked.connect(self._again)
            layout.addSpacing(12)
            layout.addWidget(boxed(row(again, None)))
        if found.lines:
            layout.addSpacing(16)
        for at, one in enumerate(found.lines):
            if at:
                layout.addWidget(line("hair"))
            layout.addWidget(self._line(one))
        if found.more:
            layout.addWidget(Text(f"… and {found.more:,} more", 12, 400, "muted"))
        layout.addStretch(1)
        self._area.show_layout(layout)

    def _again(self) -> None:
        if self._reading is not None:
            self._reading.count(self._tab, again=True)

    def _line(self, one: HealthLine) -> QWidget:
        icon, tone, word, tag = _SEVERITY[one.severity]
        words = column(boxed(row(Text(one.title, 12, 600, wrap=True), Tag(word, tag), gap=10)), gap=3)
        words.addWidget(Text(one.detail, 12, 400, "text2", wrap=True))
        if one.path:
            show = Button(one.path, "link")
            show.setAccessibleName(f"Show {one.path}")
            show.setMaximumWidth(440)
            show.clicked.connect(lambda: self.show_requested.emit(one.path))
            words.addWidget(boxed(row(show, None)))
        layout = row(gap=10, margins=(0, 12, 0, 10))
        layout.addWidget(IconMark(icon, tone), 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(words, 1)
        return boxed(layout)
