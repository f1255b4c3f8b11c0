"""The window: a bar, tabs, the page in front, a status line. It draws a WindowView and passes on what the user does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QShowEvent
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from ptinspect.session.application import Application
from ptinspect.session.views import BatchView, ComparisonView, DocumentView, OpeningView, PageView, TroubleView, WelcomeView, WindowView
from ptinspect.ui import theme
from ptinspect.ui.panels.bar import Bar
from ptinspect.ui.panels.document import Document
from ptinspect.ui.panels.offer import OfferBar
from ptinspect.ui.panels.status import MessageBar, StatusLine
from ptinspect.ui.panels.tabline import TabLine
from ptinspect.ui.viewing import document_panel, page_without_file

if TYPE_CHECKING:
    from ptinspect.ui.actions import Actions
    from ptinspect.ui.panels.batch import BatchPanel
    from ptinspect.ui.panels.comparison import ComparisonPanel

SMALLEST = QSize(1024, 640)
FRAME = QSize(4, 36)  # what a title bar and borders take
SOON = 80  # milliseconds


class Window(QMainWindow):
    """Panels and nothing else: each is told its part of the view, none of them knows another."""

    first_paint = Signal()

    def __init__(self, application: Application) -> None:
        super().__init__()
        self.application = application
        self._panels: dict[int, Document | ComparisonPanel | BatchPanel] = {}  # one for each tab that shows rows
        self._others: dict[str, QWidget] = {}
        self._view: WindowView | None = None
        self.setAcceptDrops(True)
        self.setMinimumSize(SMALLEST)
        self.resize(1280, 800)
        self.bar = Bar()
        self.tabline = TabLine()
        self.messages = MessageBar()
        self.offer = OfferBar()
        self.stack = QStackedWidget()
        self.status = StatusLine()
        self._lay_out()
        self._commands: Actions | None = None
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(lambda: self.commands)
        self._connect()

    @property
    def commands(self) -> Actions:
        """Menus and shortcuts; nobody can press a key before the rows are painted, so they are made after that."""
        if self._commands is None:
            from ptinspect.ui.actions import Actions  # noqa: PLC0415
            from ptinspect.ui.buttons import dress_bar  # noqa: PLC0415

            self._commands = Actions(self)
            dress_bar(self)
            if self._view is not None:
                self._commands.apply(self._view)
        return self._commands

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._soon.start(SOON)

    def _lay_out(self) -> None:
        centre = QWidget()
        layout = QVBoxLayout(centre)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for part in (self.bar, self.tabline, self.messages, self.offer):
            layout.addWidget(part)
        layout.addWidget(self.stack, 1)
        layout.addWidget(self.status)
        self.setCentralWidget(centre)

    def _connect(self) -> None:
        application = self.application
        self.bar.filter_changed.connect(application.filter)
        self.bar.filter_left.connect(self.focus_tree)
        self.tabline.chosen.connect(lambda id_: application.activate(id_ if id_ >= 0 else None))
        self.tabline.close_requested.connect(application.close)
        self.tabline.moved.connect(application.move)
        self.status.cancel_requested.connect(application.cancel)
        self.messages.dismissed.connect(application.dismiss)
        self.messages.copied.connect(self.copy)
        self.offer.taken.connect(application.take_offer)
        self.offer.dismissed.connect(application.dismiss_offer)

    # -- drawing ------------------------------------------------------------------------------------------------------------------

    def apply(self, view: WindowView) -> None:
        """Show a view; panels whose part is the same stay as they are."""
        last, self._view = self._view, view
        if last is None or last.theme != view.theme:
            theme.apply(view.theme)
        if last is None or last.title != view.title:
            self.setWindowTitle(view.title)
        self.tabline.apply(view)
        self.bar.apply(view)
        self.messages.apply(view.message)
        self.offer.apply(view.offer)
        self.status.apply(view.status)
        if last is None or last.tabs != view.tabs:
            self._drop_closed({tab.id for tab in view.tabs})
        if last is None or last.page != view.page:
            self._show(view.page)
        if self._commands is not None:
            self._commands.apply(view)

    def _drop_closed(self, kept: set[int]) -> None:
        for id_ in [id_ for id_ in self._panels if id_ not in kept]:
            panel = self._panels.pop(id_)
            self.stack.removeWidget(panel)
            panel.deleteLater()

    def _show(self, page: PageView) -> None:
        if isinstance(page, (DocumentView, ComparisonView, BatchView)):
            panel = self._panels.get(page.tab) or self._make_panel(page)
            panel.apply(page)  # type: ignore[arg-type]
            if self.stack.currentWidget() is not panel:
                self.stack.setCurrentWidget(panel)
                panel.tree.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        if isinstance(page, TroubleView):
            self._drop_closed({id_ for id_ in self._panels if id_ != page.tab})
        widget = self._other(page)
        widget.apply(page)  # type: ignore[attr-defined]
        if self.stack.currentWidget() is not widget or self.focusWidget() is None:
            self.stack.setCurrentWidget(widget)
            self.stack.setFocus(Qt.FocusReason.OtherFocusReason)  # else the first button would get it, with a ring nobody asked for

    def _make_panel(self, page: DocumentView | ComparisonView | BatchView) -> Document | ComparisonPanel | BatchPanel:
        """A tab that shows rows has a panel of its own, by what it shows."""
        if isinstance(page, ComparisonView):
            from ptinspect.ui.comparing import comparison_panel  # noqa: PLC0415 - most windows show no comparison

            made: Document | ComparisonPanel | BatchPanel = comparison_panel(page, self)
        elif isinstance(page, BatchView):
            from ptinspect.ui.testing import batch_panel  # noqa: PLC0415 - nor run anything

            made = batch_panel(page, self)
        else:
            made = document_panel(page, self)
        self._panels[page.tab] = made
        self.stack.addWidget(made)
        return made

    def _other(self, page: WelcomeView | OpeningView | TroubleView) -> QWidget:
        """The pages that are no document: one widget for each kind, made when it is needed."""
        name = type(page).__name__
        if name not in self._others:
            self._others[name] = page_without_file(page, self)
            self.stack.addWidget(self._others[name])
        return self._others[name]

    # -- what the user does -------------------------------------------------------------------------------------------------------

    @property
    def document(self) -> Document | None:
        """The document in front."""
        widget = self.stack.currentWidget()
        return widget if isinstance(widget, Document) else None

    def come_forward(self) -> None:
        """In front of other windows, as somebody just asked for it."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    @property
    def comparison(self) -> ComparisonPanel | None:
        """The comparison in front."""
        return self._in_front(ComparisonView)  # type: ignore[return-value]

    @property
    def batch(self) -> BatchPanel | None:
        """The test batch in front."""
        return self._in_front(BatchView)  # type: ignore[return-value]

    def _in_front(self, kind: type[PageView]) -> QWidget | None:
        """The panel in front if it shows a page of this kind: the panels' own classes are read when the first is made."""
        shown = self._view is not None and isinstance(self._view.page, kind)
        return next((panel for panel in self._panels.values() if shown and panel is self.stack.currentWidget()), None)

    def focus_tree(self) -> None:
        """The keyboard goes to the layers."""
        panel = self.document or self.comparison or self.batch
        if panel is not None:
            panel.tree.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def open_dialog(self) -> None:
        """Choose files to open."""
        from ptinspect.ui.dialogs import choose_files  # noqa: PLC0415 - only who asks for it

        self.application.open(choose_files(self))

    def compare_dialog(self) -> None:
        """Choose a file to compare with the one in front, or two."""
        from ptinspect.ui.dialogs import choose_two  # noqa: PLC0415 - only who asks for it

        front = self.application.state.tab
        found = choose_two(self, front.path if front is not None else "")
        if len(found) == 2:
            self.application.compare(found[0], found[1])

    def export_dialog(self) -> None:
        """Choose where the test batch in front is written to."""
        from ptinspect.ui.testing import export  # noqa: PLC0415 - only who runs batches

        export(self)

    def consents_dialog(self) -> None:
        """What was agreed to before."""
        from ptinspect.ui.testing import show_consents  # noqa: PLC0415

        show_consents(self)

    def copy(self, text: str) -> None:
        """Put a text on the clipboard."""
        from PySide6.QtGui import QGuiApplication  # noqa: PLC0415

        if text:
            QGuiApplication.clipboard().setText(text)
            self.status.flash("Copied")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()
            self._mark_drop(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._mark_drop(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._mark_drop(False)
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        QTimer.singleShot(0, lambda: self._take(paths))

    def _take(self, paths: list[str]) -> None:
        """Open what was dropped; a second file beside a first, or two at once, may be meant to be compared."""
        front = self.application.state.tab
        self.application.open(paths)
        both = paths if len(paths) == 2 else [front.path, paths[0]] if len(paths) == 1 and front is not None else []
        if both:
            self.application.offer(both[0], both[1])

    def _mark_drop(self, is_over: bool) -> None:
        welcome = self._others.get("WelcomeView")
        if welcome is not None and welcome is self.stack.currentWidget():
            welcome.mark_drop(is_over)  # type: ignore[attr-defined]
        else:
            self._drop_ring(is_over)
        self.status.flash("Drop to open" if is_over else "", lasts=0 if is_over else 1)

    def _drop_ring(self, is_over: bool) -> None:
        from ptinspect.ui.widgets.focus_ring import FocusRing  # noqa: PLC0415

        ring = self.stack.findChild(FocusRing, "drop") or FocusRing(self.stack)
        ring.setObjectName("drop")
        ring.setGeometry(self.stack.rect())
        ring.raise_()
        ring.setVisible(is_over)

    def closeEvent(self, event: QCloseEvent) -> None:
        place = self.normalGeometry()
        self.application.set_window((place.x(), place.y(), place.width(), place.height()), self.isMaximized())
        self.hide()  # at once, though the end of a child process is waited for
        self.application.quit()
        super().closeEvent(event)
