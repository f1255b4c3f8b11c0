"""The start page: a place to drop files, those that were open before, and samples to try."""

from __future__ import annotations

import os
import time

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QEnterEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from ptinspect.session.settings import Recent
from ptinspect.session.views import WelcomeView
from ptinspect.session.words import plain, size_text
from ptinspect.ui import icons, theme
from ptinspect.ui.widgets.scroll_page import ScrollArea, fill
from ptinspect.ui.widgets.text import Button, Elided, IconMark, Text, boxed, column, row

WIDTH = 1040
KINDS = (".pt", ".pth", ".ckpt", ".bin", ".safetensors")
_DAY = 86_400


class Welcome(QWidget):
    """Draws a WelcomeView."""

    open_requested = Signal(str)
    dialog_requested = Signal()
    clear_requested = Signal()
    compare_requested = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self._chosen: list[str] = []
        self._lines: list[RecentRow] = []
        self._shown: WelcomeView | None = None
        self._area = ScrollArea()
        self.drop = DropZone()
        fill(self, self._area)

    def apply(self, view: WelcomeView) -> None:
        """Show a view."""
        if view == self._shown:
            return
        self._shown = view
        self.drop = DropZone()
        self.drop.open_requested.connect(self.dialog_requested)
        lower = row(gap=40)
        lower.addLayout(self._recent(view.recent), 5)
        lower.addLayout(self._samples(view.samples), 2)
        page = column(_head(), 16, self.drop, 28, lower, gap=0)
        page.addStretch(1)
        middle = boxed(page)
        middle.setMaximumWidth(WIDTH)
        outer = row(gap=0, margins=(40, 28, 40, 28))
        outer.addStretch(1)
        outer.addWidget(middle, 100)
        outer.addStretch(1)
        self._area.show_layout(outer)

    def mark_drop(self, is_over: bool) -> None:
        """Files hover over the window."""
        self.drop.mark(is_over)

    def _recent(self, recent: tuple[Recent, ...]) -> QVBoxLayout:
        clear = Button("Clear", "plain")
        clear.setVisible(bool(recent))
        clear.clicked.connect(self.clear_requested)
        self._chosen, self._lines = [], []
        self.hint, self.compare = Text("", 11, 400, "muted"), Button("Compare", "outline", "compare")
        self.compare.clicked.connect(self._compare)
        self._mark_chosen()
        layout = column(_heading(Text("Recent", 12, 600), self.hint, None, self.compare, clear), gap=2)
        if not recent:
            layout.addWidget(Text("Files that you open are listed here.", 12, 400, "muted"))
        for one in recent[:12]:
            line = RecentRow(one)
            line.open_requested.connect(self.open_requested)
            line.chosen.connect(self._choose)
            self._lines.append(line)
            layout.addWidget(line)
        layout.addStretch(1)
        return layout

    def _choose(self, path: str) -> None:
        """A row more or less is chosen for a comparison; the third takes the place of the first."""
        self._chosen = [one for one in self._chosen if one != path] if path in self._chosen else [*self._chosen, path][-2:]
        self._mark_chosen()

    def _mark_chosen(self) -> None:
        for line in self._lines:
            line.mark(line.path in self._chosen)
        several = self._shown is not None and len(self._shown.recent) > 1
        texts = ("Ctrl+click two of them to compare", "One more to compare with", "")
        self.hint.setText(texts[len(self._chosen)] if several else "")
        self.compare.setVisible(len(self._chosen) == 2)

    def _compare(self) -> None:
        if len(self._chosen) == 2:
            self.compare_requested.emit(self._chosen[0], self._chosen[1])

    def _samples(self, samples: tuple[tuple[str, str, str, str], ...]) -> QVBoxLayout:
        layout = column(_heading(Text("Samples", 12, 600), Text("shipped with ptinspect", 11, 400, "muted"), None), gap=8)
        for path, title, text, icon in samples:
            card = Card(icon, title, text)
            card.clicked.connect(lambda path=path: self.open_requested.emit(path))
            layout.addWidget(card)
        layout.addStretch(1)
        return layout


def _heading(*parts: QWidget | None) -> QWidget:
    """The line above a list; all of them stand on one height, whether they hold buttons or not."""
    heading = boxed(row(*parts, gap=10))
    heading.setFixedHeight(30)
    return heading


def _head() -> QWidget:
    mark = QLabel()
    mark.setPixmap(icons.application_pixmap(40, mark.devicePixelRatioF()))
    mark.setFixedSize(40, 40)
    words = column(
        Text("ptinspect", 18, 600, family="display"), Text("Look inside PyTorch checkpoints without running them", 12, 400, "text2"), gap=1
    )
    return boxed(row(mark, words, None, *(Text(kind, 12, 400, "muted") for kind in KINDS), gap=12))


class DropZone(QWidget):
    """Where files are dropped, with the button for those who would rather choose."""

    open_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._is_over = False
        button = Button("Open files…", "primary", "folder-open")
        button.clicked.connect(self.open_requested)
        layout = column(24, gap=6)
        layout.addWidget(IconMark("file-down", "accent", 32), 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(6)
        for text in (
            Text("Drop checkpoints here", 15, 600),
            Text("One to look inside, two to compare them. Nothing in them is run.", 12, 400, "text2"),
        ):
            text.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(text)
        layout.addSpacing(8)
        layout.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(24)
        self.setLayout(layout)

    def mark(self, is_over: bool) -> None:
        """Show that a drop would be taken."""
        self._is_over = is_over
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        look, painter = theme.tokens(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(look.colour("accent2" if self._is_over else "border2"), 1.5)
        pen.setStyle(Qt.PenStyle.CustomDashLine)
        pen.setDashPattern([5, 4])
        painter.setPen(pen)
        painter.setBrush(look.brush("accentbg" if self._is_over else "raised"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 12, 12)


class Pressed(QWidget):
    """A line or card that is pressed like a button, by mouse or by keyboard."""

    clicked = Signal()
    RADIUS, FRAME = 6, False

    def __init__(self) -> None:
        super().__init__()
        self.is_marked = False
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.clicked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        look, painter = theme.tokens(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(look.colour("border"), 1) if self.FRAME else Qt.PenStyle.NoPen)
        if self.hasFocus():
            painter.setPen(QPen(look.colour("accent2"), 2))
            box.adjust(0.5, 0.5, -0.5, -0.5)
        painter.setBrush(look.brush("hover") if self.underMouse() else Qt.BrushStyle.NoBrush)
        if self.is_marked:
            painter.setBrush(look.brush("selrow"))
        painter.drawRoundedRect(box, self.RADIUS, self.RADIUS)


class Card(Pressed):
    """A sample."""

    RADIUS, FRAME = 8, True

    def __init__(self, icon: str, title: str, text: str) -> None:
        super().__init__()
        self.setAccessibleName(title)
        self.setFixedHeight(50)
        words = column(None, Elided(title, 12, 500), Elided(text, 11, 400, "muted"), None, gap=1)
        layout = row(gap=12, margins=(12, 0, 12, 0))
        layout.addWidget(IconMark(icon, "accent"))
        layout.addLayout(words, 1)
        self.setLayout(layout)


class RecentRow(Pressed):
    """A file that was open before."""

    open_requested = Signal(str)
    chosen = Signal(str)

    def __init__(self, recent: Recent) -> None:
        super().__init__()
        self.path = recent.path
        name, place = os.path.split(recent.path)[::-1]
        self.setAccessibleName(plain(recent.path))
        self.setFixedHeight(48)
        tone = recent.tone if recent.tone in ("warn", "danger") else ""
        icon = {"danger": "shield-alert", "warn": "file-question"}.get(tone, "file-box")
        words = column(None, Elided(plain(name), 13, 500, middle=True), Elided(_home(place), 11, 400, "muted", middle=True), None, gap=1)
        layout = row(gap=12, margins=(10, 0, 10, 0))
        layout.addWidget(IconMark(icon, {"danger": "danger", "warn": "warnicon"}.get(tone, "muted")))
        layout.addLayout(words, 5)
        layout.addWidget(Elided(plain(recent.what), 12, 400, tone or "text2"), 4)
        for text, width in ((size_text(recent.size), 76), (_ago(recent.opened), 86)):
            label = Text(text, 12, 400, "text2")
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            label.setFixedWidth(width)
            layout.addWidget(label)
        self.setLayout(layout)
        self.clicked.connect(lambda: self.open_requested.emit(recent.path))

    def mark(self, is_chosen: bool) -> None:
        """Whether it is one of the two that are to be compared."""
        self.is_marked = is_chosen
        self.setAccessibleDescription("chosen to be compared" if is_chosen else "")
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        keys = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        if event.button() == Qt.MouseButton.LeftButton and event.modifiers() & keys:
            self.chosen.emit(self.path)
        else:
            super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self.chosen.emit(self.path)
        else:
            super().keyPressEvent(event)


def _home(place: str) -> str:
    home = os.path.expanduser("~")
    return plain(f"~{place[len(home) :]}" if place == home or place.startswith(home + os.sep) else place)


def _ago(when: float) -> str:
    """How long ago, as people say it."""
    passed = time.time() - when
    if when <= 0 or passed < 0:
        return ""
    if passed < 90:
        return "just now"
    if passed < 3_600:
        return f"{round(passed / 60)} min ago"
    if passed < _DAY:
        hours = round(passed / 3_600)
        return f"{hours} hour{'' if hours == 1 else 's'} ago"
    moment = time.localtime(when)
    if passed < 6 * _DAY:
        return "Yesterday" if passed < 2 * _DAY else time.strftime("%A", moment)
    return f"{moment.tm_mday} {time.strftime('%b', moment)}" if passed < 300 * _DAY else time.strftime("%Y-%m-%d", moment)
