"""What the user chose, kept as JSON in their configuration folder. A damaged or strange file costs the choices, never the start."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Literal, get_args

from ptinspect.frozen import frozen
from ptinspect.session.columns import BY_NAME, ColumnChoice

Theme = Literal["system", "light", "dark"]
MOST_RECENT, MOST_PAIRINGS, LONGEST_TEXT = 20, 40, 20_000
_LARGEST = 1 << 20


@frozen
class Recent:
    """A file that was open before, and what it was."""

    path: str
    what: str = ""
    size: int = 0
    opened: float = 0.0
    tone: str = ""


@frozen
class Settings:
    """Everything that outlives the window."""

    theme: Theme = "system"
    recent: tuple[Recent, ...] = ()
    columns: ColumnChoice = ColumnChoice()
    window: tuple[int, int, int, int] | None = None
    is_maximized: bool = False
    inspector: int | None = None
    is_inspector_shown: bool = True
    session: tuple[str, ...] = ()
    active: int = 0
    comparisons: tuple[str, ...] = ()  # each as JSON, with its place among the tabs
    pairings: tuple[str, ...] = ()  # rules that were made for two files, as JSON, the newest first
    batches: tuple[str, ...] = ()  # what test batches of an architecture were asked for, as JSON, the newest first
    python: str = ""  # the Python that runs test batches; this one where it is empty


def folder() -> Path:
    """Where this user's settings lie on this system."""
    given = os.environ.get("PTINSPECT_CONFIG")
    if given:
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming") / "ptinspect"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "ptinspect"
    given = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(given) if os.path.isabs(given) else Path.home() / ".config") / "ptinspect"


def load(place: Path) -> Settings:
    """The settings of a folder; what cannot be read or is of another kind falls back to how it starts."""
    try:
        with (place / "settings.json").open("rb") as file:
            fields = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return Settings()
    return of_fields(fields) if isinstance(fields, dict) else Settings()


def save(place: Path, settings: Settings) -> bool:
    """Write them whole or not at all: a window that dies while it writes leaves the old ones. False where there is no room."""
    temporary = place / f"settings.{os.getpid()}.part"
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary.write_text(json.dumps(fields_of(settings), indent=1), "utf-8")
        temporary.replace(place / "settings.json")
    except OSError:
        return False
    return True


def fields_of(settings: Settings) -> dict[str, Any]:
    """As JSON."""
    choice = settings.columns
    return {
        "theme": settings.theme,
        "recent": [{"path": r.path, "what": r.what, "size": r.size, "opened": r.opened, "tone": r.tone} for r in settings.recent],
        "columns": {
            "order": list(choice.order),
            "shown": list(choice.shown),
            "widths": dict(choice.widths),
            "sorted_by": choice.sorted_by,
            "is_descending": choice.is_descending,
        },
        "window": list(settings.window) if settings.window else None,
        "is_maximized": settings.is_maximized,
        "inspector": settings.inspector,
        "is_inspector_shown": settings.is_inspector_shown,
        "session": list(settings.session),
        "active": settings.active,
        "comparisons": list(settings.comparisons),
        "pairings": list(settings.pairings),
        "batches": list(settings.batches),
        "python": settings.python,
    }


def of_fields(fields: dict[str, Any]) -> Settings:
    """Each field by itself: one that makes no sense is left as it starts."""
    start = Settings()
    theme: Any = fields.get("theme")
    inspector: Any = fields.get("inspector")
    active: Any = fields.get("active")
    shown: Any = fields.get("is_inspector_shown")
    return Settings(
        theme=theme if theme in get_args(Theme) else start.theme,
        recent=tuple(found for item in _list(fields.get("recent"))[:MOST_RECENT] if (found := _recent(item)) is not None),
        columns=_columns(fields.get("columns")),
        window=_rectangle(fields.get("window")),
        is_maximized=fields.get("is_maximized") is True,
        inspector=inspector if _is_size(inspector) else None,
        is_inspector_shown=shown is not False,
        session=tuple(item for item in _list(fields.get("session"))[:MOST_RECENT] if isinstance(item, str) and item),
        active=active if _is_size(active) else 0,
        comparisons=_texts(fields.get("comparisons"), MOST_RECENT),
        pairings=_texts(fields.get("pairings"), MOST_PAIRINGS),
        batches=_texts(fields.get("batches"), MOST_PAIRINGS),
        python=next(iter(_texts([fields.get("python")], 1)), ""),
    )


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: object, most: int) -> tuple[str, ...]:
    return tuple(item for item in _list(value)[:most] if isinstance(item, str) and len(item) <= LONGEST_TEXT)


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value < 100_000


def _recent(item: object) -> Recent | None:
    if not isinstance(item, dict) or not isinstance(item.get("path"), str) or not item["path"]:
        return None
    fields: dict[str, Any] = item
    what, size, opened, tone = (fields.get(name) for name in ("what", "size", "opened", "tone"))
    return Recent(
        item["path"],
        what[:200] if isinstance(what, str) else "",
        size if type(size) is int and size >= 0 else 0,
        float(opened) if isinstance(opened, (int, float)) and not isinstance(opened, bool) else 0.0,
        tone if isinstance(tone, str) else "",
    )


def _columns(value: object) -> ColumnChoice:
    if not isinstance(value, dict):
        return ColumnChoice()
    known = [name for name in dict.fromkeys(map(str, _list(value.get("order")))) if name in BY_NAME]
    order = tuple(known) + tuple(name for name in BY_NAME if name not in known)
    shown = tuple(name for name in order if name in _list(value.get("shown")))
    widths = value.get("widths")
    pairs = widths.items() if isinstance(widths, dict) else ()
    kept = tuple((name, width) for name, width in pairs if name in BY_NAME and type(width) is int and 20 <= width <= 4_000)
    shown = shown if "layer" in shown else ("layer", *shown)
    sorted_by = value.get("sorted_by")
    by = sorted_by if isinstance(sorted_by, str) and sorted_by in shown else ""
    return ColumnChoice(order, shown, kept, by, bool(by) and value.get("is_descending") is True) if known else ColumnChoice()


def _rectangle(value: object) -> tuple[int, int, int, int] | None:
    if not isinstance(value, list) or len(value) != 4 or not all(type(side) is int and abs(side) < 100_000 for side in value):
        return None
    x, y, width, height = value
    return (x, y, width, height) if width >= 200 and height >= 150 else None
