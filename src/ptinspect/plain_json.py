"""JSON that every reader takes: no NaN, integers exact, letters beyond ASCII escaped."""

from __future__ import annotations

import json
import math
from typing import Any

SCHEMA = 1
_NAMES = {math.inf: "Infinity", -math.inf: "-Infinity"}


def dumps(value: object) -> str:
    """JSON with integers exact and non-finite numbers as text. Lone surrogates and everything non-ASCII are escaped."""
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(finite(value), allow_nan=False)


def finite(value: Any) -> Any:
    """The same document with NaN and infinities spelled as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return _NAMES.get(value, "NaN")
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return value
