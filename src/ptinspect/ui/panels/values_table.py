"""The table of values, with a field to go to a row and buttons for the pages of what is too large for one."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLineEdit, QTableView, QVBoxLayout, QWidget

from ptinspect.session.values_table import MOST_COLUMNS, MOST_ROWS, Blocks
from ptinspect.ui import theme
from ptinspect.ui.models.values import ValuesModel
from ptinspect.ui.widgets.text import Button, Text, boxed, row

HEIGHT, WIDTH, WAIT = 320, 104, 20


class _View(QTableView):
    """Copies what is selected as a table."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.selected_text())
            return
        super().keyPressEvent(event)

    def selected_text(self) -> str:
        """Tabs between columns, as spreadsheets take it."""
        indexes = sorted((index.row(), index.column()) for index in self.selectionModel().selectedIndexes()[:100_000])
        lines: dict[int, list[str]] = {}
        for line, column in indexes:
            lines.setdefault(line, []).append(str(self.model().index(line, column).data()))
        return "\n".join("\t".join(line) for line in lines.values()).replace("−", "-")


class ValuesTable(QWidget):
    """Shows Blocks; tells which of them are looked at and not there."""

    wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.model = ValuesModel(self)
        self.view = _View()
        self.view.setModel(self.model)
        self.view.setAccessibleName("Values")
        self.view.setShowGrid(False)
        self.view.setWordWrap(False)
        self.view.setFixedHeight(HEIGHT)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerItem)
        self.view.setCornerButtonEnabled(False)
        self.view.setFont(theme.font(12))
        for header in (self.view.horizontalHeader(), self.view.verticalHeader()):
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            header.setFont(theme.font(11, 500))
            header.setHighlightSections(False)
        self.view.horizontalHeader().setDefaultSectionSize(WIDTH)
        self.view.verticalHeader().setDefaultSectionSize(22)
        self._go = QLineEdit()
        self._go.setPlaceholderText("Go to row")
        self._go.setAccessibleName("Go to row")
        self._go.setFixedWidth(120)
        self._go.setFont(theme.font(12))
        self._go.returnPressed.connect(lambda: self.go_to(self._go.text()))
        self._note = Text("", 11, 400, "muted")
        self._before, self._after = Button("Earlier", "outline"), Button("Later", "outline")
        self._before.clicked.connect(lambda: self._page(-1))
        self._after.clicked.connect(lambda: self._page(1))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.view)
        layout.addWidget(boxed(row(self._go, self._note, None, self._before, self._after)))
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._ask)
        self._places: object = ()
        self.model.wanted.connect(self._collect)

    def _collect(self, places: object) -> None:
        """Painting asks cell by cell; what it asked for is told once, when it is done."""
        self._places = places
        self._soon.start(WAIT)

    def _ask(self) -> None:
        self.wanted.emit(self._places)

    def show_blocks(self, blocks: Blocks | None) -> None:
        """Another tensor, or more of the same one."""
        if blocks is self.model.blocks:
            self.model.refresh()
            return
        self.model.set_blocks(blocks)
        self._tell()

    def _tell(self) -> None:
        blocks = self.model.blocks
        if blocks is None:
            return
        grid, first = blocks.grid, self.model.first
        is_paged = grid.rows > MOST_ROWS
        self._before.setVisible(is_paged)
        self._after.setVisible(is_paged)
        self._before.setEnabled(first[0] > 0)
        self._after.setEnabled(first[0] + MOST_ROWS < grid.rows)
        text = f"{grid.rows:,} rows of {grid.columns:,}" if len(grid.shape) > 1 else f"{grid.rows:,} values"
        text += f", from row {first[0]:,} on" if is_paged else ""
        text += f"; the first {MOST_COLUMNS:,} columns" if grid.columns > MOST_COLUMNS else ""
        self._note.setText(text)
        width = self.view.fontMetrics().horizontalAdvance(grid.row_text(max(0, min(grid.rows, first[0] + MOST_ROWS) - 1))) + 26
        self.view.verticalHeader().setFixedWidth(max(48, min(200, width)))

    def _page(self, step: int) -> None:
        self.model.set_blocks(self.model.blocks, (max(0, self.model.first[0] + step * MOST_ROWS), 0))
        self._tell()

    def go_to(self, text: str) -> None:
        """A row by its number, or by its places: `2, 0, 1`."""
        blocks = self.model.blocks
        try:
            parts = [int(part) for part in text.replace(" ", "").split(",") if part]
        except ValueError:
            return
        if blocks is None or not parts:
            return
        shape = blocks.grid.shape[:-1] if len(blocks.grid.shape) > 1 else blocks.grid.shape
        found = 0
        if len(parts) == 1:
            found = parts[0]
        else:
            for size, part in zip(shape, (*parts, *[0] * len(shape)), strict=False):
                found = found * size + part
        found = max(0, min(blocks.grid.rows - 1, found))
        page = found // MOST_ROWS * MOST_ROWS
        if page != self.model.first[0]:
            self.model.set_blocks(blocks, (page, 0))
            self._tell()
        index = self.model.index(found - page, 0)
        self.view.setCurrentIndex(index)
        self.view.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtTop)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self.view.setFont(theme.font(12))
        super().changeEvent(event)



