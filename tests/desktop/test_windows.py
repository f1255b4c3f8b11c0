"""The keys of a Windows user, in a registry of plain dictionaries."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ptinspect.desktop.windows import CLASSES, ENDINGS, KIND, UserClasses, command
from ptinspect.errors import OutputProblem
from tests.desktop.homes import snapshot

WORDS = (r"C:\Users\Jürgen Müller\env 100%\Scripts\pythonw.exe", "-m", "ptinspect")


@dataclass
class Imagined:
    """Like HKEY_CURRENT_USER: keys hold values and keys, a key is made with its parents, and only an empty one can be removed."""

    keys: dict[str, dict[str, str]] = field(default_factory=lambda: {CLASSES: {}})
    refreshed: int = 0
    is_locked: bool = False

    def get(self, key: str, name: str) -> str | None:
        return self.keys.get(key, {}).get(name)

    def put(self, key: str, name: str, text: str) -> None:
        if self.is_locked:
            raise PermissionError(13, "Access is denied")
        parts = key.split("\\")
        for count in range(1, len(parts) + 1):
            self.keys.setdefault("\\".join(parts[:count]), {})
        self.keys[key][name] = text

    def drop(self, key: str, name: str) -> None:
        self.keys.get(key, {}).pop(name, None)

    def drop_key(self, key: str) -> None:
        if not self.keys.get(key) and not any(other.startswith(key + "\\") for other in self.keys):
            self.keys.pop(key, None)

    def refresh(self) -> None:
        self.refreshed += 1

    def held(self) -> dict[str, dict[str, str]]:
        """What is in it, apart from empty keys that stood there before."""
        return {key: dict(values) for key, values in self.keys.items() if values}


def keys_of(registry: Imagined) -> set[str]:
    return {key for key in registry.keys if key.startswith(CLASSES + "\\")}


def test_that_a_command_is_quoted_whatever_its_place() -> None:
    assert command(WORDS) == r'"C:\Users\Jürgen Müller\env 100%\Scripts\pythonw.exe" -m ptinspect "%1"'


def test_that_every_ending_offers_the_program_and_opens_with_it_where_none_did(tmp_path: Path) -> None:
    registry = Imagined()
    assert UserClasses(registry, tmp_path).install(WORDS, default=False, force=False) == ()
    for ending in ENDINGS:
        assert registry.get(rf"{CLASSES}\{ending}\OpenWithProgids", KIND) == ""
        assert registry.get(rf"{CLASSES}\{ending}", "") == KIND
    assert registry.get(rf"{CLASSES}\{KIND}\shell\open\command", "") == command(WORDS)
    icon = registry.get(rf"{CLASSES}\{KIND}\DefaultIcon", "")
    assert icon is not None
    assert Path(icon).read_bytes()[:4] == b"\0\0\1\0"
    assert registry.refreshed == 1
    status = UserClasses(registry, tmp_path).status(WORDS)
    assert (status.state, status.default_for) == ("installed", ENDINGS)


def test_that_another_program_keeps_its_ending_until_asked_and_gets_it_back(tmp_path: Path) -> None:
    registry = Imagined()
    registry.put(rf"{CLASSES}\.pt", "", "Netron")
    registry.put(rf"{CLASSES}\.pt\OpenWithProgids", "Netron", "")
    before = registry.held()
    classes = UserClasses(registry, tmp_path / "ours")
    (note,) = classes.install(WORDS, default=False, force=False)
    assert "Netron" in note
    assert registry.get(rf"{CLASSES}\.pt", "") == "Netron"
    assert classes.install(WORDS, default=True, force=False) == ()
    assert registry.get(rf"{CLASSES}\.pt", "") == KIND
    classes.install(WORDS, default=True, force=False)
    classes.uninstall(WORDS)
    assert registry.held() == before
    assert snapshot(tmp_path) == {}


def test_that_uninstall_leaves_no_trace_and_twice_is_once(tmp_path: Path) -> None:
    registry = Imagined()
    classes = UserClasses(registry, tmp_path / "ours")
    classes.install(WORDS, default=False, force=False)
    once = registry.held(), snapshot(tmp_path)
    classes.install(WORDS, default=False, force=False)
    assert (registry.held(), snapshot(tmp_path)) == once
    classes.uninstall(WORDS)
    assert keys_of(registry) == set()
    assert snapshot(tmp_path) == {}
    assert classes.status(WORDS).state == "not installed"
    assert classes.uninstall(WORDS).gone == ()


def test_that_a_value_that_someone_changed_stays_and_is_told(tmp_path: Path) -> None:
    registry = Imagined()
    classes = UserClasses(registry, tmp_path)
    classes.install(WORDS, default=False, force=False)
    registry.put(rf"{CLASSES}\.ckpt", "", "Other.File")
    assert any(".ckpt" in note for note in classes.status(WORDS).notes)
    (note,) = classes.uninstall(WORDS).notes
    assert ".ckpt" in note
    assert registry.held() == {rf"{CLASSES}\.ckpt": {"": "Other.File"}}


def test_that_a_run_that_was_cut_off_is_told_and_undone(tmp_path: Path) -> None:
    registry = Imagined()
    classes, real, count = UserClasses(registry, tmp_path / "ours"), registry.put, 0

    def dying(key: str, name: str, text: str) -> None:
        nonlocal count
        count += 1
        if count > 5:
            raise KeyboardInterrupt
        real(key, name, text)

    registry.put = dying  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        classes.install(WORDS, default=False, force=False)
    assert classes.status(WORDS).state == "partly installed"
    classes.uninstall(WORDS)
    assert keys_of(registry) == set()
    assert snapshot(tmp_path) == {}


def test_that_a_registry_that_takes_nothing_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(OutputProblem) as caught:
        UserClasses(Imagined(is_locked=True), tmp_path).install(WORDS, default=False, force=False)
    assert "Access is denied" in caught.value.message
    assert caught.value.hint
