"""Beside the layers: the layer that is selected, else a sample of the batch with what the model sees and says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from ptinspect.session.batch.details import Fact, LayerPage, SamplePage, layer_of, sample_of
from ptinspect.session.batch.heard import Histogram, figure
from ptinspect.session.views import BatchView
from ptinspect.ui import theme
from ptinspect.ui.widgets.focus_ring import FocusRing
from ptinspect.ui.widgets.photo import Photo
from ptinspect.ui.widgets.readout import Readout
from ptinspect.ui.widgets.scroll_page import ScrollArea, fill
from ptinspect.ui.widgets.text import Button, Elided, Text, ToolButton, boxed, column, line, row

WIDTH = 276
_TONES = {"good": "good", "warn": "warn", "danger": "danger"}


class Sight(QWidget):
    """A picture, dark but for the part that the model sees."""

    def __init__(self) -> None:
        super().__init__()
        self.photo = Photo(self, 800)
        self.photo.changed.connect(self._changed)
        self.size_: tuple[int, int] | None = None
        self.crop: tuple[float, float, float, float] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(0)
        self.setAccessibleName("The sample's picture")

    def show_sample(self, page: SamplePage) -> None:
        """Another sample."""
        self.size_, self.crop = page.size, page.crop
        self.photo.show_file(page.picture)
        self._changed()

    def _changed(self) -> None:
        image = self.photo.image
        self.setVisible(image is not None)
        if image is not None and image.width():
            self.setFixedHeight(max(60, min(240, int((self.width() or WIDTH - 36) * image.height() / image.width()))))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        image = self.photo.image
        if image is None:
            return
        painter, whole = QPainter(self), QRectF(self.rect())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        scale = min(whole.width() / image.width(), whole.height() / image.height())
        box = QRectF(0, 0, image.width() * scale, image.height() * scale)
        box.moveCenter(whole.center())
        path = QPainterPath()
        path.addRoundedRect(box, 6, 6)
        painter.setClipPath(path)
        painter.drawImage(box, image)
        if self.crop is None or not self.size_ or not all(self.size_):
            return
        across, down = box.width() / self.size_[0], box.height() / self.size_[1]
        x, y, wide, high = self.crop
        seen = QRectF(box.left() + x * across, box.top() + y * down, wide * across, high * down).intersected(box)
        shade = QPainterPath()
        shade.addRect(box)
        hole = QPainterPath()
        hole.addRect(seen)
        painter.fillPath(shade.subtracted(hole), QColor(0, 0, 0, 120))
        painter.setPen(QPen(QColor(255, 255, 255, 220), 1))
        painter.drawRect(seen.adjusted(0.5, 0.5, -0.5, -0.5))


class Shares(QWidget):
    """Names with their shares as bars, the likeliest first."""

    HIGH = 34

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[tuple[str, float], ...] = ()

    def show_rows(self, rows: Sequence[tuple[str, float]]) -> None:
        """Draw these."""
        self.rows = tuple(rows)
        self.setFixedHeight(self.HIGH * len(self.rows))
        self.setAccessibleName("; ".join(f"{name} {100 * share:.1f} %" for name, share in self.rows) or "No classes")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        look, painter = theme.tokens(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = Qt.AlignmentFlag.AlignVCenter
        for at, (name, share) in enumerate(self.rows):
            top, weight = at * self.HIGH, 600 if at == 0 else 400
            painter.setFont(theme.font(12, weight))
            text = f"{100 * share:.1f} %"
            wide = painter.fontMetrics().horizontalAdvance(text) + 8
            painter.setPen(look.pen("text" if at == 0 else "text2"))
            painter.drawText(QRectF(0, top, self.width(), 22), int(middle | Qt.AlignmentFlag.AlignRight), text)
            painter.setPen(look.pen("text"))
            shown = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, self.width() - wide)
            painter.drawText(QRectF(0, top, self.width() - wide, 22), int(middle | Qt.AlignmentFlag.AlignLeft), shown)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.brush("inset"))
            painter.drawRoundedRect(QRectF(0, top + 23, self.width(), 4), 2, 2)
            painter.setBrush(look.brush("accent2" if at == 0 else "accentsoft"))
            painter.drawRoundedRect(QRectF(0, top + 23, max(4.0, self.width() * share), 4), 2, 2)


class FactList(QWidget):
    """Names and values in one painted list."""

    HIGH = 22

    def __init__(self, facts: Sequence[Fact]) -> None:
        super().__init__()
        self.facts = tuple(facts)
        self.setFixedHeight(self.HIGH * len(self.facts))
        self.setAccessibleName("; ".join(f"{name} {value}" for name, value, _ in self.facts))

    def paintEvent(self, event: QPaintEvent) -> None:
        look, painter = theme.tokens(), QPainter(self)
        middle = Qt.AlignmentFlag.AlignVCenter
        for at, (name, value, tone) in enumerate(self.facts):
            top = at * self.HIGH
            painter.fillRect(QRectF(0, top + self.HIGH - 1, self.width(), 1), look.colour("hair"))
            painter.setFont(theme.font(12))
            names = painter.fontMetrics().horizontalAdvance(name)
            painter.setPen(look.pen("text2"))
            painter.drawText(QRectF(0, top, self.width(), self.HIGH - 1), int(middle | Qt.AlignmentFlag.AlignLeft), name)
            painter.setFont(theme.font(12, 500))
            painter.setPen(look.pen(_TONES.get(tone, "text")))
            room = self.width() - names - 10
            shown = painter.fontMetrics().elidedText(value, Qt.TextElideMode.ElideMiddle, room)
            painter.drawText(QRectF(names + 10, top, room, self.HIGH - 1), int(middle | Qt.AlignmentFlag.AlignRight), shown)


class Spread(QWidget):
    """The histogram of a layer's output; the pointer reads its bins."""

    TALL, ENDS = 96, 18

    def __init__(self) -> None:
        super().__init__()
        self.histogram: Histogram | None = None
        self.ends = ("", "")
        self.at = -1
        self.readout = Readout(self)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("How the values of the output are spread")
        FocusRing(self)
        self.setFixedHeight(self.TALL + self.ENDS)

    def show_histogram(self, found: Histogram | None, ends: tuple[str, str]) -> None:
        """Another layer."""
        if found != self.histogram:
            self.histogram, self.ends, self.at = found, ends, -1
            self.readout.hide()
            self.setVisible(found is not None)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        found = self.histogram
        if found is None:
            return
        look, painter = theme.tokens(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        step, floor, high = self.width() / len(found.counts), self.TALL - 1.0, max(found.counts) or 1
        points = [QPointF(0, floor)]
        for at, count in enumerate(found.counts):
            top = floor - count / high * (self.TALL - 6)
            points += [QPointF(at * step, top), QPointF((at + 1) * step, top)]
        points.append(QPointF(self.width(), floor))
        fill = QColor(look.colour("accent2"))
        fill.setAlphaF(0.2 if look.name == "light" else 0.3)
        painter.setPen(QPen(look.colour("accent"), 1.25))
        painter.setBrush(fill)
        painter.drawPolygon(QPolygonF(points))
        if self.at >= 0:
            tall = max(1.0, found.counts[self.at] / high * (self.TALL - 6))
            painter.fillRect(QRectF(self.at * step, floor - tall, step, tall), look.colour("accent2"))
        painter.setPen(QPen(look.colour("border2"), 1))
        painter.drawLine(QPointF(0, floor), QPointF(self.width(), floor))
        if found.low < 0 < found.high:
            x = self.width() * -found.low / (found.high - found.low)
            painter.setPen(QPen(look.colour("muted"), 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(x, 4), QPointF(x, floor))
        painter.setFont(theme.font(11))
        painter.setPen(look.pen("muted"))
        box, middle = QRectF(0, self.TALL, self.width(), self.ENDS), Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box, int(middle | Qt.AlignmentFlag.AlignLeft), self.ends[0])
        painter.drawText(box, int(middle | Qt.AlignmentFlag.AlignRight), self.ends[1])

    def _show_at(self, at: int) -> None:
        self.at, found = at, self.histogram
        if found is None or not 0 <= at < len(found.counts):
            self.at = -1
            self.readout.hide()
        else:
            wide = (found.high - found.low) / len(found.counts)
            low = found.low + at * wide
            whole = sum(found.counts) or 1
            lines = (("Values", f"{found.counts[at]:,}"), ("Share", f"{100 * found.counts[at] / whole:.2f} %"))
            x = int((at + 0.5) * self.width() / len(found.counts))
            self.readout.tell(QPoint(x, 4), f"{figure(low)} to {figure(low + wide)}", lines)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.histogram is not None and self.width():
            self._show_at(int(event.position().x() / self.width() * len(self.histogram.counts)))

    def leaveEvent(self, event: Any) -> None:
        self._show_at(-1)

    def keyPressEvent(self, event: Any) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(event.key())
        if step is None or self.histogram is None:
            event.ignore()
        else:
            self._show_at(max(0, min(len(self.histogram.counts) - 1, self.at + step)))


class Side(QWidget):
    """Draws a LayerPage or a SamplePage."""

    sample_requested = Signal(int)
    file_requested = Signal(str)
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(WIDTH)
        self._area, self._shown = ScrollArea(), object()
        self.path = ""
        fill(self, self._area)
        self._area.show_layout(self._lay_out())

    def _lay_out(self) -> QVBoxLayout:
        self.title = Elided("", 12, 600)
        self.before, self.after, self.close_ = ToolButton("chevron-left"), ToolButton("chevron-right"), ToolButton("x", size=14)
        for button, name in ((self.before, "Sample before"), (self.after, "Next sample"), (self.close_, "Back to the samples")):
            button.setAccessibleName(name)
            button.setToolTip(name)
        self.before.clicked.connect(lambda: self.sample_requested.emit(-1))
        self.after.clicked.connect(lambda: self.sample_requested.emit(1))
        self.close_.clicked.connect(self.left)
        self.name, self.sight, self.note = Elided("", 12, 400, "text2", middle=True), Sight(), Text("", 11, 400, "muted", wrap=True)
        self.spread = Spread()
        self.verdict = Text("", 12, 500, wrap=True)
        self.top, self.shares = Text("Top 5", 12, 600), Shares()
        self.answers = boxed(column(line(), 4, self.top, self.shares, self.verdict, gap=7))
        self.reveal = Button("Show in the file", "link", "layers")
        self.reveal.clicked.connect(lambda: self.file_requested.emit(self.path))
        self._sections = QVBoxLayout()
        self._sections.setContentsMargins(0, 0, 0, 0)
        self._sections.setSpacing(10)
        head = row(self.title, self.before, self.after, self.close_, gap=2)
        layout = column(
            head, self.name, self.sight, self.note, self.spread, row(self.reveal, None), self.answers, self._sections,
            gap=8, margins=(16, 8, 16, 16),
        )  # fmt: skip
        layout.addStretch(1)
        return layout

    def apply(self, view: BatchView) -> None:
        """Show a view."""
        layer = layer_of(view.state)
        page = layer if layer is not None else sample_of(view.state)
        if page == self._shown:
            return
        self._shown = page
        if isinstance(page, LayerPage):
            self._show_layer(page)
        else:
            self._show_sample(page)
        for part in (self.before, self.after):
            part.setVisible(isinstance(page, SamplePage) and (page.can_go_back or page.can_go_on))
        self.reveal.setVisible(isinstance(page, LayerPage))
        self.close_.setVisible(isinstance(page, LayerPage))
        self._fill(page.sections)

    def _show_layer(self, page: LayerPage) -> None:
        self.path = page.path
        self.title.set_whole(page.title)
        self.name.set_whole(page.path if page.path != page.title else page.type)
        self.name.show()
        self.sight.hide()
        self.answers.hide()
        self.note.setText(page.type if page.path != page.title else "")
        self.note.setVisible(bool(self.note.text()))
        self.spread.show_histogram(page.histogram, page.ends)
        self.spread.setVisible(page.histogram is not None)

    def _show_sample(self, page: SamplePage) -> None:
        self.path = ""
        self.title.set_whole(page.title)
        self.name.set_whole(page.name)
        self.name.setVisible(bool(page.name))
        self.before.setEnabled(page.can_go_back)
        self.after.setEnabled(page.can_go_on)
        self.sight.show_sample(page)
        self.note.setText(page.note)
        self.note.setVisible(bool(page.note))
        self.spread.hide()
        self.answers.setVisible(bool(page.top))
        self.top.setText(f"Top {len(page.top)}")
        self.shares.show_rows(page.top)
        self.verdict.setText(page.verdict)
        self.verdict.set_tone("good" if page.is_right else "warn")
        self.verdict.setVisible(bool(page.verdict))

    def _fill(self, sections: Sequence[tuple[str, Sequence[Fact]]]) -> None:
        while (item := self._sections.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for title, facts in sections:
            head, told = Elided(title, 12, 600), [fact for fact in facts if fact[0]]
            part = column(line(), 4, head, FactList(told), gap=5)
            for _, text, _ in (fact for fact in facts if not fact[0]):
                part.addWidget(Text(text, 11, 400, "muted", wrap=True))
            self._sections.addWidget(boxed(part))
