"""What the pages beside the aligned tree have in common."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

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
