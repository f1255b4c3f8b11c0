"""The power law against one that is known, and against a plain reading of its definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ptinspect.analysis.power_law import power_law
from ptinspect.checkpoint.values import Array
from ptinspect.errors import Cancelled


def by_definition(values: Array) -> tuple[float, float, float]:
    """Alpha, distance and beginning, as WeightWatcher writes them for 20 values and more."""
    values = np.sort(values)
    best = (2.0, 0.0, 0.0)
    for begin in range(values.size - 1):
        tail, xmin = values[begin:], values[begin]
        alpha = 1 + tail.size / np.sum(np.log(tail / xmin))
        distance = np.abs(1 - (tail / xmin) ** (1 - alpha) - np.arange(tail.size) / tail.size).max()
        best = min(best, (distance, alpha, xmin))
    return best


@pytest.mark.parametrize("alpha", [2.0, 3.5, 6.0])
def test_that_the_exponent_of_a_known_power_law_is_found(alpha: float) -> None:
    values = 0.01 * (np.random.default_rng(8).pareto(alpha - 1, 4000) + 1)
    found = power_law(values)
    assert found is not None
    assert abs(found.alpha - alpha) < 4 * found.sigma
    assert found.distance < 0.03
    assert found.tail <= found.count == 4000


@settings(max_examples=40, deadline=None)
@given(some.integers(20, 120), some.integers(0, 1 << 30), some.floats(0.2, 3))
def test_that_the_fit_is_that_of_the_definition(count: int, seed: int, width: float) -> None:
    values = np.exp(width * np.random.default_rng(seed).standard_normal(count))
    found = power_law(values)
    distance, alpha, xmin = by_definition(values)
    assert found is not None
    assert found.distance == pytest.approx(distance, rel=1e-9)
    assert (found.alpha, found.xmin) == (pytest.approx(alpha, rel=1e-9), pytest.approx(xmin))
    assert found.tail == (values >= xmin).sum()
    assert found.sigma == pytest.approx((alpha - 1) / np.sqrt(found.tail))


def test_that_what_is_below_the_threshold_is_left_out() -> None:
    values = np.random.default_rng(2).pareto(2, 60) + 1
    assert power_law(np.concatenate((values, np.full(40, 9e-6), np.zeros(9)))) == power_law(values)


def test_that_the_order_of_the_values_does_not_matter() -> None:
    values = np.random.default_rng(2).pareto(2, 60) + 1
    assert power_law(values[::-1]) == power_law(np.sort(values))


def test_that_few_values_have_tails_of_eight_at_least() -> None:
    values = np.random.default_rng(4).pareto(2, 12) + 1
    found = power_law(values)
    assert found is not None
    assert found.tail >= 8
    logs = np.log(values[values >= found.xmin] / found.xmin)
    assert found.alpha == pytest.approx(1 + (found.tail - 1) / logs.sum())


def test_that_too_few_or_equal_values_have_no_power_law() -> None:
    assert power_law(np.arange(1.0, 8.0)) is None
    assert power_law(np.full(100, 3.0)) is None
    assert power_law(np.empty(0)) is None


def test_that_a_long_search_can_be_ended() -> None:
    def stop() -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        power_law(np.arange(1.0, 100.0), stop)
