"""One open file: the banner, the layer tree, and the pages beside it."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QTabBar, QVBoxLayout, QWidget

from ptinspect.session.inspectors import INSPECTORS, Inspector
from ptinspect.session.reading import Reading
from ptinspect.session.views import DocumentView
from ptinspect.ui import plots
from ptinspect.ui.panels.banner import Banner
from ptinspect.ui.panels.layer_notice import LayerNotice
from ptinspect.ui.panels.layer_tree import LayerTree
from ptinspect.ui.panels.page import Page
from ptinspect.ui.widgets.chip import Tag
from ptinspect.ui.widgets.page_tabs import PageTabs
from ptinspect.ui.widgets.text import boxed, row

TITLES: dict[Inspector, str] = {
    "overview": "Overview",
    "tensor": "Tensor",
    "training": "Training",
    "health": "Health",
    "safety": "Safety",
    "code": "Code",
}
WIDTH, WIDE, LEAST, MOST_TREE = 560, 780, 380, 900
BADGE = 14  # pixels behind a count, more than are before it
SOON = 300  # milliseconds from the first pages until what draws plots is brought in
LATER = 700  # until the page of a tensor is made, though none was selected yet
ROOMY: tuple[Inspector, ...] = ("overview", "safety")


def _badge(count: int, tone: str) -> QWidget:
    """A count that keeps away from the next tab: Qt puts it where this one ends, its margin included."""
    widget = boxed(row(Tag(f"{count:,}", tone), margins=(0, 0, BADGE, 0)))
    widget.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    return widget


def _page(name: Inspector) -> Page:
    """Make a page when it is first shown: its module is not read before."""
    if name == "overview":
        from ptinspect.ui.panels.overview import OverviewPage  # noqa: PLC0415

        return OverviewPage()
    if name == "safety":
        from ptinspect.ui.panels.safety import SafetyPage  # noqa: PLC0415

        return SafetyPage()
    if name == "training":
        from ptinspect.ui.panels.training import TrainingPage  # noqa: PLC0415

        return TrainingPage()
    if name == "code":
        from ptinspect.ui.panels.code import CodePage  # noqa: PLC0415

        return CodePage()
    if name == "health":
        from ptinspect.ui.panels.health import HealthPanel  # noqa: PLC0415

        return HealthPanel()
    from ptinspect.ui.panels.tensor import TensorPage  # noqa: PLC0415

    return TensorPage()


def _bring_views() -> None:
    """Read the modules that draw values, so that the first tensor that is selected need not wait for them."""
    from ptinspect.ui.panels import tensor, value_views, values_table  # noqa: F401, PLC0415
    from ptinspect.ui.widgets import filter_grid, heat_map, histogram  # noqa: F401, PLC0415


class Document(QWidget):
    """Draws a DocumentView; everything the user does goes out by signals."""

    inspector_chosen = Signal(str)
    inspector_resized = Signal(int)
    reload_requested = Signal()
    show_requested = Signal(str)
    copy_requested = Signal(str)
    pages_wanted = Signal()
    count_requested = Signal()

    def __init__(self, view: DocumentView) -> None:
        super().__init__()
        self._view: DocumentView | None = None
        self._pages: dict[Inspector, Page] = {}
        self._is_ready = False
        self._reading: Reading | None = None
        self.banner = Banner()
        self.tree = LayerTree(view.table)
        self.inspector = PageTabs((TITLES[name] for name in INSPECTORS), LEAST)
        self.inspector.chosen.connect(self._clicked)
        self.tabs, self.stack = self.inspector.tabs, self.inspector.stack
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(1)
        self.splitter.addWidget(self._make_layers())
        self.splitter.addWidget(self.inspector)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setStretchFactor(1, 0)
        self.splitter.splitterMoved.connect(lambda *_: self.inspector_resized.emit(self.splitter.sizes()[1]))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.banner)
        layout.addWidget(self.splitter, 1)
        self.banner.page_requested.connect(self.inspector_chosen)
        self.banner.reload_requested.connect(self.reload_requested)
        self.tree.painted.connect(self._painted, Qt.ConnectionType.QueuedConnection)

    def _make_layers(self) -> QWidget:
        """The tree, and above it what is to be said of its rows."""
        widget = QWidget()
        self.notice = LayerNotice()
        self.notice.count_requested.connect(self.count_requested)
        layout = QVBoxLayout(widget)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.notice)
        layout.addWidget(self.tree, 1)
        return widget

    def attach(self, reading: Reading) -> None:
        """The verbs of pages that show values."""
        self._reading = reading

    def _clicked(self, at: int) -> None:
        if self._view is not None and 0 <= at < len(INSPECTORS) and INSPECTORS[at] != self._view.inspector:
            self.inspector_chosen.emit(INSPECTORS[at])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._view is not None and (not self._is_ready or self._view.inspector_width is None):
            self._place(self._view)

    def _painted(self) -> None:
        """The rows are on the screen: now the pages have time, after whatever else waited for the rows."""
        QTimer.singleShot(0, self, self._fill)  # a tab may be closed before

    def _fill(self) -> None:
        self._is_ready = True
        QTimer.singleShot(SOON, lambda: plots.begin(_bring_views))
        QTimer.singleShot(LATER, self, self._make_ahead)
        if self._view is not None:
            self._show_page(self._view)

    def apply(self, view: DocumentView) -> None:
        """Show a view."""
        last, self._view = self._view, view
        self.banner.apply(view)
        self.notice.apply(view.notice)
        self.tree.apply(view, last)
        self.inspector.setVisible(view.is_inspector_shown)
        chosen = view.inspector_width is not None
        if last is None or (not chosen and (last.inspector in ROOMY) != (view.inspector in ROOMY)):
            self._place(view)
        if last is None or last.badges != view.badges:
            self._badges(view)
        self.tabs.setCurrentIndex(INSPECTORS.index(view.inspector))
        if self._is_ready:
            self._show_page(view)

    def _place(self, view: DocumentView) -> None:
        """As wide as the user left it; else reading takes more room than looking up, and what the tree has no use for."""
        total = max(self.splitter.width(), LEAST + 300)
        wanted = min(WIDE if view.inspector in ROOMY else WIDTH, total * 5 // 8)
        width = view.inspector_width or max(wanted, total - MOST_TREE)
        self.splitter.setSizes([max(300, total - width), width])

    def _badges(self, view: DocumentView) -> None:
        for at, name in enumerate(INSPECTORS):
            found = next(((count, tone) for page, count, tone in view.badges if page == name), None)
            side = QTabBar.ButtonPosition.RightSide
            self.tabs.setTabButton(at, side, _badge(*found) if found else None)

    def _show_page(self, view: DocumentView) -> None:
        if view.pages is None:
            self.pages_wanted.emit()
        page = self._made(view.inspector)
        page.apply(view)
        self.stack.setCurrentWidget(page)

    def _make_ahead(self) -> None:
        """The page of the first tensor, while nobody waits for it; not before what it is made of is there."""
        if plots.is_ready():
            self._made("tensor")
        else:
            QTimer.singleShot(LATER, self, self._make_ahead)

    def _made(self, name: Inspector) -> Page:
        page = self._pages.get(name)
        if page is None:
            page = self._pages[name] = _page(name)
            page.show_requested.connect(self.show_requested)
            page.copy_requested.connect(self.copy_requested)
            if self._reading is not None:
                page.attach(self._reading)
            self.stack.addWidget(page)
        return page
