"""The report: the verdict with its numbers, whether it would load, what differs outside the weights, and buttons to save it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from ptinspect.session.comparison.report_page import Line, Load, ReportPage, Section
from ptinspect.session.views import ComparisonView
from ptinspect.ui import theme
from ptinspect.ui.panels.comparison_page import PairPage
from ptinspect.ui.widgets.code_block import CodeBlock
from ptinspect.ui.widgets.scroll_page import ScrollArea, fill
from ptinspect.ui.widgets.text import Button, Elided, IconMark, Text, boxed, column, line, row, tip

FORMS = "Page with histograms (*.html);;Markdown (*.md);;JSON (*.json)"
HIGH = 23


class ReportPanel(PairPage):
    """Draws a ReportPage."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: object = None
        self._area = ScrollArea()
        fill(self, self._area)

    def apply(self, view: ComparisonView) -> None:
        tab = view.state
        if tab.aligned is None:
            return
        found = tab.report.page if tab.report is not None else tab.aligned.page
        wanted = (id(found), tab.busy is not None)
        if wanted == self._shown:
            return
        self._shown = wanted
        layout = column(gap=0, margins=(20, 18, 20, 20))
        layout.addWidget(Text(found.verdict, 18, 600, family="display", wrap=True))
        layout.addSpacing(6)
        layout.addWidget(Text(found.sentence, 13, 400, "text2", wrap=True))
        layout.addSpacing(4)
        layout.addWidget(Text(found.counts, 12, 400, "muted", wrap=True))
        layout.addSpacing(12)
        layout.addLayout(self._buttons(is_whole=tab.report is not None, is_busy=tab.busy is not None))
        self._evidence(layout, found)
        self._load(layout, found.load)
        for section in found.sections:
            layout.addSpacing(18)
            layout.addWidget(SectionHead(section))
            layout.addWidget(SideLines(section))
            if section.more:
                layout.addWidget(Text(f"… and {section.more:,} more; the saved report has all of them", 11, 400, "muted"))
        layout.addStretch(1)
        self._area.show_layout(layout)

    def _buttons(self, is_whole: bool, is_busy: bool) -> QHBoxLayout:
        self.save = Button("Save report…", "outline", "file-down")
        self.save.clicked.connect(self._ask)
        self.save.setEnabled(is_whole)
        copy = Button("Copy as Markdown", "outline", "copy")
        copy.clicked.connect(lambda: self.copy_requested.emit(self.comparing.markdown()))
        copy.setEnabled(is_whole)
        note = "" if is_whole else "The verdict comes once every pair was read" if is_busy else "Not every pair was read"
        return row(self.save, copy, Elided(note, 11, 400, "muted"), gap=8)

    def _ask(self) -> None:
        from ptinspect.ui.dialogs import choose_target  # noqa: PLC0415 - only who asks for it

        path = choose_target(self, "Save report", "comparison.html", FORMS)
        if path:
            self.comparing.save(path)

    def save_menu(self) -> QMenu:
        """The same for whoever asks for a menu."""
        menu = QMenu(self)
        menu.addAction("Save report…", self._ask)
        return menu

    def _evidence(self, layout: QVBoxLayout, found: ReportPage) -> None:
        if found.evidence:
            layout.addSpacing(14)
            for text in found.evidence:
                parts = row(IconMark("info", "muted", 14), Text(text, 12, 400, "text2", wrap=True), gap=8)
                layout.addLayout(parts)

    def _load(self, layout: QVBoxLayout, found: Load) -> None:
        parts: list[QWidget] = [Text("Would it load?", 12, 600)]
        icon, tone = ("circle-check", "good") if found.is_strict else ("triangle-alert", "warnicon")
        parts.append(boxed(row(IconMark(icon, tone, 16), Text(found.answer, 12, 500, wrap=True), gap=8)))
        parts += [Text(text, 12, 400, "text2", wrap=True) for text in found.obstacles]
        layout.addSpacing(18)
        for part in parts:
            layout.addWidget(part)
            layout.addSpacing(6)
        if found.code:
            copy = Button("Copy", "plain", "copy")
            copy.clicked.connect(lambda: self.copy_requested.emit(found.code))
            text = "These lines load it" if found.is_strict else "These lines make it load"
            layout.addLayout(row(Text(text, 12, 400, "muted"), None, copy))
            layout.addWidget(CodeBlock(found.code))


def _shares(section: Section) -> tuple[int, int, int]:
    return _shares_of(section.lines)


def _shares_of(lines: Sequence[Line]) -> tuple[int, int, int]:
    """How much of the width names and both sides get: short names leave theirs to the values."""
    longest = max((len(one.name) for one in lines), default=0)
    return (20, 40, 40) if longest <= 14 else (30, 35, 35) if longest <= 24 else (42, 29, 29)


class SectionHead(QWidget):
    """A heading with the names of the sides."""

    def __init__(self, section: Section) -> None:
        super().__init__()
        left, right = Text("Left", 11, 500, "left"), Text("Right", 11, 500, "right")
        heads = row(gap=0)
        for part, share in zip((Text(section.title, 12, 600), left, right), _shares(section), strict=True):
            heads.addWidget(part, share)
        self.setLayout(column(heads, 4, line(), gap=0))


class SideLines(QWidget):
    """Names and both sides' values in one painted list: a thousand lines are no thousand widgets."""

    def __init__(self, section: Section) -> None:
        super().__init__()
        self.lines = section.lines
        self.setFixedHeight(HIGH * len(self.lines))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(section.title)
        self.setAccessibleDescription("; ".join(f"{one.name}: {one.left}, {one.right}" for one in self.lines[:100]))

    def sizeHint(self) -> QSize:
        return QSize(300, HIGH * len(self.lines))

    def paintEvent(self, event: QPaintEvent) -> None:
        look, painter, font = theme.tokens(), QPainter(self), theme.font(12)
        metrics, middle = QFontMetricsF(font), int(Qt.AlignmentFlag.AlignVCenter)
        painter.setFont(font)
        first_share, second_share, _ = _shares_of(self.lines)
        parts = (0.0, self.width() * first_share / 100, self.width() * (first_share + second_share) / 100, float(self.width()))
        first, last = event.rect().top() // HIGH, event.rect().bottom() // HIGH
        for at in range(max(0, first), min(len(self.lines), last + 1)):
            found, top = self.lines[at], at * HIGH
            painter.fillRect(QRectF(0, top + HIGH - 1, self.width(), 1), look.colour("hair"))
            same = found.left == found.right
            for column_at, text in enumerate((found.name, found.left, found.right)):
                room = parts[column_at + 1] - parts[column_at] - 10
                painter.setPen(look.pen("text2" if column_at == 0 or same else "text"))
                mode = Qt.TextElideMode.ElideMiddle if column_at == 0 or "/" in text else Qt.TextElideMode.ElideRight
                painter.drawText(QRectF(parts[column_at], top, room, HIGH), middle, metrics.elidedText(text, mode, room))

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            at = int(event.pos().y() // HIGH)
            if 0 <= at < len(self.lines):
                found = self.lines[at]
                QToolTip.showText(event.globalPos(), tip(f"{found.name}: {found.left} → {found.right}"), self)
            return True
        return super().event(event)
