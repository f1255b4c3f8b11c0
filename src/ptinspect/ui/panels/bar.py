"""The bar at the top: open, go, filter, and what is seldom needed behind a menu."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QToolButton, QWidget

from ptinspect.session.views import BatchView, ComparisonView, DocumentView, WindowView
from ptinspect.ui import theme
from ptinspect.ui.widgets.text import Elided, IconMark, ToolButton, line

HINT = "name, /regex/, dtype:, shape:, size>, nan:"


class FilterField(QLineEdit):
    """What the layers are filtered by; `note` tells at its end how many are left, or which key leads here."""

    left = Signal()
    WIDTH = 372

    def __init__(self) -> None:
        super().__init__()
        self.setPlaceholderText(HINT)
        self.setAccessibleName("Filter layers")
        self.setFont(theme.font(12))
        self.setFixedWidth(self.WIDTH)
        self.setTextMargins(20, 0, 52, 0)
        self._lens = IconMark("search", "muted", 16)
        self._lens.setParent(self)
        self._lens.move(8, 6)
        self.note = Elided("", 11, 400, "muted", right=True)
        self.note.setParent(self)
        self.note.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.note.setGeometry(self.WIDTH - 92, 2, 82, 24)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape empties the field, then leaves it; down and return go to the hits."""
        key = event.key()
        if key == Qt.Key.Key_Escape and self.text():
            self.clear()
            self.textEdited.emit("")
        elif key in (Qt.Key.Key_Escape, Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.left.emit()
        else:
            super().keyPressEvent(event)


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
        self._name_buttons()
        self.field = FilterField()
        self.field.textEdited.connect(self.filter_changed)
        self.field.left.connect(self.filter_left)
        self._lay_out()

    def _name_buttons(self) -> None:
        for button, name in (
            (self.back, "Previous tab"), (self.forward, "Next tab"), (self.panel, "Pages beside the layers"),
            (self.theme, "Theme"), (self.menu, "Menu"), (self.open, "Open files"), (self.recent, "Recent files"),
            (self.compare, "Compare two files"), (self.batch, "Run a test batch through the model"),
        ):  # fmt: skip
            button.setAccessibleName(name)
            button.setToolTip(name)

    def _lay_out(self) -> None:
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
        self.field.note.set_whole("?" if is_bad else note)
        self.field.note.set_tone("warn" if is_bad or note == "no hit" else "muted")
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
