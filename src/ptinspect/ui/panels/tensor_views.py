"""The lower half of the tensor page: one view of its values at a time, and what that view needs to be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ptinspect.checkpoint.layers import TensorRow
from ptinspect.session.numbers import Numbers
from ptinspect.session.reading import Reading
from ptinspect.session.rows import Row
from ptinspect.session.tensor_looks import LookRequest, plane_of
from ptinspect.session.tensor_page import VIEWS, ViewName, views_of
from ptinspect.ui import plots
from ptinspect.ui.panels.slice_views import HeatView, SurfaceView
from ptinspect.ui.panels.value_views import ChannelView, FactsView, FilterView, LineView, LookView, SpectrumView, TableView
from ptinspect.ui.widgets.segments import Segments
from ptinspect.ui.widgets.text import Elided, boxed, column, row

MAKERS: dict[ViewName, Callable[[TensorViews], QWidget]] = {
    "filters": FilterView,
    "heat": HeatView,
    "surface": SurfaceView,
    "line": LineView,
    "table": TableView,
    "channels": ChannelView,
    "spectrum": SpectrumView,
    "facts": FactsView,
}


class TensorViews(QWidget):
    """Shows one view of a tensor at a time; what a view needs is asked for when it is looked at."""

    unfolded = Signal()  # the view that the user chose has taken its room

    def __init__(self, reading: Callable[[], Reading | None]) -> None:
        super().__init__()
        self._reading = reading
        self._row: Row | None = None
        self._known = Numbers()
        self.name: ViewName = "facts"
        self._chosen: ViewName | None = None
        self._unfolds = False
        self._drawn: object = None
        self.index: tuple[int, ...] = ()
        self.plane: tuple[int, ...] = ()
        self.note = Elided("", 11, 400, "muted")
        self._tabs_row, self._body = column(gap=0), QVBoxLayout()
        self._body.setContentsMargins(0, 0, 0, 0)
        self.tabs: Segments | None = None
        self._names: tuple[ViewName, ...] = ()
        layout = column(gap=0)
        layout.addLayout(self._tabs_row)
        layout.addSpacing(10)
        layout.addLayout(self._body)
        self.setLayout(layout)
        self._widget: QWidget | None = None

    def show_row(self, found: Row, known: Numbers) -> None:
        """Another tensor, or more of what is known of it."""
        fresh = self._row is None or found.key != self._row.key or found.source is not self._row.source
        self._row, self._known = found, known
        source = found.source
        if fresh and isinstance(source, TensorRow):
            self._unfolds = False
            names = views_of(source)
            if names != self._names:
                self._offer(names)
            shape = source.tensor.shape
            self.index, self.plane = (0,) * max(0, len(shape) - 2), plane_of(shape) if len(shape) > 1 else ()
            self._choose(self._chosen if self._chosen in names else names[0])
        else:
            self._draw()

    def _offer(self, names: tuple[ViewName, ...]) -> None:
        self._names = names
        while item := self._tabs_row.takeAt(0):
            if (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()
        self.note = Elided("", 11, 400, "muted")
        self.tabs = Segments([(name, VIEWS[name]) for name in names])
        self.tabs.setAccessibleName("Views of the values")
        self.tabs.chosen.connect(self._picked)
        self._tabs_row.addWidget(boxed(row(self.tabs, self.note, gap=10)))

    def _picked(self, name: ViewName) -> None:
        self._chosen, self._unfolds = name, True
        self._choose(name)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._unfolds and event.size().height() > event.oldSize().height():
            self.unfolded.emit()

    def _choose(self, name: ViewName) -> None:
        self.name, self._drawn = name, None
        if self.tabs is not None:
            self.tabs.choose(name)
        if self._widget is not None:
            self._body.removeWidget(self._widget)
            self._widget.setParent(None)
            self._widget.deleteLater()
            self._widget = None
        self.note.set_whole("")
        plots.when_ready(self._begin)

    def _begin(self) -> None:
        """Make the view, once the libraries that draw are there."""
        if self._widget is None and self._row is not None:
            self._widget = MAKERS[self.name](self)
            self._body.addWidget(self._widget)
            self._draw()

    # -- what a view asks for -----------------------------------------------------------------------------------------------------------

    @property
    def row(self) -> Row:
        """The tensor that is shown."""
        if self._row is None:
            raise ValueError("nothing is shown")
        return self._row

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return self.row.source.tensor.shape if isinstance(self.row.source, TensorRow) else ()

    def wanted(self, name: ViewName) -> LookRequest:
        """What the view needs to be read."""
        if name in ("heat", "surface"):
            return LookRequest(name, self.row.key, self.index, self.plane)
        return LookRequest(name, self.row.key)  # type: ignore[arg-type]

    def ask(self, request: LookRequest) -> None:
        """Read it."""
        reading = self._reading()
        if reading is not None:
            reading.look(request)

    def fill(self, places: Any) -> None:
        """Read blocks of the table."""
        reading = self._reading()
        if reading is not None:
            reading.fill(self.row.key, places)

    def slice_to(self, index: tuple[int, ...], plane: tuple[int, ...]) -> None:
        """Another slice of more than two dimensions."""
        self.index, self.plane = index, plane
        self._draw()

    def save_picture(self, path: str) -> bool:
        """What is shown, as an image."""
        return self._widget is not None and self._widget.grab().save(path)

    def is_busy(self, name: str) -> bool:
        """Whether something that takes long goes on for this view."""
        return any(busy.slot.startswith(f"{name} ") for busy in self._known.busy)

    def _draw(self) -> None:
        widget, name = self._widget, self.name
        if widget is None:
            return
        if isinstance(widget, TableView):
            reading = self._reading()
            widget.table.show_blocks(reading.blocks(self.row.key) if reading is not None else None)
            return
        if isinstance(widget, FactsView):
            widget.show_row(self.row)
            return
        request = self.wanted(name)
        look = self._known.look(request.name)
        if look is None and name not in ("channels", "spectrum"):
            self.ask(request)
        state = (request, id(look), self.is_busy(name))
        if isinstance(widget, LookView) and state != self._drawn:
            self._drawn = state
            widget.show_look(look)
