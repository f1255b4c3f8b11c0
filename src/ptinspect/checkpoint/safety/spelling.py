"""Inert values as short text: bounded in nodes and characters, never recursing, no control characters (S-27, S-32)."""

from __future__ import annotations

from ptinspect.pickles.values import Bytes, Call, Dict, Global, Persistent, Set, Value

NODES = 24
CHARACTERS = 160
TEXT = 80

_OPEN_CLOSE = {tuple: ("(", ")"), list: ("[", "]"), Dict: ("{", "}"), Set: ("{", "}")}


def escaped(text: str, most: int = TEXT) -> str:
    """Text without anything that a terminal would act on or that reads backwards."""
    cut = text[:most]
    safe = "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in cut)
    return safe + ("…" if len(text) > most else "")


def quoted(text: str) -> str:
    """A string in the quotes that it does not hold itself."""
    shown = escaped(text)
    mark = '"' if "'" in shown and '"' not in shown else "'"
    return mark + shown + mark


def arguments(args: Value) -> str:
    """The arguments of a call as they would be written."""
    if type(args) is not tuple:
        return spelled(args)
    return ", ".join(_spell(list(args)))[:CHARACTERS]


def spelled(value: Value) -> str:
    """One value."""
    return "".join(_spell([value]))[:CHARACTERS]


def _spell(values: list[Value]) -> list[str]:
    """Each value as text; what lies deeper than the budget reaches is an ellipsis."""
    budget, out = NODES, []
    for value in values:
        text, budget = _one(value, budget)
        out.append(text)
        if budget <= 0:
            out.append("…")
            break
    return out


def _one(value: Value, budget: int) -> tuple[str, int]:
    """One value, its containers opened with an explicit stack: strings on it are text to print, everything else is to be spelled."""
    out: list[str] = []
    stack: list[tuple[bool, Value]] = [(True, value)]
    while stack:
        to_spell, item = stack.pop()
        if not to_spell:
            out.append(item)
            continue
        budget -= 1
        if budget < 0:
            out.append("…")
            continue
        parts = _parts(item)
        if parts is None:
            out.append(_leaf(item))
        else:
            stack.extend(reversed(parts))
    return "".join(out), budget


def _parts(value: Value) -> list[tuple[bool, Value]] | None:
    """A container as its brackets, commas and items."""
    if type(value) is Call:
        args = list(value.args[:NODES]) if type(value.args) is tuple else [value.args]
        return [(True, value.fn), *_bracketed("(", args, ")")]
    if type(value) not in _OPEN_CLOSE:
        return None
    opening, closing = _OPEN_CLOSE[type(value)]
    if type(value) is Dict:
        pairs = [part for key, item in value.pairs[:NODES] for part in ((True, key), (False, ": "), (True, item), (False, ", "))]
        return [(False, opening), *pairs[:-1], (False, closing)]
    return _bracketed(opening, list((value.items if type(value) is Set else value)[:NODES]), closing)


def _bracketed(opening: str, items: list[Value], closing: str) -> list[tuple[bool, Value]]:
    inner = [part for item in items for part in ((True, item), (False, ", "))]
    return [(False, opening), *inner[:-1], (False, closing)]


def _leaf(value: Value) -> str:
    kind = type(value)
    if kind is str:
        return quoted(value)
    if kind is bytes:
        return "b" + quoted(value[: TEXT + 1].decode("latin-1"))
    if kind is int:
        return str(value) if value.bit_length() < 128 else "a very long number"
    if kind is Global:
        return escaped(value.name, CHARACTERS)
    if kind is Bytes:
        return f"{value.length:,} bytes"
    return "a stored object" if kind is Persistent else str(value) if kind in (bool, float, type(None)) else "?"
