"""What the pages beside the tree have in common."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from ptinspect.session.reading import Reading
from ptinspect.session.views import DocumentView


class Page(QWidget):
    """What every page beside the tree is."""

    show_requested = Signal(str)
    copy_requested = Signal(str)

    def attach(self, reading: Reading) -> None:
        """The verbs that read values, for the pages that show some."""

    def apply(self, view: DocumentView) -> None:
        """Show the page's part of a document."""
        raise NotImplementedError
