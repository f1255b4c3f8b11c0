r"""Windows: keys below HKEY_CURRENT_USER\Software\Classes.

    ptinspect.checkpoint                    what such a file is called, its icon, the command that opens it
    .pt\OpenWithProgids                     the program offers itself; so for each ending
    .pt, default value                      only where no program has it, or on demand

and an entry in the Start menu, a link file.
What a user chose in Explorer lies elsewhere, is protected by Windows, and always wins.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from ptinspect import resources
from ptinspect.desktop import program
from ptinspect.desktop.placing import FileState, Planned, Removed, digest_of, finish, left_notes, place, take_away, write
from ptinspect.desktop.record import Record, Value, as_json, load
from ptinspect.desktop.registry import Registry
from ptinspect.desktop.start_menu import StartMenu
from ptinspect.desktop.status import Status, judged
from ptinspect.errors import OutputProblem
from ptinspect.frozen import frozen, replace

CLASSES = r"Software\Classes"
KIND = "ptinspect.checkpoint"
ENDINGS = (".pt", ".pth", ".ckpt", ".pt2", ".safetensors")


@frozen
class UserClasses:
    """One user's registry, the folder for the icons and the record, and the Start menu."""

    registry: Registry
    folder: Path
    menu: StartMenu | None = None

    @property
    def record(self) -> Path:
        """Where the record lies."""
        return self.folder / "desktop.json"

    def install(self, words: tuple[str, ...], default: bool, force: bool) -> tuple[str, ...]:
        """Put it in place. The record of the values is written before them, like that of the files."""
        older = (load(self.record) or Record(words, {})).values
        others = self._others()
        left = place(self.plan(), self.record, words, (), force)
        files = load(self.record) or Record(words, {})
        mine = self._values(words, [ending for ending in ENDINGS if default or ending not in others], older)
        self._keep(files, tuple(dict.fromkeys((*older, *mine))))
        self._change(lambda: self._put(mine))
        files, lack = self._entered(files, words, force)
        self._keep(files, mine)
        notes = [*left_notes(left), *lack]
        if not default:
            notes += [f"{ending} stays with {other}; --default changes that." for ending, other in others.items()]
        return (*notes, *program.doubts(words))

    def _entered(self, files: Record, words: tuple[str, ...], force: bool) -> tuple[Record, list[str]]:
        """The record with the entry in the Start menu, and what there is to say of it. One that is not ours is left alone."""
        if self.menu is None:
            return files, []
        link = self.menu.link
        if link.exists() and not force:
            return files, left_notes([link])
        problem = self.menu.make(words, self.folder / "ptinspect.ico")
        if problem:
            return files, [problem]
        return replace(files, files={**files.files, str(link): (digest_of(link),)}), []

    def uninstall(self, words: tuple[str, ...]) -> Removed:
        """Take it away; a value that someone changed since stays, and what stood there before comes back."""
        record = load(self.record)
        values = record.values if record is not None else self._values(words, ENDINGS, ())
        states = {(value.key, value.name): self._state(value) for value in values}
        mine = [value for value in values if states[value.key, value.name] == "as written"]
        self._change(lambda: self._drop(mine))
        removed = take_away(self.plan(), self.record)
        finish(self.record)
        gone = (*map(Path, dict.fromkeys(value.key for value in mine)), *removed.gone)
        stays = dict.fromkeys(key for (key, _), state in states.items() if state == "changed")
        return Removed(gone, removed.left, tuple(f"{key} was changed since and stays." for key in stays))

    def status(self, words: tuple[str, ...]) -> Status:
        """What is there."""
        record = load(self.record)
        values = record.values if record is not None else self._values(words, (), ())
        states = tuple((f"{value.key}\\{value.name}".rstrip("\\"), self._state(value)) for value in values)
        found = judged(record, words, states)
        mine = tuple(ending for ending in ENDINGS if self.registry.get(rf"{CLASSES}\{ending}", "") == KIND)
        return Status(found.state, found.program, found.files, mine, found.notes)

    def plan(self) -> tuple[Planned, ...]:
        """The icon of the files, in a place of its own."""
        return tuple(
            Planned(self.folder / f"{name}.ico", resources.path(f"desktop/{name}.ico").read_bytes()) for name in ("ptinspect", "checkpoint")
        )

    # -- values ---------------------------------------------------------------------------------------------------------------

    def _values(self, words: tuple[str, ...], defaults: Sequence[str], older: Iterable[Value]) -> tuple[Value, ...]:
        """What should stand in the registry, with what stood there before we first came."""
        first = {(value.key, value.name): value.before for value in older}

        def value(key: str, name: str, text: str) -> Value:
            before = first.get((key, name), "" if (found := self.registry.get(key, name)) in (None, text) else str(found))
            return Value(key, name, text, before)

        return tuple(value(rf"{CLASSES}\{key}", name, text) for key, name, text in self._wanted(words, defaults))

    def _wanted(self, words: tuple[str, ...], defaults: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        yield KIND, "", "PyTorch checkpoint"
        yield rf"{KIND}\DefaultIcon", "", str(self.folder / "checkpoint.ico")
        yield rf"{KIND}\Application", "ApplicationName", "ptinspect"
        yield rf"{KIND}\Application", "ApplicationIcon", str(self.folder / "ptinspect.ico")
        yield rf"{KIND}\shell\open\command", "", command(words)
        for ending in ENDINGS:
            yield rf"{ending}\OpenWithProgids", KIND, ""
            if ending in defaults:
                yield ending, "", KIND

    def _others(self) -> dict[str, str]:
        """The endings that another program opens."""
        found = {ending: self.registry.get(rf"{CLASSES}\{ending}", "") for ending in ENDINGS}
        return {ending: other for ending, other in found.items() if other and other != KIND}

    def _state(self, value: Value) -> FileState:
        found = self.registry.get(value.key, value.name)
        return "missing" if found is None else "as written" if found == value.text else "changed"

    def _put(self, values: Iterable[Value]) -> None:
        for value in values:
            self.registry.put(value.key, value.name, value.text)

    def _drop(self, values: Sequence[Value]) -> None:
        """Values first, then the keys that are empty by that, inner ones first."""
        for value in values:
            if value.before:
                self.registry.put(value.key, value.name, value.before)
            else:
                self.registry.drop(value.key, value.name)
        keys = {above for value in values for above in _upwards(value.key)}
        for key in sorted(keys, key=len, reverse=True):
            self.registry.drop_key(key)

    def _change(self, change: Callable[[], None]) -> None:
        try:
            change()
            self.registry.refresh()
        except OSError as error:
            hint = "Ask who administers this machine, then run it again."
            raise OutputProblem(f"the registry of this user cannot be written: {error.strerror or error}", hint) from None

    def _keep(self, files: Record, values: tuple[Value, ...]) -> None:
        write(self.record, as_json(Record(files.program, files.files, files.folders, values)))


def command(words: tuple[str, ...]) -> str:
    """The command of a double click. No path on Windows holds a quote."""
    first, *rest = map(program.as_text, words)
    return " ".join([f'"{first}"', *rest, '"%1"'])


def _upwards(key: str) -> Iterator[str]:
    """A key and those above it, up to the classes."""
    while key != CLASSES:
        yield key
        key = key.rpartition("\\")[0]


def user_folder() -> Path:
    """Where the icons and the record of this user lie."""
    return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "ptinspect" / "desktop"
