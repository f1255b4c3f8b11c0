"""A file that is being read: nothing at first, for most are read before anybody could see a word."""

from __future__ import annotations

import os

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ptinspect.session.views import OpeningView
from ptinspect.session.words import plain
from ptinspect.ui.widgets.text import Text

PATIENCE = 300


class OpeningPage(QWidget):
    """Says what is read once it takes longer than a glance."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.text = Text("", 13, 400, "muted")
        self.text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.text.show)

    def apply(self, view: OpeningView) -> None:
        """Show a view."""
        self.text.setText(f"Reading {plain(os.path.basename(view.path), 100)} …")
        self.text.hide()
        self._timer.start(PATIENCE)
