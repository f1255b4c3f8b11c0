"""Which model a test batch runs, and with which of the file's weight sets."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ptinspect.session.batch.offers import OWN
from ptinspect.session.state import BatchTab
from ptinspect.ui.widgets.choice import Choice
from ptinspect.ui.widgets.fields import choose, text_field, write
from ptinspect.ui.widgets.segments import Segments
from ptinspect.ui.widgets.text import Button, Text, boxed, column, row, tip

FEW_SETS = 3


class ModelChoice(QWidget):
    """What is offered, or a function of the user's own."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._offers: tuple[object, ...] = ()
        self.list, self.own = Choice(), text_field("Function that makes the model", "path/to/file.py:make_model")
        self.list.setAccessibleName("Model")
        self.list.activated.connect(self._choose)
        self.own.editingFinished.connect(self._tell_own)
        self.own_file = Button("Choose a file…", "link")
        self.own_file.clicked.connect(self._choose_function)
        self.note = Text("", 11, 400, "muted", wrap=True)
        self._own_box = boxed(column(self.own, row(self.own_file, None), gap=2))
        self.setLayout(column(self.list, self.note, self._own_box, gap=6))

    def _choose(self, at: int) -> None:
        self.chosen.emit(self.list.itemData(at))
        if self.list.itemData(at) == OWN:
            self.own.setFocus()

    def _tell_own(self) -> None:
        if self.own.text().strip():
            self.chosen.emit(self.own.text().strip())

    def _choose_function(self) -> None:
        from ptinspect.ui.dialogs import choose_file  # noqa: PLC0415 - only who asks for it

        path = choose_file(self, "A Python file that makes the model", "Python (*.py)")
        if path:
            self.own.setText(f"{path}:make_model")
            self.own.setFocus()
            self.own.setSelection(len(path) + 1, 100)
            self.chosen.emit(self.own.text())

    def apply(self, tab: BatchTab) -> None:
        """Show what is offered for the file."""
        offers = tab.subject.offers if tab.subject is not None else ()
        if offers != self._offers:
            self._offers = offers
            self.list.clear()
            for offer in offers:
                self.list.addItem(offer.title, offer.word)
                self.list.setItemData(self.list.count() - 1, tip(offer.note), Qt.ItemDataRole.ToolTipRole)
        words = [offer.word for offer in offers]
        is_own = tab.choices.model not in words or tab.choices.model == OWN
        at = words.index(OWN if is_own else tab.choices.model) if words else -1
        self.list.setCurrentIndex(at)
        self.note.setText(offers[at].note if 0 <= at < len(offers) else "")
        self.note.setVisible(0 <= at < len(offers) and offers[at].runs_code)
        self._own_box.setVisible(is_own)
        if is_own and tab.choices.model != OWN:
            write(self.own, tab.choices.model)


class WeightChoice(QWidget):
    """A few sets beside each other, many in a list; nothing where there is one."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._sets: tuple[object, ...] = ()
        self.list, self.switch = Choice(), Segments(())
        self.list.setAccessibleName("Weights")
        self.list.activated.connect(lambda at: self.chosen.emit(self.list.itemData(at)))
        self._room = QVBoxLayout()
        self.setLayout(column(Text("Weights", 11, 500, "text2"), self._room, gap=6))

    def apply(self, tab: BatchTab) -> None:
        """Show the sets of the file."""
        sets = tab.subject.weights if tab.subject is not None else ()
        main = tab.subject.checkpoint.main if tab.subject is not None else None
        if sets != self._sets:
            self._sets = sets
            while (item := self._room.takeAt(0)) is not None:
                if (widget := item.widget()) is not None and widget is not self.list:
                    widget.deleteLater()
            self.list.clear()
            for path, title in sets:
                self.list.addItem(title, path)
            if len(sets) <= FEW_SETS:
                self.switch = Segments([(path, title if len(title) < 14 else f"{title[:6]}…{title[-6:]}") for path, title in sets])
                self.switch.setAccessibleName("Weights")
                self.switch.fill_width()
                self.switch.chosen.connect(self.chosen.emit)
                self._room.addWidget(self.switch)
            else:
                self._room.addWidget(self.list)
        self.setVisible(len(sets) > 1)
        chosen = tab.choices.weights if tab.choices.weights is not None else main.path if main is not None else None
        self.switch.choose(str(chosen))
        choose(self.list, chosen)
