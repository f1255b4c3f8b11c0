"""A file that cannot be shown, explained: what it is, how much of it is there, what to do."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ptinspect.session.troubles import Trouble
from ptinspect.session.views import TroubleView
from ptinspect.ui.panels.banner import Banner
from ptinspect.ui.widgets.chip import Tag
from ptinspect.ui.widgets.scroll_page import ScrollArea
from ptinspect.ui.widgets.text import Button, Elided, IconMark, Text, boxed, column, line, row

WIDTH = 1040
_ICONS = {"warn": "warnicon", "danger": "danger"}


class TroublePage(QWidget):
    """Draws a TroubleView."""

    copy_requested = Signal(str)
    dialog_requested = Signal()
    reload_requested = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._shown: TroubleView | None = None
        self.banner = Banner()
        self._area = ScrollArea()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.banner)
        layout.addWidget(self._area, 1)

    def apply(self, view: TroubleView) -> None:
        """Show a view."""
        if view == self._shown:
            return
        self._shown = view
        self.banner.apply(view)
        found = view.trouble
        left, right = column(gap=0), column(gap=0)
        self._excerpt(left, found)
        self._steps(left, view)
        left.addStretch(1)
        self._facts(right, found)
        right.addStretch(1)
        both = row(gap=48)
        both.addLayout(left, 13)
        both.addLayout(right, 6)
        page = column(_head(found), 28, both, gap=0)
        page.addStretch(1)
        middle = boxed(page)
        middle.setMaximumWidth(WIDTH)
        outer = row(gap=0, margins=(40, 34, 40, 28))
        outer.addStretch(1)
        outer.addWidget(middle, 100)
        outer.addStretch(1)
        self._area.show_layout(outer)

    def _excerpt(self, layout: QVBoxLayout, found: Trouble) -> None:
        if not found.excerpt:
            return
        lines = column(gap=0, margins=(12, 8, 12, 8))
        for at, text in enumerate(found.excerpt, 1):
            shown = Elided(text, 12, 400, "text", "mono")
            shown.setFixedHeight(24)
            lines.addLayout(row(Text(f"{at}", 11, 400, "muted", "mono"), shown, gap=14))
        layout.addLayout(row(Text("What is in the file", 12, 600), Text(found.excerpt_note, 11, 400, "muted"), None, gap=10))
        layout.addSpacing(10)
        layout.addWidget(boxed(lines, "code"))
        layout.addSpacing(26)

    def _steps(self, layout: QVBoxLayout, view: TroubleView) -> None:
        found = view.trouble
        layout.addWidget(Text("What to do", 12, 600))
        layout.addSpacing(10)
        if found.hint and not found.commands:
            layout.addWidget(Text(found.hint + ("" if found.hint.endswith((".", "!", "?")) else "."), 12, 400, "text2", wrap=True))
            layout.addSpacing(12)
        for at, (title, command) in enumerate(found.commands, 1):
            layout.addLayout(row(Tag(f"{at}"), Text(title, 12, 500), None))
            layout.addSpacing(6)
            layout.addWidget(self._command(command))
            layout.addSpacing(14)
        again = Button("Try again", "outline", "refresh")
        again.clicked.connect(lambda: self.reload_requested.emit(view.tab))
        other = Button("Choose another file…", "plain")
        other.clicked.connect(self.dialog_requested)
        buttons = row(again, other, gap=6)
        if found.report:
            copy = Button("Copy report", "outline", "copy")
            copy.clicked.connect(lambda: self.copy_requested.emit(found.report))
            buttons.addWidget(copy)
        buttons.addStretch(1)
        layout.addLayout(buttons)
        layout.addSpacing(10)
        layout.addWidget(Text("This tab reads the file again by itself once it changes.", 11, 400, "muted", wrap=True))

    def _command(self, command: str) -> QWidget:
        copy = Button("Copy", "plain", "copy")
        copy.clicked.connect(lambda: self.copy_requested.emit(command))
        shown = Elided(command, 12, 400, "text", "mono")
        return boxed(row(Text("$", 12, 400, "muted", "mono"), shown, copy, gap=8, margins=(12, 3, 4, 3)), "code")

    def _facts(self, layout: QVBoxLayout, found: Trouble) -> None:
        layout.addWidget(Text("Facts", 12, 600))
        layout.addSpacing(8)
        for at, (name, value) in enumerate(found.facts):
            if at:
                layout.addWidget(line("hair"))
            shown = Elided(value, 12, 500, middle=True, right=True)
            layout.addLayout(row(Text(name, 12, 400, "muted"), shown, gap=16, margins=(0, 7, 0, 7)))


def _head(found: Trouble) -> QWidget:
    words = column(Text(found.title, 20, 600, family="display", wrap=True), Text(found.detail, 12, 400, "text2", wrap=True), gap=6)
    layout = row(gap=16)
    layout.addWidget(IconMark(found.icon, _ICONS.get(found.tone, "muted"), 30), 0, Qt.AlignmentFlag.AlignTop)
    layout.addLayout(words, 1)
    return boxed(layout)
