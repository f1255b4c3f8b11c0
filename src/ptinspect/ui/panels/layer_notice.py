"""The line above the layers: what a filter or an order does not know, and one thing to do about it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from ptinspect.session.views import Notice
from ptinspect.ui.widgets.text import Button, Elided, IconMark, tip

HEIGHT = 34


class LayerNotice(QWidget):
    """Made whole when there is something to say for the first time: most files never need it."""

    count_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("notice")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self.text: Elided | None = None
        self.hide()

    def apply(self, notice: Notice | None) -> None:
        """Show a line, or nothing."""
        self.setVisible(notice is not None)
        if notice is None:
            return
        if self.text is None:
            self.text = self._fill()
        self._icon.set_icon("triangle-alert" if notice.tone == "warn" else "info", "warnicon" if notice.tone == "warn" else "muted")
        if self.property("tone") != notice.tone:
            self.setProperty("tone", notice.tone)
            self.style().polish(self)
        self.text.set_whole(notice.text)
        self.text.setToolTip(tip(notice.more or notice.text))
        self.button.setVisible(notice.can_count)

    def _fill(self) -> Elided:
        text = Elided("", 12, 400, "text2")
        self._icon = IconMark("info", "muted", 14)
        self.button = Button("Count them", "link")
        self.button.clicked.connect(self.count_requested)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 0, 8, 0)
        layout.setSpacing(8)
        layout.addWidget(self._icon)
        layout.addWidget(text, 1)
        layout.addWidget(self.button)
        return text
