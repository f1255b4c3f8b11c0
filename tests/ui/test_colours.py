"""Colours that mean something differ for every eye; with high contrast, all of them can be read from afar.

The matrices are those of Machado, Oliveira and Fernandes (2009) for the complete lack of one kind of cone, on linear light. Distances
are those of CIELAB: 2.3 is just noticeable side by side.
"""

from __future__ import annotations

import itertools

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from ptinspect.ui import theme
from tests.ui.test_look import contrast

EYES = {
    "usual": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
LOOKS = (theme.LIGHT, theme.DARK, theme.STARK_LIGHT, theme.STARK_DARK)
TEXTS, GRAPHICS = ("left", "right", "accent", "shape"), ("leftgraphic", "rightgraphic", "accent2", "shapegraphic")
each_look = pytest.mark.parametrize("look", LOOKS, ids=["light", "dark", "stark-light", "stark-dark"])


def linear(colour: str) -> list[float]:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def lab(colour: str, eye: str) -> tuple[float, float, float]:
    red, green, blue = (min(1.0, max(0.0, sum(a * b for a, b in zip(row, linear(colour), strict=True)))) for row in EYES[eye])
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def distance(one: str, other: str, eye: str) -> float:
    return sum((a - b) ** 2 for a, b in zip(lab(one, eye), lab(other, eye), strict=True)) ** 0.5


def test_that_the_distance_is_that_of_black_and_white_and_of_nothing() -> None:
    assert distance("#000000", "#FFFFFF", "usual") == pytest.approx(100, abs=0.1)
    assert distance("#AD4C05", "#AD4C05", "deuteranopia") == 0
    assert distance("#00A000", "#B07000", "deuteranopia") < 0.3 * distance("#00A000", "#B07000", "usual")


@each_look
@pytest.mark.parametrize("eye", EYES)
def test_that_left_and_right_are_worlds_apart_and_no_two_hues_are_alike(look: theme.Tokens, eye: str) -> None:
    assert distance(look["left"], look["right"], eye) > 60
    assert distance(look["leftgraphic"], look["rightgraphic"], eye) > 60
    assert min(distance(look[a], look[b], eye) for a, b in itertools.combinations(GRAPHICS, 2)) > 10
    assert min(distance(look[a], look[b], eye) for a, b in itertools.combinations(TEXTS, 2)) > 6
    assert min(distance(look[a], look[b], eye) for a, b in itertools.combinations(("good", "warn", "danger"), 2)) > 10


@pytest.mark.parametrize("look", [theme.STARK_LIGHT, theme.STARK_DARK], ids=["light", "dark"])
def test_that_high_contrast_is_high(look: theme.Tokens) -> None:
    for back in ("bg", "surface", "raised"):
        assert min(contrast(look[name], look[back]) for name in ("text", "text2", "muted")) >= 7
        assert min(contrast(look[name], look[back]) for name in ("border", "border2", "faint")) >= 3


def test_that_the_systems_wish_for_contrast_is_granted(window, monkeypatch: pytest.MonkeyPatch) -> None:
    class Wish:
        def contrastPreference(self) -> Qt.ContrastPreference:
            return Qt.ContrastPreference.HighContrast

    class Hints:
        def accessibility(self) -> Wish:
            return Wish()

        def colorScheme(self) -> Qt.ColorScheme:
            return Qt.ColorScheme.Dark

    if not hasattr(Qt, "ContrastPreference"):
        pytest.skip("Qt tells it from 6.10 on")
    monkeypatch.setattr(QGuiApplication, "styleHints", staticmethod(Hints))
    assert theme.apply("light") is theme.STARK_LIGHT
    assert theme.apply("system") is theme.STARK_DARK
    monkeypatch.undo()
    assert theme.apply("light") is theme.LIGHT
