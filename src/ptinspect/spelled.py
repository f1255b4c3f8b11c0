"""Text from a file that cannot pose as something else: in a terminal, in a table, in a window."""

from __future__ import annotations

_HIDDEN = ((0, 0x20), (0x7F, 0xA0), (0x61C, 0x61D), (0x200B, 0x2010), (0x2028, 0x202F), (0x2066, 0x206A), (0xFEFF, 0xFF00))
_INVISIBLE = frozenset(code for low, high in _HIDDEN for code in range(low, high))


def plain(text: str) -> str:
    """One line: control, direction and invisible characters are spelled out."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_spelled(char) for char in text)


def _spelled(char: str) -> str:
    code = ord(char)
    if code in _INVISIBLE or 0xD800 <= code <= 0xDFFF or code >= 0xE0000:
        return char.encode("unicode_escape", "surrogatepass").decode("ascii") if code != 0xFEFF else "\\ufeff"
    return char
