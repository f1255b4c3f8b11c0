"""Which program opens a type by default: the lists `mimeapps.list` of freedesktop.org.

They are edited here and not by `xdg-mime default`, which writes the same line but cannot take it back.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ptinspect.desktop.placing import write
from ptinspect.errors import OutputProblem

GROUP = "[Default Applications]"


def chosen(config: Path, data: Path, kind: str) -> str | None:
    """The program that opens a type, by the user's and the system's lists, if it is installed."""
    applications = [folder / "applications" for folder in (data, *_folders("XDG_DATA_DIRS", "/usr/local/share:/usr/share"))]
    for folder in (config, *_folders("XDG_CONFIG_DIRS", "/etc/xdg"), *applications):
        for name in _names():
            for entry in _entries(_text(folder / name), kind):
                if any((place / entry).is_file() for place in applications):
                    return entry
    return None


def _folders(variable: str, otherwise: str) -> list[Path]:
    return [Path(part) for part in (os.environ.get(variable) or otherwise).split(":") if os.path.isabs(part)]


def _names() -> list[str]:
    """A desktop's own list comes before the common one."""
    desktops = [part.lower() for part in os.environ.get("XDG_CURRENT_DESKTOP", "").split(":") if part and "/" not in part]
    return [*(f"{desktop}-mimeapps.list" for desktop in desktops), "mimeapps.list"]


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "surrogateescape")
    except OSError:
        return ""


def _entries(text: str, kind: str) -> list[str]:
    for inside, line in _lines(text):
        name, _, value = line.partition("=")
        if inside and name.strip() == kind:
            return [part.strip() for part in value.split(";") if part.strip()]
    return []


def _lines(text: str) -> Iterator[tuple[bool, str]]:
    """Each line, and whether it lies in the group of defaults; its header does not."""
    inside = False
    for line in text.split("\n"):
        if line.startswith("["):
            inside = line.rstrip() == GROUP
            yield False, line
        else:
            yield inside, line


# -- edit ---------------------------------------------------------------------------------------------------------------------


def set_default(path: Path, kinds: tuple[str, ...], entry: str) -> None:
    """Put a program first for these types."""
    before = after = _text(path)
    for kind in kinds:
        after = with_default(after, kind, entry)
    _rewrite(path, before, after)


def unset_default(path: Path, kinds: tuple[str, ...], entry: str) -> None:
    """Take a program out for these types; a list that is empty then goes as well."""
    before = after = _text(path)
    for kind in kinds:
        after = without_default(after, kind, entry)
    _rewrite(path, before, after)


def _rewrite(path: Path, before: str, after: str) -> None:
    if after == before:
        return
    place = path.resolve()  # people keep such files elsewhere, and a link there
    if after.strip():
        write(place, after.encode("utf-8", "surrogateescape"))
        return
    try:
        with suppress(FileNotFoundError):
            place.unlink()
    except OSError as error:
        raise OutputProblem(f"{place} cannot be removed: {error.strerror}", "Make its folder writable and run it again.") from None


def with_default(text: str, kind: str, entry: str) -> str:
    """The list with a program in front of the others for a type."""
    entries = _entries(text, kind)
    if entries[:1] == [entry]:
        return text
    line = f"{kind}={';'.join([entry, *(other for other in entries if other != entry)])}"
    if entries:
        return _replaced(text, kind, [line])
    lines = text.split("\n")
    if GROUP not in (each.rstrip() for each in lines):
        return f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{chr(10) if text else ''}{GROUP}\n{line}\n"
    at = next(index for index, each in enumerate(lines) if each.rstrip() == GROUP) + 1
    return "\n".join([*lines[:at], line, *lines[at:]])


def without_default(text: str, kind: str, entry: str) -> str:
    """The list without a program for a type, and without a group that was only about it."""
    entries = _entries(text, kind)
    if entry not in entries:
        return text
    others = [other for other in entries if other != entry]
    left = _replaced(text, kind, [f"{kind}={';'.join(others)}"] if others else [])
    if any(inside and line.strip() for inside, line in _lines(left)):
        return left
    head, _, tail = left.partition(f"{GROUP}\n")
    return (head.removesuffix("\n") if head.endswith("\n\n") else head) + tail


def _replaced(text: str, kind: str, by: list[str]) -> str:
    lines: list[str] = []
    for inside, line in _lines(text):
        lines.extend(by if inside and line.partition("=")[0].strip() == kind else [line])
    return "\n".join(lines)
