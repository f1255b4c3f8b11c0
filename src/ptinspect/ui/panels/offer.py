"""One line that offers to compare two files that came one after the other."""

from __future__ import annotations

import os

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from ptinspect.session.state import Offer
from ptinspect.session.words import plain
from ptinspect.ui.widgets.text import Button, Elided, IconMark, ToolButton, row


class OfferBar(QWidget):
    """Hidden while there is nothing to offer."""

    taken = Signal()
    dismissed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(40)
        self._offer: Offer | None = None
        self.text = Elided("", 12, 500)
        self.compare = Button("Compare", "outline", "compare")
        self.compare.clicked.connect(self.taken)
        close = ToolButton("x")
        close.setAccessibleName("Not now")
        close.setToolTip("Not now")
        close.clicked.connect(self.dismissed)
        self.setLayout(row(IconMark("compare", "accent"), self.text, self.compare, close, gap=8, margins=(16, 0, 10, 0)))
        self.hide()

    def apply(self, offer: Offer | None) -> None:
        """Show an offer, or nothing."""
        if offer != self._offer:
            self._offer = offer
            if offer is not None:
                left, right = (plain(os.path.basename(path), 80) for path in (offer.left, offer.right))
                self.text.set_whole(f"Compare {left} with {right}, side by side?")
            self.setVisible(offer is not None)
