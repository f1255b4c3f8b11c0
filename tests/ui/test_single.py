"""Two real processes, one window; and a socket that takes nothing but paths from this user."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from PySide6.QtCore import QObject
from PySide6.QtNetwork import QLocalSocket

from ptinspect import resources
from ptinspect.analysis.compare.rules import Rule
from ptinspect.session.comparison.request import Chosen, ComparisonRequest
from ptinspect.ui.single import Listener, address, hand_over

SOURCES = Path(__file__).parents[2] / "src"
SAMPLES = resources.path("samples")


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("XDG_RUNTIME_DIR", "DISPLAY", "WAYLAND_DISPLAY")}
    return kept | {"PTINSPECT_CONFIG": str(folder), "PYTHONPATH": str(SOURCES), "QT_QPA_PLATFORM": "offscreen"}


def start(folder: Path, *files: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ptinspect", *map(str, files)]
    return subprocess.Popen(command, env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_that_a_second_start_hands_its_files_to_the_window_that_is_open(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    first = start(short, SAMPLES / "checkpoint.pt")
    try:
        end = time.monotonic() + 30
        while not Path(address(short)).exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        second = start(short, SAMPLES / "model.pt")
        assert second.wait(30) == 0
        kept: list[str] = []
        while "model.pt" not in kept:
            assert time.monotonic() < end
            time.sleep(0.1)
            settings = short / "settings.json"
            kept = [Path(one["path"]).name for one in json.loads(settings.read_text())["recent"]] if settings.exists() else []
        assert first.poll() is None
    finally:
        first.kill()
        first.communicate()


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short name: a socket's path has a hundred letters, and those of pytest's workers fill them."""
    with tempfile.TemporaryDirectory(prefix="pt") as folder:
        yield Path(folder)


@pytest.fixture
def taken(short: Path, monkeypatch: pytest.MonkeyPatch, qtbot):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    found: list[list[str]] = []
    parent = QObject()
    listener = Listener(short / "config", found.append, parent, found.append)
    yield listener, short / "config", found
    listener.close()
    parent.deleteLater()


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_that_only_this_user_can_reach_the_socket(taken) -> None:
    listener, folder, _ = taken
    assert listener.is_listening
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not stat.S_IMODE(Path(address(folder)).stat().st_mode) & 0o077


ODD = [b"no json\n", b'{"a": 1}\n', b'["relative.pt"]\n', b"[1]\n", b'["/a\\u0000b"]\n', b'{"left": ["a.pt", null]}\n']


@pytest.mark.parametrize("line", ODD)
def test_that_the_socket_takes_nothing_but_absolute_paths(taken, qtbot, line: bytes) -> None:
    _, folder, found = taken
    socket = QLocalSocket()
    socket.connectToServer(address(folder))
    socket.write(line)
    qtbot.waitUntil(lambda: socket.bytesAvailable() > 0)
    assert bytes(socket.readAll().data()) == b"no\n"
    assert found == []


@pytest.mark.slow
def test_that_a_comparison_goes_to_the_window_that_is_open(taken, qtbot) -> None:
    _, folder, found = taken
    request = ComparisonRequest(Chosen("/a.pt", "ema"), Chosen("/b.pt"), (Rule("a.*", "b.*"),), (("x", "y"),))
    told = Thread(target=hand_over, args=(folder, [], request))
    told.start()
    qtbot.waitUntil(lambda: found == [request])
    told.join()


def test_that_nobody_listens_where_no_window_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    assert not hand_over(tmp_path, ["a.pt"])


def test_that_a_long_folder_gets_a_short_socket_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    deep = tmp_path.joinpath(*["folder" * 5] * 4)
    name = address(deep)
    assert len(os.fsencode(name)) <= 100
    assert stat.S_IMODE(Path(name).parent.stat().st_mode) == 0o700
    assert name != address(deep / "other")
