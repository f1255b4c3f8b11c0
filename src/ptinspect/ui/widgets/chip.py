"""Chips of the banner and tags of tables: a word or two with an icon, rounded, in the tone of what they say."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from ptinspect.ui import icons, theme
from ptinspect.ui.widgets.text import tip

_COLOURS = {  # text, muted part, icon, background, border
    "plain": ("text", "muted", "muted", "surface", "border"),
    "good": ("good", "good", "good", "goodbg", "goodbd"),
    "warn": ("warn", "warn", "warnicon", "warnbg", "warnbd"),
    "danger": ("danger", "danger", "danger", "dangerbg", "dangerbd"),
    "accent": ("accent", "accent", "accent", "accentbg", "accentbd"),
}


class ChipButton(QAbstractButton):
    """A chip to click: a light word, the fact, a light word."""

    def __init__(self, text: str, before: str = "", after: str = "", icon: str = "", tone: str = "plain", hint: str = "") -> None:
        super().__init__()
        self._parts = [(word, weight, part) for word, weight, part in ((before, 400, 1), (text, 500, 0), (after, 400, 1)) if word]
        self._icon, self._tone = icon, tone
        self.setText(" ".join(word for word, _, _ in self._parts))
        self.setAccessibleName(self.text())
        self.setToolTip(tip(hint))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedHeight(24)

    def sizeHint(self) -> QSize:
        width = sum(self._width(word, weight) for word, weight, _ in self._parts) + 4.5 * (len(self._parts) - 1)
        return QSize(int(width) + 22 + (18 if self._icon else 0), 24)

    def _width(self, word: str, weight: int) -> float:
        return QFontMetricsF(theme.font(12, weight)).horizontalAdvance(word)

    def paintEvent(self, event: QPaintEvent) -> None:
        look, (ink, light, mark, back, edge) = theme.tokens(), _COLOURS[self._tone]
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        focused = self.hasFocus()
        painter.setPen(QPen(look.colour("accent2" if focused else edge), 2 if focused else 1))
        painter.setBrush(look.brush("hover" if self.underMouse() and self._tone == "plain" else back))
        painter.drawRoundedRect(box, 12, 12)
        at = 10.0
        if self._icon:
            icons.paint(painter, self._icon, QRectF(at - 1, 5, 14, 14), look.colour(mark))
            at += 18
        for word, weight, part in self._parts:
            painter.setFont(theme.font(12, weight))
            painter.setPen(look.pen((ink, light)[part]))
            width = self._width(word, weight)
            painter.drawText(QRectF(at, 0, width + 2, 24), int(Qt.AlignmentFlag.AlignVCenter), word)
            at += width + 4.5


class Tag(QWidget):
    """A small tag in a table or beside a heading."""

    def __init__(self, text: str, tone: str = "plain", icon: str = "") -> None:
        super().__init__()
        self._text, self._tone, self._icon = text, tone, icon
        self.setAccessibleName(text)
        width = QFontMetricsF(theme.font(11, 500)).horizontalAdvance(text)
        self.setFixedSize(int(width) + 12 + (15 if icon else 0), 18)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_tag(painter, QRectF(self.rect()), self._text, self._tone, self._icon)


def paint_tag(painter: QPainter, box: QRectF, text: str, tone: str, icon: str = "") -> None:
    """A tag in a rectangle."""
    look, (ink, _, mark, back, _) = theme.tokens(), _COLOURS[tone]
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(look.brush("fill" if tone == "plain" else back))
    painter.drawRoundedRect(box, 4, 4)
    at = box.left() + 6
    if icon:
        icons.paint(painter, icon, QRectF(at - 1, box.center().y() - 6, 12, 12), look.colour(mark))
        at += 15
    painter.setFont(theme.font(11, 500))
    painter.setPen(look.pen("text2" if tone == "plain" else ink))
    painter.drawText(QRectF(at, box.top(), box.right() - at, box.height()), int(Qt.AlignmentFlag.AlignVCenter), text)
