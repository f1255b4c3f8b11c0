"""The window as a person has it: a real screen, a window manager, keys that are pressed, and what is seen then.

Pictures of it are kept in the folder that PTINSPECT_PICTURES names, where it names one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage

from ptinspect import resources
from ptinspect.ui import theme
from tests.attacks.payloads import call, pickled, text

SOURCES = Path(__file__).parents[2] / "src"
SAMPLES = resources.path("samples")
NEEDED = ("Xvfb", "openbox", "xdotool", "import")
MISSING = [name for name in NEEDED if shutil.which(name) is None]
PATIENCE = 20.0
TREE, PAGE = (0, 155, 440, 700), (760, 170, 1270, 700)  # left, top, right, bottom

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"a real screen wants {', '.join(MISSING)}")


def until(is_so: Callable[[], object], what: str) -> None:
    """Wait for what another process does."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)


class Desk:
    """A screen with a window manager, and a hand on the keyboard."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[subprocess.Popen[bytes]] = []
        end, start = os.pipe()
        command = ["Xvfb", "-displayfd", str(start), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
        self.screen = subprocess.Popen(command, pass_fds=(start,), stderr=subprocess.DEVNULL)
        os.close(start)
        with os.fdopen(end) as told:
            self.display = f":{told.readline().strip()}"
        (folder / "settings.json").write_text('{"theme": "light"}')
        kept = {name: value for name, value in os.environ.items() if name not in ("XDG_RUNTIME_DIR", "WAYLAND_DISPLAY")}
        mine = {"DISPLAY": self.display, "QT_QPA_PLATFORM": "xcb", "PTINSPECT_CONFIG": str(folder), "PYTHONPATH": str(SOURCES)}
        self.environment = kept | mine
        self.manager = subprocess.Popen(
            ["openbox"], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def start(self, *words: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "ptinspect", *map(str, words)]
        process = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.running.append(process)
        return process

    def hand(self, *words: str) -> str:
        done = subprocess.run(["xdotool", *words], env=self.environment, capture_output=True, text=True, timeout=30, check=False)
        return done.stdout.strip()

    def window(self, title: str) -> str:
        """The number of the window of a title, once it is there."""
        until(lambda: self.hand("search", "--onlyvisible", "--name", f"^{title}$"), f"a window called {title}")
        number = self.hand("search", "--onlyvisible", "--name", f"^{title}$").splitlines()[0]
        self.hand("windowfocus", "--sync", number)
        return number

    def press(self, *keys: str) -> None:
        self.hand("key", "--delay", "60", *keys)

    def see(self, number: str, name: str) -> QImage:
        """What the window shows, kept as a picture."""
        given = os.environ.get("PTINSPECT_PICTURES", "")
        place = Path(given) if given else self.folder
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run(["import", "-window", number, str(place / f"{name}.png")], env=self.environment, timeout=30, check=True)
        return QImage(str(place / f"{name}.png"))

    def see_until(self, number: str, name: str, is_so: Callable[[QImage], bool]) -> QImage:
        until(lambda: is_so(self.see(number, name)), f"the picture {name}")
        return self.see(number, name)

    def close(self) -> None:
        for process in (*self.running, self.manager, self.screen):
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def ink(picture: QImage, box: tuple[int, int, int, int], token: str) -> int:
    """How many dots of a box have a token's colour."""
    wanted, (left, top, right, bottom) = QColor(theme.LIGHT[token]).rgb(), box
    down, across = range(top, min(bottom, picture.height())), range(left, min(right, picture.width()))
    return sum(picture.pixel(x, y) == wanted for y in down for x in across)


def rows(picture: QImage) -> int:
    """How many rows of the tree have a name."""
    surface, bands = QColor(theme.LIGHT["surface"]).rgb(), range(TREE[1], min(TREE[3], picture.height()) - 24, 24)
    return sum(any(picture.pixel(x, y) != surface for y in range(band + 6, band + 18) for x in range(24, 150)) for band in bands)


def test_the_way_from_a_file_to_a_histogram_by_keyboard_alone(desk: Desk) -> None:
    process = desk.start(SAMPLES / "checkpoint.pt")
    number = desk.window("checkpoint.pt — ptinspect")
    before = desk.see_until(number, "opened", lambda picture: ink(picture, PAGE, "goodbg") == 0 and ink(picture, PAGE, "accent2") > 200)
    assert rows(before) == 7
    desk.press("ctrl+f")
    desk.hand("type", "--delay", "30", "head.w")
    desk.see_until(number, "filtered", lambda picture: rows(picture) == 3)
    desk.press("Return", "Down", "Down", "Down")
    selected = desk.see_until(number, "selected", lambda picture: ink(picture, TREE, "selrow") > 2_000)
    assert ink(before, TREE, "selrow") == 0
    desk.press("alt+2")
    shown = desk.see_until(number, "tensor", lambda picture: ink(picture, PAGE, "accent") > 100)
    assert shown.size() == selected.size()
    assert shown.height() <= 800
    desk.press("ctrl+w")
    desk.window("ptinspect")
    desk.press("ctrl+q")
    assert process.wait(20) == 0
    assert process.stderr is not None
    assert b"Traceback" not in process.stderr.read()


@pytest.mark.slow
def test_that_a_second_start_brings_its_file_to_the_window_that_is_open(desk: Desk) -> None:
    first = desk.start(SAMPLES / "weights.pt")
    number = desk.window("weights.pt — ptinspect")
    assert desk.start(SAMPLES / "model.pt").wait(20) == 0
    assert desk.window("model.pt — ptinspect") == number
    assert first.poll() is None


@pytest.mark.slow
def test_that_a_file_that_would_run_a_command_says_so_in_red_and_runs_nothing(desk: Desk) -> None:
    trace, file = desk.folder / "trace", desk.folder / "model <b>&final.pkl"
    file.write_bytes(pickled(call("posix", "system", text(f"touch {trace}"))))
    desk.start(file)
    number = desk.window("model <b>&final.pkl — ptinspect")
    desk.see_until(number, "hostile", lambda picture: ink(picture, (800, 80, 1280, 130), "dangerbg") > 1_000)
    desk.press("alt+5")
    desk.see_until(number, "hostile-safety", lambda picture: ink(picture, PAGE, "dangerbg") > 1_000)
    assert not trace.exists()


def test_that_the_first_paint_is_measured_on_a_real_screen(desk: Desk) -> None:
    process = desk.start("--benchmark-open", SAMPLES / "checkpoint.pt")
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert json.loads(out)["paint_ms"] > 0


@pytest.mark.slow
def test_that_the_demo_opens_the_samples_in_tabs(desk: Desk) -> None:
    desk.start("demo")
    desk.window("checkpoint.pt — ptinspect")
    for _ in range(8):  # a key that comes before the window has the focus is nobody's; all tabs are passed in turn
        desk.press("ctrl+shift+Tab")
        time.sleep(0.7)
        if desk.hand("search", "--onlyvisible", "--name", "^finetuned.pt — ptinspect$"):
            break
    desk.window("finetuned.pt — ptinspect")
