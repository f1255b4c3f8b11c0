"""The tabs: one for each file, a plus for the start page."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QTabBar, QToolButton, QWidget

from ptinspect.session.views import TabView, WindowView
from ptinspect.ui import icons, theme
from ptinspect.ui.widgets.text import ToolButton, tip

START = -1
_SCROLLERS = (("ScrollLeftButton", "chevron-left", "Tabs before"), ("ScrollRightButton", "chevron-right", "More tabs"))
LEAST = 132  # pixels of a tab, when there are many
_TONES = {"plain": "muted", "warn": "warnicon", "danger": "danger", "good": "good", "accent": "accent"}


class FileTabs(QTabBar):
    """The bar itself; the middle button closes."""

    _hint = QSize()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        at = self.tabAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.MiddleButton and at >= 0:
            self.tabCloseRequested.emit(at)
        super().mouseReleaseEvent(event)

    def minimumSizeHint(self) -> QSize:
        """No more than its tabs: Qt wants room for a long one, and the plus would stand apart from a short one."""
        return super().minimumSizeHint().boundedTo(self.sizeHint())

    def tabSizeHint(self, index: int) -> QSize:
        hint = super().tabSizeHint(index)
        return QSize(min(260, hint.width()), theme.TABS - 4)

    def minimumTabSizeHint(self, index: int) -> QSize:
        """Of many tabs some are scrolled away, rather than all cut to a letter."""
        hint = self.tabSizeHint(index)
        return QSize(min(LEAST, hint.width()), hint.height())

    def tabLayoutChange(self) -> None:
        """Draw the arrows of what is scrolled away: Qt has set its own, which are lost to the style sheet.

        And ask for the room that the tabs have come to need: a style that comes late makes them wider, and Qt tells no layout of it.
        """
        if self.sizeHint() != self._hint:
            self._hint = self.sizeHint()
            self.updateGeometry()
        look = theme.tokens()
        for name, icon, words in _SCROLLERS:
            button = self.findChild(QToolButton, name)
            if button is not None:
                button.setArrowType(Qt.ArrowType.NoArrow)
                button.setIcon(icons.icon(icon, look["text2"], look["faint"]))
                button.setAccessibleName(words)


class TabLine(QWidget):
    """Draws the heads of a WindowView's tabs. The start page has a tab of its own while it is in front."""

    chosen = Signal(int)
    close_requested = Signal(int)
    moved = Signal(int, int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("tabline")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(theme.TABS)
        self._shown: tuple[TabView, ...] = ()
        self._active: int | None = 0
        self.tabs = FileTabs()
        self.tabs.setObjectName("files")
        self.tabs.setAccessibleName("Open files")
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setMovable(True)
        self.tabs.setUsesScrollButtons(True)
        self.tabs.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.tabs.setElideMode(Qt.TextElideMode.ElideMiddle)
        self.tabs.setIconSize(QSize(16, 16))
        self.tabs.setFont(theme.font(12, 500))
        self.tabs.tabBarClicked.connect(self._clicked)
        self.tabs.tabCloseRequested.connect(lambda at: self.close_requested.emit(self._shown[at].id))
        self.tabs.tabMoved.connect(self._moved)
        self.plus = ToolButton("plus")
        self.plus.setAccessibleName("Start page")
        self.plus.setToolTip("Start page")
        self.plus.clicked.connect(lambda: self.chosen.emit(START))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 0)
        layout.setSpacing(4)
        layout.addWidget(self.tabs)
        layout.addWidget(self.plus)
        layout.addStretch(1)

    def apply(self, view: WindowView) -> None:
        """Show the tabs of a view."""
        shown = view.tabs if view.active is not None else (*view.tabs, TabView(START, "Start", "", "home"))
        if shown != self._shown:
            self._fill(shown)
        active = view.active if view.active is not None else START
        if active != self._active or shown != self._shown:
            self._shown, self._active = shown, active
            self.tabs.setCurrentIndex(next(at for at, tab in enumerate(shown) if tab.id == active))
            self._dress()

    def _fill(self, shown: tuple[TabView, ...]) -> None:
        while self.tabs.count() > len(shown):
            self.tabs.removeTab(self.tabs.count() - 1)
        for at, tab in enumerate(shown):
            if at >= self.tabs.count():
                self.tabs.addTab("")
            self.tabs.setTabText(at, tab.title.replace("&", "&&"))
            self.tabs.setTabToolTip(at, tip(tab.tip))
            self.tabs.setAccessibleTabName(at, tab.title)
            self._closer(at, tab.id)

    def _closer(self, at: int, id_: int) -> None:
        side = QTabBar.ButtonPosition.RightSide
        known: QWidget | None = self.tabs.tabButton(at, side)
        if known is not None and known.property("tab") == id_:
            return
        button = ToolButton("x", size=14)
        button.setProperty("tab", id_)
        button.setProperty("look", "closer")
        button.setFixedSize(20, 20)
        button.setAccessibleName("Close")
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.clicked.connect(lambda: self.close_requested.emit(id_))
        self.tabs.setTabButton(at, side, button)
        if known is not None:
            known.deleteLater()

    def _dress(self) -> None:
        look = theme.tokens()
        for at, tab in enumerate(self._shown):
            tone = "accent" if tab.id == self._active and tab.tone == "plain" else _TONES[tab.tone]
            self.tabs.setTabIcon(at, icons.icon(tab.icon, look[tone], look["faint"]))
        self.tabs.tabLayoutChange()

    def _clicked(self, at: int) -> None:
        if 0 <= at < len(self._shown):
            self.chosen.emit(self._shown[at].id)

    def _moved(self, start: int, end: int) -> None:
        if len(self._shown) > max(start, end):
            self.moved.emit(self._shown[start].id, end)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self.tabs.setFont(theme.font(12, 500))
            self._dress()
        super().changeEvent(event)
