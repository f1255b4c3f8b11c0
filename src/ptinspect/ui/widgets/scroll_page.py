"""A page that scrolls, built anew when what it shows changes."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from ptinspect.ui.widgets.text import boxed


class ScrollArea(QScrollArea):
    """A frameless area as wide as its page."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def show_layout(self, layout: QLayout) -> None:
        """Show other content; the old is freed."""
        old = self.takeWidget()
        inner = boxed(layout)
        inner.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # a long word is cut, not the page widened
        self.setWidget(inner)
        if old is not None:
            old.deleteLater()


def fill(page: QWidget, area: QWidget) -> None:
    """The area takes all of the page."""
    layout = QVBoxLayout(page)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    layout.addWidget(area)
