"""Tallies fed in chunks of any size, compiled and in numpy, against all values at once; and TensorStats that merge."""

from __future__ import annotations

from itertools import pairwise

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ptinspect.analysis import tallies as module
from ptinspect.analysis.census import coarsened
from ptinspect.analysis.tallies import tally_for
from ptinspect.analysis.tensor_stats import TensorStats, real, stats_of
from ptinspect.checkpoint.values import numpy_type
from ptinspect.dtypes import BY_NAME

EXACT = ["float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu", "int8", "uint8", "int16", "uint16", "bool", "bits8"]
WIDE = ["float32", "float64", "int32", "int64", "uint32", "uint64"]
CUTS = some.lists(some.integers(1, 400), max_size=6)


@pytest.fixture(scope="module", params=[False, True], ids=["numpy", "compiled"])
def loops(request: pytest.FixtureRequest):
    """None, or the compiled loops: imported late, once the cache is the tests' own."""
    if not request.param:
        return None
    from ptinspect.analysis import kernels

    return kernels


def of_bits(name: str, raw: bytes) -> np.ndarray:
    """Bytes as values of a type."""
    kind = numpy_type(BY_NAME[name])
    raw = raw[: len(raw) // kind.itemsize * kind.itemsize]
    return np.frombuffer(raw, np.uint8).view(np.bool_) % 2 == 1 if name == "bool" else np.frombuffer(raw, kind)


def fed(name: str, values: np.ndarray, cuts: list[int], loops: object) -> TensorStats:
    """What a tally says of values that came in pieces."""
    tally = tally_for(BY_NAME[name], loops)
    borders = sorted({0, values.size, *(cut for cut in cuts if cut < values.size)})
    for begin, end in pairwise(borders):
        tally.add(np.ascontiguousarray(values[begin:end]))
    found = tally.take()
    assert tally.take().census.total == 0  # it forgets what it has told
    return found


def assert_same(found: TensorStats, right: TensorStats, widest: float) -> None:
    """All that is exact is equal, and the rest within rounding."""
    facts = ("count", "low", "high", "zeros", "nans", "infs")
    assert [getattr(found, fact) for fact in facts] == [getattr(right, fact) for fact in facts]
    if not right.count:
        return
    rounding = 1e-13 * widest + 5e-324
    assert abs(found.moments.mean - right.moments.mean) <= rounding
    assert abs(found.moments.deviation - right.moments.deviation) <= 1e-9 * right.moments.deviation + rounding
    grid = found.census.grid
    census = right.census if grid is None else coarsened(right.census, grid)
    assert np.array_equal(found.census.low.astype(float), census.low.astype(float))
    assert np.array_equal(found.census.counts, census.counts)


def widest_of(stats: TensorStats) -> float:
    return 0.0 if stats.low is None else max(abs(float(stats.low)), abs(float(stats.high)))


@settings(max_examples=8, deadline=None)
@given(raw=some.binary(max_size=800), cuts=CUTS)
@pytest.mark.parametrize("name", [*EXACT, *WIDE])
def test_that_chunks_of_any_size_are_counted_as_the_whole(loops, name: str, raw: bytes, cuts: list[int]) -> None:
    values = of_bits(name, raw)
    right = stats_of(values) if values.size else TensorStats()
    assert_same(fed(name, values, cuts, loops), right, widest_of(right))


SPECIAL = [0.0, -0.0, np.nan, np.inf, -np.inf, 1e-45, -1e-45, 3.4e38, 1.0, -1.0, 1e-30]


@settings(max_examples=20, deadline=None)
@given(numbers=some.lists(some.sampled_from(SPECIAL), min_size=1, max_size=40), cuts=CUTS)
@pytest.mark.parametrize("name", ["float32", "float64"])
def test_that_zeros_of_both_signs_and_what_is_not_finite_are_told_apart(loops, name: str, numbers: list[float], cuts: list[int]) -> None:
    values = np.array(numbers, name)
    right = stats_of(values)
    assert_same(fed(name, values, cuts, loops), right, widest_of(right))


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float8_e5m2fnuz", "int16", "uint8"])
def test_that_every_code_is_counted(loops, name: str) -> None:
    bits = np.arange(1 << BY_NAME[name].bits)
    values = bits.astype(np.uint16 if BY_NAME[name].bits == 16 else np.uint8).view(numpy_type(BY_NAME[name]))
    right = stats_of(values)
    assert_same(fed(name, values, [3, 1_001], loops), right, widest_of(right))


def test_that_a_packed_byte_is_two_values_packed_or_not(loops) -> None:
    raw = np.random.default_rng(5).integers(0, 256, 1_001, np.uint8)
    apart = np.stack((raw & 15, raw >> 4), axis=1).reshape(-1).view(ml_dtypes.float4_e2m1fn)
    right = stats_of(apart)
    for values in (raw, apart):
        tally = tally_for(BY_NAME["float4_e2m1fn_x2"], loops)
        tally.add(values)
        assert_same(tally.take(), right, 6.0)


@pytest.mark.parametrize("name", ["float32", "float64", "bfloat16", "uint8", "int64"])
def test_that_counters_are_emptied_before_they_are_full(loops, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FULL", 1_000)
    values = (np.random.default_rng(6).standard_normal(9_999) * 50).astype(numpy_type(BY_NAME[name]))
    right = stats_of(values)
    assert_same(fed(name, values, list(range(0, 9_999, 300)), loops), right, widest_of(right))


def test_that_a_block_of_a_million_is_no_worse_than_its_parts(loops) -> None:
    values = (1000 + 1e-3 * np.random.default_rng(7).standard_normal(1_000_001)).astype(np.float32)
    found = fed("float32", values, [], loops)
    exact = values.astype(np.longdouble)
    assert found.moments.mean == pytest.approx(float(exact.mean()), rel=1e-12)
    assert found.moments.std == pytest.approx(float(exact.std()), rel=1e-9)


# -- merging ------------------------------------------------------------------------------------------------------------------


@settings(max_examples=6, deadline=None)
@given(raw=some.binary(min_size=8, max_size=600), cuts=CUTS, random=some.randoms(use_true_random=False))
@pytest.mark.parametrize("name", ["float32", "bfloat16", "int64", "float64"])
def test_that_tensor_stats_merge_in_any_order_and_grouping(loops, name: str, raw: bytes, cuts: list[int], random) -> None:
    values = of_bits(name, raw)
    borders = sorted({0, values.size, *(cut for cut in cuts if cut < values.size)})
    tally = tally_for(BY_NAME[name], loops)
    parts = []
    for begin, end in pairwise(borders):
        tally.add(np.ascontiguousarray(values[begin:end]))
        parts.append(tally.take())
    random.shuffle(parts)
    while len(parts) > 1:
        at = random.randrange(len(parts) - 1)
        parts[at : at + 2] = [parts[at].merged(parts[at + 1])]
    right = stats_of(values)
    assert_same(parts[0], right, widest_of(right))


@settings(max_examples=20, deadline=None)
@given(some.lists(some.floats(-100, 100, width=32), max_size=30), some.integers(1, 9), some.integers(0, 50))
def test_that_repeats_and_zeros_are_those_of_the_values_written_out(numbers: list[float], repeats: int, zeros: int) -> None:
    values = np.array(numbers, np.float32)
    right = stats_of(np.concatenate((np.tile(values, repeats), np.zeros(zeros, np.float32))))
    assert_same(stats_of(values).times(repeats).with_zeros(zeros), right, 100.0)


def test_that_what_is_not_finite_is_repeated_too() -> None:
    found = stats_of(np.array([np.nan, np.inf, 0.0, 1.0])).times(3)
    assert (found.nans, found.infs, found.zeros, found.count) == (3, 3, 3, 6)


def test_that_short_and_complex_numbers_get_an_order() -> None:
    assert real(np.array([3 + 4j])).tolist() == [5.0]
    assert real(np.array([True, False])).tolist() == [1, 0]
    assert real(np.array([1.5], ml_dtypes.bfloat16)).dtype == np.float32
    assert real(np.array([-8, 7], ml_dtypes.int4)).tolist() == [-8, 7]
