"""The health page says no more than was looked at."""

from __future__ import annotations

from ptinspect.findings import Finding
from ptinspect.session.health_page import health_page
from ptinspect.session.numbers import Numbers

SOUND = Numbers(findings=())
NAN = Numbers(findings=(Finding("danger", "values that are not finite", "64 NaN in `a.weight`", "a.weight"),))


def test_that_a_sound_file_is_good_and_one_without_tensors_is_neither() -> None:
    assert (health_page(SOUND).tone, health_page(SOUND).title) == ("good", "Nothing stands out")
    assert "Every value was looked at" in health_page(SOUND).text
    assert health_page(SOUND, has_tensors=False).tone == "plain"
    assert health_page(Numbers(), has_tensors=False).title == "No values to look at"


def test_that_values_that_cannot_be_read_are_never_called_looked_at() -> None:
    for numbers in (SOUND, NAN):
        page = health_page(numbers, unread=6)
        assert "The values of 6 tensors cannot be read" in page.text
        assert "Every value" not in page.text
        assert page.tone != "good"


def test_that_a_finding_stands_in_plain_words() -> None:
    page = health_page(NAN)
    assert (page.title, page.tone) == ("1 finding worth a look", "danger")
    assert (page.lines[0].title, page.lines[0].detail) == ("Values that are not finite", "64 NaN in a.weight")
