"""Three numbers above the layers, and below them what is wrong, with one way out."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ptinspect.session.batch.figures import Card, Warned
from ptinspect.ui import theme
from ptinspect.ui.widgets.text import Button, Elided, IconMark, Text, ToolButton, row

SPARK, LONGEST_TITLE = 40, 70


class Spark(QWidget):
    """A line over the runs, its end a dot."""

    def __init__(self) -> None:
        super().__init__()
        self.values: tuple[float, ...] = ()
        self.setFixedSize(60, SPARK)

    def show_values(self, values: Sequence[float]) -> None:
        """The newest is at the right."""
        self.values = tuple(values)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if len(self.values) < 2:
            return
        look, painter = theme.tokens(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        floor, top = self.height() - 4.0, 5.0
        high, step = max(self.values), (self.width() - 8) / (len(self.values) - 1)
        scale = (floor - top) / (high or 1.0)
        line = QPolygonF([QPointF(1 + at * step, floor - max(0.0, value) * scale) for at, value in enumerate(self.values)])
        area = QPolygonF(line)
        area.append(QPointF(line.last().x(), floor))
        area.append(QPointF(1, floor))
        fill = QColor(look.colour("accent2"))
        fill.setAlphaF(0.12 if look.name == "light" else 0.28)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawPolygon(area)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(look.colour("accent"), 1.4))
        painter.drawPolyline(line)
        painter.setPen(QPen(look.colour("border2"), 1))
        painter.drawLine(QPointF(0, floor + 0.5), QPointF(self.width(), floor + 0.5))
        painter.setPen(QPen(look.colour("raised"), 1.5))
        painter.setBrush(look.brush("accent"))
        painter.drawEllipse(line.last(), 3.0, 3.0)


class CardBox(QWidget):
    """One number."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("raised")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(78)
        self.setMinimumWidth(96)
        self.title, self.value, self.unit = Elided("", 11, 500, "text2"), Text("", 20, 600, family="display"), Elided("", 12, 400, "muted")
        self.note, self.spark = Elided("", 11, 400, "text2"), Spark()
        numbers = row(self.value, self.unit, gap=5)
        left = QVBoxLayout()
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(1)
        left.addWidget(self.title)
        left.addLayout(numbers)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(13, 8, 13, 8)
        layout.setSpacing(2)
        top = row(gap=6)
        top.addLayout(left, 1)
        top.addWidget(self.spark)
        layout.addLayout(top)
        layout.addWidget(self.note)

    def show_card(self, card: Card) -> None:
        """Another number."""
        self.title.set_whole(card.title)
        self.value.setText(card.value)
        self.value.set_tone("text" if card.value != "–" else "muted")
        self.unit.set_whole(card.unit)
        self.note.set_whole(card.note)
        self.spark.show_values(card.line)
        self.setAccessibleName(f"{card.title}: {card.value} {card.unit}. {card.note}")
        self._fit()

    def resizeEvent(self, event: object) -> None:
        self._fit()

    def _fit(self) -> None:
        """The line goes where there is no room for the number."""
        words = self.value.sizeHint().width() + self.unit.sizeHint().width() + 10
        self.spark.setVisible(len(self.spark.values) > 1 and self.width() - 26 - 66 >= words)


class Cards(QWidget):
    """All three."""

    def __init__(self) -> None:
        super().__init__()
        self.boxes = (CardBox(), CardBox(), CardBox())
        layout = row(gap=12)
        for box in self.boxes:
            layout.addWidget(box, 1)
        self.setLayout(layout)

    def apply(self, cards: Sequence[Card]) -> None:
        """Show them."""
        for box, card in zip(self.boxes, cards, strict=True):
            box.show_card(card)


class ProblemBar(QWidget):
    """What is wrong in one line, the place to look, one action; folded below it what the process said last."""

    acted = Signal(str)
    place_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("trouble")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._warned: Warned | None = None
        self.icon = IconMark("octagon-alert", "danger")
        self.title, self.text = Text("", 12, 600), Elided("", 12, 400, "text2")
        self.title.setMinimumWidth(60)  # a long sentence is broken, or cut; it must not widen the window
        self.place, self.action = Button("Show", "link"), Button("", "link")
        self.fold = ToolButton("chevron-right", size=14)
        self.fold.setAccessibleName("What the process said last")
        self.fold.setToolTip("What the process said last")
        self.fold.clicked.connect(self._unfold)
        self.place.clicked.connect(lambda: self._tell(is_place=True))
        self.action.clicked.connect(lambda: self._tell(is_place=False))
        line = row(self.icon, self.title, self.text, self.place, self.action, self.fold, gap=10, margins=(12, 0, 8, 0))
        top = QWidget()
        top.setMinimumHeight(32)
        top.setLayout(line)
        self._line = line
        self.output: QWidget | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self._layout.addWidget(top)
        self.hint = Text("", 12, 400, "text2", wrap=True)
        self.hint.setContentsMargins(38, 0, 12, 8)
        self._layout.addWidget(self.hint)
        self.hide()

    def _tell(self, is_place: bool) -> None:
        if self._warned is not None and is_place:
            self.place_chosen.emit(self._warned.where)
        elif self._warned is not None:
            self.acted.emit(self._warned.act)

    def apply(self, warned: Warned | None) -> None:
        """Show it, or nothing."""
        self.setVisible(warned is not None)
        if warned is None or warned == self._warned:
            self._warned = warned
            return
        self._warned = warned
        self.setProperty("tone", warned.tone)
        self.style().polish(self)
        self.icon.set_icon(*(("octagon-alert", "danger") if warned.tone == "danger" else ("triangle-alert", "warnicon")))
        self.title.setText(warned.title if warned.is_end else warned.title[:LONGEST_TITLE])
        self.title.setWordWrap(warned.is_end)
        self._line.setStretchFactor(self.title, 1 if warned.is_end else 0)
        self.text.setVisible(not warned.is_end)
        self.text.set_whole("" if warned.is_end else warned.text)
        self.hint.setText(warned.text)
        self.hint.setVisible(warned.is_end and bool(warned.text))
        self.place.setVisible(bool(warned.where))
        self.action.setText(warned.action)
        self.action.setVisible(bool(warned.action))
        self.fold.setVisible(bool(warned.detail))
        if self.output is not None:
            self.output.hide()
        self.fold.set_icon("chevron-right")

    def _unfold(self) -> None:
        from ptinspect.ui.widgets.code_block import CodeView  # noqa: PLC0415 - only after a failure

        if self._warned is None:
            return
        if not isinstance(self.output, CodeView):
            self.output = CodeView("")
            self.output.setAccessibleName("What the process said last")
            self.output.setFixedHeight(170)
            self._layout.addWidget(self.output)
            self.output.hide()
        if isinstance(self.output, CodeView):
            self.output.set_text(self._warned.detail)
            self.output.setVisible(self.output.isHidden())
            self.output.verticalScrollBar().setValue(self.output.verticalScrollBar().maximum())  # what it said last is at the end
            self.fold.set_icon("chevron-down" if not self.output.isHidden() else "chevron-right")

