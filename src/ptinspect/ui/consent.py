"""Two dialogs about code: whether it may run, and what was agreed to before."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QHeaderView, QSizePolicy, QVBoxLayout, QWidget

from ptinspect.errors import InspectError
from ptinspect.session.batch.asking import asked_of, forget, forget_all, kept
from ptinspect.session.batch.work import Question
from ptinspect.session.words import plain
from ptinspect.ui import theme
from ptinspect.ui.models.names import NameModel
from ptinspect.ui.panels.name_table import NameTable
from ptinspect.ui.widgets.scroll_page import ScrollArea
from ptinspect.ui.widgets.text import Button, Elided, IconMark, Text, boxed, column, line, row

WIDE, MOST_HIGH, NAMES = 720, 9, 268


def _wrapped(text: str, size: int = 12, weight: int = 400, tone: str = "text2") -> Text:
    """As high as its lines: a dialog has room to give away, and would give it to its texts."""
    made = Text(text, size, weight, "text" if size > 12 else tone, "display" if size > 12 else "ui", wrap=True)
    made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
    return made


class ConsentDialog(QDialog):
    """Asks once; Cancel is what Return and Escape do."""

    def __init__(self, parent: QWidget, question: Question) -> None:
        super().__init__(parent)
        asked = asked_of(question)
        self.setWindowTitle("Run code?")
        self.setFixedWidth(WIDE)
        icon = IconMark("shield-alert" if asked.is_dangerous else "shield", "danger" if asked.is_dangerous else "warnicon", 28)
        words = column(
            _wrapped(asked.title, 15, 600), _wrapped(asked.what),
            _wrapped(asked.sentence, 12, 500, "danger" if asked.is_dangerous else "text2"), gap=6,
        )  # fmt: skip
        head = row(gap=14)
        head.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 16)
        layout.setSpacing(12)
        layout.addLayout(head)
        self.names = NameModel(self)
        self.names.set_lines(asked.names)
        if asked.names:
            layout.addWidget(line())
            layout.addWidget(Text("Names that the file asks Python for", 12, 600))
            layout.addWidget(self._table())
        if asked.more:
            layout.addWidget(Text(f"… and {asked.more:,} more, on the Safety page of the file", 11, 400, "muted"))
        layout.addWidget(_wrapped(asked.holds, 11, 400, "muted"))
        layout.addWidget(Elided(f"SHA-256 {asked.digest}", 11, 400, "muted", "mono", middle=True))
        self.run, self.cancel = Button("Run it, I trust this"), Button("Cancel")
        self.run.setAutoDefault(False)
        self.cancel.setDefault(True)
        self.run.clicked.connect(self.accept)
        self.cancel.clicked.connect(self.reject)
        layout.addWidget(boxed(row(None, self.run, self.cancel)))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.cancel.setFocus(Qt.FocusReason.OtherFocusReason)  # else the first button would have it, and a space would press it

    def _table(self) -> NameTable:
        table = NameTable("Names that the file asks Python for", self.names)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        for at, width in ((0, NAMES), (1, 106), (3, 52)):
            header.setSectionResizeMode(at, QHeaderView.ResizeMode.Fixed)
            header.resizeSection(at, width)
        table.setFixedHeight(28 + theme.ROW * max(1, min(MOST_HIGH, self.names.rowCount())))
        return table


class ConsentList(QDialog):
    """What may run: each with what it is, where it lay, when somebody agreed."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("What may run")
        self.setFixedWidth(WIDE)
        self._area = ScrollArea()
        self._area.setMinimumHeight(220)
        self.problem = Text("", 12, 400, "danger", wrap=True)
        self.problem.hide()
        self.all, close = Button("Forget all"), Button("Close")
        self.all.clicked.connect(self._forget_all)
        self.all.setAutoDefault(False)
        close.setDefault(True)
        close.clicked.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 16)
        layout.setSpacing(10)
        layout.addWidget(Text("Code that you agreed to run in test batches", 15, 600, family="display"))
        layout.addWidget(Text("Each by its content: a file with other code is asked about again.", 12, 400, "text2", wrap=True))
        layout.addWidget(self._area, 1)
        layout.addWidget(self.problem)
        layout.addWidget(boxed(row(self.all, None, close)))
        self.buttons: list[Button] = []
        self._fill()

    def _fill(self) -> None:
        found = kept()
        body, self.buttons = column(gap=0), []
        for one in found[:500]:
            button = Button("Forget", "link")
            button.setAutoDefault(False)
            button.clicked.connect(lambda _=False, digest=one.digest: self._forget(digest))
            self.buttons.append(button)
            words = column(
                Elided(plain(one.path, 300), 12, 500, middle=True),
                Elided(f"{plain(one.kind, 80)}, {plain(one.date[:10], 10)}  ·  {one.digest[:16]}", 11, 400, "muted"), gap=1,
            )  # fmt: skip
            head = row(gap=10, margins=(0, 7, 0, 7))
            head.addLayout(words, 1)
            head.addWidget(button)
            body.addLayout(head)
            body.addWidget(line("hair"))
        if not found:
            body.addWidget(Text("Nothing. Whatever needs code is asked about first.", 12, 400, "muted"))
        body.addStretch(1)
        self._area.show_layout(body)
        self.all.setEnabled(bool(found))

    def _forget(self, digest: str) -> None:
        self._try(lambda: forget(digest))

    def _forget_all(self) -> None:
        self._try(forget_all)

    def _try(self, call: object) -> None:
        try:
            call()  # type: ignore[operator]
        except InspectError as error:
            self.problem.setText(f"{error.message}. {error.hint}")
            self.problem.show()
        self._fill()
