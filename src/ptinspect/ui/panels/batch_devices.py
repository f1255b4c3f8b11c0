"""Where a test batch can run: the devices of the child's torch."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QVBoxLayout, QWidget

from ptinspect.session.batch.heard import Device
from ptinspect.session.state import BatchTab
from ptinspect.session.words import size_text
from ptinspect.ui import icons, theme
from ptinspect.ui.widgets.text import Text, boxed, column, tip


class DeviceRow(QAbstractButton):
    """One device: its kind, its name, its memory."""

    def __init__(self, device: Device) -> None:
        super().__init__()
        self.device = device
        self.setCheckable(True)
        self.setText(device.name)
        self.setAccessibleName(f"{device.name} {size_text(device.memory) if device.memory else ''}".strip())
        self.setToolTip(tip(self.accessibleName()))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedHeight(28)

    def sizeHint(self) -> QSize:
        return QSize(120, 28)

    def paintEvent(self, event: QPaintEvent) -> None:
        look, painter, box = theme.tokens(), QPainter(self), QRectF(self.rect()).adjusted(2, 1, -2, -1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if self.isChecked() or self.underMouse():
            painter.setBrush(look.brush("selrow" if self.isChecked() else "hover"))
            painter.drawRoundedRect(box, 5, 5)
        if self.hasFocus():
            painter.setPen(look.pen("accent2"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
        icon = "cpu" if self.device.type == "cpu" else "gpu"
        icons.paint(painter, icon, QRectF(9, 6, 16, 16), look.colour("accent" if self.isChecked() else "muted"))
        memory = size_text(self.device.memory) if self.device.memory else ""
        painter.setFont(theme.font(11))
        wide = painter.fontMetrics().horizontalAdvance(memory)
        painter.setPen(look.pen("muted"))
        painter.drawText(QRectF(0, 0, self.width() - 9, 28), int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), memory)
        painter.setFont(theme.font(12, 500 if self.isChecked() else 400))
        painter.setPen(look.pen("text" if self.isChecked() else "text2"))
        room = self.width() - 33 - wide - 16
        name = painter.fontMetrics().elidedText(self.device.name, Qt.TextElideMode.ElideMiddle, room)
        painter.drawText(QRectF(33, 0, room, 28), int(Qt.AlignmentFlag.AlignVCenter), name)


class DeviceList(QWidget):
    """One of them is chosen."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[DeviceRow] = []
        self.note = Text("", 11, 400, "muted", wrap=True)
        self._layout = QVBoxLayout()
        box = boxed(self._layout, "field")
        self._layout.setContentsMargins(1, 2, 1, 2)
        self._layout.setSpacing(0)
        self.setLayout(column(box, self.note, gap=6))

    def apply(self, tab: BatchTab) -> None:
        """Show what the child's torch has; before it has answered, what the last run used."""
        devices = tab.around.devices if tab.around is not None else ()
        if not devices:
            known = tab.record.device if tab.record is not None else None
            devices = (known,) if known is not None else ()
        if [one.device for one in self.rows] != list(devices):
            for old in self.rows:
                self._layout.removeWidget(old)
                old.hide()
                old.deleteLater()
            self.rows = [DeviceRow(device) for device in devices]
            for made in self.rows:
                made.clicked.connect(lambda _=False, word=made.device.word: self.chosen.emit(word))
                self._layout.addWidget(made)
        wanted = tab.choices.device
        chosen = next((one for one in self.rows if one.device.word == wanted), self.rows[0] if self.rows else None)
        for one in self.rows:
            one.setChecked(one is chosen)
        note = tab.around_note if tab.around_note or devices else "As torch chooses"
        self.note.setText(note)
        self.note.setVisible(bool(note))
