"""The difference of one pair."""

from __future__ import annotations

from ptinspect.session.views import ComparisonView
from ptinspect.ui.panels.comparison_page import PairPage


class DifferencePage(PairPage):
    """Draws one pair."""

    def apply(self, view: ComparisonView) -> None:
        pass
