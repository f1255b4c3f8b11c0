"""The views of a slice: two dimensions of a tensor at a place of the others, flat as a heat map or as a surface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QSpinBox, QWidget

from ptinspect.session.tensor_looks import Picture, plane_of
from ptinspect.session.words import shape_text, signed
from ptinspect.ui import theme
from ptinspect.ui.panels.value_views import LookView
from ptinspect.ui.widgets.text import Text, boxed, row

if TYPE_CHECKING:
    from ptinspect.ui.panels.tensor_views import TensorViews
    from ptinspect.ui.widgets.heat_map import HeatMap, Label
    from ptinspect.ui.widgets.surface import Surface


class SliceView(LookView):
    """A field for each dimension that is not drawn, above what is."""

    def __init__(self, views: TensorViews) -> None:
        super().__init__(views)
        self.fields: list[QSpinBox] = []
        self.drawn = Text("", 11, 400, "muted", wrap=True)
        shape = views.shape
        drawn = plane_of(shape) if len(shape) > 1 else ()
        parts: list[QWidget | None] = [Text("Slice", 12, 400, "muted")]
        for at, size in enumerate(shape):
            if at not in drawn:
                self.fields.append(self._field(at, size))
                if size > 1:  # there is no choice in the others, but their place in the order counts
                    parts.append(self.fields[-1])
        for field, place in zip(self.fields, views.index, strict=False):
            field.setValue(place)
        for field in self.fields:
            field.valueChanged.connect(self._sliced)
        if len(parts) > 1:
            self.room.addWidget(boxed(row(*parts, None)))

    def tell(self, look: Picture) -> None:
        """What is drawn, and what of it where that is not all."""
        self.views.note.set_whole(shape_text(look.size))
        self.drawn.setText(look.note)
        self.drawn.setVisible(bool(look.note))

    def _field(self, at: int, size: int) -> QSpinBox:
        field = QSpinBox(self)
        field.setRange(0, max(0, size - 1))
        field.setFont(theme.font(12))
        field.setWrapping(True)
        field.setSuffix(f"  of {size:,}")
        field.setAccessibleName(f"Place in dimension {at}")
        field.setMinimumWidth(96)
        field.setVisible(size > 1)
        return field

    def _sliced(self) -> None:
        self.views.slice_to(tuple(field.value() for field in self.fields))


def label_of(look: Picture) -> Label:
    """What a cell holds, in words."""
    cells, step = look.cells, look.step

    def place(at: int, every: int, size: int, word: str) -> str:
        last = min(size, (at + 1) * every) - 1
        return f"{word} {at:,}" if every == 1 else f"{word}s {at * every:,} … {last:,}"

    def label(at: int, across: int) -> tuple[str, Sequence[tuple[str, str]]]:
        title = f"{place(at, step[0], look.size[0], 'row')}, {place(across, step[1], look.size[1], 'column')}"
        value = signed(f"{float(cells[at, across]):.6g}")
        return title, (("Value" if step == (1, 1) else "Furthest from zero", value),)

    return label


class HeatView(SliceView):
    """Flat."""

    def __init__(self, views: TensorViews) -> None:
        super().__init__(views)
        from ptinspect.ui.widgets.heat_map import HeatMap  # noqa: PLC0415

        self.map: HeatMap = HeatMap()
        self.room.addWidget(self.map)
        self.room.addWidget(self.drawn)

    def draw(self, look: Picture) -> None:
        self.tell(look)
        self.map.show_cells(look.cells, label_of(look))


class SurfaceView(SliceView):
    """As a surface that can be turned."""

    def __init__(self, views: TensorViews) -> None:
        super().__init__(views)
        from ptinspect.ui.widgets.surface import Surface  # noqa: PLC0415

        self.surface: Surface = Surface()
        self.room.addWidget(self.surface)
        self.room.addWidget(self.drawn)
        self.room.addWidget(Text("Drag or use the arrow keys to turn it, + and − to zoom, 0 to begin again", 11, 400, "muted"))

    def draw(self, look: Picture) -> None:
        self.tell(look)
        self.surface.show_cells(look.cells, label_of(look), look.size)
