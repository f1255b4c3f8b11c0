"""A histogram in a cell of a table: an area, its outline, and a tick under zero."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap, QPolygonF

from ptinspect.ui import theme

NOWHERE = 255
WIDTH, HEIGHT = 64, 16


def paint_spark(painter: QPainter, at: QPointF, spark: bytes, tone: str) -> None:
    """Heights of 0 to 255, and behind them the place of zero among them. A row is painted again and again, its picture is drawn once."""
    painter.drawPixmap(at, _drawn(spark, tone, theme.tokens().name, painter.device().devicePixelRatio()))


@lru_cache(maxsize=2_048)
def _drawn(spark: bytes, tone: str, theme_name: str, ratio: float) -> QPixmap:
    made = QPixmap(QSize(WIDTH, HEIGHT) * ratio)
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    _draw(painter, QRectF(0, 0, WIDTH, HEIGHT), spark, tone)
    painter.end()
    return made


def _draw(painter: QPainter, box: QRectF, spark: bytes, tone: str) -> None:
    heights, zero = spark[:-1], spark[-1]
    step, floor = box.width() / len(heights), box.bottom() - 2.5
    scale = (box.height() - 3.5) / 255
    line = QPolygonF([QPointF(box.left() + (at + 0.5) * step, floor - scale * height) for at, height in enumerate(heights)])
    area = QPolygonF(line)
    area.append(QPointF(line.last().x(), floor))
    area.append(QPointF(line.first().x(), floor))
    look = theme.tokens()
    ink = look.colour(tone if tone != "accent2" or look.name == "light" else "accent")
    fill = QColor(ink)
    fill.setAlphaF((0.2 if tone == "accent2" else 0.14) if look.name == "light" else 0.24)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(fill)
    painter.drawPolygon(area)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(ink, 1.0))
    painter.drawPolyline(line)
    if zero != NOWHERE:
        x = box.left() + (zero + 0.5) * step
        painter.setPen(QPen(look.colour("muted"), 1.0))
        painter.drawLine(QPointF(x, floor + 0.5), QPointF(x, floor + 2.5))
