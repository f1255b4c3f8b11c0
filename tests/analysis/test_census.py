"""How many values lie where, exact or coarse, merged in any order; and the quantiles that follow."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ptinspect.analysis.census import EMPTY, Census, coarsened, exact_census
from ptinspect.analysis.coarse import grid_of
from ptinspect.analysis.statistics import SHARES

NUMBERS = some.lists(some.one_of(some.floats(-10, 10, width=32), some.just(0.0), some.sampled_from([1e-40, 3e38])), min_size=1, max_size=80)
CUTS = some.lists(some.integers(1, 79), max_size=4)


def parts_of(values: np.ndarray, cuts: list[int]) -> list[np.ndarray]:
    borders = sorted({0, values.size, *(cut for cut in cuts if cut < values.size)})
    return [values[begin:end] for begin, end in pairwise(borders)]


def same(one: Census, other: Census) -> bool:
    fields = ((one.low, other.low), (one.high, other.high), (one.counts, other.counts))
    return one.grid == other.grid and all(np.array_equal(mine, its) for mine, its in fields)


def coarse(values: np.ndarray) -> Census:
    return coarsened(exact_census(values), grid_of(values.dtype))


@settings(max_examples=40, deadline=None)
@given(NUMBERS, CUTS, some.randoms(use_true_random=False))
@pytest.mark.parametrize("made", [exact_census, coarse], ids=["exact", "coarse"])
def test_that_parts_merge_to_the_whole_in_any_order(made, numbers: list[float], cuts: list[int], random) -> None:
    values = np.array(numbers, np.float32)
    parts = [made(part) for part in parts_of(values, cuts)]
    random.shuffle(parts)
    while len(parts) > 1:
        at = random.randrange(len(parts) - 1)
        parts[at : at + 2] = [parts[at].merged(parts[at + 1])]
    assert same(parts[0], made(values))
    assert parts[0].total == values.size


@settings(max_examples=30, deadline=None)
@given(NUMBERS, NUMBERS)
def test_that_an_exact_census_takes_the_bins_of_a_coarse_one(some_: list[float], others: list[float]) -> None:
    one, other = np.array(some_, np.float32), np.array(others, np.float32)
    whole = coarse(np.concatenate((one, other)))
    assert same(coarse(one).merged(exact_census(other)), whole)
    assert same(exact_census(other).merged(coarse(one)), whole)


def test_that_nothing_changes_nothing() -> None:
    one = exact_census(np.array([1.0, 1.0, 2.0]))
    assert EMPTY.merged(one) is one
    assert one.merged(EMPTY) is one
    assert EMPTY.total == 0


@settings(max_examples=30, deadline=None)
@given(NUMBERS)
def test_that_exact_quantiles_are_those_of_numpy(numbers: list[float]) -> None:
    values = np.array(numbers)
    found = exact_census(values).quantiles(SHARES)
    assert found == pytest.approx(np.quantile(values, SHARES).tolist(), rel=1e-12, abs=1e-300)


@settings(max_examples=30, deadline=None)
@given(some.lists(some.floats(0.01, 1e6), min_size=1, max_size=80))
def test_that_coarse_quantiles_are_within_a_hundredth(numbers: list[float]) -> None:
    values = np.array(numbers)
    assert coarse(values).quantiles(SHARES) == pytest.approx(np.quantile(values, SHARES).tolist(), rel=0.01)


@settings(max_examples=50, deadline=None)
@given(NUMBERS, some.integers(1, 50))
def test_that_repeated_values_are_counted_so_often(numbers: list[float], repeats: int) -> None:
    values = np.array(numbers, np.float32)
    assert same(exact_census(values).times(repeats), exact_census(np.repeat(values, repeats)))


def test_that_the_ends_of_the_values_narrow_the_outer_bins() -> None:
    values = np.array([0.99, 1.0, 1.001], np.float32)
    narrow = coarse(values).between(values.min(), values.max())
    assert (narrow.low[0], narrow.high[-1]) == (values[0], values[-1])
    assert narrow.total == 3


def test_that_both_zeros_are_one_bin() -> None:
    values = np.array([-0.0, 0.0, -1e-45, 1e-45], np.float32)
    assert exact_census(values).counts.tolist() == [1, 2, 1]
    assert coarse(values).counts.tolist() == [1, 2, 1]
