"""Labels and tips show text as it is, whatever it looks like."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocument

from ptinspect.ui.widgets.text import Elided, Text, tip


def test_that_a_tip_shows_markup_as_text() -> None:
    text = "<img src=x> & &lt; <b>"
    document = QTextDocument()
    document.setHtml(tip(text))
    assert document.toPlainText() == text
    assert tip("") == ""


def test_that_a_label_is_plain_text(qtbot) -> None:
    label = Text("<b>bold</b>")
    qtbot.addWidget(label)
    assert label.textFormat() == Qt.TextFormat.PlainText


def test_that_a_line_that_is_cut_tells_all_of_itself_in_its_tip(qtbot) -> None:
    line = Elided("a name that is much longer than its room " * 4)
    qtbot.addWidget(line)
    line.setFixedSize(80, 20)
    line.show()
    line.grab()
    assert "much longer" in line.toolTip()
    assert line.accessibleName() == line.whole
    line.set_whole("short")
    line.grab()
    assert line.toolTip() == ""
