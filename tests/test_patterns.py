"""Patterns that are compiled when they are first asked."""

from __future__ import annotations

import re

import pytest

from ptinspect.patterns import pattern


def test_that_it_finds_what_the_compiled_one_finds() -> None:
    text = "one 12, two 345"
    assert pattern(r"\d+").findall(text) == re.compile(r"\d+").findall(text)
    assert pattern(rb"\D+", re.ASCII).sub(b"", text.encode()) == b"12345"
    assert pattern("ONE", re.IGNORECASE).match(text) is not None


def test_that_a_wrong_one_is_noticed_when_it_is_first_asked() -> None:
    wrong = pattern("(")
    for _ in range(2):
        with pytest.raises(re.error):
            wrong.search("")
