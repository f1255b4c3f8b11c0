"""The training page: how far, with what, and every setting to search."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from ptinspect.session import training_page as words
from ptinspect.session.views import DocumentView
from ptinspect.ui import theme
from ptinspect.ui.panels.page import Page
from ptinspect.ui.widgets.scroll_page import ScrollArea
from ptinspect.ui.widgets.settings_list import SettingsList
from ptinspect.ui.widgets.text import Text, boxed, column, row

SEARCHED_FROM = 12


class TrainingPage(Page):
    """Draws a session.training_page.TrainingPage."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: words.TrainingPage | None = None
        self.field = QLineEdit()
        self.field.setPlaceholderText("Search names and values")
        self.field.setAccessibleName("Search settings")
        self.field.setClearButtonEnabled(True)
        self.field.setFont(theme.font(12))
        self.field.textChanged.connect(self._search)
        self._search_row = boxed(column(self.field, margins=(20, 14, 20, 0)))
        self._area = ScrollArea()
        self.lists: list[tuple[QWidget, SettingsList]] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._search_row)
        layout.addWidget(self._area, 1)

    def apply(self, view: DocumentView) -> None:
        found = view.pages.training if view.pages else None
        if found is None or found is self._shown:
            return
        self._shown = found
        self._search_row.setVisible(sum(len(section.lines) for section in found.sections) >= SEARCHED_FROM)
        layout = column(gap=0, margins=(20, 18, 20, 20))
        if found.empty:
            layout.addWidget(Text("No training in this file", 14, 600))
            layout.addSpacing(4)
            layout.addWidget(Text(found.empty, 12, 400, "muted", wrap=True))
        if found.numbers:
            layout.addLayout(_numbers(found.numbers))
            layout.addSpacing(20)
        self.lists = []
        for section in found.sections:
            layout.addWidget(self._section(section))
        layout.addStretch(1)
        self._area.show_layout(layout)
        self._search(self.field.text())

    def _section(self, section: words.Section) -> QWidget:
        lines = SettingsList([(line.depth, line.name, line.value) for line in section.lines])
        head = row(Text(section.title, 12, 600), Text(section.note, 11, 400, "muted"), None, gap=10)
        widget = boxed(column(head, lines, 16, gap=6))
        self.lists.append((widget, lines))
        return widget

    def _search(self, text: str) -> None:
        for widget, lines in self.lists:
            widget.setVisible(lines.search(text) or not text)


def _numbers(numbers: tuple[tuple[str, str], ...]) -> QVBoxLayout:
    """Epoch, step, loss and metrics as figures, four in a row."""
    layout = column(gap=14)
    for at in range(0, len(numbers), 4):
        line = row(gap=28)
        for name, value in numbers[at : at + 4]:
            line.addLayout(column(Text(value, 18, 600, family="display"), Text(name, 11, 400, "muted"), gap=1))
        line.addStretch(1)
        layout.addLayout(line)
    layout.setAlignment(Qt.AlignmentFlag.AlignTop)
    return layout
