"""The icons that ship: of the size that they say, and drawn from the SVG beside them."""

from __future__ import annotations

import importlib.util
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from ptinspect import resources

SIZES = (16, 24, 32, 48, 64, 128, 256)
SCRIPT = Path(__file__).parents[2] / "resources" / "make_icons.py"
DRAWN_AGAIN = """
import runpy, sys
from PySide6.QtGui import QGuiApplication, QImage
made = runpy.run_path(sys.argv[1])
application = QGuiApplication(["test", "-platform", "offscreen"])
for name in ("ptinspect", "checkpoint"):
    for size in made["SIZES"]:
        fresh, shipped = QImage.fromData(made["png"](name, size)), QImage(str(made["FOLDER"] / f"{name}-{size}.png"))
        far = max(abs(a - b) for a, b in zip(bytes(fresh.constBits()), bytes(shipped.constBits()), strict=True))
        print(name, size, far)
"""


def shipped(name: str) -> bytes:
    return resources.path(f"desktop/{name}").read_bytes()


@pytest.mark.parametrize("name", ["ptinspect", "checkpoint"])
@pytest.mark.parametrize("size", SIZES)
def test_that_a_picture_has_the_size_of_its_name(name: str, size: int) -> None:
    content = shipped(f"{name}-{size}.png")
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", content[16:24]) == (size, size)


@pytest.mark.parametrize("name", ["ptinspect", "checkpoint"])
def test_that_the_icon_of_windows_holds_every_size(name: str) -> None:
    content = shipped(f"{name}.ico")
    _, kind, count = struct.unpack("<HHH", content[:6])
    found = [struct.unpack("<BBBBHHII", content[6 + 16 * at : 22 + 16 * at]) for at in range(count)]
    assert kind == 1
    assert [entry[0] or 256 for entry in found] == list(SIZES)
    assert all(content[at : at + length] == shipped(f"{name}-{entry}.png") for entry, (*_, length, at) in zip(SIZES, found, strict=True))


@pytest.mark.skipif(importlib.util.find_spec("PySide6") is None or not SCRIPT.exists(), reason="wants Qt and the script that draws them")
def test_that_the_pictures_are_those_of_the_drawings() -> None:
    """Another version of Qt may round a pixel otherwise, and no more."""
    command = [sys.executable, "-c", DRAWN_AGAIN, str(SCRIPT)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"QT_QPA_PLATFORM": "offscreen"})
    found = [line.split() for line in done.stdout.splitlines()]
    assert len(found) == 2 * len(SIZES)
    assert [line for line in found if int(line[2]) > 8] == []
