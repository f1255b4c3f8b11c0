"""freedesktop.org's desktops: file types, a menu entry and icons below XDG_DATA_HOME."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ptinspect import resources
from ptinspect.desktop import defaults, program
from ptinspect.desktop.entry import entry
from ptinspect.desktop.placing import Planned, Removed, finish, left_notes, place, survey, take_away
from ptinspect.desktop.record import load
from ptinspect.desktop.status import Status, judged
from ptinspect.errors import OutputProblem
from ptinspect.frozen import frozen

TYPES = ("application/x-pytorch-checkpoint", "application/x-safetensors")
ENTRY = "ptinspect.desktop"
_SIZES = (16, 24, 32, 48, 64, 128, 256)
_ICONS = {"ptinspect": "apps/ptinspect", "checkpoint": "mimetypes/application-x-pytorch-checkpoint"}
# What update-mime-database and update-desktop-database make of what lies there.
_MIME = "aliases generic-icons globs globs2 icons magic mime.cache subclasses treemagic types version XMLnamespaces".split()
_PACKAGES = {
    "update-mime-database": "shared-mime-info",
    "update-desktop-database": "desktop-file-utils",
    "gtk-update-icon-cache": "gtk-update-icon-cache",
}


@frozen
class Freedesktop:
    """One user's folders for data and settings."""

    data: Path
    config: Path

    @property
    def record(self) -> Path:
        """Where the record lies."""
        return self.data / "ptinspect" / "desktop.json"

    @property
    def defaults(self) -> Path:
        """The user's own list of default programs."""
        return self.config / "mimeapps.list"

    def install(self, words: tuple[str, ...], default: bool, force: bool) -> tuple[str, ...]:
        """Put it in place; with `default` also in front of a program that opens these types today."""
        others = {kind: found for kind in TYPES if (found := defaults.chosen(self.config, self.data, kind)) not in (None, ENTRY)}
        made = (self.defaults, self.data / "mime" / "application" / "*", self.data / "mime" / "text" / "*")
        left = place(self.plan(words), self.record, words, made, force)
        notes = left_notes(left)
        notes += self._update()
        try:
            defaults.set_default(self.defaults, tuple(kind for kind in TYPES if default or kind not in others), ENTRY)
        except OutputProblem as error:
            notes.append(f"The default program could not be set: {error.message}.")
        if not default:
            notes += [f"{kind} stays with {other}; --default changes that." for kind, other in others.items()]
        return (*notes, *program.doubts(words))

    def uninstall(self, words: tuple[str, ...]) -> Removed:
        """Take it away, and whatever the databases hold of it."""
        defaults.unset_default(self.defaults, TYPES, ENTRY)
        removed = take_away(self.plan(words), self.record)
        notes = self._update() if removed.gone else ()
        self._remove_databases()
        finish(self.record)
        return Removed(removed.gone, removed.left, notes)

    def status(self, words: tuple[str, ...]) -> Status:
        """What is there."""
        record = load(self.record)
        found = judged(record, words, survey(self.plan(words), record))
        mine = tuple(kind for kind in TYPES if defaults.chosen(self.config, self.data, kind) == ENTRY)
        notes = found.notes
        if found.state == "installed" and not (self.data / "mime" / "application" / "x-pytorch-checkpoint.xml").is_file():
            notes += ("File types are not known yet: update-mime-database (Debian: shared-mime-info) has not run.",)
        return Status(found.state, found.program, found.files, mine, notes)

    def plan(self, words: tuple[str, ...]) -> tuple[Planned, ...]:
        """Every file."""
        return (
            Planned(self.data / "applications" / ENTRY, entry(words, TYPES).encode()),
            Planned(self.data / "mime" / "packages" / "ptinspect.xml", _shipped("ptinspect.xml")),
            *_icons(self.data / "icons" / "hicolor"),
        )

    def _update(self) -> tuple[str, ...]:
        """Have the databases made again; what is missing for it is told."""
        mime, applications, theme = self.data / "mime", self.data / "applications", self.data / "icons" / "hicolor"
        commands: list[tuple[str, ...]] = [("update-mime-database", str(mime)), ("update-desktop-database", str(applications))]
        if (theme / "icon-theme.cache").exists():
            commands.append(("gtk-update-icon-cache", "-f", "-t", "-q", str(theme)))
        with suppress(OSError):
            os.utime(theme)  # desktops look here for whether icons are new
        return tuple(note for command in commands if Path(command[-1]).is_dir() and (note := _run(*command)) is not None)

    def _remove_databases(self) -> None:
        """What only told of what is gone."""
        if not any((self.data / "mime" / "packages").glob("*.xml")):
            kinds = [f"application/{kind.partition('/')[2]}.xml" for kind in TYPES]
            _discard(self.data / "mime" / name for name in (*_MIME, *kinds, "text/plain.xml"))
        if not any((self.data / "applications").rglob("*.desktop")):
            _discard([self.data / "applications" / "mimeinfo.cache"])


def here() -> Freedesktop:
    """The folders of whoever runs this."""
    return Freedesktop(_folder("XDG_DATA_HOME", ".local/share"), _folder("XDG_CONFIG_HOME", ".config"))


def _folder(variable: str, otherwise: str) -> Path:
    given = os.environ.get(variable, "")
    return Path(given) if os.path.isabs(given) else Path.home() / otherwise


def _icons(theme: Path) -> Iterator[Planned]:
    for name, place_in_theme in _ICONS.items():
        for size in _SIZES:
            yield Planned(theme / f"{size}x{size}" / f"{place_in_theme}.png", _shipped(f"{name}-{size}.png"))
        yield Planned(theme / "scalable" / f"{place_in_theme}.svg", _shipped(f"{name}.svg"))


def _shipped(name: str) -> bytes:
    return resources.path(f"desktop/{name}").read_bytes()


def _discard(paths: Iterator[Path] | list[Path]) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink()


def _run(tool: str, *arguments: str) -> str | None:
    """Run a tool of the desktop; what went wrong, in a sentence."""
    found = shutil.which(tool)
    if found is None:
        return f"{tool} is missing, so the desktop may not notice yet: install {_PACKAGES[tool]} (Debian) and run this again."
    try:
        done = subprocess.run([found, *arguments], capture_output=True, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{tool} did not run: {error}"
    said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
    return f"{tool} failed: {said or f'status {done.returncode}'}" if done.returncode else None
