"""The form of a test batch: model, input, device, precision, how often; what is seldom needed lies folded below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QIntValidator, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QLayout, QLineEdit, QVBoxLayout, QWidget

from ptinspect.session.batch.choices import AGREEMENTS, PRECISIONS, PREPARATIONS, is_chosen, roots_of
from ptinspect.session.batch.heard import Device
from ptinspect.session.batch.offers import OWN
from ptinspect.session.state import BatchTab
from ptinspect.session.views import BatchView
from ptinspect.session.words import size_text
from ptinspect.ui import icons, theme
from ptinspect.ui.panels.batch_inputs import InputLines
from ptinspect.ui.widgets.check import Check
from ptinspect.ui.widgets.choice import Choice
from ptinspect.ui.widgets.scroll_page import ScrollArea
from ptinspect.ui.widgets.segments import Segments
from ptinspect.ui.widgets.text import Button, Elided, Text, ToolButton, boxed, column, line, row, tip

WIDTH, FEW_SETS = 264, 3
SIZES = ("1", "8", "64", "256")


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
        self._offers: tuple[object, ...] = ()
        self._sets: tuple[object, ...] = ()
        self._devices: list[DeviceRow] = []
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
        self.model, self.own = Choice(), _field("Function that makes the model", "path/to/file.py:make_model")
        self.model.setAccessibleName("Model")
        self.model.activated.connect(self._choose_model)
        self.own.editingFinished.connect(self._tell_own)
        self.own_file = Button("Choose a file…", "link")
        self.own_file.clicked.connect(self._choose_function)
        self.sets, self.set_switch = Choice(), Segments(())
        self._set_room = QVBoxLayout()
        self.sets.setAccessibleName("Weights")
        self.sets.activated.connect(lambda at: self._tell("weights", self.sets.itemData(at)))
        self.inputs = InputLines()
        self.inputs.changed.connect(lambda texts: self._tell("inputs", texts))
        self.preparation = _choice("Preparation", PREPARATIONS, lambda key: self._tell("preparation", key))
        self.devices, self.device_note = QVBoxLayout(), Text("", 11, 400, "muted", wrap=True)
        self.precision = Segments(PRECISIONS)
        self.precision.chosen.connect(lambda key: self._tell("dtype", key))
        self.precision.fill_width()
        self.precision.setAccessibleName("Precision")
        self.batch = _number("Batch size", 1, 1_000_000, lambda value: self._tell("batch", value))
        self.sizes = Segments([(size, size) for size in SIZES])
        self.sizes.chosen.connect(lambda key: self._tell("batch", int(key)))
        self.sizes.fill_width()
        self.sizes.setAccessibleName("Batch sizes")
        self.batch.setPlaceholderText("auto")
        self.repeats = _number("Runs", 1, 100_000, lambda value: self._tell("repeats", value or 20))
        self.warmup = _number("Warm-up runs", 0, 10_000, lambda value: self._tell("warmup", value or 0))
        self.switches = {
            name: self._switch(name, text)
            for name, text in (
                ("backward", "Backward pass, with gradients"), ("sweep", "Sweep over batch sizes"), ("graph", "Graph of the model"),
                ("autocast", "Autocast"), ("channels_last", "Channels last"), ("compiled", "torch.compile"),
            )
        }  # fmt: skip
        self.agreement = _choice("Compare each layer with", AGREEMENTS, lambda key: self._tell("agreement", key))
        self.trace = _field("Chrome trace to save", "no trace")
        self.trace.editingFinished.connect(lambda: self._tell("trace", self.trace.text().strip()))
        self.trace_file = Button("Choose…", "link")
        self.trace_file.clicked.connect(self._choose_trace)
        self.seconds = _number("Most seconds", 1, 1_000_000, lambda value: self._tell("seconds", value or 600))
        self.memory = _number("Most memory, MB", 16, 1_000_000, lambda value: self._tell("memory", value))
        self.python = _field("Python", "the one of this window")
        self.python.editingFinished.connect(self._tell_python)
        self.python_file = Button("Choose…", "link")
        self.python_file.clicked.connect(self._choose_python)
        self.paths = _field("Folders of the model's modules", "none")
        self.paths.editingFinished.connect(self._tell_paths)
        self.path_folder = Button("Add a folder…", "link")
        self.path_folder.clicked.connect(self._choose_path)
        self.consents = Button("What may run…", "link")
        self.consents.clicked.connect(self.consents_requested)

    def _switch(self, name: str, text: str) -> Check:
        box = Check(text)
        box.toggled.connect(lambda on: self._tell(name, on))
        return box

    def _lay_out(self) -> QLayout:
        self._own_box = boxed(column(self.own, row(self.own_file, None), gap=2))
        self.model_note = Text("", 11, 400, "muted", wrap=True)
        self._weights = boxed(column(Text("Weights", 11, 500, "text2"), self._set_room, gap=6))
        device_box = boxed(self.devices, "field")
        self.devices.setContentsMargins(1, 2, 1, 2)
        self.devices.setSpacing(0)
        self._preparation = boxed(_part("Preparation", self.preparation))
        sizes = row(self.batch, self.sizes, gap=4)
        self.batch.setFixedWidth(60)
        self.repeats.setFixedWidth(58)
        self.warmup.setFixedWidth(46)
        runs = row(self.repeats, Text("after", 12, 400, "text2"), self.warmup, Elided("to warm up", 12, 400, "text2"), gap=8)
        self.fold = ToolButton("chevron-right", "More options", size=14)
        self.fold.clicked.connect(self._unfold)
        self.more = self._more()
        self.more.hide()
        body = column(
            _part("Model", self.model, self.model_note, self._own_box), self._weights, _part("Input", self.inputs), self._preparation,
            _part("Device", device_box, self.device_note), _part("Precision", self.precision), _part("Batch size", sizes),
            _part("Runs", runs), row(self.fold, None, margins=(-10, 0, 0, 0)), self.more, gap=15, margins=(16, 14, 16, 14),
        )  # fmt: skip
        body.addStretch(1)
        return body

    def _more(self) -> QWidget:
        checks = column(*self.switches.values(), gap=2)
        self.seconds.setFixedWidth(72)
        self.memory.setFixedWidth(72)
        self.memory.setPlaceholderText("all")
        bounds = row(self.seconds, Text("s", 12, 400, "muted"), self.memory, Text("MB", 12, 400, "muted"), None, gap=6)
        return boxed(
            column(
                line(), checks, _part("Compare each layer with", self.agreement),
                _part("Chrome trace", self.trace, row(self.trace_file, None)), _part("Stop after, use at most", bounds),
                _part("Folders of the model's modules", self.paths, row(self.path_folder, None)),
                _part("Python", self.python, row(self.python_file, None)), _part("Consents", row(self.consents, None)), gap=13,
            )
        )  # fmt: skip

    def _unfold(self) -> None:
        self.more.setVisible(self.more.isHidden())
        self.fold.set_icon("chevron-right" if self.more.isHidden() else "chevron-down")

    # -- what the user does -----------------------------------------------------------------------------------------------------------

    def _tell(self, name: str, value: Any) -> None:
        if not self._is_showing:
            self.chosen.emit(name, value)

    def _choose_model(self, at: int) -> None:
        self._tell("model", self.model.itemData(at))
        if self.model.itemData(at) == OWN:
            self.own.setFocus()

    def _tell_own(self) -> None:
        if self.own.text().strip():
            self._tell("model", self.own.text().strip())

    def _tell_python(self) -> None:
        if not self._is_showing:
            self.python_chosen.emit(self.python.text().strip())

    def _choose_function(self) -> None:
        from ptinspect.ui.dialogs import choose_file  # noqa: PLC0415 - only who asks for it

        path = choose_file(self, "A Python file that makes the model", "Python (*.py)")
        if path:
            self.own.setText(f"{path}:make_model")
            self.own.setFocus()
            self.own.setSelection(len(path) + 1, 100)
            self._tell("model", self.own.text())

    def _choose_trace(self) -> None:
        from ptinspect.ui.dialogs import choose_target  # noqa: PLC0415

        path = choose_target(self, "Save a Chrome trace", "trace.json", "Trace (*.json)")
        if path:
            self._tell("trace", path)

    def _choose_python(self) -> None:
        from ptinspect.ui.dialogs import choose_file  # noqa: PLC0415

        path = choose_file(self, "The python of another environment")
        if path:
            self.python_chosen.emit(path)

    def _choose_path(self) -> None:
        from ptinspect.ui.dialogs import choose_folder  # noqa: PLC0415

        path = choose_folder(self, "Where the model's modules lie")
        if path:
            self.paths.setText("; ".join([*filter(None, [self.paths.text().strip()]), path]))
            self._tell_paths()

    def _tell_paths(self) -> None:
        self._tell("paths", tuple(part.strip() for part in self.paths.text().split(";") if part.strip()))

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
        self._show_models(tab)
        self._show_sets(tab)
        self._show_inputs(tab)
        self._show_devices(tab)
        _choose(self.preparation, choices.preparation)
        wanted = choices.dtype if choices.dtype != "auto" else tab.subject.dtype if tab.subject is not None else ""
        _mark(self.precision, wanted, [key for key, _ in PRECISIONS])
        _mark(self.sizes, str(choices.batch), SIZES)
        _write(self.batch, "" if choices.batch is None else str(choices.batch))
        for field, value in ((self.repeats, choices.repeats), (self.warmup, choices.warmup), (self.seconds, choices.seconds)):
            _write(field, str(value))
        _write(self.memory, "" if choices.memory is None else str(choices.memory))
        for name, box in self.switches.items():
            box.setChecked(getattr(choices, name))
        _choose(self.agreement, choices.agreement)
        for field, text in ((self.trace, choices.trace), (self.paths, "; ".join(choices.paths)), (self.python, view.python)):
            _write(field, text)
        self.run.setEnabled(tab.busy is None and tab.subject is not None)
        self.run.setVisible(tab.busy is None)
        self.running.setVisible(tab.busy is not None)
        self.stop.setEnabled(tab.busy is not None)
        self._is_showing = False

    def _show_models(self, tab: BatchTab) -> None:
        offers = tab.subject.offers if tab.subject is not None else ()
        if offers != self._offers:
            self._offers = offers
            self.model.clear()
            for offer in offers:
                self.model.addItem(offer.title, offer.word)
                self.model.setItemData(self.model.count() - 1, tip(offer.note), Qt.ItemDataRole.ToolTipRole)
        words = [offer.word for offer in offers]
        is_own = tab.choices.model not in words or tab.choices.model == OWN
        at = words.index(OWN if is_own else tab.choices.model) if words else -1
        self.model.setCurrentIndex(at)
        self.model_note.setText(offers[at].note if 0 <= at < len(offers) else "")
        self.model_note.setVisible(0 <= at < len(offers) and offers[at].runs_code)
        self._own_box.setVisible(is_own)
        if is_own and tab.choices.model != OWN:
            _write(self.own, tab.choices.model)

    def _show_sets(self, tab: BatchTab) -> None:
        sets = tab.subject.weights if tab.subject is not None else ()
        main = tab.subject.checkpoint.main if tab.subject is not None else None
        if sets != self._sets:
            self._sets = sets
            while (item := self._set_room.takeAt(0)) is not None:
                if (widget := item.widget()) is not None and widget is not self.sets:
                    widget.deleteLater()
            self.sets.clear()
            for path, title in sets:
                self.sets.addItem(title, path)
            if len(sets) <= FEW_SETS:
                self.set_switch = Segments([(path, title if len(title) < 14 else f"{title[:6]}…{title[-6:]}") for path, title in sets])
                self.set_switch.setAccessibleName("Weights")
                self.set_switch.fill_width()
                self.set_switch.chosen.connect(lambda path: self._tell("weights", path))
                self._set_room.addWidget(self.set_switch)
            else:
                self._set_room.addWidget(self.sets)
        self._weights.setVisible(len(sets) > 1)
        chosen = tab.choices.weights if tab.choices.weights is not None else main.path if main is not None else None
        self.set_switch.choose(str(chosen))
        _choose(self.sets, chosen)

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

    def _show_devices(self, tab: BatchTab) -> None:
        devices = tab.around.devices if tab.around is not None else ()
        if not devices:
            known = tab.record.device if tab.record is not None else None
            devices = (known,) if known is not None else ()
        if [one.device for one in self._devices] != list(devices):
            for old in self._devices:
                self.devices.removeWidget(old)
                old.hide()
                old.deleteLater()
            self._devices = [DeviceRow(device) for device in devices]
            for made in self._devices:
                made.clicked.connect(lambda _=False, word=made.device.word: self._tell("device", word))
                self.devices.addWidget(made)
        wanted = tab.choices.device
        chosen = next((one for one in self._devices if one.device.word == wanted), self._devices[0] if self._devices else None)
        for one in self._devices:
            one.setChecked(one is chosen)
        note = tab.around_note if tab.around_note or devices else "As torch chooses"
        self.device_note.setText(note)
        self.device_note.setVisible(bool(note))


def _part(title: str, *fields: QWidget | QLayout) -> QLayout:
    return column(Text(title, 11, 500, "text2"), *fields, gap=6)


def _field(name: str, hint: str = "") -> QLineEdit:
    field = QLineEdit()
    field.setFont(theme.font(12))
    field.setAccessibleName(name)
    field.setPlaceholderText(hint)
    field.setMaxLength(2_000)
    return field


def _number(name: str, low: int, high: int, tell: Callable[[int | None], None]) -> QLineEdit:
    field = _field(name)
    field.setValidator(QIntValidator(low, high, field))
    field.editingFinished.connect(lambda: tell(int(field.text()) if field.text().isdigit() else None))
    return field


def _choice(name: str, parts: Sequence[tuple[str, str]], tell: Callable[[str], None]) -> Choice:
    choice = Choice()
    choice.setAccessibleName(name)
    for key, text in parts:
        choice.addItem(text, key)
    choice.activated.connect(lambda at: tell(choice.itemData(at)))
    return choice


def _choose(choice: Choice, key: object) -> None:
    at = next((at for at in range(choice.count()) if choice.itemData(at) == key), -1)
    if at >= 0 and at != choice.currentIndex():
        choice.setCurrentIndex(at)


def _mark(switch: Segments, key: str, keys: Sequence[str]) -> None:
    if key in keys:
        switch.choose(key)
    else:
        switch.choose_none()


def _write(field: QLineEdit, text: str) -> None:
    if field.text() != text and not (field.hasFocus() and field.isModified()):
        field.setText(text)


__all__ = ["DeviceRow", "Form"]
