"""The graph of the model that ran: nodes and lines, to zoom and to move; a click selects the layer."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import (
    QGraphicsItem,
    QGraphicsPathItem,
    QGraphicsScene,
    QGraphicsView,
    QHBoxLayout,
    QStyleOptionGraphicsItem,
    QVBoxLayout,
    QWidget,
)

from ptinspect.session.batch.network import Network, Node
from ptinspect.session.batch.rows import shape_text
from ptinspect.session.state import BatchTab
from ptinspect.session.words import plural
from ptinspect.ui import theme
from ptinspect.ui.widgets.focus_ring import FocusRing
from ptinspect.ui.widgets.text import Elided, Text, ToolButton, tip

WIDE, HIGH = 132.0, 38.0
NEAREST, FURTHEST, LEGIBLE = 3.0, 0.04, 0.42


class NodeItem(QGraphicsItem):
    """One step: its kind, below it the layer's name and shape."""

    def __init__(self, node: Node, index: int) -> None:
        super().__init__()
        self.node, self.index = node, index
        self.is_selected = self.is_bad = False
        self.setPos(node.x, node.y)
        self.setToolTip(tip("\n".join(part for part in (node.path or node.label, node.label, shape_text(node.shape)) if part)))
        self.setCursor(Qt.CursorShape.PointingHandCursor if node.path else Qt.CursorShape.ArrowCursor)

    def boundingRect(self) -> QRectF:
        return QRectF(-WIDE / 2 - 2, -HIGH / 2 - 2, WIDE + 4, HIGH + 4)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        look, box = theme.tokens(), QRectF(-WIDE / 2, -HIGH / 2, WIDE, HIGH)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge = "accent2" if self.is_selected else "danger" if self.is_bad else "border2" if self.node.path else "border"
        ground = "selrow" if self.is_selected else "dangerbg" if self.is_bad else "raised" if self.node.path else "inset"
        painter.setPen(QPen(look.colour(edge), 1.6 if self.is_selected else 1.0))
        painter.setBrush(look.brush(ground))
        painter.drawRoundedRect(box, 6, 6)
        middle = int(Qt.AlignmentFlag.AlignCenter)
        painter.setPen(look.pen("text"))
        painter.setFont(theme.font(11, 500))
        upper = QRectF(box.left() + 6, box.top() + 3, WIDE - 12, 17) if self.node.path else box
        painter.drawText(upper, middle, painter.fontMetrics().elidedText(self.node.label, Qt.TextElideMode.ElideRight, int(WIDE - 12)))
        if self.node.path:
            painter.setPen(look.pen("muted"))
            painter.setFont(theme.font(11))
            shown = painter.fontMetrics().elidedText(self.node.path, Qt.TextElideMode.ElideLeft, int(WIDE - 12))
            painter.drawText(QRectF(box.left() + 6, box.top() + 18, WIDE - 12, 17), middle, shown)


class GraphView(QGraphicsView):
    """Zooms by the wheel and + and -, moves by a drag and the arrow keys; 0 shows all."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._scene = QGraphicsScene(self)
        self.setScene(self._scene)
        self.nodes: list[NodeItem] = []
        self._pressed = QPointF()
        self.setFrameShape(self.Shape.NoFrame)
        self.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.setDragMode(self.DragMode.ScrollHandDrag)
        self.setTransformationAnchor(self.ViewportAnchor.AnchorUnderMouse)
        self.setAccessibleName("Graph of the model")
        FocusRing(self)

    def show_network(self, found: Network) -> None:
        """Draw another graph, from its beginning."""
        self._scene.clear()
        self.nodes = [NodeItem(node, at) for at, node in enumerate(found.nodes)]
        look = theme.tokens()
        path = QPainterPath()
        for start, end in found.edges:
            _line(path, found.nodes[start], found.nodes[end])
        lines = QGraphicsPathItem(path)
        pen = QPen(look.colour("border2"), 1.2)
        lines.setPen(pen)
        self._scene.addItem(lines)
        for item in self.nodes:
            self._scene.addItem(item)
        self._scene.setSceneRect(self._scene.itemsBoundingRect().adjusted(-30, -30, 30, 30))
        self.begin()

    def begin(self) -> None:
        """All of it where that can be read; otherwise its upper end."""
        self.show_all()
        if self.transform().m11() < LEGIBLE:
            self.resetTransform()
            self.scale(0.9, 0.9)
            if self.nodes:
                first = self.nodes[0].pos()
                self.centerOn(first.x(), first.y() + self.viewport().height() / 2 - HIGH * 2)
        elif self.transform().m11() > 1:
            self.resetTransform()

    def show_all(self) -> None:
        """The whole graph."""
        self.fitInView(self._scene.sceneRect(), Qt.AspectRatioMode.KeepAspectRatio)

    def zoom(self, factor: float) -> None:
        """Nearer or further, within bounds."""
        now = self.transform().m11()
        factor = max(FURTHEST, min(NEAREST, now * factor)) / now
        self.scale(factor, factor)

    def mark(self, path: str, bad: frozenset[str]) -> None:
        """Mark the layer that is selected, and those whose values are no numbers."""
        for item in self.nodes:
            state = (bool(path) and item.node.path == path, item.node.path in bad)
            if state != (item.is_selected, item.is_bad):
                item.is_selected, item.is_bad = state
                item.update()
                if item.is_selected:
                    self.ensureVisible(item)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom(1.2 if event.angleDelta().y() > 0 else 1 / 1.2)
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = event.position()
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if (event.position() - self._pressed).manhattanLength() < 4:
            item = self.itemAt(event.position().toPoint())
            if isinstance(item, NodeItem) and item.node.path:
                self.chosen.emit(item.node.path)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self.zoom(1 / 1.25 if key == Qt.Key.Key_Minus else 1.25)
        elif key == Qt.Key.Key_0:
            self.show_all()
        else:
            super().keyPressEvent(event)


def _line(path: QPainterPath, start: Node, end: Node) -> None:
    top, bottom = QPointF(start.x, start.y + HIGH / 2), QPointF(end.x, end.y - HIGH / 2)
    path.moveTo(top)
    reach = max(10.0, (bottom.y() - top.y()) / 2)
    path.cubicTo(QPointF(top.x(), top.y() + reach), QPointF(bottom.x(), bottom.y() - reach), bottom)


class GraphPage(QWidget):
    """The graph, and a line above it."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._network: Network | None = None
        self._theme = ""
        self._is_fresh = False
        self.view, self.note = GraphView(), Elided("", 11, 400, "muted")
        self.view.chosen.connect(self.chosen)
        self.setFocusProxy(self.view)
        self.empty = Text("", 12, 400, "muted", wrap=True)
        self.nearer, self.further, self.all = ToolButton("plus", size=14), ToolButton("minus", size=14), ToolButton("maximize", size=14)
        for button, name, call in (
            (self.nearer, "Nearer (+)", lambda: self.view.zoom(1.25)), (self.further, "Further (−)", lambda: self.view.zoom(0.8)),
            (self.all, "All of it (0)", self.view.show_all),
        ):  # fmt: skip
            button.setAccessibleName(name)
            button.setToolTip(name)
            button.clicked.connect(call)
        head = QHBoxLayout()
        head.setContentsMargins(16, 0, 10, 4)
        head.setSpacing(2)
        head.addWidget(self.note, 1)
        for button in (self.further, self.nearer, self.all):
            head.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self.empty.setContentsMargins(40, 12, 40, 0)
        layout.addLayout(head)
        layout.addWidget(self.empty)
        layout.addWidget(self.view, 1)

    def apply(self, state: BatchTab) -> None:
        """Show the graph of a run."""
        record = state.record
        found = record.parts.get("graph") if record is not None else None
        has_one = found is not None and bool(found.nodes)
        self.view.setVisible(has_one)
        self.empty.setVisible(not has_one)
        for button in (self.nearer, self.further, self.all):
            button.setVisible(has_one)
        if found is None or not has_one:
            self._network = None
            is_off = record is not None and not record.choices.graph
            text = "Graph of the model is off, below More options." if is_off else "The graph is drawn here at the end of a run."
            self.empty.setText(text)
            self.note.set_whole("")
            return
        if found is not self._network:
            self._network, self._theme = found, theme.tokens().name
            self.view.show_network(found)
            self._is_fresh = True
            more = f", {found.more:,} more are not drawn" if found.more else ""
            self.note.set_whole(f"{plural(len(found.nodes), 'step')}, {plural(len(found.edges), 'line')}{more}, by {found.source}")
        bad = frozenset() if record is None else frozenset(row.path for row in record.table.walk() if row.figures and row.figures.is_bad)
        self.view.mark(state.selected.partition(":")[2], bad)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._is_fresh and self.view.viewport().width() > 200:
            self.view.begin()
            self._is_fresh = False

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange and self._network is not None and self._theme != theme.tokens().name:
            self._theme = theme.tokens().name
            self.view.show_network(self._network)
        super().changeEvent(event)
