"""A block of code to read and to copy, its words coloured; long lines are broken in a block, and scroll sideways in a view."""

from __future__ import annotations

import re
from math import ceil

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QResizeEvent, QSyntaxHighlighter, QTextCharFormat, QTextOption
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QVBoxLayout, QWidget

from ptinspect.ui import theme

MOST_LINES = 60
_KEYWORDS = (
    "import from as with for in if not and or else elif def class return None True False lambda while is pass raise assert try except yield"
)
_TOKEN = re.compile(
    r"(?P<comment>#.*)|(?P<text>[rbf]?'(?:[^'\\]|\\.)*'|[rbf]?\"(?:[^\"\\]|\\.)*\")"
    rf"|(?P<word>\b(?:{'|'.join(_KEYWORDS.split())})\b)|(?P<number>\b\d[\d_.eE]*\b)"
)
_TONES = {"comment": "muted", "text": "good", "word": "accent", "number": "right"}
LONGEST = 2_000  # a longer line stays plain: nobody reads it, and colouring it would stall


class Colours(QSyntaxHighlighter):
    """Python as it is usually coloured."""

    def highlightBlock(self, text: str) -> None:
        if len(text) > LONGEST:
            return
        look = theme.tokens()
        for match in _TOKEN.finditer(text):
            kind = match.lastgroup or "word"
            form = QTextCharFormat()
            form.setForeground(QColor(look[_TONES[kind]]))
            self.setFormat(match.start(), match.end() - match.start(), form)


class CodeView(QPlainTextEdit):
    """Text that can be read, searched by eye and copied, never changed."""

    resized = Signal()

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setTabChangesFocus(True)
        self.setUndoRedoEnabled(False)
        self.setFont(theme.font(12, 400, "mono"))
        self.document().setDocumentMargin(0)
        self._colours = Colours(self.document())
        self.setPlainText(text)

    def set_text(self, text: str) -> None:
        """Another text, from its beginning."""
        self.setPlainText(text)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)  # breaks the lines anew
        self.resized.emit()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self.setFont(theme.font(12, 400, "mono"))
            self._colours.rehighlight()
        super().changeEvent(event)


class CodeBlock(QWidget):
    """A card that is as high as its lines, up to a bound."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.setObjectName("code")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.view = CodeView(text)
        self.view.setLineWrapMode(CodeView.LineWrapMode.WidgetWidth)  # a long path is broken, not hidden; copies stay whole
        self.view.setStyleSheet("background: transparent;")
        self.view.setAccessibleName("Code")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 4, 0)  # below the last line Qt wants the room of another, or it scrolls
        layout.addWidget(self.view)
        self.view.resized.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        """As high as the lines are once they are broken where the block ends."""
        lines = max(1, round(self.view.document().size().height()))
        bar = Qt.ScrollBarPolicy.ScrollBarAsNeeded if lines > MOST_LINES else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.view.setVerticalScrollBarPolicy(bar)  # one that comes and goes would take the width that it comes for
        lines = min(MOST_LINES, lines)
        self.setFixedHeight(lines * ceil(QFontMetricsF(self.view.font()).lineSpacing()) + 30)
