"""The code page: program texts that lie in the file, shown and never run, and the lines that load it."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout

from ptinspect.session import code_page as words
from ptinspect.session.views import DocumentView
from ptinspect.session.words import plural
from ptinspect.ui import theme
from ptinspect.ui.panels.page import Page
from ptinspect.ui.widgets.choice import Choice
from ptinspect.ui.widgets.code_block import CodeView
from ptinspect.ui.widgets.text import Button, Elided, Text, boxed, column, row


class CodePage(Page):
    """One text at a time, chosen by name."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: words.CodePage | None = None
        self.choice = Choice()
        self.choice.setAccessibleName("Text")
        self.choice.setFont(theme.font(12))
        self.choice.setSizeAdjustPolicy(Choice.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)  # the note wants room too
        self.choice.setMinimumContentsLength(28)
        self.choice.currentIndexChanged.connect(self._choose)
        copy = Button("Copy", "outline", "copy")
        copy.clicked.connect(self._copy)
        self.title = Text("How to load it", 12, 600)
        self.note = Elided("", 11, 400, "muted")
        self.view = CodeView()
        self.view.setAccessibleName("Code")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 14, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(boxed(row(self.choice, self.title, self.note, copy, gap=10, margins=(0, 0, 20, 0))))
        layout.addLayout(column(self.view), 1)

    def apply(self, view: DocumentView) -> None:
        found = view.pages.code if view.pages else None
        if found is None or found is self._shown:
            return
        self._shown = found
        self.choice.clear()
        self.choice.addItems([file.name for file in found.files])
        self.choice.setVisible(len(found.files) > 1)
        self.title.setVisible(len(found.files) <= 1)
        self.choice.setCurrentIndex(min(1, len(found.files) - 1))  # the program where there is one: the overview tells how to load it
        texts = len(found.files) - 1 + found.more
        note = f"{plural(texts, 'program text')}, shown and never run"
        self.note.set_whole(note if texts else "There is no program text in this file")

    def _copy(self) -> None:
        self.copy_requested.emit(self.view.toPlainText())

    def _choose(self, at: int) -> None:
        if self._shown is not None and 0 <= at < len(self._shown.files):
            self.view.setLineWrapMode(CodeView.LineWrapMode.NoWrap if at else CodeView.LineWrapMode.WidgetWidth)
            self.view.set_text(self._shown.files[at].text)
