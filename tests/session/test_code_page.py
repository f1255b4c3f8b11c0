"""Texts of a file as the code page shows them."""

from __future__ import annotations

import json

from ptinspect.session.code_page import in_lines


def test_that_json_on_one_line_is_shown_in_lines_and_says_the_same() -> None:
    told = {"graph": {"inputs": [1, {"name": "größe"}]}, "empty": []}
    shown = in_lines("models/model.json", json.dumps(told))
    assert json.loads(shown) == told
    assert shown.count("\n") > 5
    assert "größe" in shown


def test_that_other_texts_and_json_that_is_none_stay_as_they_are() -> None:
    for name, text in (("code/x.py", '{"a": 1}'), ("a.json", "{'a': 1}"), ("a.json", "[" * 100_000), ("a.json", '{\n\n\n\n"a": 1}')):
        assert in_lines(name, text) == text
