"""A file that is being read: nothing at first, for most are read before anybody could see a word."""

from __future__ import annotations

import os

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ptinspect.session.views import OpeningView
from ptinspect.session.words import plain
from ptinspect.ui.widgets.text import Button, Text

PATIENCE = 300


class OpeningPage(QWidget):
    """Says what is read once it takes longer than a glance, and offers to leave it."""

    cancel_requested = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._tab = 0
        self.text = Text("", 13, 400, "muted")
        self.text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.cancel = Button("Cancel", "outline", "x")
        self.cancel.clicked.connect(lambda: self.cancel_requested.emit(self._tab))
        layout = QVBoxLayout(self)
        layout.setSpacing(14)
        layout.addStretch(1)
        layout.addWidget(self.text)
        layout.addWidget(self.cancel, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._show)

    def apply(self, view: OpeningView) -> None:
        """Show a view."""
        if view.tab == self._tab and (self._timer.isActive() or self.text.isVisible()):
            return
        self._tab = view.tab
        self.text.setText(f"Reading {plain(os.path.basename(view.path), 100)} …")
        self.text.hide()
        self.cancel.hide()
        self._timer.start(PATIENCE)

    def _show(self) -> None:
        self.text.show()
        self.cancel.show()
