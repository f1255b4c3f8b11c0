"""The bar at the top: open, go, filter, and what is seldom needed behind a menu."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QToolButton, QWidget

from ptinspect.session.views import BatchView, ComparisonView, DocumentView, WindowView
from ptinspect.ui import theme
from ptinspect.ui.widgets.text import Elided, IconMark, ToolButton, line

HINT = "name, /regex/, dtype:, shape:, size>, nan:"


class Bar(QWidget):
    """Buttons and the filter field."""

    filter_changed = Signal(str)
    filter_left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(theme.TOOLBAR)
        self.open = ToolButton("folder-open", "Open")
        self.recent = ToolButton("chevron-down", size=14)
        self.recent.setFixedWidth(20)
        self.compare = ToolButton("compare", "Compare")
        self.compare.setCheckable(True)
        self.batch = ToolButton("play", "Test batch")
        self.batch.setCheckable(True)
        self.back, self.forward = ToolButton("arrow-left"), ToolButton("arrow-right")
        self.panel, self.theme, self.menu = ToolButton("panel-right"), ToolButton("theme"), ToolButton("menu")
        self.menu.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        for button, name in (
            (self.back, "Previous tab"), (self.forward, "Next tab"), (self.panel, "Pages beside the layers"),
            (self.theme, "Theme"), (self.menu, "Menu"), (self.open, "Open files"), (self.recent, "Recent files"),
            (self.compare, "Compare two files"), (self.batch, "Run a test batch through the model"),
        ):  # fmt: skip
            button.setAccessibleName(name)
            button.setToolTip(name)
        self.field = QLineEdit()
        self.field.setPlaceholderText(HINT)
        self.field.setAccessibleName("Filter layers")
        self.field.setFont(theme.font(12))
        self.field.setFixedWidth(372)
        self.field.setTextMargins(20, 0, 52, 0)
        self.field.textEdited.connect(self.filter_changed)
        self.field.installEventFilter(self)
        self._lens = IconMark("search", "muted", 16)
        self._lens.setParent(self.field)
        self._lens.move(8, 6)
        self.note = Elided("", 11, 400, "muted", right=True)
        self.note.setParent(self.field)
        self.note.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.note.setGeometry(372 - 92, 2, 82, 24)
        upright = line("upright")
        upright.setFixedHeight(20)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 0, 10, 0)
        layout.setSpacing(2)
        layout.addWidget(self.open)
        layout.addSpacing(-9)
        for part in (self.recent, self.compare, self.batch, upright, self.back, self.forward):
            layout.addWidget(part)
            layout.addSpacing(4)
        layout.addStretch(1)
        layout.addWidget(self.field)
        layout.addSpacing(6)
        for part in (self.panel, self.theme, self.menu):
            layout.addWidget(part)

    def apply(self, view: WindowView) -> None:
        """Show the bar's part of a view. A text that is being typed is newer than any view."""
        if self.field.text() != view.filter and not (self.field.hasFocus() and view.filter and self.field.isModified()):
            self.field.setText(view.filter)
        self.field.setEnabled(view.can_filter)
        note = view.filter_note if view.filter else ("Ctrl F" if view.can_filter else "")
        is_bad = bool(view.filter) and note not in ("", "no hit") and "hit" not in note
        self.note.set_whole("?" if is_bad else note)
        self.note.set_tone("warn" if is_bad or note == "no hit" else "muted")
        self.field.setToolTip(view.filter_note if is_bad else "")
        several = len(view.tabs) > 1
        self.back.setEnabled(several)
        self.forward.setEnabled(several)
        self.panel.setEnabled(view.can_filter or isinstance(view.page, BatchView))
        is_comparison = isinstance(view.page, ComparisonView)
        self.compare.setChecked(is_comparison)
        self.compare.set_icon("compare", "accent" if is_comparison else "muted")
        is_batch = isinstance(view.page, BatchView)
        self.batch.setChecked(is_batch)
        self.batch.set_icon("play", "accent" if is_batch else "muted")
        self.batch.setEnabled(is_batch or isinstance(view.page, (DocumentView, ComparisonView)))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Escape empties the field, then leaves it; down and return go to the hits."""
        if watched is self.field and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            key = event.key()
            if key == Qt.Key.Key_Escape:
                if self.field.text():
                    self.field.clear()
                    self.filter_changed.emit("")
                else:
                    self.filter_left.emit()
                return True
            if key in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.filter_left.emit()
                return True
        return super().eventFilter(watched, event)
