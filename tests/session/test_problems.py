"""Problems as the overview tells them."""

from __future__ import annotations

from ptinspect.findings import Finding
from ptinspect.session.problems import problems_of

SHORT = "Its bytes end before it does."


def unread(name: str, detail: str = SHORT) -> Finding:
    return Finding("warning", "a tensor cannot be read", detail, name)


def test_that_many_of_a_kind_are_told_once_with_the_first_places() -> None:
    other = Finding("danger", "the file is cut off", "", None)
    found = problems_of([unread("a"), other, unread("b"), unread("c"), unread("d")])
    assert [problem.title for problem in found] == ["A tensor cannot be read, 4 times", "The file is cut off"]
    assert (found[0].detail, found[0].where, found[0].key) == (SHORT, "a, b and 2 more", "a")
    assert [problem.times for problem in found] == [4, 1]


def test_that_two_of_a_kind_stand_one_by_one() -> None:
    assert [problem.where for problem in problems_of([unread("a"), unread("b")])] == ["a", "b"]


def test_that_reasons_that_differ_are_told_as_those_of_the_first() -> None:
    assert problems_of([unread("a"), unread("b", "Other."), unread("c")])[0].detail == f"The first: {SHORT}"
