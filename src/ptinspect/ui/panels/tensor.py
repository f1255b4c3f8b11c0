"""The tensor page: what is selected, how its values are spread, and the values themselves."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtWidgets import QMenu, QVBoxLayout, QWidget

from ptinspect.checkpoint.layers import LayerNode, TensorRow
from ptinspect.session import row_facts
from ptinspect.session.reading import Reading
from ptinspect.session.rows import Row
from ptinspect.session.tensor_looks import LookRequest
from ptinspect.session.tensor_page import Extras, Measure, extras_of, measure_of, neighbour, tensors_below
from ptinspect.session.views import DocumentView
from ptinspect.session.words import plain, plural
from ptinspect.ui import plots
from ptinspect.ui.panels.distribution import Distribution
from ptinspect.ui.panels.page import Page
from ptinspect.ui.panels.tensor_views import TensorViews
from ptinspect.ui.widgets.scroll_page import ScrollArea, fill
from ptinspect.ui.widgets.text import Elided, Text, ToolButton, column, line, row

OVERLAID = 6
SAVED = "NumPy (*.npy);;Text (*.csv);;safetensors (*.safetensors);;Picture of what is shown (*.png)"


class TensorPage(Page):
    """Draws one tensor, several over each other, or the sum of a layer."""

    def __init__(self) -> None:
        super().__init__()
        self._reading: Reading | None = None
        self._view: DocumentView | None = None
        self._row: Row | None = None
        self._also: tuple[tuple[str, ...], list[Row | None]] = ((), [])
        self._area = ScrollArea()
        fill(self, self._area)
        self._area.show_layout(self._lay_out())
        plots.begin()

    def attach(self, reading: Reading) -> None:
        self._reading = reading

    def _lay_out(self) -> QVBoxLayout:
        self.title = _Title()
        self.title.copy.clicked.connect(lambda: self.copy_requested.emit(self._row.path if self._row else ""))
        self.title.save.clicked.connect(self._save_menu)
        self.title.before.clicked.connect(lambda: self._step(-1))
        self.title.after.clicked.connect(lambda: self._step(1))
        self.distribution = Distribution()
        self.distribution.saved.connect(self._picture_saved)
        self.views = TensorViews(lambda: self._reading)
        self.views.unfolded.connect(lambda: QTimer.singleShot(0, self, self._bring_views))
        self.head = Text("", 14, 600)
        self.head.setContentsMargins(0, 8, 0, 4)
        self.empty = Text("", 12, 400, "muted", wrap=True)
        self._line = line("line")
        layout = column(self.title, gap=0, margins=(0, 0, 0, 20))
        layout.addWidget(self._line)
        body = column(self.head, self.empty, self.distribution, gap=0, margins=(16, 10, 16, 0))
        self._parting = line("line")
        body.addSpacing(6)
        body.addWidget(self._parting)
        body.addSpacing(10)
        body.addWidget(self.views)
        layout.addLayout(body)
        layout.addStretch(1)
        return layout

    # -- what to show -----------------------------------------------------------------------------------------------------------------

    def apply(self, view: DocumentView) -> None:
        last, self._view = self._view, view
        if last is not None and (last.whole, last.selected, last.numbers) == (view.whole, view.selected, view.numbers):
            return
        if last is not None and (last.whole, last.selected) == (view.whole, view.selected):
            found = self._row
        else:
            found = view.whole.find(view.selected) if view.selected else None
        fresh = found is not self._row
        self._row = found if found is not None and found.parent is not None else None
        if fresh:
            self._area.verticalScrollBar().setValue(0)
        self.title.setVisible(self._row is not None)
        self._line.setVisible(self._row is not None)
        if self._row is None:
            is_empty = not view.whole.facts.has_tensors
            text = "It holds only plain values." if is_empty else "Choose a layer or a tensor on the left, several with Ctrl or Shift."
            self._nothing(text, "No tensors in this file" if is_empty else "Nothing is selected")
            return
        self.head.hide()
        if fresh:
            self.title.show_row(self._row)
        rows = self._rows(view, self._row)
        if isinstance(self._row.source, TensorRow):
            self._tensor(view, self._row, rows)
        elif rows:
            self._layer(view, self._row, rows)
        else:
            self._nothing(_words(self._row))

    def _nothing(self, text: str, title: str = "") -> None:
        self.head.setText(title)
        self.head.setVisible(bool(title))
        self.empty.setText(text)
        self.empty.show()
        for part in (self.distribution, self.views, self._parting):
            part.hide()

    def _rows(self, view: DocumentView, found: Row) -> list[Row]:
        """Which tensors are drawn: the one that is selected, with others that are, or the largest ones of a layer."""
        if view.numbers.also != self._also[0]:
            self._also = (view.numbers.also, [view.whole.find(key) for key in view.numbers.also])
        also = [one for one in self._also[1] if one is not found]
        others = [one for one in also if one is not None and isinstance(one.source, TensorRow)]
        if isinstance(found.source, TensorRow):
            return [found, *others][: OVERLAID + 2]
        return tensors_below(found, OVERLAID) if isinstance(found.source, LayerNode) else []

    def _measures(self, view: DocumentView, rows: list[Row]) -> list[tuple[str, Measure]]:
        found = [(one.path, measure_of(one, view.numbers)) for one in rows]
        for one, (_, measure) in zip(rows, found, strict=True):
            if measure.statistics is None and not measure.problem and self._reading is not None:
                self._reading.look(LookRequest("sample", one.key))
        return found

    def _extras(self, view: DocumentView, rows: list[Row]) -> Extras | None:
        """What takes a reading of its own, of one tensor at a time."""
        if len(rows) != 1:
            return None
        request = LookRequest("moments", rows[0].key)
        if self._reading is not None and view.numbers.look(request.name) is None:
            self._reading.look(request)
        return extras_of(rows[0], view.numbers)

    def _tensor(self, view: DocumentView, found: Row, rows: list[Row]) -> None:
        source = found.source
        problem = source.tensor.problem if isinstance(source, TensorRow) else None
        self.empty.setText(f"Its values cannot be read: {plain(problem or '', 400)}")
        self.empty.setVisible(bool(problem))
        self.distribution.setVisible(not problem)
        self.views.show()
        self._parting.setVisible(not problem)
        if not problem and isinstance(source, TensorRow):
            total = source.tensor.elements * source.tensor.dtype.per_item
            self.distribution.show_measures(self._measures(view, rows), total, self._extras(view, rows))
        self.views.show_row(found, view.numbers)

    def _layer(self, view: DocumentView, found: Row, rows: list[Row]) -> None:
        self.views.hide()
        self._parting.hide()
        self.distribution.show()
        total = found.table.facts.counts[id(found.source)]
        text = f"The largest {len(rows)} of its {plural(total, 'tensor')}, over each other." if total > len(rows) else ""
        self.empty.setText(text)
        self.empty.setVisible(bool(text))
        prefix = len(found.path) + 1 if found.path else 0
        measures = [(path[prefix:], measure) for path, measure in self._measures(view, rows)]
        if len(measures) == 1 and isinstance(rows[0].source, TensorRow):
            self.distribution.show_measures(measures, rows[0].source.tensor.elements, self._extras(view, rows))
        else:
            self.distribution.show_measures(measures, 0)

    def _bring_views(self) -> None:
        """Scroll no more than it takes to see the view that was chosen, and never past its switch."""
        bar, inner = self._area.verticalScrollBar(), self._area.widget()
        if inner is not None:
            top = self.views.mapTo(inner, QPoint(0, 0)).y()
            bar.setValue(max(bar.value(), min(top, top + self.views.height() + 12 - self._area.viewport().height())))

    # -- what the user does -----------------------------------------------------------------------------------------------------------

    def _step(self, by: int) -> None:
        """The tensor before or after this one, in the order of the tree."""
        if self._row is None:
            return
        found = neighbour(self._row, by)
        if found is not None:
            self.show_requested.emit(found.path)

    def _save_menu(self) -> None:
        self.save_menu().popup(self.title.save.mapToGlobal(QPoint(0, self.title.save.height())))

    def save_menu(self) -> QMenu:
        """What can be saved of it."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Save values as …", self._ask)
        menu.addAction("Copy the picture of the distribution", self.distribution.copy_picture)
        return menu

    def _ask(self) -> None:
        from ptinspect.ui.dialogs import choose_target  # noqa: PLC0415 - only who asks for it

        if self._row is not None:
            name = "".join(char if char.isalnum() or char in "._-" else "_" for char in self._row.path)[-80:] or "tensor"
            path = choose_target(self, "Save values", f"{name}.npy", SAVED)
            if path:
                self.save_to(path)

    def save_to(self, path: str) -> None:
        """Write the values, or the picture of them, as the name's ending says."""
        if path.lower().endswith(".png"):
            self._picture_saved(path if self.views.save_picture(path) else "")
        elif self._reading is not None and self._row is not None:
            self._reading.save(self._row.key, path)

    def _picture_saved(self, path: str) -> None:
        if self._reading is not None:
            text = f"Saved as {plain(path, 300)}" if path else "The picture could not be saved there"
            self._reading.told(text, is_good=bool(path))


class _Title(QWidget):
    """Where it is, what it is called, its form in one line, and buttons to go on, copy and save."""

    def __init__(self) -> None:
        super().__init__()
        self.way, self.name = Elided("", 12, 400, "muted", middle=True), Text("", 14, 600)
        self.headline = Elided("", 12, 400, "text2")
        self.before, self.after = ToolButton("chevron-up"), ToolButton("chevron-down")
        self.copy, self.save = ToolButton("copy"), ToolButton("file-down")
        for button, name in (
            (self.before, "Tensor before"), (self.after, "Tensor after"), (self.copy, "Copy path"), (self.save, "Save"),
        ):  # fmt: skip
            button.setAccessibleName(name)
            button.setToolTip(name)
        self._head = row(self.way, self.name, None, self.before, self.after, self.copy, self.save, gap=4)
        self._head.setStretch(0, 100)  # the way takes the room, the space behind the name what is left
        self.setLayout(column(self._head, self.headline, gap=0, margins=(16, 8, 10, 10)))

    def show_row(self, found: Row) -> None:
        """Another row."""
        steps = row_facts.steps_of(found)
        way = "  ›  ".join(steps[:-1])
        self.way.set_whole(f"{way}  ›" if way else "")
        self.way.setMaximumWidth(self.way.sizeHint().width() + 4 if way else 0)
        self.way.setVisible(bool(way))
        self.name.setText(steps[-1] or "(no name)")
        self.headline.set_whole(row_facts.headline_of(found))


def _words(found: Row) -> str:
    """A plain value, or a layer without tensors."""
    facts = dict(row_facts.facts_of(found))
    return facts.get("Value", "There are no tensors below it.")
