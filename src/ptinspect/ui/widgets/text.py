"""Labels, buttons and lines with the window's type and colours. Whatever they show is plain text, also where it looks like markup."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLabel, QLayout, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from ptinspect.ui import icons, theme

TIP = 84  # letters in a line of a tool tip


def tip(text: str) -> str:
    """A tool tip of plain text: Qt would take one that looks like markup for markup, and fetch what it names.

    It would also break a tip of one sentence into a column of single words, so the lines are made here.
    """
    if not text:
        return ""
    lines = [text]
    if len(text) > TIP:
        from textwrap import wrap  # noqa: PLC0415 - most tips are short

        lines = wrap(text, TIP)
    text = "\n".join(lines)
    for char, spelled in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\n", "<br>")):  # html would load its table of 2,000 names
        text = text.replace(char, spelled)
    return f'<span style="white-space: pre">{text}</span>'


class Text(QLabel):
    """A text of the scale that keeps its weight and colour through a change of theme."""

    def __init__(
        self, text: str = "", size: int = 12, weight: int = 400, tone: str = "text", family: str = "ui", wrap: bool = False
    ) -> None:
        super().__init__()
        self._type = (size, weight, family)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.tone = tone
        self._dress()
        self.setWordWrap(wrap)
        if wrap:
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.MinimumExpanding)
        self.setText(text)

    def set_tone(self, tone: str) -> None:
        """Another colour."""
        if self.tone != tone:
            self.tone = tone
            self._dress()

    def _dress(self) -> None:
        """A palette of its own: a rule of the style sheet for each tone would be matched for every label."""
        colour = theme.tokens().colour(self.tone)
        if self.palette().color(QPalette.ColorRole.WindowText) != colour:
            palette = QPalette()
            palette.setColor(QPalette.ColorRole.WindowText, colour)
            self.setPalette(palette)
        self.setFont(theme.font(*self._type))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._dress()
        super().changeEvent(event)


class Elided(Text):
    """A line that is cut in its middle or at its end where there is no room; the whole of it is in its tool tip."""

    def __init__(
        self,
        text: str = "",
        size: int = 12,
        weight: int = 400,
        tone: str = "text",
        family: str = "ui",
        middle: bool = False,
        right: bool = False,
    ) -> None:
        super().__init__("", size, weight, tone, family)
        side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
        self._align = int(side | Qt.AlignmentFlag.AlignVCenter)
        self._mode = Qt.TextElideMode.ElideMiddle if middle else Qt.TextElideMode.ElideRight
        self._whole = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setMinimumWidth(20)
        self.set_whole(text)

    @property
    def whole(self) -> str:
        """The text, before it is cut."""
        return self._whole

    def set_whole(self, text: str) -> None:
        """Another text."""
        self._whole = text
        self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self._whole) + 2, metrics.height() + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(20, self.fontMetrics().height() + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(theme.tokens().pen(self.tone))
        painter.setFont(self.font())
        cut = self.fontMetrics().elidedText(self._whole, self._mode, self.width())
        painter.drawText(self.rect(), self._align, cut)
        self.setToolTip(tip(self._whole) if cut != self._whole else "")


class IconMark(QWidget):
    """An icon that follows the theme."""

    def __init__(self, name: str, tone: str = "muted", size: int = 16) -> None:
        super().__init__()
        self._name, self._tone = name, tone
        self.setFixedSize(size, size)

    def set_icon(self, name: str, tone: str) -> None:
        """Another drawing or colour."""
        self._name, self._tone = name, tone
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        icons.paint(painter, self._name, QRectF(self.rect()), theme.tokens().colour(self._tone))


class ToolButton(QToolButton):
    """A button with an icon that follows the theme, and a text beside it where it has one."""

    def __init__(self, name: str, text: str = "", tone: str = "muted", size: int = 16) -> None:
        super().__init__()
        self._name, self._tone, self._size = name, tone, size
        self.setAutoRaise(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setIconSize(QSize(size, size))
        if text:
            self.setText(f" {text}")
            self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        else:
            self.setProperty("look", "bare")
            self.setFixedWidth(30)
        self._dress()

    def set_icon(self, name: str, tone: str = "muted") -> None:
        """Another drawing or colour."""
        if (name, tone) != (self._name, self._tone):
            self._name, self._tone = name, tone
            self._dress()

    def _dress(self) -> None:
        look = theme.tokens()
        self.setIcon(icons.icon(self._name, look[self._tone], look["faint"], self._size))
        self.setFont(theme.font(12, 500))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._dress()
        super().changeEvent(event)


class Button(QPushButton):
    """A push button: `outline`, `primary` or `link`."""

    def __init__(self, text: str, look: str = "outline", icon: str = "") -> None:
        super().__init__(f" {text}" if icon else text)
        self._icon = icon
        self.setProperty("look", look)
        self.setCursor(Qt.CursorShape.PointingHandCursor if look == "link" else Qt.CursorShape.ArrowCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._dress()

    def _dress(self) -> None:
        look = theme.tokens()
        self.setFont(theme.font(12, 500))
        if self._icon:
            colour = "#FFFFFF" if self.property("look") == "primary" else look["text2"]
            self.setIcon(icons.icon(self._icon, colour, look["faint"]))
            self.setIconSize(QSize(16, 16))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._dress()
        super().changeEvent(event)


def line(name: str = "line") -> QFrame:
    """A line of one pixel: `line`, `hair` or `upright`."""
    frame = QFrame()
    frame.setObjectName(name)
    return frame


def row(*parts: QWidget | QLayout | int | None, gap: int = 8, margins: tuple[int, int, int, int] = (0, 0, 0, 0)) -> QHBoxLayout:
    """Parts side by side; a number is a space, None takes what is left."""
    layout = QHBoxLayout()
    _fill(layout, parts, gap, margins)
    return layout


def column(*parts: QWidget | QLayout | int | None, gap: int = 4, margins: tuple[int, int, int, int] = (0, 0, 0, 0)) -> QVBoxLayout:
    """Parts one below the other."""
    layout = QVBoxLayout()
    _fill(layout, parts, gap, margins)
    return layout


def _fill(layout: QBoxLayout, parts: tuple[QWidget | QLayout | int | None, ...], gap: int, margins: tuple[int, int, int, int]) -> None:
    layout.setSpacing(gap)
    layout.setContentsMargins(*margins)
    for part in parts:
        if part is None:
            layout.addStretch(1)
        elif isinstance(part, int):
            layout.addSpacing(part)
        elif isinstance(part, QWidget):
            takes_rest = isinstance(part, Elided) and isinstance(layout, QHBoxLayout)
            layout.addWidget(part, 1 if takes_rest else 0)
        else:
            layout.addLayout(part)


def boxed(layout: QLayout, name: str = "") -> QWidget:
    """A widget around a layout; a name gives it the style sheet's background."""
    widget = QWidget()
    if name:
        widget.setObjectName(name)
        widget.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    widget.setLayout(layout)
    return widget
