"""The record of what was put in place."""

from __future__ import annotations

from pathlib import Path

import pytest

from ptinspect.desktop.record import Record, Value, as_json, load

ONE = Record(("/ü\udcff/ptinspect",), {"/a b": ("00", "11"), "/c": ()}, ("/d",), (Value("k", "", "text", "before"),))


def test_that_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "desktop.json").write_bytes(as_json(ONE))
    assert load(tmp_path / "desktop.json") == ONE


TEXT = as_json(ONE).decode()
DAMAGED = ["", "{", "[]", "null", '{"program": []}', '{"program": "x", "files": {}, "folders": [], "values": []}', "[" * 100_000]
DAMAGED += [TEXT[:-1], TEXT.replace("[", "{", 1), TEXT.replace('"before"', "1, 2"), TEXT.replace('"files"', '"file"')]


@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
def test_that_a_damaged_record_says_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "desktop.json").write_text(content)
    assert load(tmp_path / "desktop.json") is None
    assert load(tmp_path / "missing.json") is None
