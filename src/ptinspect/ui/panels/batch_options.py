"""What is seldom asked of a test batch: more to measure, bounds, another Python, folders of modules, what may run."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from ptinspect.session.batch.choices import AGREEMENTS
from ptinspect.session.views import BatchView
from ptinspect.ui.widgets.check import Check
from ptinspect.ui.widgets.fields import choice_of, choose, number_field, part, text_field, write
from ptinspect.ui.widgets.text import Button, Text, column, line, row


class MoreOptions(QWidget):
    """Tells each change by the name of the field."""

    chosen = Signal(str, object)
    python_chosen = Signal(str)
    consents_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._make_fields()
        self._lay_out()

    def _make_fields(self) -> None:
        self.switches = {
            name: self._switch(name, text)
            for name, text in (
                ("backward", "Backward pass, with gradients"), ("sweep", "Sweep over batch sizes"), ("graph", "Graph of the model"),
                ("autocast", "Autocast"), ("channels_last", "Channels last"), ("compiled", "torch.compile"),
            )
        }  # fmt: skip
        self.agreement = choice_of("Compare each layer with", AGREEMENTS, lambda key: self.chosen.emit("agreement", key))
        self.trace = text_field("Chrome trace to save", "no trace")
        self.trace.editingFinished.connect(lambda: self.chosen.emit("trace", self.trace.text().strip()))
        self.trace_file = Button("Choose…", "link")
        self.trace_file.clicked.connect(self._choose_trace)
        self.seconds = number_field("Most seconds", 1, 1_000_000, lambda value: self.chosen.emit("seconds", value or 600))
        self.memory = number_field("Most memory, MB", 16, 1_000_000, lambda value: self.chosen.emit("memory", value))
        self.python = text_field("Python", "the one of this window")
        self.python.editingFinished.connect(self._tell_python)
        self.python_file = Button("Choose…", "link")
        self.python_file.clicked.connect(self._choose_python)
        self.paths = text_field("Folders of the model's modules", "none")
        self.paths.editingFinished.connect(self._tell_paths)
        self.path_folder = Button("Add a folder…", "link")
        self.path_folder.clicked.connect(self._choose_path)
        self.consents = Button("What may run…", "link")
        self.consents.clicked.connect(self.consents_requested)

    def _switch(self, name: str, text: str) -> Check:
        box = Check(text)
        box.toggled.connect(lambda on: self.chosen.emit(name, on))
        return box

    def _lay_out(self) -> None:
        checks = column(*self.switches.values(), gap=2)
        self.seconds.setFixedWidth(72)
        self.memory.setFixedWidth(72)
        self.memory.setPlaceholderText("all")
        bounds = row(self.seconds, Text("s", 12, 400, "muted"), self.memory, Text("MB", 12, 400, "muted"), None, gap=6)
        self.setLayout(
            column(
                line(), checks, part("Compare each layer with", self.agreement),
                part("Chrome trace", self.trace, row(self.trace_file, None)), part("Stop after, use at most", bounds),
                part("Folders of the model's modules", self.paths, row(self.path_folder, None)),
                part("Python", self.python, row(self.python_file, None)), part("Consents", row(self.consents, None)), gap=13,
            )
        )  # fmt: skip

    def apply(self, view: BatchView) -> None:
        """Show a view."""
        choices = view.state.choices
        for name, box in self.switches.items():
            box.setChecked(getattr(choices, name))
        choose(self.agreement, choices.agreement)
        write(self.seconds, str(choices.seconds))
        write(self.memory, "" if choices.memory is None else str(choices.memory))
        for field, text in ((self.trace, choices.trace), (self.paths, "; ".join(choices.paths)), (self.python, view.python)):
            write(field, text)

    # -- what the user does -----------------------------------------------------------------------------------------------------------

    def _tell_python(self) -> None:
        self.python_chosen.emit(self.python.text().strip())

    def _choose_trace(self) -> None:
        from ptinspect.ui.dialogs import choose_target  # noqa: PLC0415

        path = choose_target(self, "Save a Chrome trace", "trace.json", "Trace (*.json)")
        if path:
            self.chosen.emit("trace", path)

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
        self.chosen.emit("paths", tuple(part.strip() for part in self.paths.text().split(";") if part.strip()))
