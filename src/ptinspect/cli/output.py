"""How every command speaks: JSON without NaN, text without control characters, errors in two lines."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Mapping
from typing import Any

from ptinspect.errors import InspectError
from ptinspect.plain_json import SCHEMA, dumps
from ptinspect.spelled import plain

quoted = json.encoder.encode_basestring_ascii  # a text as JSON, without the cost of an encoder


def speak_any_encoding() -> None:
    """Letters that the terminal's encoding lacks are spelled out; a name in Greek is no reason to fail under `LC_ALL=C`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def terminal_width() -> int:
    """Letters in a line of the terminal; 100 where there is none."""
    return shutil.get_terminal_size((100, 24)).columns


def print_json(path: str | None, fields: Mapping[str, Any]) -> None:
    """One document on standard output."""
    head = {"schema": SCHEMA} if path is None else {"schema": SCHEMA, "path": path}
    print(dumps({**head, **fields}))


def print_error(error: InspectError, path: str | None, as_json: bool) -> None:
    """Two lines for people on standard error, and a document for programs on standard output."""
    name = f"{plain(path)}: " if path is not None else ""
    print(f"{name}{plain(error.message)}", file=sys.stderr)
    print(plain(error.hint) or "Nothing can be done about it here.", file=sys.stderr)
    if as_json:
        head = {"path": path} if path is not None else {}
        print(dumps({"schema": SCHEMA, **head, "error": error_fields(error)}))


def error_fields(error: InspectError) -> dict[str, str]:
    """An error as JSON."""
    return {"type": type(error).__name__, "message": error.message, "hint": error.hint}
