"""Names and values, indented, in one painted list: a thousand settings are no thousand widgets."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from ptinspect.ui import theme
from ptinspect.ui.widgets.text import tip

LINE, STEP = 23, 14
Line = tuple[int, str, str]


class SettingsList(QWidget):
    """Draws only the lines that are on the screen."""

    def __init__(self, lines: Sequence[Line]) -> None:
        super().__init__()
        self._all = list(lines)
        self._lines = self._all
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Settings")
        self.setAccessibleDescription("; ".join(f"{name} {value}" for _, name, value in self._all[:200]))

    @property
    def lines(self) -> list[Line]:
        """What is shown."""
        return self._lines

    def search(self, text: str) -> bool:
        """Keep the lines that hold a text, and those above them; says whether any do."""
        wanted = text.strip().lower()
        if not wanted:
            self._lines = self._all
        else:
            self._lines = self._kept(wanted)
        self.updateGeometry()
        self.update()
        return bool(self._lines)

    def _kept(self, wanted: str) -> list[Line]:
        kept: set[int] = set()
        above: list[int] = []
        for at, (depth, name, value) in enumerate(self._all):
            while above and self._all[above[-1]][0] >= depth:
                above.pop()
            above.append(at)
            if wanted in name.lower() or wanted in value.lower():
                kept.update(above)
        return [line for at, line in enumerate(self._all) if at in kept]

    def sizeHint(self) -> QSize:
        return QSize(300, LINE * len(self._lines))

    def paintEvent(self, event: QPaintEvent) -> None:
        look, painter, font = theme.tokens(), QPainter(self), theme.font(12)
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        half = min(260.0, self.width() * 0.42)
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        first, last = event.rect().top() // LINE, event.rect().bottom() // LINE
        for at in range(max(0, first), min(len(self._lines), last + 1)):
            depth, name, value = self._lines[at]
            top, left = at * LINE, min(depth * STEP, 120)
            painter.fillRect(QRectF(0, top + LINE - 1, self.width(), 1), look.colour("hair"))
            painter.setPen(look.pen("text2" if value else "text"))
            room = half - left - 8
            painter.drawText(QRectF(left, top, room, LINE), middle, metrics.elidedText(name, Qt.TextElideMode.ElideRight, room))
            painter.setPen(look.pen("text"))
            rest = self.width() - half
            painter.drawText(QRectF(half, top, rest, LINE), middle, metrics.elidedText(value, Qt.TextElideMode.ElideRight, rest))

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            at = int(QPointF(event.pos()).y() // LINE)
            if 0 <= at < len(self._lines):
                _, name, value = self._lines[at]
                QToolTip.showText(event.globalPos(), tip(f"{name}: {value}" if value else name), self)
            return True
        return super().event(event)
