"""The safety page: the verdict in a sentence, every imported name in plain words, what torch.load would have done."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QVBoxLayout, QWidget

from ptinspect.session import safety_page as words
from ptinspect.session.safety_page import LoadCard
from ptinspect.session.views import DocumentView
from ptinspect.ui import theme
from ptinspect.ui.models.names import WORDS, NameModel
from ptinspect.ui.panels.name_table import NameTable
from ptinspect.ui.panels.page import Page
from ptinspect.ui.widgets.chip import Tag
from ptinspect.ui.widgets.scroll_page import ScrollArea, fill
from ptinspect.ui.widgets.segments import Segments
from ptinspect.ui.widgets.text import Button, IconMark, Text, boxed, column, line, row

_HEADS = {"dangerous": ("shield-alert", "danger"), "code": ("shield", "warnicon"), "data": ("shield-check", "good")}
FEW, SPARED = 12, 4  # names that are shown at first, and how many more are not worth a button


class SafetyPage(Page):
    """Draws a session.safety_page.SafetyPage."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: words.SafetyPage | None = None
        self._lines: tuple[words.NameLine, ...] = ()
        self._area = ScrollArea()
        self.names = NameModel(self)
        fill(self, self._area)

    def apply(self, view: DocumentView) -> None:
        found = view.pages.safety if view.pages else None
        if found is None or found is self._shown:
            return
        self._shown = found
        layout = column(*self._head(found), 16, line(), 14, gap=0, margins=(20, 20, 20, 20))
        self._names(layout, found)
        if found.cards:
            layout.addSpacing(20)
            layout.addWidget(Text("What loading it would do", 12, 600))
            layout.addSpacing(8)
            cards = row(gap=12)
            for card in found.cards:
                cards.addWidget(self._card(card), 1)
            layout.addLayout(cards)
        if found.findings:
            self._findings(layout, found)
        layout.addStretch(1)
        self._area.show_layout(layout)

    def _head(self, found: words.SafetyPage) -> list[QWidget | int]:
        icon, tone = _HEADS[found.verdict]
        copy = Button("Copy report", "outline", "copy")
        copy.clicked.connect(lambda: self.copy_requested.emit(found.report))
        texts = column(Text(found.title, 18, 600, family="display", wrap=True), Text(found.sentence, 12, 400, "text2", wrap=True), gap=5)
        texts.addSpacing(6)
        texts.addLayout(row(copy, None))
        layout = row(gap=18)
        layout.addWidget(IconMark(icon, tone, 30), 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(texts, 1)
        return [boxed(layout)]

    def _names(self, layout: QVBoxLayout, found: words.SafetyPage) -> None:
        if not found.names:
            layout.addWidget(Text("Imported names", 12, 600))
            layout.addSpacing(4)
            layout.addWidget(Text("None. There is nothing in this file that Python would have to import.", 12, 400, "muted", wrap=True))
            return
        kinds = [
            ("all", f"All {len(found.names):,}"),
            *((v, f"{WORDS[v]} {found.count(v):,}") for v in ("dangerous", "code", "data") if found.count(v)),
        ]
        table = self._table()
        choice = Segments(kinds)
        choice.setAccessibleName("Which names")
        choice.setVisible(len(kinds) > 2)  # a single kind leaves nothing to choose
        choice.chosen.connect(lambda kind: self._choose(table, found, kind))
        layout.addLayout(
            row(Text("Imported names", 12, 600), Text("what the file asks Python for", 11, 400, "muted"), None, choice, gap=10)
        )
        layout.addSpacing(6)
        layout.addWidget(table)
        self.all = Button("", "link")
        self.all.clicked.connect(lambda: self._show_all(table))
        self._all_row = boxed(row(self.all, None))
        layout.addWidget(self._all_row)
        self._choose(table, found, "all")
        if found.more_names:
            layout.addWidget(Text(f"… and {found.more_names:,} more", 12, 400, "muted"))

    def _choose(self, table: NameTable, found: words.SafetyPage, kind: str) -> None:
        self._lines = tuple(one for one in found.names if kind in ("all", one.verdict))
        is_long = len(self._lines) > FEW + SPARED
        self.names.set_lines(self._lines[:FEW] if is_long else self._lines)
        self.all.setText(f"Show all {len(self._lines):,}")
        self._all_row.setVisible(is_long)
        self._fit(table)

    def _show_all(self, table: NameTable) -> None:
        self.names.set_lines(self._lines)
        self._all_row.hide()
        self._fit(table)

    def _table(self) -> NameTable:
        table = NameTable("Imported names", self.names)
        table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = table.horizontalHeader()
        header.setMinimumSectionSize(40)
        for at, (mode, width) in enumerate(_MODES):
            header.setSectionResizeMode(at, mode)
            header.resizeSection(at, width)
        return table

    def _fit(self, table: NameTable) -> None:
        """As high as its rows: the page scrolls, not the table in it."""
        table.setFixedHeight(27 + theme.ROW * max(1, self.names.rowCount()))

    def _card(self, card: LoadCard) -> QWidget:
        tone = "plain" if card.tone == "plain" else card.tone
        head = row(Text(card.call, 12, 500, family="mono"), None, Tag(card.verdict, tone))
        layout = column(head, Text(card.note, 11, 400, "muted", wrap=True), gap=6, margins=(14, 12, 14, 14))
        for text in card.lines:
            layout.addWidget(Text(text, 12, 400, "text2", wrap=True))
        for text in card.code:
            shown = Text(text, 12, 400, "danger" if card.tone == "danger" else "text2", "mono", wrap=True)
            layout.addWidget(boxed(column(shown, margins=(10, 6, 10, 6)), "code"))
        layout.addStretch(1)
        return boxed(layout, "card")

    def _findings(self, layout: QVBoxLayout, found: words.SafetyPage) -> None:
        layout.addSpacing(20)
        layout.addWidget(Text("What else was noticed", 12, 600))
        layout.addSpacing(6)
        for severity, title, detail in found.findings:
            icon, tone = {"danger": ("octagon-alert", "danger"), "warning": ("triangle-alert", "warnicon")}.get(severity, ("info", "muted"))
            texts = column(Text(f"{title[:1].upper()}{title[1:]}", 12, 500, wrap=True), gap=2)
            if detail:
                texts.addWidget(Text(detail, 12, 400, "text2", wrap=True))
            one = row(gap=10, margins=(0, 5, 0, 5))
            one.addWidget(IconMark(icon, tone), 0, Qt.AlignmentFlag.AlignTop)
            one.addLayout(texts, 1)
            layout.addLayout(one)


_MODES = (
    (QHeaderView.ResizeMode.Stretch, 240),
    (QHeaderView.ResizeMode.Fixed, 106),
    (QHeaderView.ResizeMode.Stretch, 240),
    (QHeaderView.ResizeMode.Fixed, 56),
)
