"""Small pictures of histograms: their heights, their zero, and several put together."""

from __future__ import annotations

import numpy as np
import pytest

from ptinspect.analysis.histogram import Histogram
from ptinspect.analysis.sparklines import BARS, NOWHERE, sparkline
from ptinspect.analysis.statistics import Statistics


def drawn(edges: list[float], counts: list[int], scale: str = "linear") -> bytes:
    return sparkline([Statistics(count=sum(counts), histogram=Histogram(np.array(edges), np.array(counts), scale=scale))])


def test_that_an_even_histogram_is_even_and_has_its_zero_in_the_middle() -> None:
    spark = drawn(np.linspace(-1, 1, 73).tolist(), [100] * 72)
    assert len(spark) == BARS + 1
    assert set(spark[:-1]) == {255}
    assert spark[-1] in (17, 18)


def test_that_a_peak_is_where_its_values_are() -> None:
    spark = drawn(np.linspace(1, 2, 73).tolist(), [10] * 60 + [1000] + [10] * 11)
    assert max(range(BARS), key=lambda at: spark[at]) == 30
    assert spark[-1] == NOWHERE


def test_that_the_few_at_the_ends_are_left_out() -> None:
    counts = [1] + [0] * 35 + [10_000] + [10_000] + [0] * 33 + [1]
    spark = drawn(np.linspace(-10, 10, 73).tolist(), counts)
    assert min(spark[:-1]) > 200


def test_that_two_histograms_are_put_together_by_their_counts() -> None:
    low = Histogram(np.linspace(0, 1, 11), np.full(10, 30))
    high = Histogram(np.linspace(1, 2, 21), np.full(20, 5))
    spark = sparkline([Statistics(count=300, histogram=low), Statistics(count=100, histogram=high)])
    assert spark[3] == 255
    assert spark[30] == pytest.approx(255 / 3, abs=3)


def test_that_one_value_and_no_value_are_drawn_without_a_warning() -> None:
    assert max(drawn([3.0, 3.0], [7])) == 255
    assert sparkline([Statistics()]) == b""


def test_that_exponents_are_drawn_as_bins() -> None:
    spark = drawn([-100.0, -1.0, -0.01, 0.01, 1.0, 100.0], [9, 9, 9, 9, 9], "symlog")
    assert min(spark[:-1]) == 255
    assert spark[-1] in (17, 18)
