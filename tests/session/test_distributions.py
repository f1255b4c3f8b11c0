"""How histograms are shown."""

from __future__ import annotations

import numpy as np
import pytest

from ptinspect.analysis.histogram import Histogram
from ptinspect.analysis.statistics import Statistics
from ptinspect.session.distributions import are_apart, readable


def spread(low: float, high: float, count: int, scale: str = "linear") -> Statistics:
    values = np.random.default_rng(count).uniform(low, high, count)
    counts, edges = np.histogram(values, 72, (low, high))
    return Statistics(count=count, histogram=Histogram(edges, counts, 2, 3, scale))  # type: ignore[arg-type]


def test_that_few_values_have_few_bins_whose_counts_are_exact() -> None:
    fine = spread(0, 1, 64).histogram
    found = readable(spread(0, 1, 64)).histogram
    assert fine is not None
    assert found is not None
    assert found.counts.size == 12
    assert found.counts.tolist() == fine.counts.reshape(12, 6).sum(axis=1).tolist()
    assert (found.edges[0], found.edges[-1], found.below, found.above) == (fine.edges[0], fine.edges[-1], 2, 3)
    assert np.isin(found.edges, fine.edges).all()


def test_that_many_values_and_whole_numbers_keep_their_bins() -> None:
    whole = Histogram(np.arange(40), np.ones(39, int), scale="whole")
    for one in (spread(0, 1, 9_000), Statistics(count=3, histogram=whole), Statistics()):
        assert readable(one) is one


@pytest.mark.parametrize(
    ("ranges", "apart"), [([(0, 1)], False), ([(0, 1), (0.2, 1.4)], False), ([(0, 1), (0, 40)], True), ([(0, 1), (9, 10)], True)]
)
def test_that_ranges_that_would_squeeze_each_other_are_apart(ranges: list[tuple[float, float]], apart: bool) -> None:
    assert are_apart([spread(low, high, 99) for low, high in ranges]) is apart


def test_that_a_logarithmic_axis_is_shared_with_no_other() -> None:
    assert are_apart([spread(0, 1, 99), spread(0, 1, 99, "symlog")])
