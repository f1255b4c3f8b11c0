"""A switch of a few words, one of them chosen."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QSizePolicy, QWidget

from ptinspect.ui import theme


class Segments(QWidget):
    """Tells the key of what was chosen."""

    chosen = Signal(str)

    def __init__(self, parts: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.setObjectName("segments")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._keys: list[str] = []
        layout = QHBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        for at, (key, text) in enumerate(parts):
            button = QPushButton(text)
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # the mouse leaves no ring
            button.setChecked(at == 0)
            button.setProperty("look", "segment")
            button.setFont(theme.font(11, 500))
            button.clicked.connect(lambda _=False, key=key: self.chosen.emit(key))
            self._group.addButton(button, at)
            self._keys.append(key)
            layout.addWidget(button)

    def choose(self, key: str) -> None:
        """Mark a part as chosen, without telling anybody."""
        button = self._group.button(self._keys.index(key)) if key in self._keys else None
        if button is not None:
            button.setChecked(True)

    def choose_none(self) -> None:
        """Mark none: what holds is something else."""
        checked = self._group.checkedButton()
        if checked is not None:
            self._group.setExclusive(False)
            checked.setChecked(False)
            self._group.setExclusive(True)

    def fill_width(self) -> None:
        """Take all of the room, each part as much as the others."""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for button in self._group.buttons():
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.setProperty("look", "part")

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            for button in self._group.buttons():
                button.setFont(theme.font(11, 500))
        super().changeEvent(event)
