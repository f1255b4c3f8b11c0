"""Sizes and numbers as people say them."""

from __future__ import annotations

import pytest

from ptinspect.quantities import count_text, plural, size_text

SIZES = {
    0: "0 bytes",
    1: "1 byte",
    999: "999 bytes",
    1_000: "1.0 KB",
    123_456: "123.5 KB",
    999_600: "1.0 MB",
    102_500_000: "102.5 MB",
    4_400_000_000: "4.40 GB",
    10**15: "1.00 PB",
}


@pytest.mark.parametrize(("count", "text"), SIZES.items())
def test_that_sizes_read_as_people_say_them(count: int, text: str) -> None:
    assert size_text(count) == text


def test_that_counts_read_as_people_say_them() -> None:
    assert [count_text(n) for n in (7, 9_408, 999_960, 25_557_032, 1_100_000_000)] == ["7", "9.4 K", "1.0 M", "25.6 M", "1.1 B"]


def test_that_one_is_not_many() -> None:
    assert (plural(1, "entry"), plural(2, "entry"), plural(1_200, "tensor")) == ("1 entry", "2 entries", "1,200 tensors")
