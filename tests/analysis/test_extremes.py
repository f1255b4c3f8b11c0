"""Counts of what is too large or too small, against numpy, from exact and from coarse counting."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ptinspect.analysis.census import EMPTY
from ptinspect.analysis.extremes import NONE, Extremes, extremes_of
from ptinspect.analysis.tallies import tally_for
from ptinspect.analysis.tensor_stats import stats_of
from ptinspect.dtypes import BY_NAME


def expected(values: np.ndarray) -> tuple[int, int, int, int]:
    with np.errstate(invalid="ignore"):
        wide = values.astype(np.float64)
    size = np.abs(wide[np.isfinite(wide)])
    size = size[size > 0]
    return tuple(int(np.count_nonzero(found)) for found in (size >= 65520, size < 2.0**-25, size < 2.0**-14, size < 2.0**-126))


def counts(found: Extremes) -> tuple[int, int, int, int]:
    return found.overflowing, found.vanishing, found.faint, found.subnormal


EDGES = [0.0, -0.0, 65504.0, 65536.0, -65536.0, 2.0**-25, -(2.0**-25), 2.0**-14, 2.0**-126, 2.0**-149, 1e30, float("nan"), float("inf")]
NUMBERS = some.lists(some.one_of(some.sampled_from(EDGES), some.floats(width=32)), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(NUMBERS)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_that_exact_counting_says_what_numpy_says(kind: type, numbers: list[float]) -> None:
    values = np.array(numbers, kind)
    assert counts(extremes_of(stats_of(values).census)) == expected(values)


@settings(max_examples=40, deadline=None)
@given(NUMBERS)
@pytest.mark.parametrize("name", ["float32", "float64"])
def test_that_coarse_counting_is_exact_below_and_at_least_as_much_above(name: str, numbers: list[float]) -> None:
    values = np.array(numbers, name)
    tally = tally_for(BY_NAME[name])
    tally.add(values)
    found, right = counts(extremes_of(tally.take().known().census)), expected(values)
    assert found[1:] == right[1:]
    assert found[0] <= right[0]
    assert bool(found[0]) == bool(right[0])


def test_that_bfloat16_is_counted_exactly_by_its_codes() -> None:
    values = np.arange(1 << 16, dtype=np.uint16).view(ml_dtypes.bfloat16)
    tally = tally_for(BY_NAME["bfloat16"])
    tally.add(values)
    assert counts(extremes_of(tally.take().census)) == expected(values)


def test_that_whole_numbers_and_nothing_have_none() -> None:
    assert extremes_of(EMPTY) == NONE
    assert extremes_of(stats_of(np.array([0, 1, 1 << 40])).census) == NONE
