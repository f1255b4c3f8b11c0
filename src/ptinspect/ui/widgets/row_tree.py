"""A tree that draws the ground of its rows itself: the light under the mouse, the ring of the keyboard, words where no row is.

The style would draw each of them anew for every cell, and asks the model for what a row need not know.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractItemView, QStyleOptionViewItem, QTreeView, QWidget

from ptinspect.ui import icons, theme
from ptinspect.ui.widgets.text import tip

MARGIN = 8
_BY_KEY = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)


class RowTree(QTreeView):
    """A tree over a model whose indexes hold their rows. A kind of tree says what it is called, and the words of its rows."""

    painted = Signal()
    menu_requested = Signal(QPoint)
    INSET = QPoint(20, 28)  # where the words stand

    def __init__(self, name: str) -> None:
        super().__init__()
        self.is_by_key = False  # whether the keyboard was the last to move in it: its ring is of no use to a mouse
        self._hovered: object = None
        self._was_painted = False
        self._ground = QWidget()
        self.setViewport(self._ground)  # one that Python made: to find the kind of another, PySide sets up every widget class it knows
        self.setAccessibleName(name)
        self.setUniformRowHeights(True)
        self.setIndentation(theme.INDENT)
        self.setMouseTracking(True)
        self.setAllColumnsShowFocus(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self.menu_requested)

    def nothing(self) -> str:
        """What stands where no row is."""
        return ""

    def sentence(self, index: QModelIndex) -> str:
        """All of a row, for who points at it."""
        return ""

    def reset(self) -> None:
        self._hovered = None
        super().reset()

    # -- drawing ------------------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.model().rowCount():
            painter = QPainter(self._ground)
            painter.setFont(theme.font(12))
            painter.setPen(theme.tokens().pen("muted"))
            box = self._ground.rect().adjusted(self.INSET.x(), self.INSET.y(), -self.INSET.x(), 0)
            painter.drawText(box, int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap), self.nothing())
        if not self._was_painted:
            self._was_painted = True
            self.painted.emit()

    def drawRow(self, painter: QPainter, options: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        is_selected = self.selectionModel().isRowSelected(index.row(), index.parent())
        has_ring = is_selected and self.is_by_key and self.hasFocus()
        self.light(painter, options.rect, is_selected, has_ring, index.internalPointer() is self._hovered)
        super().drawRow(painter, options, index)

    def light(self, painter: QPainter, box: QRect, is_selected: bool, has_ring: bool, is_hovered: bool) -> None:
        """The ground of a row."""
        look = theme.tokens()
        if is_selected or is_hovered:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.brush("selrow" if is_selected else "hover"))
            painter.drawRoundedRect(QRectF(4, box.top(), self._ground.width() - 8, box.height()), 5, 5)
        if has_ring:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(look.colour("accent2"), 1.5))
            painter.drawRoundedRect(QRectF(5, box.top() + 1, self._ground.width() - 10, box.height() - 2), 5, 5)

    def drawBranches(self, painter: QPainter, rect: QRect, index: QModelIndex | QPersistentModelIndex) -> None:
        if self.model().hasChildren(index):
            box = QRectF(rect.right() - theme.INDENT + 1 + MARGIN, rect.center().y() - 5, 12, 12)
            icons.paint(painter, "chevron-down" if self.isExpanded(index) else "chevron-right", box, theme.tokens().colour("muted"))

    # -- what the user does -------------------------------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        self._point(index.internalPointer() if index.isValid() else None)
        super().mouseMoveEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._point(None)
        super().leaveEvent(event)

    def _point(self, row: object) -> None:
        if row is not self._hovered:
            self._hovered = row
            self._ground.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.is_by_key = False
        index = self.indexAt(event.position().toPoint()).siblingAtColumn(0)
        left = self.visualRect(index).left() - theme.INDENT if index.isValid() else 0
        is_on_mark = index.isValid() and left <= event.position().x() < left + theme.INDENT + MARGIN
        if is_on_mark and self.model().hasChildren(index):
            self.setExpanded(index, not self.isExpanded(index))
        else:
            super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self.is_by_key = True
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        if event.reason() in _BY_KEY:
            self.is_by_key = True
        super().focusInEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip:
            self._tell(event)
            return True
        return super().viewportEvent(event)

    def _tell(self, event: QEvent) -> None:
        from PySide6.QtGui import QHelpEvent  # noqa: PLC0415 - only who points at a row
        from PySide6.QtWidgets import QToolTip  # noqa: PLC0415

        if isinstance(event, QHelpEvent):
            index = self.indexAt(event.pos())
            QToolTip.showText(event.globalPos(), tip(self.sentence(index)) if index.isValid() else "", self)
