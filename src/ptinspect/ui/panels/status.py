"""The line at the bottom, and the bar that tells of trouble."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from ptinspect.session.state import Message
from ptinspect.session.views import StatusView
from ptinspect.ui import theme
from ptinspect.ui.widgets.progress_row import ProgressRow
from ptinspect.ui.widgets.text import Button, Elided, IconMark, Text, ToolButton

FLASH = 2_000
BUSY, WIDEST = 330, 16_777_215
_TONES = {"plain": "muted", "good": "good", "warn": "warnicon", "danger": "danger", "accent": "accent"}


class StatusLine(QWidget):
    """What goes on at the left, the file in a few words at the right."""

    cancel_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("status")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(theme.STATUS)
        self._view: StatusView | None = None
        self._icon = IconMark("", "muted", 14)
        self.text = Elided("", 11, 400, "text2")
        self.facts = Text("", 11, 400, "text2")
        self.progress = ProgressRow()
        self.progress.cancelled.connect(self._cancel)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._back)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 0, 14, 0)
        layout.setSpacing(7)
        layout.addWidget(self._icon)
        layout.addWidget(self.text, 4)
        layout.addWidget(self.progress)
        layout.addStretch(1)
        layout.addWidget(self.facts)

    def apply(self, view: StatusView) -> None:
        """Show a view."""
        if view == self._view:
            return
        self._view = view
        self.facts.setText("   ·   ".join(fact for fact in view.facts if fact))
        self.progress.show_share(view.share, bool(view.slot))
        self.text.setMaximumWidth(BUSY if view.share is not None else WIDEST)
        if not self._timer.isActive():
            self._back()

    def flash(self, text: str, lasts: int = FLASH) -> None:
        """A word for a moment; 0 lasts until the next."""
        self.text.set_whole(text)
        self._icon.set_icon("circle-check" if text else "", "good")
        if lasts:
            self._timer.start(lasts)

    def _cancel(self) -> None:
        if self._view is not None and self._view.slot:
            self.cancel_requested.emit(self._view.slot)

    def _back(self) -> None:
        if self._view is not None:
            self._icon.set_icon(self._view.icon, _TONES[self._view.tone])
            self.text.set_whole(self._view.text)


class MessageBar(QWidget):
    """One line that stays until it is read: what happened, what to do, and the report where it is a mistake of ours."""

    dismissed = Signal()
    copied = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("messages")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(40)
        self._message: Message | None = None
        self._report = ""
        self.text, self.hint = Text("", 12, 600), Elided("", 12, 400, "text2")
        self._copy = Button("Copy report", icon="copy")
        self._copy.clicked.connect(lambda: self.copied.emit(self._report))
        close = ToolButton("x")
        close.setAccessibleName("Dismiss")
        close.clicked.connect(self.dismissed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 0, 10, 0)
        layout.setSpacing(8)
        self._icon = IconMark("triangle-alert", "warnicon")
        layout.addWidget(self._icon)
        layout.addWidget(self.text)
        layout.addWidget(self.hint, 1)
        layout.addWidget(self._copy)
        layout.addWidget(close)
        self.hide()

    def apply(self, message: Message | None) -> None:
        """Show a message, or nothing."""
        if message is not self._message:
            self._message = message
            self._report = message.report if message else ""
            self.text.setText(message.text if message else "")
            self.hint.set_whole(message.hint if message else "")
            self._copy.setVisible(bool(self._report))
            is_good = message is not None and message.is_good
            self._icon.set_icon("circle-check" if is_good else "triangle-alert", "good" if is_good else "warnicon")
            self.setProperty("tone", "good" if is_good else "warn")
            self.style().unpolish(self)
            self.style().polish(self)
            self.setVisible(message is not None)
