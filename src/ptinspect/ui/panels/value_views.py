"""The views of one tensor's values: filters, line, channels, singular values, table, facts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QGridLayout, QWidget

from ptinspect.session import row_facts
from ptinspect.session.rows import Row
from ptinspect.session.tensor_looks import Failed, Picture
from ptinspect.session.tensor_page import VIEWS, spectrum_cells
from ptinspect.session.words import number_text, plural, signed
from ptinspect.ui.panels.distribution import Numbers
from ptinspect.ui.widgets.segments import Segments
from ptinspect.ui.widgets.text import Button, Text, boxed, column, line, row

if TYPE_CHECKING:
    from ptinspect.ui.panels.tensor_views import TensorViews
    from ptinspect.ui.panels.values_table import ValuesTable
    from ptinspect.ui.widgets.filter_grid import FilterGrid, Mode
    from ptinspect.ui.widgets.plot import Curve

_CHANNELS = {"filters": (("rgb", "RGB"), ("r", "R"), ("g", "G"), ("b", "B"), ("norm", "Norm"))}
_MANY = (("norm", "Norm"), ("mean", "Mean"))


class LookView(QWidget):
    """A view of something that is read; until then, and where that fails, it says so."""

    def __init__(self, views: TensorViews) -> None:
        super().__init__()
        self.views = views
        self.words = Text("", 12, 400, "muted", wrap=True)
        self.room = column(self.words, gap=8)
        self.setLayout(self.room)

    def show_look(self, look: Any) -> None:
        """Draw it."""
        if look is None:
            self.words.setText("Reading …")
        elif isinstance(look, Failed):
            self.words.setText(f"{look.message[:1].upper()}{look.message[1:]}. {look.hint}")
        self.words.setVisible(look is None or isinstance(look, Failed))
        if look is not None and not isinstance(look, Failed):
            self.draw(look)

    def draw(self, look: Any) -> None:
        """What was read."""


class FilterView(LookView):
    """Kernels as tiles."""

    def __init__(self, views: TensorViews) -> None:
        super().__init__(views)
        from ptinspect.ui.widgets.filter_grid import FilterGrid  # noqa: PLC0415

        channels = views.shape[1]
        self.modes = _CHANNELS["filters"] if channels == 3 else _MANY if channels > 3 else (("first", "First channel"),)
        self.mode: Mode = self.modes[0][0]  # type: ignore[assignment]
        self.switch = Segments(self.modes)
        self.switch.setAccessibleName("Channels of the filters")
        self.switch.chosen.connect(self._switched)
        self.switch.setVisible(len(self.modes) > 1)
        self.grid: FilterGrid = FilterGrid()
        self.grid.pointed.connect(self._pointed)
        self.line = Text("Point at a filter, or use the arrow keys", 11, 400, "muted")
        self._picture: Picture | None = None
        self.room.addWidget(self.grid)
        self.room.addWidget(boxed(row(self.line, None, self.switch)))

    def draw(self, look: Picture) -> None:
        self._picture = look
        self.views.note.set_whole(look.note)
        self.grid.show_cells(look.cells, self.mode)

    def _switched(self, mode: Mode) -> None:
        self.mode = mode
        if self._picture is not None:
            self.grid.show_cells(self._picture.cells, mode)

    def _pointed(self, at: int) -> None:
        if self._picture is None or at < 0:
            return
        import numpy as np  # noqa: PLC0415

        kernel = self._picture.cells[at].astype(np.float64)
        if self.views.shape[1] > 3:
            root, size = kernel[1], self.views.shape[1]
            norm, mean, largest = float(np.sqrt((root**2).sum() * size)), float(kernel[0].mean()), float(root.max())
            word = "largest root mean square"
        else:
            norm, mean, largest = float(np.sqrt((kernel**2).sum())), float(kernel.mean()), float(np.abs(kernel).max())
            word = "largest"
        self.line.setText(f"Filter {at}     norm {norm:.3f}     mean {signed(f'{mean:.4f}')}     {word} {largest:.3f}")
        self.line.set_tone("text2")


class LineView(LookView):
    """A vector from its beginning to its end."""

    def __init__(self, views: TensorViews) -> None:
        super().__init__(views)
        from ptinspect.ui.widgets.plot import Curve  # noqa: PLC0415

        self.curve: Curve = Curve("Values by their place")
        self.room.addWidget(self.curve)

    def draw(self, look: Picture) -> None:
        self.views.note.set_whole(look.note)
        low, high, step = look.cells[0], look.cells[1], look.step[1]

        def label(at: int) -> tuple[str, Sequence[tuple[str, str]]]:
            if step == 1:
                return f"[{at:,}]", (("Value", signed(f"{float(high[at]):.6g}")),)
            return f"[{at * step:,}] …", (("Low", number_text(float(low[at]))), ("High", number_text(float(high[at]))))

        self.curve.label = label
        self.curve.draw(high, low if step > 1 else None, is_bars=step == 1 and high.size <= 256)


class SlowView(LookView):
    """Something that takes long, begun by a button."""

    text, button, kind = "", "", "channels"

    def __init__(self, views: TensorViews) -> None:
        super().__init__(views)
        from ptinspect.ui.widgets.plot import Curve  # noqa: PLC0415

        self.start = Button(self.button, "outline", "play")
        self.start.clicked.connect(self._begin)
        self.start_row = boxed(row(self.start, None))
        self.curve: Curve = Curve(VIEWS[self.kind])  # type: ignore[index]
        self.numbers = Numbers(3)
        for part in (self.start_row, self.curve, self.numbers):
            self.room.addWidget(part)

    def _begin(self) -> None:
        self.views.ask(self.views.wanted(self.kind))  # type: ignore[arg-type]

    def show_look(self, look: Any) -> None:
        super().show_look(look)
        is_there = look is not None and not isinstance(look, Failed)
        is_busy = self.views.is_busy(self.kind)
        self.start_row.setVisible(not is_there)
        self.start.setEnabled(not is_busy)
        self.curve.setVisible(is_there)
        self.numbers.setVisible(is_there)
        if look is None:
            self.words.setText("Working … the line at the bottom says how far it is." if is_busy else self.text)


class ChannelView(SlowView):
    """The norm of each output channel."""

    text = "The norm, mean and zeros of each output channel. All values of the tensor are read once."
    button, kind = "Count the channels", "channels"

    def draw(self, look: Any) -> None:
        import numpy as np  # noqa: PLC0415

        count = look.l2.size
        self.views.note.set_whole(f"norms of {plural(count, 'channel')} along the first dimension")

        def label(at: int) -> tuple[str, Sequence[tuple[str, str]]]:
            lines = [("Norm", number_text(float(look.l2[at]))), ("Mean", number_text(float(look.mean[at])))]
            lines += [("Std dev", number_text(float(look.std[at]))), ("Zeros", f"{int(look.zeros[at]):,}")]
            return f"Channel {at:,}", lines

        self.curve.label = label
        self.curve.draw(look.l2, is_bars=count <= 256)
        finite = look.l2[np.isfinite(look.l2)]
        self.numbers.show_cells(
            (
                ("Smallest norm", number_text(float(finite.min())) if finite.size else "–", "text"),
                ("Largest norm", number_text(float(finite.max())) if finite.size else "–", "text"),
                ("All-zero channels", f"{int((look.l2 == 0).sum()):,}", "text"),
            )
        )


class SpectrumView(SlowView):
    """The singular values."""

    text = "Singular values say how many directions the matrix uses and how heavy its tail is. It is decomposed as outputs by all else."
    button, kind = "Find the singular values", "spectrum"

    def draw(self, look: Any) -> None:
        count = len(look.values)
        how = "exact" if look.exact else f"approached, {look.method}"
        self.views.note.set_whole(f"{count:,} of {look.total:,} singular values, {how}")
        self.curve.label = lambda at: (f"Singular value {at + 1:,}", (("Value", number_text(float(look.values[at]))),))
        self.curve.draw(look.values, is_log=True)
        self.numbers.show_cells(spectrum_cells(look))


class TableView(QWidget):
    """All values as a table."""

    def __init__(self, views: TensorViews) -> None:
        super().__init__()
        from ptinspect.ui.panels.values_table import ValuesTable  # noqa: PLC0415

        self.table: ValuesTable = ValuesTable()
        self.table.wanted.connect(views.fill)
        self.setLayout(column(self.table))


class FactsView(QWidget):
    """What the headers tell."""

    def __init__(self, views: TensorViews) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(0)
        self._grid.setColumnMinimumWidth(0, 110)
        self._grid.setColumnStretch(1, 1)
        self._shown: object = None

    def show_row(self, found: Row) -> None:
        """The facts of one row."""
        facts = row_facts.facts_of(found)
        if facts == self._shown:
            return
        self._shown = facts
        for at, (name, value) in enumerate(facts):
            if at:
                self._grid.addWidget(line("hair"), 2 * at, 0, 1, 2)
            label, text = Text(name, 12, 400, "muted"), Text(value, 12, 400, wrap=True)
            for part in (label, text):
                part.setContentsMargins(0, 5, 0, 5)
            self._grid.addWidget(label, 2 * at + 1, 0)
            self._grid.addWidget(text, 2 * at + 1, 1)
