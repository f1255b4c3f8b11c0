"""The views of a slice: two dimensions of a tensor at a place of the others, flat as a heat map or as a surface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QSpinBox

from ptinspect.session.tensor_looks import Picture, planes_of
from ptinspect.session.words import shape_text, signed
from ptinspect.ui import theme
from ptinspect.ui.panels.value_views import LookView
from ptinspect.ui.widgets.choice import Choice
from ptinspect.ui.widgets.text import Text, boxed, row

if TYPE_CHECKING:
    from ptinspect.ui.panels.tensor_views import TensorViews
    from ptinspect.ui.widgets.heat_map import HeatMap, Label
    from ptinspect.ui.widgets.surface import Surface


class SliceView(LookView):
    """Which two dimensions are drawn, and a field for each other one, above the picture."""

    def __init__(self, views: TensorViews) -> None:
        super().__init__(views)
        self.fields: list[QSpinBox] = []
        self.drawn = Text("", 11, 400, "muted", wrap=True)
        self.planes = planes_of(views.shape) if len(views.shape) > 2 else ()
        self.choice = Choice()
        self.choice.setAccessibleName("Dimensions that are drawn")
        self.choice.setFont(theme.font(12))
        self.choice.addItems([self._name(plane) for plane in self.planes])
        self.choice.setCurrentIndex(self.planes.index(views.plane) if views.plane in self.planes else 0)
        self.choice.currentIndexChanged.connect(self._turned)
        self._places = row(gap=8)
        self._tools = boxed(row(self.choice, self._places, None))
        self._tools.setVisible(len(self.planes) > 1)
        self.room.addWidget(self._tools)
        self._lay_fields()

    def _name(self, plane: tuple[int, int]) -> str:
        down, across = plane
        shape = self.views.shape
        return f"{shape[down]:,}\u2009×\u2009{shape[across]:,}, dimensions {down} and {across}"

    def _lay_fields(self) -> None:
        """One for each dimension that is not drawn; where it has one place only, there is nothing to choose."""
        for field in self.fields:
            field.deleteLater()
        others = [at for at in range(len(self.views.shape)) if at not in self.views.plane]
        self.fields = [self._field(at, place) for at, place in zip(others, self.views.index, strict=False)]
        for field in self.fields:
            self._places.addWidget(field)

    def _field(self, at: int, place: int) -> QSpinBox:
        field, size = QSpinBox(self._tools), self.views.shape[at]
        field.setRange(0, max(0, size - 1))
        field.setValue(place)
        field.setFont(theme.font(12))
        field.setWrapping(True)
        field.setSuffix(f"  of {size:,}")
        field.setAccessibleName(f"Place in dimension {at}")
        field.setToolTip(f"Place in dimension {at}")
        field.setMinimumWidth(84)
        field.setVisible(size > 1)
        field.valueChanged.connect(self._sliced)
        return field

    def _sliced(self) -> None:
        self.views.slice_to(tuple(field.value() for field in self.fields), self.views.plane)

    def _turned(self, at: int) -> None:
        """Other dimensions, from the first place of all others."""
        self.views.slice_to((0,) * (len(self.views.shape) - 2), self.planes[at])
        self._lay_fields()

    def tell(self, look: Picture) -> None:
        """What is drawn, and what of it where that is not all."""
        self.views.note.set_whole(shape_text(look.size))
        self.drawn.setText(look.note)
        self.drawn.setVisible(bool(look.note))


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
