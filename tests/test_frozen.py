"""The decorator that every value of the house is made with."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from ptinspect.frozen import field, frozen, replace, slotted


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


@slotted
class Tray:
    """A record that is filled."""

    name: str
    things: list[int] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.count = len(self.things)


def test_that_each_record_has_a_list_of_its_own() -> None:
    first, second = Tray("a"), Tray("a")
    first.things.append(1)
    assert second.things == []
    assert first != second


def test_that_a_record_is_made_ready_by_itself_and_is_no_key() -> None:
    assert Tray("a", [1, 2]).count == 2
    with pytest.raises(TypeError):
        hash(Tray("a"))


def test_that_a_missing_field_is_named() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        Point()  # type: ignore[call-arg]


def test_that_the_standard_library_copies_a_value_too() -> None:
    assert dataclasses.replace(Point(1), y=5) == Point(1, 5)


def test_that_no_command_pays_for_dataclasses() -> None:
    code = "import sys, ptinspect.cli.info; print('dataclasses' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
