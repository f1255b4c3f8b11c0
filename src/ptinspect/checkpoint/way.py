"""The Python expression that leads from what was loaded to one value in it: keys, numbers, attributes.

Paths are written for people and may be ambiguous (`{"a": {"b": ...}, "a.b": ...}`), so the value itself is looked for, along the
steps that its path could mean. Every key is spelled by `repr` of a plain type: nothing of the file stands in the text as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from keyword import iskeyword

from ptinspect.checkpoint.weight_sets import joined
from ptinspect.formats.reach import key_text
from ptinspect.pickles.values import Call, Value, entries, pairs_of

MOST_STEPS = 10_000
_LONGEST = 1_000
_KEYS = (str, int, bool, bytes, type(None))


def way_to(root: Value, wanted: Value, path: str) -> str | None:
    """What to write behind the name of the root (nothing where it is what is wanted), None where no expression leads there."""
    todo: list[tuple[Value, str, str]] = [(root, "", "")]
    seen: set[tuple[int, str]] = set()
    while todo and len(seen) < MOST_STEPS:
        value, done, text = todo.pop()
        if value is wanted and done == path:
            return text
        if (id(value), done) in seen:
            continue
        seen.add((id(value), done))
        below = [(item, joined(done, key), text + step) for key, step, item in _steps(value)]
        todo.extend(one for one in reversed(below) if one[1] == path or path.startswith(f"{one[1]}.") or not one[1])
    return None


def _steps(value: Value) -> Iterator[tuple[str, str, Value]]:
    """Everything one step below: how a path spells the step, how Python does, and what is there."""
    if type(value) in (list, tuple):
        yield from ((str(index), f"[{index}]", item) for index, item in enumerate(value))
        return
    pairs = pairs_of(value)
    if pairs is None and type(value) is not Call:
        return
    if pairs is None:
        yield from ((str(index), f"[{index}]", item) for index, item in enumerate(value.items or ()))
    for key, item in entries(value.pairs or [] if pairs is None else pairs):
        spelled = _spelled(key)
        if spelled is not None:
            yield key_text(key), f"[{spelled}]", item
    for state in value.states:
        for part in state if type(state) is tuple else (state,):
            yield from ((key, _attribute(key), item) for key, item in entries(pairs_of(part) or []) if _can_be_attribute(key))


def _spelled(key: Value) -> str | None:
    """A key as Python writes it; protocol 2 keeps bytes as a call that encodes a text."""
    if type(key) is Call and key.name == "_codecs.encode" and type(key.args) is tuple and key.args[1:] == ("latin1",):
        text = key.args[0]
        key = text.encode("latin1", "replace") if type(text) is str and len(text) <= _LONGEST else key
    if type(key) not in _KEYS or (type(key) in (str, bytes) and len(key) > _LONGEST):
        return None
    return repr(key) if type(key) is not int or key.bit_length() <= _LONGEST else None


def _can_be_attribute(key: Value) -> bool:
    return type(key) is str and len(key) <= _LONGEST


def _attribute(key: str) -> str:
    """`.name`; where that is no plain name, through the object's own dictionary."""
    if key.isascii() and key.isidentifier() and not iskeyword(key):
        return f".{key}"
    return f".__dict__[{key!r}]"


__all__ = ["way_to"]
