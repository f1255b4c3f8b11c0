"""What the pages beside the aligned tree have in common."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from ptinspect.session.comparison.looks import PairLook
from ptinspect.session.comparison.rows import PairRow
from ptinspect.session.comparison.verbs import Comparing
from ptinspect.session.views import ComparisonView


class PairPage(QWidget):
    """What every page beside the aligned tree is."""

    copy_requested = Signal(str)
    comparing: Comparing

    def attach(self, comparing: Comparing) -> None:
        """The verbs of the comparison."""
        self.comparing = comparing

    def apply(self, view: ComparisonView) -> None:
        """Show the page's part of a comparison."""
        raise NotImplementedError

    def selected_row(self, view: ComparisonView) -> PairRow | None:
        """The row that is selected, if it is one of a layer or a tensor."""
        found = view.table.find(view.state.selected) if view.state.selected else None
        return found if isinstance(found, PairRow) and found.parent is not None else None

    def look_at(self, view: ComparisonView, row: PairRow) -> PairLook | None:
        """What was read of a row's values by now; the rest is asked for, once the files are there."""
        place = view.state.aligned.places.get(id(row.source), -1) if view.state.aligned is not None else -1
        look = view.state.look(place) if place >= 0 else None
        if place >= 0 and (look is None or not look.is_whole) and not view.state.is_reading:
            self.comparing.look(place)
        return look
