"""The line above everything: what the file is, and whether it is safe."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QWidget

from ptinspect.session.chips import Chip
from ptinspect.session.views import DocumentView, TroubleView
from ptinspect.ui import theme
from ptinspect.ui.widgets.chip import ChipButton
from ptinspect.ui.widgets.text import Button


class Banner(QWidget):
    """Chips from the left, the verdict at the right, and the offer to read a rewritten file again."""

    page_requested = Signal(str)
    reload_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(theme.BANNER)
        self._shown: object = None
        self._facts: tuple[Chip, ...] = ()
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(16, 0, 16, 0)
        self._layout.setSpacing(6)

    def apply(self, view: DocumentView | TroubleView) -> None:
        """Show the chips of a view."""
        stale = isinstance(view, DocumentView) and view.is_stale
        wanted = (view.banner, view.safety, stale)
        if wanted == self._shown:
            return
        self._shown = wanted
        self._facts = view.banner
        while (item := self._layout.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        for chip in view.banner:
            self._layout.addWidget(self._chip(chip))
        self._layout.addStretch(1)
        if stale:
            button = Button("The file changed — reload", icon="refresh")
            button.clicked.connect(self.reload_requested)
            self._layout.addWidget(button)
        if view.safety is not None:
            self._layout.addWidget(self._chip(view.safety))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """What finds no room is left out, the last facts first; the verdict always stays."""
        items = (self._layout.itemAt(at) for at in range(self._layout.count()))
        buttons = [button for item in items if item is not None and isinstance(button := item.widget(), QAbstractButton)]
        facts = buttons[: len(self._facts)]
        room = self.width() - 32 - sum(button.sizeHint().width() + 6 for button in buttons[len(facts) :])
        for button in facts:
            room -= button.sizeHint().width() + 6
            button.setVisible(room >= 0)

    def _chip(self, chip: Chip) -> ChipButton:
        button = ChipButton(chip.text, chip.before, chip.after, chip.icon, chip.tone, chip.tip)
        page = chip.goes_to
        if page is None:
            button.setEnabled(False)
        else:
            button.clicked.connect(lambda: self.page_requested.emit(page))
        return button
