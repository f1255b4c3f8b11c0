"""Draws the icons of the desktop again: `python resources/make_icons.py` turns the SVG files of `resources/desktop` into PNGs of every
size that desktops ask for, and into the .ico and .icns that Windows and macOS want (both are mere containers of PNGs).

Up to 24 pixels the small drawings are used, which sit on the grid of pixels; a scaled-down large one is a smear.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

FOLDER = Path(__file__).resolve().parent / "desktop"
SIZES = (16, 24, 32, 48, 64, 128, 256)
SMALL = 24
ICNS = {16: b"icp4", 32: b"icp5", 64: b"icp6", 128: b"ic07", 256: b"ic08"}


def png(name: str, size: int) -> bytes:
    """One drawing at one size."""
    drawing = FOLDER / (f"{name}-small.svg" if size <= SMALL else f"{name}.svg")
    image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    QSvgRenderer(str(drawing)).render(painter)
    painter.end()
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not image.convertToFormat(QImage.Format.Format_ARGB32).save(buffer, "PNG", 0):
        raise SystemExit(f"{name} cannot be drawn at {size}")
    return bytes(data.data())


def ico(images: dict[int, bytes]) -> bytes:
    """Windows: a directory of 16 bytes an image, then the PNGs; a side of 256 is written as 0."""
    at, head, body = 6 + 16 * len(images), b"", b""
    for size, image in images.items():
        head += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(image), at + len(body))
        body += image
    return struct.pack("<HHH", 0, 1, len(images)) + head + body


def icns(images: dict[int, bytes]) -> bytes:
    """macOS: a kind and a length before each PNG."""
    body = b"".join(kind + struct.pack(">I", len(images[size]) + 8) + images[size] for size, kind in ICNS.items())
    return b"icns" + struct.pack(">I", len(body) + 8) + body


def main() -> int:
    """All of them."""
    QGuiApplication.setDesktopSettingsAware(False)
    application = QGuiApplication(["make_icons", "-platform", "offscreen"])
    for name in ("ptinspect", "checkpoint"):
        images = {size: png(name, size) for size in SIZES}
        for size, image in images.items():
            (FOLDER / f"{name}-{size}.png").write_bytes(image)
        (FOLDER / f"{name}.ico").write_bytes(ico(images))
        (FOLDER / f"{name}.icns").write_bytes(icns(images))
    del application
    return 0


if __name__ == "__main__":
    sys.exit(main())
