"""How symptoms become findings that people read."""

from __future__ import annotations

from ptinspect.analysis.health_symptoms import MOST_EACH, Kind, Symptom, as_findings, numbers, share
from ptinspect.limits import Limits

KIND = Kind("many holes", "They leak.")


def test_that_numbers_are_listed_in_runs() -> None:
    assert numbers([]) == ""
    assert numbers([3]) == "3"
    assert numbers([3, 4, 9]) == "3, 4, 9"
    assert numbers([1, 5, 6, 7, 8, 90]) == "1, 5 to 8, 90"
    assert numbers(list(range(0, 40, 2))) == "0, 2, 4, 6, 8, 10 and 14 more"


def test_that_a_share_is_never_rounded_to_none_or_all() -> None:
    assert [share(part, 10_000) for part in (1, 60, 150, 5_000, 9_999, 10_000)] == ["0.01 %", "0.6 %", "2 %", "50 %", "99.99 %", "100 %"]


def test_that_a_few_are_told_one_by_one_and_more_together() -> None:
    few = [Symptom(KIND, "notice", f"layers.{at}", f"{at} holes") for at in range(MOST_EACH)]
    assert next((found.where, found.detail) for found in as_findings(few)) == ("layers.0", "0 holes. They leak.")
    assert len(as_findings(few)) == MOST_EACH
    (found,) = as_findings([*few, Symptom(KIND, "notice", "last", "one hole")])
    assert found.detail == (
        "6 tensors: `layers.0` (0 holes); `layers.1` (1 holes); `layers.2` (2 holes); `layers.3` (3 holes); and 2 more. They leak."
    )


def test_that_severities_stay_apart_and_the_worst_comes_first() -> None:
    mixed = [Symptom(KIND, severity, severity, "some") for severity in ("info", "danger", "notice", "warning")]
    assert [found.severity for found in as_findings(mixed)] == ["danger", "warning", "notice", "info"]


def test_that_findings_are_bounded_and_the_worst_are_kept() -> None:
    many = [Symptom(Kind(f"kind {at}", ""), "info", str(at), "x") for at in range(50)] + [Symptom(KIND, "danger", "worst", "x")]
    found = as_findings(many, Limits(findings=10))
    assert len(found) == 10
    assert found[0].where == "worst"


def test_that_a_name_of_any_length_is_cut() -> None:
    (found,) = as_findings([Symptom(Kind("t", "w", together=True), "info", "x" * 100_000, "y")] * 2)
    assert len(found.detail) < 1_000
