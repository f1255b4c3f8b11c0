"""Colours, type and measures of the window: light and dark, as tokens, as a Qt palette and as one style sheet."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontDatabase, QGuiApplication, QPalette, QPen
from PySide6.QtWidgets import QApplication

from ptinspect.frozen import frozen
from ptinspect.ui.sheet import SHEET

TOOLBAR, TABS, BANNER, INSPECTOR_TABS, STATUS, ROW, HEADER, INDENT = 44, 36, 44, 36, 28, 24, 30, 14
_UI = ("Inter", "Segoe UI Variable Text", "Segoe UI", "SF Pro Text", "Noto Sans", "DejaVu Sans")
_DISPLAY = ("Inter Display", *_UI)
_MONO = ("JetBrains Mono", "Cascadia Mono", "SF Mono", "Menlo", "Consolas", "Noto Sans Mono", "DejaVu Sans Mono")
_NAMES = (
    "bg surface raised inset fill track thumb hover selrow border border2 hair text text2 muted faint accent accent2 "
    "accentsoft accentbg accentbd good goodbg goodbd warn warnicon warnbg warnbd danger dangerbg dangerbd left leftgraphic "
    "leftbg right rightgraphic rightbg shape shapegraphic shapebg tip tiptext tipmuted "
).split()
_LIGHT = (
    "F4F5F7 FFFFFF FAFBFC F1F2F5 F1F2F5 EBEDF1 FFFFFF F3F4F7 ECEDFC E5E7EB D0D4DB F0F1F4 1A1D23 4A505C 636A77 A3A9B4 5254CC 5B5BD6 B9BCEF"
    " EEEFFC CBCDF5 1D7A4C E9F6EF C3E5D2 8A5A00 BD8100 FDF5E1 EFDDAF C02B31 FDEFEF F3CCCD 0A6BAB 2E9BDC E6F3FB AD4C05 E07B2A FDF0E6"
    " 97389A B95ABB F8ECF8 1F232B FFFFFF AEB5C2"
).split()
_DARK = (
    "131417 1A1C20 1E2025 15171A 272A30 23262C 3B4049 212429 272A4C 2A2D33 3E434C 212328 E4E7EC B4BAC6 8F96A3 5A606B 9A9DF7 5F62DE 4B4E96"
    " 26284A 3B3E73 5DC391 172A20 25493A E6B85A E6B85A 2B2415 4D3F1E F37F81 331D20 5B2E32 5CB6EE 3A96D2 14293A F2A067 D97B33 37261A"
    " DC8BDE B562B8 352039 E8EAEE 15171A 5B616D"
).split()


@frozen
class Tokens:
    """One theme: its colours by name."""

    name: str
    colours: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.colours[name]

    def colour(self, name: str) -> QColor:
        """A colour to paint with; the same object each time, for a delegate asks thousands of times."""
        return _colour(self.colours[name])

    def pen(self, name: str) -> QPen:
        """A colour to write with."""
        return _pen(self.colours[name])

    def brush(self, name: str) -> QBrush:
        """A colour to fill with."""
        return _brush(self.colours[name])


@lru_cache(maxsize=256)
def _brush(text: str) -> QBrush:
    brush = QBrush(Qt.BrushStyle.SolidPattern)  # from a colour, PySide would first set up gradients with their 171 presets
    brush.setColor(_colour(text))
    return brush


@lru_cache(maxsize=256)
def _pen(text: str) -> QPen:
    pen = QPen(Qt.PenStyle.SolidLine)
    pen.setColor(_colour(text))
    return pen


@lru_cache(maxsize=256)
def _colour(text: str) -> QColor:
    return QColor(text)


LIGHT = Tokens("light", {name: f"#{value}" for name, value in zip(_NAMES, _LIGHT, strict=True)})
DARK = Tokens("dark", {name: f"#{value}" for name, value in zip(_NAMES, _DARK, strict=True)})
# What each token becomes where the system asks for high contrast: greys move up a step, lines can be seen from afar.
_STARK = (("faint", "muted"), ("hair", "border2"), ("border", "muted"), ("border2", "text2"), ("muted", "text2"), ("text2", "text"))


def stark(look: Tokens) -> Tokens:
    """A theme with more contrast: the same hues on the same grounds."""
    strongest = "#FFFFFF" if look.name == "dark" else "#000000"
    return Tokens(look.name, look.colours | {name: look[source] for name, source in _STARK} | {"text": strongest})


STARK_LIGHT, STARK_DARK = stark(LIGHT), stark(DARK)
_current = [LIGHT]


def tokens() -> Tokens:
    """The theme that is on."""
    return _current[0]


def apply(theme: str) -> Tokens:
    """Put a theme on: `light`, `dark` or `system`."""
    is_dark = theme == "dark" or (theme == "system" and _system_is_dark())
    looks = (STARK_LIGHT, STARK_DARK) if _system_wants_contrast() else (LIGHT, DARK)
    chosen = looks[is_dark]
    application = QApplication.instance()
    changed = chosen is not _current[0] or not application.property("themed")  # type: ignore[union-attr]
    _current[0] = chosen
    if changed and isinstance(application, QApplication):
        application.setProperty("themed", True)
        font.cache_clear()
        application.setFont(font(12))
        application.setPalette(_palette(chosen))
        application.setStyleSheet(_sheet(chosen))
    return chosen


def _system_is_dark() -> bool:
    return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark


def _system_wants_contrast() -> bool:
    """Told from Qt 6.10 on."""
    tell = getattr(QGuiApplication.styleHints(), "accessibility", None)
    return tell is not None and bool(tell().contrastPreference() == Qt.ContrastPreference.HighContrast)


@lru_cache(maxsize=1)
def _has_inter() -> bool:
    return QFontDatabase.hasFamily("Inter")


@lru_cache(maxsize=64)
def font(size: int, weight: int = 400, family: str = "ui") -> QFont:
    """A font of the scale. Only Inter has the steps between regular and bold; others get the nearest that they draw well."""
    if _has_inter():
        weight = weight - 100 if tokens().name == "dark" else weight
    else:
        weight = 400 if weight <= 500 else 700
        size = size - 1 if size >= 12 and family != "mono" else size  # the fallbacks are a tenth wider
    names = list({"ui": _UI, "mono": _MONO}.get(family, _DISPLAY))
    if weight < 400:  # by its name: asked for by weight, other scripts would come from whatever thin font there is, which lacks them
        names.insert(0, f"{names[0]} Light")
        weight = 400
    found = QFont()
    found.setFamilies(names)
    found.setPixelSize(size)
    found.setWeight(QFont.Weight(weight))
    found.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    found.setFeature(QFont.Tag("calt"), 0)
    if family != "mono":
        found.setFeature(QFont.Tag("tnum"), 1)
    return found


def _palette(look: Tokens) -> QPalette:
    palette, role = QPalette(), QPalette.ColorRole
    pairs = {
        role.Window: "bg", role.Base: "surface", role.AlternateBase: "raised", role.Button: "surface", role.Text: "text",
        role.WindowText: "text", role.ButtonText: "text", role.Highlight: "selrow", role.HighlightedText: "text",
        role.ToolTipBase: "tip", role.ToolTipText: "tiptext", role.PlaceholderText: "muted", role.Link: "accent",
        role.Accent: "accent2", role.Mid: "border", role.Light: "raised", role.Dark: "border2",
    }  # fmt: skip
    for one, name in pairs.items():
        palette.setColor(one, look.colour(name))
    for one in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, one, look.colour("faint"))
    return palette


def _sheet(look: Tokens) -> str:
    text = SHEET
    for name in sorted(_NAMES, key=len, reverse=True):
        text = text.replace(f"@{name};", f"{look[name]};").replace(f"@{name} ", f"{look[name]} ")
    return text
