"""The form of a test batch: model, input, device, precision, how often; what is seldom needed lies folded below."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLayout, QLineEdit, QVBoxLayout, QWidget

from ptinspect.session.batch.choices import PRECISIONS, PREPARATIONS, is_chosen, roots_of
from ptinspect.session.state import BatchTab
from ptinspect.session.views import BatchView
from ptinspect.ui.panels.batch_devices import DeviceList
from ptinspect.ui.panels.batch_inputs import InputLines
from ptinspect.ui.panels.batch_model import ModelChoice, WeightChoice
from ptinspect.ui.panels.batch_options import MoreOptions
from ptinspect.ui.widgets.fields import choice_of, choose, mark, number_field, part, write
from ptinspect.ui.widgets.scroll_page import ScrollArea
from ptinspect.ui.widgets.segments import Segments
from ptinspect.ui.widgets.text import Button, Elided, Text, ToolButton, boxed, column, row, tip

WIDTH = 264
SIZES = ("1", "8", "64", "256")


class Form(QWidget):
    """Tells each change by the name of the field."""

    chosen = Signal(str, object)
    run_requested = Signal()
    stop_requested = Signal()
    python_chosen = Signal(str)
    consents_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("form")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(WIDTH)
        self._is_showing = False
        self._make_fields()
        self._area = ScrollArea()
        self._area.setObjectName("form")
        body = self._lay_out()
        inner = boxed(body, "form")
        self._area.setWidget(inner)
        self.run, self.stop = Button("Run", "primary", "play"), Button("Stop", "outline", "square")
        self.running = Button("Running", "busy", "loader")
        self.running.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.running.hide()
        self.run.clicked.connect(self.run_requested)
        self.stop.clicked.connect(self.stop_requested)
        for button in (self.run, self.running, self.stop):
            button.setFixedHeight(32)
        buttons = row(gap=8, margins=(16, 10, 16, 14))
        buttons.addWidget(self.run, 3)
        buttons.addWidget(self.running, 3)
        buttons.addWidget(self.stop, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._area, 1)
        layout.addLayout(buttons)

    # -- its fields -------------------------------------------------------------------------------------------------------------------

    def _make_fields(self) -> None:
        self.model, self.weights, self.devices, self.more = ModelChoice(), WeightChoice(), DeviceList(), MoreOptions()
        self.model.chosen.connect(lambda word: self._tell("model", word))
        self.weights.chosen.connect(lambda path: self._tell("weights", path))
        self.devices.chosen.connect(lambda word: self._tell("device", word))
        self.more.chosen.connect(self._tell)
        self.more.python_chosen.connect(self._tell_python)
        self.more.consents_requested.connect(self.consents_requested)
        self.inputs = InputLines()
        self.inputs.changed.connect(lambda texts: self._tell("inputs", texts))
        self.preparation = choice_of("Preparation", PREPARATIONS, lambda key: self._tell("preparation", key))
        self.precision = Segments(PRECISIONS)
        self.precision.chosen.connect(lambda key: self._tell("dtype", key))
        self.precision.fill_width()
        self.precision.setAccessibleName("Precision")
        self.batch = number_field("Batch size", 1, 1_000_000, lambda value: self._tell("batch", value))
        self.sizes = Segments([(size, size) for size in SIZES])
        self.sizes.chosen.connect(lambda key: self._tell("batch", int(key)))
        self.sizes.fill_width()
        self.sizes.setAccessibleName("Batch sizes")
        self.batch.setPlaceholderText("auto")
        self.repeats = number_field("Runs", 1, 100_000, lambda value: self._tell("repeats", value or 20))
        self.warmup = number_field("Warm-up runs", 0, 10_000, lambda value: self._tell("warmup", value or 0))

    def _lay_out(self) -> QLayout:
        self._preparation = boxed(part("Preparation", self.preparation))
        sizes = row(self.batch, self.sizes, gap=4)
        self.batch.setFixedWidth(60)
        self.repeats.setFixedWidth(58)
        self.warmup.setFixedWidth(46)
        runs = row(self.repeats, Text("after", 12, 400, "text2"), self.warmup, Elided("to warm up", 12, 400, "text2"), gap=8)
        self.fold = ToolButton("chevron-right", "More options", size=14)
        self.fold.clicked.connect(self._unfold)
        self.more.hide()
        body = column(
            part("Model", self.model), self.weights, part("Input", self.inputs), self._preparation,
            part("Device", self.devices), part("Precision", self.precision), part("Batch size", sizes),
            part("Runs", runs), row(self.fold, None, margins=(-10, 0, 0, 0)), self.more, gap=15, margins=(16, 14, 16, 14),
        )  # fmt: skip
        body.addStretch(1)
        return body

    def _unfold(self) -> None:
        self.more.setVisible(self.more.isHidden())
        self.fold.set_icon("chevron-right" if self.more.isHidden() else "chevron-down")

    # -- what the user does -----------------------------------------------------------------------------------------------------------

    def _tell(self, name: str, value: Any) -> None:
        if not self._is_showing:
            self.chosen.emit(name, value)

    def _tell_python(self, path: str) -> None:
        if not self._is_showing:
            self.python_chosen.emit(path)

    def commit(self) -> None:
        """Take what is written in fields that nobody has left yet: a click on Run leaves none."""
        for field in self.findChildren(QLineEdit):
            if field.isModified():
                field.setModified(False)
                field.editingFinished.emit()

    # -- what is shown ----------------------------------------------------------------------------------------------------------------

    def apply(self, view: BatchView) -> None:
        """Show a view; a field that is being written in is newer than any view."""
        self._is_showing = True
        tab, choices = view.state, view.state.choices
        self.model.apply(tab)
        self.weights.apply(tab)
        self._show_inputs(tab)
        self.devices.apply(tab)
        self.more.apply(view)
        choose(self.preparation, choices.preparation)
        wanted = choices.dtype if choices.dtype != "auto" else tab.subject.dtype if tab.subject is not None else ""
        mark(self.precision, wanted, [key for key, _ in PRECISIONS])
        mark(self.sizes, str(choices.batch), SIZES)
        write(self.batch, "" if choices.batch is None else str(choices.batch))
        write(self.repeats, str(choices.repeats))
        write(self.warmup, str(choices.warmup))
        self.run.setEnabled(tab.busy is None and tab.subject is not None)
        self.run.setVisible(tab.busy is None)
        self.running.setVisible(tab.busy is not None)
        self.stop.setEnabled(tab.busy is not None)
        self._is_showing = False

    def _show_inputs(self, tab: BatchTab) -> None:
        given = tab.record.parts.get("samples") if tab.record is not None else None
        is_same = tab.record is not None and tab.record.choices.inputs == tab.choices.inputs
        guess = given.specs if given is not None and not tab.choices.inputs and is_same else ()
        samples = given.samples if given is not None and is_same else ()
        first = samples[0].path if samples else ""
        picture = first if first and is_chosen(first, roots_of(tab.choices)) else ""
        note = given.note if given is not None and is_same else ""
        self.inputs.apply(tab.choices.inputs, guess, note, picture, len(samples))
        self._preparation.setVisible(any("image:" in text or "mnist:" in text for text in tab.choices.inputs))
        self.preparation.setToolTip(tip(note))
