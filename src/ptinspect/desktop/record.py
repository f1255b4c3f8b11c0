"""What was put in place, kept so that it can be told, completed and undone, even by a later version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ptinspect.frozen import frozen

LARGEST = 1 << 20


@frozen
class Value:
    """A value in Windows' registry, and what stood there before; an empty text there is none."""

    key: str
    name: str
    text: str
    before: str = ""


@frozen
class Record:
    """Who put it there, the digests that each file may have, the folders that were made, the registry values that were set."""

    program: tuple[str, ...]
    files: Mapping[str, tuple[str, ...]]
    folders: tuple[str, ...] = ()
    values: tuple[Value, ...] = ()


def load(path: Path) -> Record | None:
    """The record, or None where there is none; one that is damaged says nothing."""
    try:
        with path.open("rb") as file:
            fields: Any = json.loads(file.read(LARGEST))
        return Record(
            _texts(fields["program"]),
            {str(name): _texts(digests) for name, digests in fields["files"].items()},
            _texts(fields["folders"]),
            tuple(Value(*_texts(value)) for value in fields["values"]),
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise TypeError
    return tuple(map(str, values))


def as_json(record: Record) -> bytes:
    """As it is kept."""
    values = [[value.key, value.name, value.text, value.before] for value in record.values]
    fields = {"program": record.program, "files": dict(record.files), "folders": record.folders, "values": values}
    return json.dumps(fields, indent=1).encode()
