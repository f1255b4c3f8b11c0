"""The decorator that every value of the house is made with."""

from __future__ import annotations

from dataclasses import field, replace

from ptinspect.frozen import frozen


@frozen
class Point:
    """Two numbers and a note that does not count."""

    x: int
    y: int = 2
    note: list[str] = field(default_factory=list, compare=False)


def test_that_values_are_equal_by_what_they_hold() -> None:
    assert Point(1) == Point(1, 2, ["other"])
    assert Point(1) != Point(2)
    assert Point(1) != (1, 2)
    assert len({Point(1), Point(1), Point(2)}) == 2


def test_that_a_value_shows_its_fields() -> None:
    assert repr(Point(1)) == "Point(x=1, y=2)"


def test_that_no_other_attribute_can_be_set_and_a_copy_can_differ() -> None:
    assert not hasattr(Point(1), "__dict__")
    assert replace(Point(1), y=5) == Point(1, 5)
