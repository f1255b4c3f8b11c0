"""Choices that outlive the window: written whole, read with patience."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptinspect.session import keeping, settings
from ptinspect.session.application import Application
from ptinspect.session.columns import COLUMNS, ColumnChoice
from ptinspect.session.settings import Recent, Settings

NAMES = [*settings.fields_of(Settings()), "order", "path"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.sampled_from(NAMES), below, max_size=4),
    max_leaves=12,
)


def test_that_settings_come_back_as_they_were_kept(tmp_path: Path) -> None:
    order = ("layer", "params", *(column.name for column in COLUMNS if column.name not in ("layer", "params")))
    choice = ColumnChoice(order, ("layer", "params"), (("params", 120),))
    recent = (Recent("/a/b.pt", "A checkpoint", 12, 3.5, "danger"),)
    kept = Settings("dark", recent, choice, (1, 2, 900, 700), True, 500, False, ("/a/b.pt",), 0)
    assert settings.save(tmp_path, kept)
    assert settings.load(tmp_path) == kept
    assert [path.name for path in tmp_path.iterdir()] == ["settings.json"]


BAD = b'{"theme": 7, "window": [1], "recent": [{"path": 3}]}'


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, BAD])
def test_that_a_damaged_file_costs_the_choices_and_not_the_start(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "settings.json").write_bytes(content)
    assert settings.load(tmp_path) == Settings()


def test_that_there_may_be_no_folder_and_no_room(tmp_path: Path) -> None:
    assert settings.load(tmp_path / "none") == Settings()
    (tmp_path / "file").touch()
    assert not settings.save(tmp_path / "file" / "below", Settings())


def test_that_one_bad_field_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text(json.dumps({"theme": "dark", "window": "wide", "inspector": -4}))
    assert settings.load(tmp_path) == Settings(theme="dark")


@given(st.dictionaries(st.sampled_from(list(settings.fields_of(Settings()))), JSON))
def test_that_any_json_makes_settings_that_can_be_kept(fields) -> None:
    made = settings.of_fields(fields)
    assert settings.of_fields(json.loads(json.dumps(settings.fields_of(made)))) == made
    assert "layer" in made.columns.shown


def test_that_an_older_wish_that_is_written_late_does_not_undo_a_newer_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = Application(lambda call: call(), tmp_path)
    begun, write = threading.Event(), keeping.settings_file.save
    slow = [True]

    def late(place: Path, chosen: Settings) -> bool:
        if slow and slow.pop():
            begun.set()
            time.sleep(0.2)
        return write(place, chosen)

    monkeypatch.setattr(keeping.settings_file, "save", late)
    app.set_theme("dark")
    assert begun.wait(10)
    app.set_theme("light")
    for thread in [one for one in threading.enumerate() if one.name == "ptinspect settings"]:
        thread.join(10)
    assert keeping.settings_file.load(tmp_path).theme == "light"
