"""The overview: what the file is and how we know, problems first, how its size is made up, how to load it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLayout, QWidget

from ptinspect.session.overview import Block, Claim, Overview, SetLine
from ptinspect.session.problems import Problem
from ptinspect.session.views import DocumentView
from ptinspect.session.words import count_text, size_text
from ptinspect.ui.panels.page import Page
from ptinspect.ui.widgets.code_block import CodeBlock
from ptinspect.ui.widgets.scroll_page import ScrollArea, fill
from ptinspect.ui.widgets.size_bar import SizeBar
from ptinspect.ui.widgets.text import Button, Elided, IconMark, Text, boxed, column, line, row
from ptinspect.ui.widgets.treemap import Treemap

WIDE = 700
_SEVERITY = {
    "danger": ("octagon-alert", "danger"),
    "warning": ("triangle-alert", "warnicon"),
    "notice": ("info", "muted"),
    "info": ("info", "muted"),
}
_CERTAIN = {"confirmed": ("circle-check", "good", "Confirmed"), "inferred": ("circle-dashed", "muted", "Inferred")}


class OverviewPage(Page):
    """Draws an Overview: one column where it is narrow, two where it is wide."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: Overview | None = None
        self._is_wide = False
        self._area = ScrollArea()
        fill(self, self._area)

    def apply(self, view: DocumentView) -> None:
        found = view.pages.overview if view.pages else None
        if found is not self._shown:
            self._shown = found
            self._build()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._is_wide != (self.width() >= WIDE):
            self._build()

    def _build(self) -> None:
        found = self._shown
        self._is_wide = self.width() >= WIDE
        if found is None:
            self._area.show_layout(column())
            return
        left = column(*self._reasons(found), 12, *self._loading(found), gap=0)
        right = column(*self._sizes(found), gap=0)
        parts: list[QWidget | int] = [
            Text(found.title, 18, 600, family="display", wrap=True),
            4,
            Text(found.sentence, 12, 400, "text2", wrap=True),
        ]
        parts += [16, *self._problems(found)] if found.problems else []
        layout = column(*parts, 20, gap=0, margins=(20, 20, 20, 20))
        if self._is_wide:
            both = row(gap=28)
            both.addLayout(left, 4)
            both.addLayout(right, 3)
            left.addStretch(1)
            right.addStretch(1)
            layout.addLayout(both)
        else:
            layout.addLayout(left)
            layout.addSpacing(20)
            layout.addLayout(right)
        layout.addStretch(1)
        self._area.show_layout(layout)

    # -- parts --------------------------------------------------------------------------------------------------------------------

    def _problems(self, found: Overview) -> list[QWidget | int]:
        shown = found.problems
        loud = sum(problem.times for problem in shown if problem.severity in ("danger", "warning"))
        note = _count_problems(sum(problem.times for problem in shown) + found.more_problems, loud)
        card = column(gap=0, margins=(12, 2, 12, 2))
        for at, problem in enumerate(shown):
            if at:
                card.addWidget(line("hair"))
            card.addWidget(self._problem(problem))
        if found.more_problems:
            card.addWidget(Text(f"… and {found.more_problems:,} more", 12, 400, "muted"))
        return [heading("Problems", note), 8, boxed(card, "card")]

    def _problem(self, problem: Problem) -> QWidget:
        icon, tone = _SEVERITY[problem.severity]
        words = column(Text(problem.title, 12, 500, wrap=True), gap=2)
        if problem.detail:
            words.addWidget(Text(problem.detail, 12, 400, "text2", wrap=True))
        if problem.where:
            words.addWidget(Elided(problem.where, 11, 400, "muted", "mono", middle=True))
        layout = row(gap=10, margins=(0, 8, 0, 8))
        layout.addWidget(IconMark(icon, tone), 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(words, 1)
        if problem.key:
            button = Button("Show", "link")
            button.clicked.connect(lambda: self.show_requested.emit(problem.key))
            layout.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        return boxed(layout)

    def _reasons(self, found: Overview) -> list[QWidget | int]:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(0)
        grid.setColumnMinimumWidth(0, 84)
        grid.setColumnStretch(1, 1)
        for at, claim in enumerate(found.claims):
            self._claim(grid, at, claim)
        return [heading("What this is, and how we know"), 6, boxed(grid)]

    def _claim(self, grid: QGridLayout, at: int, claim: Claim) -> None:
        icon, tone, word = _CERTAIN[claim.certainty]
        top = Qt.AlignmentFlag.AlignTop
        if at:
            grid.addWidget(line("hair"), 3 * at, 0, 1, 3)
        label = Text(claim.label, 12, 400, "muted")
        mark = boxed(row(IconMark(icon, tone, 14), Text(word, 11, 500, tone), gap=4, margins=(0, 7, 0, 0)))
        label.setContentsMargins(0, 7, 0, 0)
        text = Text(claim.text, 12, 500, wrap=True)
        text.setContentsMargins(0, 7, 0, 0)
        because = Text(claim.because, 11, 400, "muted", wrap=True)
        because.setContentsMargins(0, 1, 0, 7)
        grid.addWidget(label, 3 * at + 1, 0, top)
        grid.addWidget(text, 3 * at + 1, 1)
        grid.addWidget(mark, 3 * at + 1, 2, top)
        grid.addWidget(because, 3 * at + 2, 1, 1, 2)

    def _loading(self, found: Overview) -> list[QWidget | int]:
        copy = Button("Copy", "plain", "copy")
        copy.clicked.connect(lambda: self.copy_requested.emit(found.load))
        return [boxed(row(heading("Load it"), None, copy)), 4, CodeBlock(found.load)]

    def _sizes(self, found: Overview) -> list[QWidget | int]:
        parts: list[QWidget | int] = []
        if found.blocks:
            picture = Treemap([(block.name, count_text(block.count), block.share) for block in found.blocks])
            blocks = found.blocks
            picture.chosen.connect(lambda at: self._go(blocks, at))
            parts += [heading("Size by block", found.blocks_title), 8, picture, 24]
        if found.dtypes:
            parts += [
                heading("Size by dtype", found.stored),
                8,
                SizeBar([(share.name, size_text(share.size), share.size) for share in found.dtypes]),
                24,
            ]
        if found.sets:
            parts += [heading("Weight sets"), 4, *(self._set(one, at) for at, one in enumerate(found.sets)), 20]
        facts = column(gap=0)
        for at, (name, value) in enumerate(found.facts):
            if at:
                facts.addWidget(line("hair"))
            facts.addWidget(boxed(row(Text(name, 12, 400, "muted"), None, Text(value, 12, 500), margins=(0, 5, 0, 5))))
        return [*parts, heading("Numbers"), 2, boxed(facts)]

    def _go(self, blocks: tuple[Block, ...], at: int) -> None:
        if blocks[at].path:
            self.show_requested.emit(blocks[at].path)

    def _set(self, one: SetLine, at: int) -> QWidget:
        layout = row(IconMark("dot" if one.is_main else "circle", "accent2" if one.is_main else "border2", 14), gap=8, margins=(0, 6, 0, 6))
        layout.addWidget(Elided(one.name, 12, 600 if one.is_main else 500, middle=True), 2)
        layout.addWidget(Elided(one.detail, 12, 400, "muted"), 2)
        layout.addWidget(Text(one.count, 12, 500))
        widget = SetRow(layout)
        path = one.key.partition(":")[2]
        if path:
            widget.on_click = lambda: self.show_requested.emit(path)
        return widget


def _count_problems(count: int, loud: int) -> str:
    if not loud:
        return f"{count:,}, not serious" if count == 1 else f"{count:,}, none of them serious"
    return f"{count:,}" if loud == count else f"{count:,}, {loud:,} of them worth a look"


class SetRow(QWidget):
    """A line that goes to its place in the tree."""

    def __init__(self, layout: QLayout) -> None:
        super().__init__()
        self.on_click: Callable[[], None] = lambda: None
        self.setLayout(layout)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.on_click()
        super().mouseReleaseEvent(event)


def heading(text: str, note: str = "") -> QWidget:
    """A section's head with a quiet word beside it."""
    parts: list[QWidget | None] = [Text(text, 12, 600)]
    if note:
        parts.append(Text(note, 11, 400, "muted"))
    return boxed(row(*parts, None, gap=10))
