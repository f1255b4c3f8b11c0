"""Draws the README's pictures again from the shipped samples: `python -m tests.screenshots [FOLDER]`.

Without a screen, so that they look the same wherever they are made; the fonts of the look (Inter, JetBrains Mono) should be there.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

import torch
from PIL import Image
from PySide6.QtCore import QEvent, QSize
from PySide6.QtWidgets import QApplication

from ptinspect import resources
from ptinspect.session.application import Application
from ptinspect.session.mailbox import Mailbox
from ptinspect.session.settings import Settings, Theme
from ptinspect.ui import theme
from ptinspect.ui.bridge import Bridge
from ptinspect.ui.window import Window

SIZE = QSize(1280, 800)
MOST_BYTES = 150_000
PATIENCE = 60.0
CALM = 0.6  # seconds without work, so that what is drawn late is drawn
PICTURES: tuple[tuple[str, str, Theme, Callable[[Application], None]], ...] = (
    ("tensor-light", "checkpoint.pt", "light", lambda app: _select(app, "model_state_dict.backbone.0.weight")),
    ("overview-dark", "finetuned.pt", "dark", lambda app: app.inspect("overview")),
    ("safety-light", "model.pt", "light", lambda app: app.inspect("safety")),
    ("compare-light", "checkpoint.pt", "light", lambda app: _compare(app, "resumed.pt", "backbone.4.weight")),
    ("batch-dark", "model.pt", "dark", lambda app: _run(app, "layer:backbone.4")),
)


def _select(app: Application, path: str) -> None:
    app.show(path)
    app.inspect("tensor")


def _compare(app: Application, other: str, name: str) -> None:
    """Beside another file, with one of its tensors selected."""
    tab = app.state.tab
    app.compare(tab.path, str(Path(tab.path).with_name(other)))
    app.close(tab.id)
    wait(app, lambda: app.state.comparison is not None and app.state.comparison.report is not None)
    app.comparing.show_rank([leaf.path for leaf in app.state.comparison.aligned.leaves].index(name))


def _run(app: Application, key: str) -> None:
    """A test batch, in a real child; what it measures is another each time."""
    app.test_batch()
    number = app.state.batch.id
    app.testing.choose(number, batch=8, repeats=40, agreement="float64", backward=True)
    app.testing.run(number)
    wait(app, lambda: app.state.batch.record is not None and app.state.batch.busy is None)
    app.testing.expand("layer:backbone", is_open=True)
    app.testing.select(key)


def resume(folder: Path) -> None:
    """Train the sample checkpoint on, its first stage frozen, so that there is something to compare it with."""
    spec = importlib.util.spec_from_file_location("make_samples", Path(__file__).parents[1] / "resources" / "make_samples.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    torch.manual_seed(7)
    torch.set_num_threads(1)
    before = torch.load(folder / "checkpoint.pt", weights_only=True)
    model = made.network(classes=10)
    model.load_state_dict(before["model_state_dict"])
    for part in model.backbone[:2]:
        part.requires_grad_(requires_grad=False).eval()
    optimizer = torch.optim.Adam([one for one in model.parameters() if one.requires_grad], lr=0.002)
    loss = made.train(model, optimizer, classes=10, steps=60)
    after = {"epoch": 5, "model_state_dict": model.state_dict(), "loss": round(loss, 2)}
    torch.save(after, folder / "resumed.pt")


def main(folder: Path) -> None:
    """Every picture, one window after the other."""
    qt = QApplication(["ptinspect"])
    qt.setStyle("Fusion")
    folder.mkdir(parents=True, exist_ok=True)
    models = Path(tempfile.gettempdir()) / "models"  # the path of the file stands in the picture
    shutil.copytree(resources.path("samples"), models, dirs_exist_ok=True)
    resume(models)
    for name, file, look, arrange in PICTURES:
        place = folder / f"{name}.png"
        take(models / file, look, arrange, place)
        size = place.stat().st_size
        print(f"{place}  {size:,} bytes")
        if size > MOST_BYTES:
            raise SystemExit(f"{place} is too large for a README: {size:,} bytes")


def take(file: Path, look: Theme, arrange: Callable[[Application], None], place: Path) -> None:
    """A window with a file in it, arranged, as a picture."""
    mailbox = Mailbox()
    app = Application(mailbox.post, None, Settings(theme=look))
    theme.apply(look)
    window, bridge = Window(app), Bridge(mailbox)
    app.changed = window.apply
    window.resize(SIZE)
    window.apply(app.view)
    window.show()
    app.open([str(file)])
    wait(app, lambda: app.state.tab is not None and app.state.tab.pages is not None)
    arrange(app)
    wait(app, lambda: True)
    if not window.grab().save(str(place)):
        raise SystemExit(f"{place} could not be written")
    with Image.open(place) as picture:  # a window has few colours: 256 of them, undithered, are less than half the bytes
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(place, optimize=True)
    app.changed = lambda view: None
    app.tasks.cancel_all(wait=5)
    window.close()
    bridge.close()
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # no loop runs that would; what is gone is not dressed anew
    QApplication.processEvents()


def wait(app: Application, is_there: Callable[[], bool]) -> None:
    """Until it is there and nothing goes on any more."""
    end = time.monotonic() + PATIENCE
    calm = time.monotonic()
    while not is_there() or time.monotonic() - calm < CALM:
        QApplication.processEvents()
        if app.tasks.slots:
            calm = time.monotonic()
        if time.monotonic() > end:
            raise SystemExit("the window did not come to rest")
        time.sleep(0.005)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "resources" / "pictures")
