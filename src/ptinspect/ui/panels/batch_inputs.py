"""The inputs of a test batch as lines to write into, with files and folders to choose, and a look at the first picture."""

from __future__ import annotations

import os
from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from ptinspect.session.batch.choices import MOST_TEXTS
from ptinspect.session.words import plain
from ptinspect.ui import icons, theme
from ptinspect.ui.widgets.photo import Photo
from ptinspect.ui.widgets.text import Button, Elided, column, row, tip

_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
_TABLES = {".csv": "csv", ".tsv": "csv", ".txt": "text", ".npy": "tensor", ".npz": "tensor", ".pt": "tensor", ".pth": "tensor",
           ".safetensors": "tensor"}  # fmt: skip
FILTERS = "Inputs (*.png *.jpg *.jpeg *.webp *.bmp *.npy *.npz *.pt *.safetensors *.csv *.tsv *.txt *ubyte* *.gz);;All files (*)"


def spec_for(path: str) -> str:
    """The input that a file or a folder makes."""
    name = os.path.basename(path).lower()
    ending = os.path.splitext(name)[1]
    if "ubyte" in name or ending in (".idx", ".gz"):
        return f"mnist:{path}"
    return f"{_TABLES.get(ending, 'image')}:{path}"


class Thumbnail(QWidget):
    """A small picture with round corners; an icon where there is none."""

    def __init__(self, side: int = 44) -> None:
        super().__init__()
        self.photo = Photo(self, 4 * side)
        self.photo.changed.connect(self.update)
        self.setFixedSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        look, painter, box = theme.tokens(), QPainter(self), QRectF(self.rect())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        path = QPainterPath()
        path.addRoundedRect(box, 4, 4)
        painter.setClipPath(path)
        painter.fillRect(box, look.colour("inset"))
        image = self.photo.image
        if image is None:
            icons.paint(painter, "image", QRectF(box.center().x() - 8, box.center().y() - 8, 16, 16), look.colour("muted"))
            return
        side = min(image.width(), image.height())
        part = QRectF((image.width() - side) / 2, (image.height() - side) / 2, side, side)
        painter.drawImage(box, image, part)


class InputLines(QWidget):
    """One line for each input; an empty one is guessed from the model."""

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[QLineEdit] = []
        self._texts: tuple[str, ...] = ()
        self.guess: tuple[str, ...] = ()
        self.thumbnail = Thumbnail()
        self.title, self.note = Elided("", 12, 500, middle=True), Elided("", 11, 400, "muted")
        words = column(self.title, self.note, gap=1)
        self.card = QWidget()
        self.card.setObjectName("field")
        self.card.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.card.setLayout(row(self.thumbnail, words, gap=9, margins=(5, 5, 8, 5)))
        self._lines = QVBoxLayout()
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setSpacing(6)
        self.file, self.folder, self.more = Button("File…", "link"), Button("Folder…", "link"), Button("Add input", "link")
        self.file.clicked.connect(self._choose_file)
        self.folder.clicked.connect(self._choose_folder)
        self.more.clicked.connect(self._add)
        layout = column(self.card, self._lines, row(self.file, self.folder, None, self.more, gap=2), gap=6)
        self.setLayout(layout)
        self._show_lines(("",))

    def apply(self, texts: Sequence[str], guess: Sequence[str], note: str, picture: str, count: int) -> None:
        """Show the inputs that were chosen, or what was guessed for them."""
        self.guess = tuple(guess)
        if tuple(texts) != self._texts:
            self._texts = tuple(texts)
            self._show_lines(self._texts or ("",))
        for at, line in enumerate(self.lines):
            known = self.guess[at] if at < len(self.guess) else ""
            line.setPlaceholderText(f"{known} (guessed)" if known else "guessed from the model")
        self._show_card(picture, note, count)

    def _show_card(self, picture: str, note: str, count: int) -> None:
        first = next((text for text in self._texts if text.partition("=")[2][:6] == "image:" or text.startswith("image:")), "")
        self.card.setVisible(bool(first))
        if not first:
            self.thumbnail.photo.show_file("")
            return
        path = first.partition("image:")[2]
        self.thumbnail.photo.show_file(picture or (path if os.path.isfile(path) else ""))
        home = os.path.expanduser("~")
        shown = f"~{path[len(home):]}" if path.startswith(f"{home}{os.sep}") else path
        self.title.set_whole(plain(shown))
        name = os.path.basename(picture)
        pictures = f"{count:,} picture{'' if count == 1 else 's'}" + (f", first: {plain(name, 60)}" if name and count > 1 else "")
        self.note.set_whole(pictures if count else "a folder" if os.path.isdir(path) else "a picture")
        self.setToolTip(tip(note))

    def _show_lines(self, texts: Sequence[str]) -> None:
        while len(self.lines) > len(texts):
            line = self.lines.pop()
            self._lines.removeWidget(line)
            line.hide()
            line.deleteLater()
        while len(self.lines) < len(texts):
            line = QLineEdit()
            line.setFont(theme.font(12))
            line.setMaxLength(2_000)
            line.setAccessibleName(f"Input {len(self.lines) + 1}")
            line.setToolTip(tip("random:3x224x224, image:PATH, tensor:PATH, tokens:128, mnist:PATH, csv:PATH, text:PATH; empty is guessed"))
            line.editingFinished.connect(self._edited)
            self.lines.append(line)
            self._lines.addWidget(line)
        for line, text in zip(self.lines, texts, strict=True):
            if line.text() != text:
                line.setText(text)

    def _edited(self) -> None:
        texts = tuple(line.text().strip() for line in self.lines)
        kept = tuple(text for text in texts if text)
        if kept != self._texts:
            self._texts = kept
            self.changed.emit(kept)

    def _add(self) -> None:
        if len(self.lines) < MOST_TEXTS:
            self._show_lines([*(line.text() for line in self.lines), ""])
            self.lines[-1].setFocus()

    def _choose_file(self) -> None:
        from ptinspect.ui.dialogs import choose_file  # noqa: PLC0415 - only who asks for it

        self._put(choose_file(self, "Input of the batch", FILTERS))

    def _choose_folder(self) -> None:
        from ptinspect.ui.dialogs import choose_folder  # noqa: PLC0415

        self._put(choose_folder(self, "A folder of pictures"))

    def _put(self, path: str) -> None:
        """A file takes the place of the first input."""
        if path:
            self._texts = (spec_for(path), *self._texts[1:])
            self._show_lines(self._texts)
            self.changed.emit(self._texts)
