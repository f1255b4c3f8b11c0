"""Patterns of the filter: those that might never end are refused, the others find what `re` finds."""

from __future__ import annotations

import re
import time

import pytest

from ptinspect.session.expressions import Costly, expression


@pytest.mark.parametrize(
    "text",
    ["(a+)+$", "(a*)*b", "(a|a)*b", "(a|ab)*c", "((ab)?c?)+d", "(?:x+y?)*z", "(?P<n>a+){2,}", "(a+){5}b", "(?x)(a+) *", "a*a*a*a*a*b"],
)
def test_that_what_might_never_end_is_refused(text: str) -> None:
    with pytest.raises(Costly):
        expression(text)


@pytest.mark.parametrize(
    "text",
    [
        r"layers\.\d+\.attn",
        "^(?:model|ema)\\.",
        "(conv|bn)[12]?$",
        "(ab)+c",
        r"(a\d{1})+",
        r"\(a+\)+",
        "[(+*]+x",
        "weight|bias",
        "a.*b.*c",
        "q(?=_proj)",
    ],
)
def test_that_the_others_find_what_re_finds(text: str) -> None:
    for path in ("model.layers.12.attn.q_proj.weight", "conv1", "xababc", "(aaa)))", "+*(x", "a1b2c3"):
        ours, theirs = expression(text).search(path), re.search(text, path, re.IGNORECASE)
        assert (ours and ours.span()) == (theirs and theirs.span())


@pytest.mark.parametrize("text", ["a*a*a*a*b", "a*a*a*b", ".*.*x", "a*b", r"(\w+)\1b"])
def test_that_no_search_in_a_long_text_takes_long(text: str) -> None:
    start = time.process_time()
    assert expression(text).search("a" * 4_000) is None
    assert time.process_time() - start < 5


def test_that_a_broken_one_is_told_by_re() -> None:
    with pytest.raises(re.error):
        expression("(a")
