"""JSON inside an archive, bounded: its length by the limits, and its pieces by the number of objects they would become.

A text of 32 MB such as `[[],[],[],...` becomes a gigabyte of lists, so that the pieces are counted before they are made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ptinspect.errors import Corrupt, LimitExceeded
from ptinspect.limits import Limits

_AGAIN = "Get the file again from its source."
ATTEMPTS = 20


def parse(text: bytes, limits: Limits, name: str) -> dict[str, Any]:
    """The JSON object in a text."""
    _count(text, limits, name)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise Corrupt(f"{name} is no valid JSON", _AGAIN, name) from None
    if not isinstance(found, dict):
        raise Corrupt(f"{name} holds no mapping", _AGAIN, name)
    return found


def objects_under(text: bytes, key: str, limits: Limits, name: str) -> Iterator[dict[str, Any]]:
    """The first objects that stand under a key, at any depth, without parsing what lies around it.

    A quote inside a JSON string is always escaped, so that `"key": {` can only be a key. The program of a large model is 40 MB
    of graph with 100 KB of signature in it.
    """
    decoder, at = json.JSONDecoder(), 0
    pattern = re.compile(rb'"' + re.escape(key.encode()) + rb'"\s*:\s*\{')
    for _ in range(ATTEMPTS):
        match = pattern.search(text, at)
        if match is None:
            return
        begin = at = match.end() - 1
        part = text[begin : begin + limits.header_bytes // 16]
        _count(part, limits, name)
        try:
            value, length = decoder.raw_decode(part.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            continue
        at = begin + max(1, length)
        yield value


def _count(text: bytes, limits: Limits, name: str) -> None:
    if len(text) > limits.header_bytes:
        raise LimitExceeded(f"{name} goes over the limit `header_bytes`", "No honest archive needs that.", name)
    if text.count(b",") + text.count(b"[") + text.count(b"{") > limits.objects:
        raise LimitExceeded(f"{name} goes over the limit `objects`", "No honest archive needs that.", name)


def whole(value: object) -> int | None:
    """A whole number, also as text, as protobuf writes those of 64 bits; None for anything else."""
    if type(value) is int:
        return value
    if type(value) is str and len(value) < 24 and value.lstrip("-").isascii() and value.lstrip("-").isdigit():
        return int(value)
    return None


def wholes(value: object) -> tuple[int, ...] | None:
    """A list of whole numbers, None for anything else."""
    if not isinstance(value, list):
        return None
    numbers = [whole(item) for item in value]
    return None if None in numbers else tuple(number for number in numbers if number is not None)
