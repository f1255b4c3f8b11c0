"""A picture of the user's, read in the background and within bounds: known formats only, so many pixels and bytes at most."""

from __future__ import annotations

import os
import threading

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage, QImageReader

FORMATS = frozenset((b"png", b"jpeg", b"jpg", b"bmp", b"gif", b"webp", b"ppm", b"pgm"))
MOST_BYTES, MOST_PIXELS, MOST_MEGABYTES = 64 << 20, 100_000_000, 256


class Photo(QObject):
    """Holds one picture; `image` is None while there is none, or where it cannot be read."""

    changed = Signal()
    _read = Signal(str, object)

    def __init__(self, parent: QObject, side: int) -> None:
        super().__init__(parent)
        self.path, self._side = "", side
        self.image: QImage | None = None
        self._read.connect(self._take)

    def show_file(self, path: str) -> None:
        """Read another file; an empty path is no picture."""
        if path == self.path:
            return
        self.path, self.image = path, None
        self.changed.emit()
        if path:
            threading.Thread(target=self._work, args=(path,), name="ptinspect picture", daemon=True).start()

    def _work(self, path: str) -> None:
        found = picture(path, self._side)
        try:
            self._read.emit(path, found)
        except RuntimeError:
            return  # whoever wanted it is gone

    def _take(self, path: str, found: object) -> None:
        if path == self.path and isinstance(found, QImage):
            self.image = found
            self.changed.emit()


def picture(path: str, side: int) -> QImage | None:
    """A file as a picture, no larger than a square of that side; None for whatever is none."""
    try:
        if not os.path.isfile(path) or os.path.getsize(path) > MOST_BYTES:
            return None
    except (OSError, ValueError):
        return None
    QImageReader.setAllocationLimit(MOST_MEGABYTES)
    reader = QImageReader(path)
    reader.setDecideFormatFromContent(True)
    reader.setAutoTransform(False)
    if bytes(reader.format().data()) not in FORMATS:
        return None
    size = reader.size()
    if not size.isValid() or size.isEmpty() or size.width() * size.height() > MOST_PIXELS:
        return None
    if max(size.width(), size.height()) > side:
        reader.setScaledSize(size.scaled(QSize(side, side), Qt.AspectRatioMode.KeepAspectRatio).expandedTo(QSize(1, 1)))
    image = reader.read()
    return None if image.isNull() else image

