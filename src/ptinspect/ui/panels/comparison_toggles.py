"""Above the aligned tree: a switch for each kind of row with its count, and the way from difference to difference."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QWidget

from ptinspect.session.comparison.banner import Toggle
from ptinspect.session.views import ComparisonView
from ptinspect.ui import icons, theme
from ptinspect.ui.panels.comparison_cells import LOOKS
from ptinspect.ui.widgets.text import Text, ToolButton, tip

HEIGHT, HIGH = 40, 26


class KindButton(QAbstractButton):
    """One kind: pressed in while its rows are shown."""

    def __init__(self, found: Toggle) -> None:
        super().__init__()
        self.found = found
        self.is_brief = False
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedHeight(HIGH)
        self.show_toggle(found)

    def show_toggle(self, found: Toggle) -> None:
        """Another count, or another state."""
        if found != self.found or not self.text():
            self.found = found
            self.setText(f"{found.title} {found.count:,}")
            self.setAccessibleName(self.text())
            verb = "Hide" if found.is_shown else "Show"
            self.setToolTip(tip(f"{verb} the rows that say “{found.title}”"))
            self.updateGeometry()
        self.setChecked(found.is_shown)
        self.update()

    def set_brief(self, is_brief: bool) -> None:
        """Leave out the word where there is no room."""
        self.is_brief = is_brief
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(self.wide(self.is_brief), HIGH)

    def wide(self, is_brief: bool) -> int:
        """How wide it is, with its word or without."""
        metrics = QFontMetricsF(theme.font(12, 500))
        title = 0.0 if is_brief else metrics.horizontalAdvance(self.found.title) + 6
        return int(title + metrics.horizontalAdvance(f"{self.found.count:,}")) + 38

    def paintEvent(self, event: QPaintEvent) -> None:
        look, painter, on = theme.tokens(), QPainter(self), self.isChecked()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(look.colour("accent2" if self.hasFocus() else "border2" if on else "border"), 2 if self.hasFocus() else 1))
        painter.setBrush(look.brush("hover" if self.underMouse() else "surface" if on else "inset"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        icon, tone, _ = LOOKS[self.found.status]
        icons.paint(painter, icon, QRectF(9, 7, 12, 12), look.colour(("muted" if tone == "text2" else tone) if on else "faint"))
        at, middle = 27.0, int(Qt.AlignmentFlag.AlignVCenter)
        font = theme.font(12, 500)
        if not self.is_brief:
            painter.setFont(font)
            painter.setPen(look.pen("text" if on else "muted"))
            wide = QFontMetricsF(font).horizontalAdvance(self.found.title)
            painter.drawText(QRectF(at, 0, wide + 2, HIGH), middle, self.found.title)
            at += wide + 6
        painter.setFont(theme.font(12))
        painter.setPen(look.pen("muted"))
        painter.drawText(QRectF(at, 0, self.width() - at, HIGH), middle, f"{self.found.count:,}")


class Toggles(QWidget):
    """The whole line."""

    toggled = Signal(str)
    step_requested = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(HEIGHT)
        self.buttons: dict[str, KindButton] = {}
        self._row = QHBoxLayout()
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(6)
        self.place = Text("", 12, 400, "text2")
        self.before, self.after = ToolButton("arrow-up"), ToolButton("arrow-down")
        for button, name, by in ((self.before, "Difference before (Ctrl+Up)", -1), (self.after, "Next difference (Ctrl+Down)", 1)):
            button.setAccessibleName(name)
            button.setToolTip(name)
            button.clicked.connect(lambda _=False, by=by: self.step_requested.emit(by))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 0, 6, 0)
        layout.setSpacing(4)
        layout.addLayout(self._row)
        layout.addStretch(1)
        layout.addWidget(self.place)
        layout.addWidget(self.before)
        layout.addWidget(self.after)

    def apply(self, view: ComparisonView) -> None:
        """Show a view."""
        for found in view.toggles:
            button = self.buttons.get(found.status)
            if button is None:
                button = self.buttons[found.status] = KindButton(found)
                button.clicked.connect(lambda _=False, status=found.status: self.toggled.emit(status))
                self._row.addWidget(button)
            button.show_toggle(found)
            button.setVisible(True)
        for status in [status for status in self.buttons if all(found.status != status for found in view.toggles)]:
            self.buttons[status].hide()
        count = view.differences
        self.place.setText(f"{view.place:,} of {count:,}" if view.place else f"{count:,} differ" if count else "")
        for step in (self.before, self.after):
            step.setEnabled(count > 0)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Counts alone where the words find no room; those of kinds that there are none of go first."""
        shown = [button for button in self.buttons.values() if not button.isHidden()]
        room = self.width() - 18 - 2 * 34 - 12 - max(76, self.place.sizeHint().width())
        full = sum(button.wide(False) + 6 for button in shown)
        is_brief = {id(button): False for button in shown}
        for button in sorted(shown, key=lambda one: (one.found.count > 0, one.found.status in ("same", "changed"))):
            if full <= room:
                break
            is_brief[id(button)] = True
            full -= button.wide(False) - button.wide(True)
        for button in shown:
            button.set_brief(is_brief[id(button)])
