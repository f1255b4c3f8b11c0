"""Bins that the bits of a number name: in the order of their values, narrow, and with ends that are right to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ptinspect.analysis.coarse import FLOAT32, FLOAT64, Grid, ends, floats, grid_of, numbers_of, ordered

LEAST, MOST = -(2**63), 2**63 - 1
BESIDE = [sign * (2**power + step) for power in range(64) for step in (-1, 0, 1) for sign in (1, -1)]
SIGNED = sorted({number for number in BESIDE if LEAST <= number <= MOST and number})
UNSIGNED = sorted({number for number in BESIDE if 0 < number < 2**64} | {2**64 - 1})


def finite(grid: Grid) -> some.SearchStrategy[np.ndarray]:
    floats_ = some.floats(width=32 if grid is FLOAT32 else 64, allow_nan=False, allow_infinity=False).filter(bool)
    return some.lists(floats_, min_size=1, max_size=60).map(lambda numbers: np.array(numbers, grid.kind))


@pytest.mark.parametrize("grid", [FLOAT32, FLOAT64], ids=["float32", "float64"])
def test_that_every_float_lies_between_the_ends_of_its_bin_and_bins_are_in_order(grid: Grid) -> None:
    @settings(max_examples=50, deadline=None)
    @given(finite(grid))
    def holds(values: np.ndarray) -> None:
        values.sort()
        numbers = numbers_of(values, grid)
        low, high = ends(numbers, grid)
        assert (low <= values).all()
        assert (values <= high).all()
        assert (np.diff(numbers) >= 0).all()
        assert np.array_equal(numbers_of(low.astype(grid.kind), grid), numbers)
        assert np.array_equal(numbers_of(high.astype(grid.kind), grid), numbers)
        normal = np.abs(values) >= np.finfo(grid.kind).tiny
        assert ((high - low)[normal] < 0.008 * np.abs(values[normal])).all()

    holds()


@pytest.mark.parametrize("grid", [FLOAT32, FLOAT64], ids=["float32", "float64"])
def test_that_bins_meet_without_a_gap(grid: Grid) -> None:
    numbers = np.arange(1, min(grid.finite, 100_000))
    for side in (numbers, -numbers - 1):
        low, high = ends(np.sort(side), grid)
        assert np.array_equal(np.nextafter(high[:-1].astype(grid.kind), grid.kind(np.inf)), low[1:].astype(grid.kind))
    assert ends(np.array([0, -1]), grid)[0][0] == np.nextafter(grid.kind(0), grid.kind(1))
    assert ends(np.array([grid.finite - 1]), grid)[1][0] == np.finfo(grid.kind).max


@pytest.mark.parametrize(("kind", "numbers"), [(np.int64, SIGNED), (np.uint64, UNSIGNED)])
def test_that_whole_numbers_are_in_order_and_near_the_ends_of_their_bin(kind: type, numbers: list[int]) -> None:
    values = np.array(numbers, kind)
    grid = grid_of(values.dtype)
    bins = numbers_of(floats(values), grid)
    assert (np.diff(bins) >= 0).all()
    low, high = ends(bins, grid)
    assert low.dtype == high.dtype == values.dtype
    for value, first, last in zip(numbers, low.tolist(), high.tolist(), strict=True):
        near = abs(value) >> 50  # floats of that size tell no more apart
        assert first - near <= value <= last + near
        assert last - first <= 0.008 * abs(value)


def test_that_small_whole_numbers_have_a_bin_of_their_own() -> None:
    values = np.array([*range(-255, 0), *range(1, 256)])
    low, high = ends(numbers_of(floats(values), grid_of(values.dtype)), grid_of(values.dtype))
    assert low.tolist() == high.tolist() == values.tolist()


@settings(max_examples=50, deadline=None)
@given(some.integers(LEAST, MOST))
def test_that_a_whole_number_becomes_a_float_on_the_way_to_zero(number: int) -> None:
    (found,) = floats(np.array([number])).tolist()
    assert abs(int(found)) <= abs(number)
    assert abs(number) - abs(int(found)) <= abs(number) >> 42
    assert abs(number) >= 2**53 or int(found) == number


def test_that_counts_by_pattern_are_put_in_the_order_of_values() -> None:
    values = np.array([-3.0, -1.0, -1e-40, 1e-40, 1.0, 3.0], np.float32)
    patterns = (values.view(np.uint32) >> 16).astype(np.int64)
    counts = ordered(np.bincount(patterns, minlength=FLOAT32.bins))
    assert np.array_equal(np.flatnonzero(counts) - counts.size // 2, numbers_of(values, FLOAT32))
