"""Count, mean and deviation against long doubles, and merging in any order."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ptinspect.analysis.moments import Moments, moments_of, together, weighted
from tests.analysis.reference import exact_moments

WIDE = some.lists(some.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50)
NARROW = some.tuples(some.floats(-1e12, 1e12), some.lists(some.floats(-1, 1), min_size=1, max_size=50)).map(
    lambda of: [of[0] + x for x in of[1]]
)
NUMBERS = some.one_of(WIDE, NARROW, some.lists(some.floats(-1e-300, 1e-300), min_size=1, max_size=50))
WHOLE = some.lists(some.integers(-(2**63), 2**63 - 1), min_size=1, max_size=50)
CUTS = some.lists(some.integers(0, 50), max_size=5)


def assert_right(found: Moments, values: np.ndarray, exact: float = 1e-9) -> None:
    """Better than the contract asks for."""
    mean, std, l2 = exact_moments(values)
    largest = max(abs(float(values.max())), abs(float(values.min())))
    rounding = 1e-14 * largest + 5e-324  # what adding a last bit of the largest may change
    assert found.count == values.size
    assert abs(found.mean - mean) <= exact * max(abs(mean), std) + rounding
    assert abs(found.std - std) <= exact * std + rounding
    if l2 < np.finfo(np.float64).max:
        assert abs(found.l2 - l2) <= exact * l2 + rounding * math.sqrt(values.size)


@settings(max_examples=80, deadline=None)
@given(NUMBERS)
def test_that_moments_are_those_of_long_doubles(numbers: list[float]) -> None:
    values = np.array(numbers)
    assert_right(moments_of(values), values)


@settings(max_examples=30, deadline=None)
@given(WHOLE)
@pytest.mark.parametrize("shift", [0, 40, 60])
def test_that_moments_of_integers_are_exact_as_far_as_a_float_can_say(shift: int, numbers: list[int]) -> None:
    values = np.array([2**62 + (number >> shift) if shift else number for number in numbers])
    assert_right(moments_of(values), values)


def parts_of(values: np.ndarray, cuts: list[int]) -> list[np.ndarray]:
    borders = sorted({0, values.size, *(cut for cut in cuts if cut < values.size)})
    return [values[begin:end] for begin, end in pairwise(borders)]


@settings(max_examples=60, deadline=None)
@given(NUMBERS, CUTS, some.randoms(use_true_random=False))
def test_that_parts_merge_in_any_order_and_grouping(numbers: list[float], cuts: list[int], random) -> None:
    values = np.array(numbers)
    parts = [moments_of(part) for part in parts_of(values, cuts)]
    assert_right(together(parts), values)
    random.shuffle(parts)
    while len(parts) > 1:
        at = random.randrange(len(parts) - 1)
        parts[at : at + 2] = [parts[at].merged(parts[at + 1])]
    assert_right(parts[0], values)


@settings(max_examples=30, deadline=None)
@given(WHOLE, CUTS)
def test_that_parts_of_integers_merge(numbers: list[int], cuts: list[int]) -> None:
    values = np.array([2**62 + (number >> 54) for number in numbers])
    assert_right(together(moments_of(part) for part in reversed(parts_of(values, cuts))), values)


@settings(max_examples=25, deadline=None)
@given(NUMBERS, some.integers(1, 1_000))
def test_that_repeated_numbers_are_those_numbers_so_often(numbers: list[float], repeats: int) -> None:
    values = np.array(numbers)
    assert_right(moments_of(values).times(repeats), np.tile(values, repeats))


@settings(max_examples=25, deadline=None)
@given(some.dictionaries(some.floats(-(2.0**99), 2.0**99, width=32), some.integers(0, 200), min_size=1, max_size=20))
def test_that_counted_values_are_those_values_so_often(counted: dict[float, int]) -> None:
    values, counts = np.array(list(counted)), np.array(list(counted.values()))
    found, every = weighted(values, counts), np.repeat(values, counts)
    if every.size:
        assert_right(found, every)
    else:
        assert found == Moments()


def test_that_nothing_has_no_mean_to_merge() -> None:
    one = moments_of(np.array([1.0, 2.0]))
    assert Moments().merged(one) == one.merged(Moments()) == one
    assert (Moments().std, Moments().l2, Moments().merged(Moments()).count) == (None, None, 0)


@pytest.mark.parametrize("chunk", [7, 1_000, 99_999])
def test_that_noise_of_a_millionth_is_not_lost_in_chunks(chunk: int) -> None:
    values = 1000 + 1e-3 * np.random.default_rng(1).standard_normal(100_000)
    found = together(moments_of(values[at : at + chunk]) for at in range(0, values.size, chunk))
    assert_right(found, values)
    assert found.std == pytest.approx(1e-3, rel=0.02)


def test_that_numbers_that_cancel_leave_what_is_left() -> None:
    values = np.tile([1e16, -1e16], 50_000) + np.random.default_rng(2).standard_normal(100_000)
    assert_right(moments_of(values), values)


def test_that_ten_thousand_million_values_keep_their_accuracy() -> None:
    """The same million ten thousand times over, merged pair by pair as threads would."""
    values = 1000 + 1e-3 * np.random.default_rng(3).standard_normal(1_000_000)
    one = moments_of(values)
    whole = together([one] * 10_000)
    assert whole.count == 10_000_000_000
    assert whole.mean == pytest.approx(one.mean, rel=1e-14)
    assert whole.std == pytest.approx(one.std, rel=1e-9)


@pytest.mark.parametrize("most", [np.finfo(np.float64).max, 5e-324, 1e154, 1e-154])
def test_that_the_ends_of_float64_have_moments(most: float) -> None:
    values = np.array([most, -most] * 500)
    for found in (moments_of(values), moments_of(values).merged(moments_of(values))):
        assert abs(found.mean) <= 1e-15 * most
        assert found.std == pytest.approx(most, rel=1e-15, abs=0)
    constant = moments_of(np.full(999, most))
    assert (constant.mean, constant.std) == (most, 0)
