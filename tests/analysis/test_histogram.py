"""Histograms that numpy agrees with, that stay readable, and that two tensors can share."""

from __future__ import annotations

from itertools import pairwise

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ptinspect.analysis.between import between_for
from ptinspect.analysis.histogram import Edges, Histogram, choose_edges, counted
from ptinspect.analysis.tallies import tally_for
from ptinspect.analysis.tensor_stats import TensorStats, real, stats_of
from ptinspect.dtypes import BY_NAME

BINS = (1, 2, 3, 7, 72, 500, 4096)
KINDS = [
    np.float32,
    np.float64,
    np.float16,
    ml_dtypes.bfloat16,
    ml_dtypes.float8_e4m3fn,
    np.int8,
    np.int32,
    np.int64,
    np.uint8,
    np.uint64,
    np.bool_,
]
LARGE = 70_001


@pytest.fixture(scope="module", params=[False, True], ids=["numpy", "compiled"])
def loops(request: pytest.FixtureRequest):
    """None, or the compiled loops: imported late, once the cache is the tests' own."""
    if not request.param:
        return None
    from ptinspect.analysis import kernels

    return kernels


def coarse(values: np.ndarray) -> TensorStats:
    """As a large tensor is counted."""
    tally = tally_for(BY_NAME[str(values.dtype)])
    tally.add(values)
    return tally.take().known()


def between(values: np.ndarray, edges: Edges, loops: object = None) -> Histogram:
    counter = between_for(edges, BY_NAME[str(values.dtype)], loops)
    counter.add(values)
    return counter.take()


def histogram_of(values: np.ndarray, bins: int = 72, stats: TensorStats | None = None) -> Histogram:
    """As the stream comes to it."""
    stats = stats_of(values) if stats is None else stats
    edges = choose_edges(stats, values.dtype, bins)
    return between(values, edges) if edges.need_count else counted(stats.census, edges)


def assert_exact(found: Histogram, values: np.ndarray, bins: int = 72) -> None:
    """numpy's counts, over edges that are in order, of the values' own type and few enough."""
    values = real(values)
    finite = values[np.isfinite(values)]
    edges = found.edges
    assert (edges[1:] >= edges[:-1]).all()
    assert 2 <= edges.size <= bins + 1
    assert np.array_equal(np.histogram(finite, edges)[0], found.counts)
    assert (found.below, found.above) == (int((finite < edges[0]).sum()), int((finite > edges[-1]).sum()))
    assert found.total == finite.size


# -- exactness ------------------------------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(raw=some.binary(min_size=8, max_size=400), bins=some.sampled_from(BINS))
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: np.dtype(kind).name)
def test_that_numpy_counts_the_same_between_edges_of_the_own_type(kind: type, raw: bytes, bins: int) -> None:
    dtype = np.dtype(kind)
    whole = np.frombuffer(raw[: len(raw) // dtype.itemsize * dtype.itemsize], np.uint8)
    values = (whole & 1).astype(bool) if dtype == np.bool_ else whole.view(dtype)
    if not np.isfinite(real(values)).any():
        return
    found = histogram_of(values, bins)
    assert_exact(found, values, bins)
    assert np.array_equal(found.edges.astype(np.uint8 if dtype == np.bool_ else dtype).astype(found.edges.dtype), found.edges)


def shapes() -> dict[str, np.ndarray]:
    """Distributions as weights have them."""
    noise = np.random.default_rng(1).standard_normal(LARGE)
    one, outliers = noise.copy(), noise.copy()
    one[7] = 1e30
    outliers[:2] = -1e30, 1e30
    return {
        "normal": noise * 0.02,
        "around 0.97": 0.97 + 1e-4 * noise,
        "very narrow": 1 + 3e-7 * noise,
        "uniform": np.random.default_rng(2).random(LARGE),
        "one outlier": one,
        "outliers on both sides": outliers,
        "heavy tails": noise / np.abs(np.roll(noise, 1)).clip(1e-9),
        "log-normal": np.exp(4 * noise),
        "log-normal below zero": -np.exp(4 * noise),
        "squares": noise**2 * 1e-10,
        "rectified": noise.clip(0),
        "mostly zero": np.where(noise > 2, noise, 0),
        "subnormal": noise * 1e-40,
        "two humps": np.where(np.arange(LARGE) % 3 == 0, 5, -5) + noise,
    }


@pytest.mark.parametrize("name", shapes())
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_that_coarse_counting_ends_in_numpys_counts(kind: str, name: str, loops) -> None:
    values = shapes()[name].astype(kind)
    stats = coarse(values)
    for bins in (2, 72, 500):
        edges = choose_edges(stats, values.dtype, bins)
        if not edges.need_count:
            assert_exact(counted(stats.census, edges), values, bins)
        assert_exact(between(values, edges, loops), values, bins)


@pytest.mark.parametrize(
    "edges", [[0.0, 0.0], [-1.7e308, 0.0, 1.7e308], [0.0, 5e-324, 1e-323], [1.0, 1.0, 1.0], [-1.0, -0.5, 0.25, 0.25, 3.0]]
)
def test_that_values_are_counted_between_edges_of_any_kind(edges: list[float], loops) -> None:
    values = np.array([*edges, *np.nextafter(edges, np.inf), *np.nextafter(edges, -np.inf), np.nan, np.inf, -np.inf, -0.0])
    values = np.concatenate((values, np.random.default_rng(3).standard_normal(99), [1.7e308, -1.7e308]))
    assert_exact(between(values, Edges(np.array(edges), "linear"), loops), values)


# -- readable -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [stats_of, coarse], ids=["exact", "coarse"])
@pytest.mark.parametrize("name", [name for name in shapes() if name != "very narrow"])
def test_that_a_distribution_can_be_read(name: str, how) -> None:
    """A fifth of the bins hold values, no bin holds most of what is not zero, and few values lie outside."""
    values = shapes()[name].astype(np.float32)
    found = histogram_of(values, 72, how(values))
    places, zeros = found.counts.copy(), int((values == 0).sum())
    places[min(int(np.searchsorted(found.edges, 0, side="right")) - 1, places.size - 1)] -= zeros
    assert np.count_nonzero(found.counts) >= 72 // 5
    assert places.max() < 0.5 * (values.size - zeros)
    assert found.below + found.above <= 0.02 * values.size


@pytest.mark.parametrize("how", [stats_of, coarse], ids=["exact", "coarse"])
def test_that_one_outlier_does_not_squeeze_the_rest(how) -> None:
    values = shapes()["one outlier"].astype(np.float32)
    found = histogram_of(values, 72, how(values))
    assert found.above == 1
    assert found.edges[-1] < 6
    assert np.count_nonzero(found.counts) >= 40


def test_that_a_narrow_distribution_fills_its_bins() -> None:
    values = shapes()["around 0.97"].astype(np.float32)
    found = histogram_of(values, 72, coarse(values))
    assert 0.9694 < found.edges[0] < found.edges[-1] < 0.9706
    assert np.count_nonzero(found.counts) >= 60


def test_that_few_integers_have_a_bin_each() -> None:
    values = np.random.default_rng(4).integers(-3, 5, 1_000)
    found = histogram_of(values)
    assert found.scale == "whole"
    assert found.edges.tolist() == list(range(-3, 6))
    assert histogram_of(np.array([True, False, True])).counts.tolist() == [1, 2]
    assert histogram_of(np.array([255, 255, 254], np.uint8)).edges.tolist() == [254, 255, 255]


@pytest.mark.parametrize("origin", [0, 2**62 + 3, -(2**63), 2**63 - 50_001])
def test_that_integers_are_read_alike_wherever_they_lie(origin: int) -> None:
    near = np.random.default_rng(5).integers(0, 500, 1_000)
    near[7] = 50_000
    found, moved = histogram_of(near), histogram_of(near + origin)
    assert moved.counts.tolist() == found.counts.tolist()
    assert (moved.edges - origin).tolist() == found.edges.tolist()
    assert np.count_nonzero(found.counts) > 40
    assert found.above == 1


# -- shared edges, merging, zeros -------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(
    some.lists(some.floats(-50, 50, width=32), min_size=2, max_size=60),
    some.lists(some.integers(1, 59), max_size=4),
    some.randoms(use_true_random=False),
)
def test_that_parts_between_shared_edges_merge_in_any_order(numbers: list[float], cuts: list[int], random) -> None:
    values = np.array(numbers, np.float32)
    edges = choose_edges(stats_of(values), values.dtype)
    borders = sorted({0, values.size, *(cut for cut in cuts if cut < values.size)})
    parts = [between(values[begin:end], edges) for begin, end in pairwise(borders)]
    random.shuffle(parts)
    while len(parts) > 1:
        at = random.randrange(len(parts) - 1)
        parts[at : at + 2] = [parts[at].merged(parts[at + 1])]
    assert_exact(parts[0], values)


def test_that_two_tensors_share_the_edges_of_both() -> None:
    rng = np.random.default_rng(6)
    one, other = rng.standard_normal(1_000).astype(np.float32), (5 + rng.standard_normal(LARGE)).astype(np.float32)
    edges = choose_edges(stats_of(one).merged(coarse(other)).known(), one.dtype)
    both = between(one, edges).merged(between(other, edges))
    assert_exact(both, np.concatenate((one, other)))
    assert np.count_nonzero(between(one, edges).counts) > 10


def test_that_other_edges_cannot_be_merged() -> None:
    one, other = (histogram_of(np.arange(count)) for count in (5, 6))
    with pytest.raises(ValueError, match="different edges"):
        one.merged(other)


@settings(max_examples=25, deadline=None)
@given(some.lists(some.floats(-9, 9, width=32), min_size=1, max_size=30), some.integers(0, 40), some.integers(1, 5))
def test_that_implied_zeros_and_repeats_are_those_of_the_values_written_out(numbers: list[float], zeros: int, repeats: int) -> None:
    values = np.array(numbers, np.float32)
    found = histogram_of(values).times(repeats).with_zeros(zeros)
    assert_exact(found, np.concatenate((np.tile(values, repeats), np.zeros(zeros, np.float32))))


@pytest.mark.parametrize("edges", [[1.0, 2.0], [-2.0, -1.0], [0.0, 1.0], [-1.0, 0.0], [0.0, 0.0], [-1.0, 0.0, 0.0]])
def test_that_a_zero_goes_where_numpy_puts_it(edges: list[float]) -> None:
    empty = Histogram(np.array(edges), np.zeros(len(edges) - 1, np.int64))
    assert_exact(empty.with_zeros(3), np.zeros(3))
