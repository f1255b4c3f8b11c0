"""Two files side by side: the verdict above, the aligned tree, and the pages beside it."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QTabBar, QVBoxLayout, QWidget

from ptinspect.session.comparison.request import COMPARISON_PAGES, ComparisonPage
from ptinspect.session.comparison.verbs import Comparing
from ptinspect.session.views import ComparisonView
from ptinspect.ui import plots, theme
from ptinspect.ui.panels.comparison_page import PairPage
from ptinspect.ui.panels.comparison_toggles import Toggles
from ptinspect.ui.panels.comparison_tree import PairTree, Strip
from ptinspect.ui.widgets.chip import ChipButton, Tag
from ptinspect.ui.widgets.page_tabs import PageTabs
from ptinspect.ui.widgets.text import Button, Elided, IconMark, Text, ToolButton

TITLES: dict[ComparisonPage, str] = {
    "difference": "Difference", "left": "Left", "right": "Right", "changes": "All changes", "report": "Report",
}  # fmt: skip
WIDTH, LEAST, MOST_TREE = 536, 400, 900
SOON = 200


def _page(name: ComparisonPage) -> PairPage:
    """Made when it is first shown."""
    if name == "changes":
        from ptinspect.ui.panels.comparison_changes import ChangesPage  # noqa: PLC0415

        return ChangesPage()
    if name == "report":
        from ptinspect.ui.panels.comparison_report import ReportPanel  # noqa: PLC0415

        return ReportPanel()
    if name != "difference":
        from ptinspect.ui.panels.comparison_side import SidePage  # noqa: PLC0415

        return SidePage(name)
    from ptinspect.ui.panels.comparison_difference import DifferencePage  # noqa: PLC0415

    return DifferencePage()


class VerdictLine(QWidget):
    """The verdict, what is also true, and whether both files are harmless."""

    again_requested = Signal()
    menu_requested = Signal(object)
    swap_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(theme.BANNER)
        self._shown: object = None
        self.verdict, self.rest = Text("", 13, 600), Elided("", 13)
        self.chips: list[ChipButton] = []
        self._chips = QHBoxLayout()
        self._chips.setSpacing(6)
        self.again = Button("Compare again", icon="refresh")
        self.again.clicked.connect(self.again_requested)
        self.swap, self.more = ToolButton("swap"), ToolButton("sliders")
        for button, name in ((self.swap, "Swap sides"), (self.more, "Weights, pairing rules")):
            button.setAccessibleName(name)
            button.setToolTip(name)
        self.swap.clicked.connect(self.swap_requested)
        self.more.clicked.connect(lambda: self.menu_requested.emit(self.more))
        self._safety = QHBoxLayout()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 0, 16, 0)
        layout.setSpacing(8)
        layout.addWidget(IconMark("compare", "accent"))
        layout.addWidget(self.verdict)
        layout.addWidget(self.rest, 1)
        layout.addLayout(self._chips)
        layout.addStretch(0)
        for part in (self.again, self.swap, self.more):
            layout.addWidget(part)
        layout.addLayout(self._safety)

    def apply(self, view: ComparisonView) -> None:
        """Show a view."""
        state = view.state
        can_repeat = state.busy is None and (state.is_stale or state.report is None)
        wanted = (view.banner, can_repeat, state.is_stale)
        if wanted == self._shown:
            return
        self._shown = wanted
        self.verdict.setText(view.banner.verdict)
        self.rest.set_whole(view.banner.rest)
        self.rest.setAccessibleDescription(view.banner.tip)
        self.again.setVisible(can_repeat)
        self.again.setText(" A file changed — compare again" if state.is_stale else " Compare again")
        self._fill(view)
        self._fit()

    def _fill(self, view: ComparisonView) -> None:
        for layout in (self._chips, self._safety):
            while (item := layout.takeAt(0)) is not None:
                if (widget := item.widget()) is not None:
                    widget.deleteLater()
        self.chips = []
        for chip, layout in (*((one, self._chips) for one in view.banner.chips), (view.banner.safety, self._safety)):
            button = ChipButton(chip.text, chip.before, chip.after, chip.icon, chip.tone, chip.tip)
            button.setEnabled(False)
            layout.addWidget(button)
            self.chips.append(button)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """The sentence takes what it needs; chips that then find no room are left out, never the one about safety."""
        fixed = 32 + 24 + self.verdict.sizeHint().width() + 8 + 2 * 38
        fixed += self.again.sizeHint().width() + 8 if self.again.isVisible() else 0
        fixed += self.chips[-1].sizeHint().width() + 16 if self.chips else 0
        room = self.width() - fixed - min(self.rest.sizeHint().width(), 420)
        for chip in self.chips[:-1]:
            room -= chip.sizeHint().width() + 6
            chip.setVisible(room >= 0)
        used = sum(chip.sizeHint().width() + 6 for chip in self.chips[:-1] if not chip.isHidden())
        self.rest.setMaximumWidth(max(60, min(self.rest.sizeHint().width() + 4, self.width() - fixed - used)))


class ComparisonPanel(QWidget):
    """Draws a ComparisonView; everything the user does goes out by signals or to the verbs."""

    inspector_resized = Signal(int)
    reload_requested = Signal()
    swap_requested = Signal()
    copy_requested = Signal(str)
    page_made = Signal(object)

    def __init__(self, view: ComparisonView, comparing: Comparing) -> None:
        super().__init__()
        self._view: ComparisonView | None = None
        self._pages: dict[ComparisonPage, PairPage] = {}
        self._is_ready = False
        self.comparing = comparing
        self.verdict, self.toggles = VerdictLine(), Toggles()
        self.tree, self.strip = PairTree(view.table), Strip()
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(1)
        self.splitter.addWidget(self._make_left())
        self.inspector = PageTabs((TITLES[name] for name in COMPARISON_PAGES), LEAST)
        self.inspector.chosen.connect(self._clicked)
        self.tabs, self.stack = self.inspector.tabs, self.inspector.stack
        self.splitter.addWidget(self.inspector)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setStretchFactor(1, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.verdict)
        layout.addWidget(self.splitter, 1)
        self._connect()

    def _connect(self) -> None:
        comparing = self.comparing
        self.splitter.splitterMoved.connect(lambda *_: self.inspector_resized.emit(self.splitter.sizes()[1]))
        self.tree.selected.connect(comparing.select)
        self.tree.opened.connect(comparing.expand)
        self.tree.sort_requested.connect(comparing.sort)
        self.tree.painted.connect(self._painted, Qt.ConnectionType.QueuedConnection)
        self.strip.rank_chosen.connect(comparing.show_rank)
        self.toggles.toggled.connect(comparing.toggle)
        self.toggles.step_requested.connect(comparing.step)
        self.verdict.again_requested.connect(self.reload_requested)
        self.verdict.swap_requested.connect(self.swap_requested)

    def _make_left(self) -> QWidget:
        widget = QWidget()
        widget.setObjectName("page")
        widget.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        rows = QHBoxLayout()
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        bar = self.tree.verticalScrollBar()
        rows.addWidget(self.tree, 1)
        rows.addWidget(self.strip)
        rows.addWidget(bar)
        layout = QVBoxLayout(widget)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.toggles)
        layout.addLayout(rows, 1)
        return widget

    def _clicked(self, at: int) -> None:
        if self._view is not None and 0 <= at < len(COMPARISON_PAGES) and COMPARISON_PAGES[at] != self._view.state.page:
            self.comparing.show_page(COMPARISON_PAGES[at])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._view is not None and (not self._is_ready or self._view.inspector_width is None):
            self._place(self._view)

    def _painted(self) -> None:
        self._is_ready = True
        QTimer.singleShot(SOON, plots.begin)
        if self._view is not None:
            self._show_page(self._view)

    def apply(self, view: ComparisonView) -> None:
        """Show a view."""
        last, self._view = self._view, view
        self.verdict.apply(view)
        self.toggles.apply(view)
        self.tree.apply(view, last)
        self.strip.show_aligned(view.state.aligned, view.rank)
        self.inspector.setVisible(view.is_inspector_shown)
        if last is None:
            self._place(view)
        if last is None or last.differences != view.differences:
            side = QTabBar.ButtonPosition.RightSide
            count = view.differences
            self.tabs.setTabButton(COMPARISON_PAGES.index("changes"), side, Tag(f"{count:,}", "accent") if count else None)
        self.tabs.setCurrentIndex(COMPARISON_PAGES.index(view.state.page))
        if self._is_ready:
            self._show_page(view)

    def _place(self, view: ComparisonView) -> None:
        total = max(self.splitter.width(), LEAST + 300)
        width = view.inspector_width or max(min(WIDTH, max(LEAST, total * 42 // 100)), total - MOST_TREE)
        width = max(LEAST, min(width, total - 480))
        self.splitter.setSizes([max(300, total - width), width])

    def _show_page(self, view: ComparisonView) -> None:
        page = self._pages.get(view.state.page)
        if page is None:
            page = self._pages[view.state.page] = _page(view.state.page)
            page.copy_requested.connect(self.copy_requested)
            page.attach(self.comparing)
            self.page_made.emit(page)
            self.stack.addWidget(page)
        page.apply(view)
        self.stack.setCurrentWidget(page)
