"""The pages beside a tree: tabs above, the page in front below them."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStackedWidget, QTabBar, QVBoxLayout, QWidget

from ptinspect.ui import theme


class PageTabs(QWidget):
    """A tab that is clicked is told; which page comes to the front is decided elsewhere."""

    chosen = Signal(int)

    def __init__(self, titles: Iterable[str], least: int) -> None:
        super().__init__()
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumWidth(least)
        self.tabs = QTabBar()
        self.tabs.setObjectName("pages")
        self.tabs.setAccessibleName("Pages")
        self.tabs.setFont(theme.font(12, 500))
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setFixedHeight(theme.INSPECTOR_TABS)
        for title in titles:
            self.tabs.addTab(title)
        self.tabs.tabBarClicked.connect(self.chosen)
        self.tabs.currentChanged.connect(self.chosen)
        self.stack = QStackedWidget()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.tabs)
        layout.addWidget(self.stack, 1)
