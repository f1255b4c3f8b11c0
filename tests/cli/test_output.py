"""What every command prints."""

from __future__ import annotations

import json
import math

import pytest

from ptinspect.plain_json import dumps
from ptinspect.spelled import plain


def test_that_numbers_json_cannot_hold_become_text() -> None:
    found = json.loads(dumps({"a": [math.nan, math.inf, -math.inf, 1.5], "b": 2**70}))
    assert found == {"a": ["NaN", "Infinity", "-Infinity", 1.5], "b": 2**70}


@pytest.mark.parametrize("text", ["\x1b[31mred", "a\nb", "a\rb", "\x9b1m", "\u202egnp.exe", "\u200b", "\ufeff", "\udc80", "\x00"])
def test_that_no_control_character_of_a_file_reaches_the_terminal(text: str) -> None:
    """S-32: keys with newlines, NUL, direction marks."""
    spelled = plain(text)
    assert spelled.isprintable()
    assert spelled.encode("utf-8")


def test_that_plain_text_stays_as_it_is() -> None:
    assert plain("layer1.0.conv größe 日本") == "layer1.0.conv größe 日本"
