"""How much of something is done, and a way to stop it."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from ptinspect.ui import theme
from ptinspect.ui.widgets.text import Button, Text, row


class Track(QWidget):
    """A thin bar. (A QProgressBar is drawn anew by the style for each step, and has no round ends at this height.)"""

    def __init__(self) -> None:
        super().__init__()
        self._share = 0.0
        self.setFixedSize(140, 4)

    def set_share(self, share: float) -> None:
        """0 to 1."""
        self._share = max(0.0, min(1.0, share))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        look, painter, box = theme.tokens(), QPainter(self), QRectF(self.rect())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.brush("border"))
        painter.drawRoundedRect(box, 2, 2)
        if self._share > 0:
            painter.setBrush(look.brush("accent2"))
            painter.drawRoundedRect(QRectF(0, 0, max(4.0, box.width() * self._share), 4), 2, 2)


class ProgressRow(QWidget):
    """A bar, its share in words, and Cancel; hidden while nothing goes on."""

    cancelled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.track, self.share = Track(), Text("", 11, 400, "text2")
        self.share.setFixedWidth(38)
        self.cancel = Button("Cancel", "link", "x")
        self.cancel.clicked.connect(self.cancelled)
        self.cancel.setAccessibleName("Cancel what goes on")
        self.setLayout(row(self.track, self.share, self.cancel, gap=10, margins=(6, 0, 0, 0)))
        self.hide()

    def show_share(self, share: float | None, can_cancel: bool) -> None:
        """None where nothing can be told."""
        self.setVisible(share is not None)
        self.cancel.setVisible(can_cancel)
        self.track.set_share(share or 0.0)
        self.share.setText(f"{100 * (share or 0.0):.0f}\u2009%")
        self.track.setAccessibleName(f"{100 * (share or 0.0):.0f} % done")
