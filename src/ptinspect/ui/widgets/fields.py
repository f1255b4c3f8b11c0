"""The fields of a form: texts, numbers, lists to choose from, each below its title."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import QLayout, QLineEdit, QWidget

from ptinspect.ui import theme
from ptinspect.ui.widgets.choice import Choice
from ptinspect.ui.widgets.segments import Segments
from ptinspect.ui.widgets.text import Text, column


def part(title: str, *fields: QWidget | QLayout) -> QLayout:
    """Fields below their title."""
    return column(Text(title, 11, 500, "text2"), *fields, gap=6)


def text_field(name: str, hint: str = "") -> QLineEdit:
    """A field for a text; the hint stands where it is empty."""
    field = QLineEdit()
    field.setFont(theme.font(12))
    field.setAccessibleName(name)
    field.setPlaceholderText(hint)
    field.setMaxLength(2_000)
    return field


def number_field(name: str, low: int, high: int, tell: Callable[[int | None], None]) -> QLineEdit:
    """A field for a whole number; None where it is left empty."""
    field = text_field(name)
    field.setValidator(QIntValidator(low, high, field))
    field.editingFinished.connect(lambda: tell(int(field.text()) if field.text().isdigit() else None))
    return field


def choice_of(name: str, parts: Sequence[tuple[str, str]], tell: Callable[[str], None]) -> Choice:
    """A list of keys with what they are called."""
    choice = Choice()
    choice.setAccessibleName(name)
    for key, text in parts:
        choice.addItem(text, key)
    choice.activated.connect(lambda at: tell(choice.itemData(at)))
    return choice


def choose(choice: Choice, key: object) -> None:
    """Show a key as the chosen one, where it is known."""
    at = next((at for at in range(choice.count()) if choice.itemData(at) == key), -1)
    if at >= 0 and at != choice.currentIndex():
        choice.setCurrentIndex(at)


def mark(switch: Segments, key: str, keys: Sequence[str]) -> None:
    """Show a key as the chosen one, or none."""
    if key in keys:
        switch.choose(key)
    else:
        switch.choose_none()


def write(field: QLineEdit, text: str) -> None:
    """Show a text, unless the user is writing another."""
    if field.text() != text and not (field.hasFocus() and field.isModified()):
        field.setText(text)
