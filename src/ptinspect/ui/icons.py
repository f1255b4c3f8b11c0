"""The icons: small SVG drawings of strokes, read and tinted when they are first shown.

They hold only paths of straight lines and curves, circles and rectangles, so forty lines draw them here. (Rejected: Qt's SVG
plugin, whose discovery and loading cost 15 ms on the way to the first paint.)
"""

from __future__ import annotations

import re
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPainterPath, QPen, QPixmap

from ptinspect import resources

_ELEMENT = re.compile(r"<(path|circle|rect)\s([^>]*?)/?>")
_ATTRIBUTE = re.compile(r'([a-z]+)="([^"]*)"')
_STEP = re.compile(r"[MLHVCQZ]|-?\d*\.?\d+")
_COUNTS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "Q": 4, "Z": 0}


@lru_cache(maxsize=256)
def _drawing(name: str) -> tuple[QPainterPath, QPainterPath]:
    """The strokes of an icon and what it fills, on the grid of 24; an icon that is missing is empty."""
    strokes, fills = QPainterPath(), QPainterPath()
    try:
        text = resources.path(f"icons/{name}.svg").read_text("ascii")
    except OSError:
        return strokes, fills
    for kind, rest in _ELEMENT.findall(text):
        given = dict(_ATTRIBUTE.findall(rest))
        target = fills if given.get("fill") == "currentColor" else strokes
        if kind == "path":
            _trace(target, given["d"])
        elif kind == "circle":
            radius = float(given["r"])
            target.addEllipse(QPointF(float(given["cx"]), float(given["cy"])), radius, radius)
        else:
            box = QRectF(*(float(given[side]) for side in ("x", "y", "width", "height")))
            target.addRoundedRect(box, float(given.get("rx", 0)), float(given.get("rx", 0)))
    return strokes, fills


def _trace(path: QPainterPath, text: str) -> None:
    steps = _STEP.findall(text)
    at, letter = 0, "M"
    while at < len(steps):
        if steps[at].isalpha():
            letter, at = steps[at], at + 1
        count = _COUNTS[letter]
        n = [float(step) for step in steps[at : at + count]]
        at += count
        here = path.currentPosition()
        if letter == "M":
            path.moveTo(n[0], n[1])
            letter = "L"
        elif letter == "L":
            path.lineTo(n[0], n[1])
        elif letter == "H":
            path.lineTo(n[0], here.y())
        elif letter == "V":
            path.lineTo(here.x(), n[0])
        elif letter == "C":
            path.cubicTo(n[0], n[1], n[2], n[3], n[4], n[5])
        elif letter == "Q":
            path.quadTo(n[0], n[1], n[2], n[3])
        else:
            path.closeSubpath()


def paint(painter: QPainter, name: str, box: QRectF, colour: QColor) -> None:
    """Draw an icon into a square."""
    strokes, fills = _drawing(name)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(box.topLeft())
    painter.scale(box.width() / 24, box.height() / 24)
    pen = QPen(Qt.PenStyle.SolidLine)
    pen.setColor(colour)
    pen.setWidthF(1.9 if box.width() > 14 else 2.2)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.strokePath(strokes, pen)
    if not fills.isEmpty():
        painter.fillPath(fills, colour)
    painter.restore()


@lru_cache(maxsize=512)
def pixmap(name: str, colour: str, size: int = 16, ratio: float = 1.0) -> QPixmap:
    """An icon as a picture, at the scale of the screen."""
    made = QPixmap(QSize(size, size) * ratio)
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    paint(painter, name, QRectF(0, 0, size, size), QColor(colour))
    painter.end()
    return made


def icon(name: str, colour: str, disabled: str, size: int = 16) -> QIcon:
    """An icon for a button, at the scale of the finest screen."""
    made, ratio = QIcon(), QGuiApplication.instance().devicePixelRatio()  # type: ignore[union-attr]
    made.addPixmap(pixmap(name, colour, size, ratio), QIcon.Mode.Normal)
    made.addPixmap(pixmap(name, disabled, size, ratio), QIcon.Mode.Disabled)
    return made


def application_pixmap(size: int, ratio: float = 1.0) -> QPixmap:
    """The program's own icon: bars on the accent colour, at the scale of the screen."""
    made = QPixmap(QSize(size, size) * ratio)
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#5B5BD6"))
    painter.drawRoundedRect(QRectF(0, 0, size, size), size * 0.22, size * 0.22)
    for at, (height, ink) in enumerate(((0.2, 0.65), (0.38, 0.85), (0.5, 1.0), (0.3, 0.85), (0.24, 0.65))):
        colour = QColor("#FFFFFF")
        colour.setAlphaF(ink)
        painter.setBrush(colour)
        bar = QRectF(size * (0.2 + 0.13 * at), size * (0.76 - height), size * 0.08, size * height)
        painter.drawRoundedRect(bar, size * 0.03, size * 0.03)
    painter.end()
    return made
