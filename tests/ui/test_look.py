"""Tokens, icons and small drawings: complete, readable, and the same in both themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtCore import QRectF

from ptinspect import resources
from ptinspect.ui import icons, theme
from ptinspect.ui.widgets.settings_list import SettingsList
from ptinspect.ui.widgets.treemap import squarified

SOURCES = Path(__file__).parents[2] / "src" / "ptinspect"
TEXTS = ("text", "text2", "muted", "accent", "good", "warn", "danger", "left", "right", "shape")


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("look", [theme.LIGHT, theme.DARK], ids=lambda look: look.name)
@pytest.mark.parametrize("back", ["bg", "surface", "raised", "selrow"])
@pytest.mark.parametrize("name", TEXTS)
def test_that_text_can_be_read_on_every_ground(look: theme.Tokens, back: str, name: str) -> None:
    assert contrast(look[name], look[back]) >= 4.5


def test_that_every_icon_that_is_named_is_drawn(qtbot) -> None:
    drawn = {path.stem for path in resources.path("icons").glob("*.svg")}
    named: set[str] = set()
    for source in [*(SOURCES / "ui").rglob("*.py"), *(SOURCES / "session").glob("*.py")]:
        text = source.read_text("utf-8")
        named |= {name for name in re.findall(r'"([a-z]+(?:-[a-z]+)+)"', text) if name in drawn or name.startswith(("file-", "circle-"))}
    assert named <= drawn
    for name in drawn:
        picture = icons.pixmap(name, "#000000", 24).toImage()
        assert any(picture.pixelColor(x, y).alpha() > 100 for x in range(24) for y in range(24)), name


def test_that_an_icon_that_is_not_there_is_empty(qtbot) -> None:
    picture = icons.pixmap("no-such-icon", "#000000", 16).toImage()
    assert not any(picture.pixelColor(x, y).alpha() for x in range(16) for y in range(16))


@pytest.mark.parametrize("family", ["ui", "display", "mono"])
@pytest.mark.parametrize("name", ["light", "dark"])
def test_that_names_in_other_scripts_are_never_asked_of_thin_fonts(qtbot, name: str, family: str) -> None:
    theme.apply(name)
    assert min(theme.font(12, weight, family).weight() for weight in (400, 500, 600)) >= 400
    theme.apply("light")


@pytest.mark.parametrize("shares", [[1.0], [0.6, 0.3, 0.1], [1 / 24] * 24, [0.99, 0.01], [0.5, 0.5, 0.0]])
def test_that_a_treemap_fills_its_whole_with_parts_of_their_size(shares: list[float]) -> None:
    whole = QRectF(0, 0, 320, 152)
    boxes = squarified(shares, whole)
    for share, box in zip(shares, boxes, strict=True):
        assert box.width() * box.height() == pytest.approx(share / sum(shares) * 320 * 152, abs=1e-6)
        assert whole.adjusted(-1e-6, -1e-6, 1e-6, 1e-6).contains(box) or not share


def test_that_a_search_keeps_settings_with_those_above_them(qtbot) -> None:
    lines = SettingsList([(0, "model", ""), (1, "width", "64"), (1, "depth", "3"), (0, "lr", "0.1")])
    qtbot.addWidget(lines)
    assert lines.search("64")
    assert lines.lines == [(0, "model", ""), (1, "width", "64")]
    assert not lines.search("nothing")
    assert lines.search("")
    assert len(lines.lines) == 4
