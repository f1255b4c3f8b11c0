"""The numbers of a pair against torch in float64, for all types that torch stores, compiled and in numpy."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from ptinspect.analysis.compare import pair_stream
from ptinspect.analysis.compare.model import Pair
from tests.analysis.compare.networks import Pairs

REALS = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2]
WHOLES = [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]
LARGE = 300_001  # more than are sorted whole, and no multiple of a chunk or a block


def values(dtype: torch.dtype, count: int, seed: int) -> torch.Tensor:
    source = torch.Generator().manual_seed(seed)
    if dtype in REALS:
        return (torch.randn(count, generator=source) * 0.5).to(dtype)
    if dtype.is_complex:
        return torch.complex(torch.randn(count, generator=source), torch.randn(count, generator=source)).to(dtype)
    return torch.randint(0, 2 if dtype == torch.bool else 100, (count,), generator=source).to(dtype)


def only(pairs: Pairs, left: torch.Tensor, right: torch.Tensor, **reading: Any) -> Pair:
    found = pairs({"layer.weight": left, "other.weight": torch.ones(1)}, {"layer.weight": right, "other.weight": torch.ones(1)}, **reading)
    return found.pairs[0]


def expected(left: torch.Tensor, right: torch.Tensor) -> dict[str, float]:
    wide = torch.complex128 if left.is_complex() or right.is_complex() else torch.float64
    x, y = left.to(wide).flatten(), right.to(wide).flatten()
    apart = (y - x).abs()
    return {
        "max_abs": float(apart.max()),
        "mean_abs": float(apart.mean()),
        "relative_l2": float((y - x).norm() / x.norm()),
        "cosine": float(torch.vdot(x, y).real / (x.norm() * y.norm())),
        "changed_fraction": float((x != y).double().mean()),
    }


def check(pair: Pair, left: torch.Tensor, right: torch.Tensor) -> None:
    assert pair.difference is not None, pair.problem
    for name, value in expected(left, right).items():
        assert getattr(pair.difference, name) == pytest.approx(value, rel=2e-6, abs=1e-9), name


@pytest.mark.parametrize("count", [1_000, pytest.param(LARGE, marks=pytest.mark.slow)])
@pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "compiled"])
@pytest.mark.parametrize("dtype", [*REALS, torch.int64, torch.uint8, torch.bool, torch.complex64, torch.complex128], ids=str)
def test_that_numbers_within_one_type_are_torchs(pairs: Pairs, dtype: torch.dtype, compiled: bool, count: int) -> None:
    left, right = values(dtype, count, 0), values(dtype, count, 1)
    right[: count // 3] = left[: count // 3]
    pair = only(pairs, left, right, compiled=compiled)
    assert pair.status == "changed"
    check(pair, left, right)


@pytest.mark.parametrize(
    ("one", "other"), [ways for ways in product([*REALS, *WHOLES, torch.complex64], repeat=2) if ways[0] != ways[1]], ids=str
)
def test_that_numbers_across_types_are_torchs(pairs: Pairs, one: torch.dtype, other: torch.dtype) -> None:
    left, right = values(one, 2_000, 0), values(other, 2_000, 1)
    pair = only(pairs, left, right)
    assert pair.status == "dtype_changed"
    check(pair, left, right)


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "compiled"])
@pytest.mark.parametrize("other", [torch.bfloat16, torch.float16, torch.float64, torch.float8_e5m2], ids=str)
def test_that_large_casts_are_within_rounding_and_one_value_too_far_is_not(pairs: Pairs, other: torch.dtype, compiled: bool) -> None:
    left = values(torch.float32, LARGE, 0)
    right = left.to(other)
    for one, two in ((left, right), (right, left)):
        pair = only(pairs, one, two, compiled=compiled)
        check(pair, one, two)
        assert pair.difference is not None
        assert pair.difference.within_rounding is True
    far = right.clone()
    far[LARGE - 2] = 3.0
    pair = only(pairs, left, far, compiled=compiled)
    assert pair.difference is not None
    assert pair.difference.within_rounding is False


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2], ids=str)
def test_that_every_float32_is_within_rounding_of_its_cast(pairs: Pairs, dtype: torch.dtype) -> None:
    """Subnormals, overflow to infinity or NaN, both zeros and NaN."""
    codes = torch.cat([torch.arange(0, 2**32, 65_537 * 3), torch.tensor([0, 1, 0x7F800000, 0x7FC00000, 0x80000000, 0xFF800000])])
    left = codes.to(torch.uint32).view(torch.float32)
    left = left[(left.abs() < 400) | (left.abs() > 1e6) | ~left.isfinite()]
    pair = only(pairs, left, left.to(dtype))
    assert pair.difference is not None
    if dtype != torch.float8_e4m3fn:  # it has no infinity: numpy's cast and torch's need not agree beyond its largest number
        assert pair.difference.within_rounding is True


@pytest.mark.parametrize("count", [100, LARGE])
@pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "compiled"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64], ids=str)
def test_that_identical_nan_are_the_same_and_others_are_counted(pairs: Pairs, dtype: torch.dtype, compiled: bool, count: int) -> None:
    left = values(dtype, count, 0)
    left[3:6] = math.nan
    left[7] = math.inf
    pair = only(pairs, left, left.clone(), compiled=compiled)
    assert (pair.status, pair.equal_by) == ("same", "bytes")
    right = left.clone()
    right[3], right[10], right[11] = 1.0, math.nan, math.nan
    pair = only(pairs, left, right, compiled=compiled)
    found = pair.difference
    assert pair.status == "changed"
    assert found is not None
    assert (found.nans_gained, found.nans_lost, found.infinities) == (2, 1, 0)
    assert found.changed_fraction == pytest.approx(3 / count)
    assert found.max_abs == 0
    assert not found.is_within(10.0)


@pytest.mark.parametrize("count", [100, LARGE])
@pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "compiled"])
def test_that_an_infinity_that_was_none_is_infinitely_far(pairs: Pairs, compiled: bool, count: int) -> None:
    left = values(torch.float32, count, 0)
    left[1] = math.inf
    right = left.clone()
    right[2] = -math.inf
    found = only(pairs, left, right, compiled=compiled).difference
    assert found is not None
    assert (found.infinities, found.max_abs) == (1, math.inf)
    assert found.mean_abs == 0
    assert not found.is_within(1e30)


@pytest.mark.parametrize("count", [100, LARGE])
@pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "compiled"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.float64], ids=str)
def test_that_a_zero_of_the_other_sign_is_changed_by_nothing(pairs: Pairs, dtype: torch.dtype, compiled: bool, count: int) -> None:
    left = values(dtype, count, 0)
    left[5] = 0.0
    right = left.clone()
    right[5] = -0.0
    pair = only(pairs, left, right, compiled=compiled)
    assert pair.status == "changed"
    assert pair.difference is not None
    assert pair.difference.max_abs == 0
    assert pair.difference.changed_fraction == pytest.approx(1 / count)
    assert pair.difference.sign_flips == 0
    assert pair.difference.within_rounding is True


@pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "compiled"])
@pytest.mark.parametrize("count", [1_000, LARGE])
def test_that_sign_flips_are_counted(pairs: Pairs, compiled: bool, count: int) -> None:
    left, right = values(torch.float32, count, 0), values(torch.float32, count, 1)
    left[:10] = 0
    found = only(pairs, left, right, compiled=compiled).difference
    assert found is not None
    assert found.sign_flips == int((left * right < 0).sum())


@pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "compiled"])
def test_that_a_single_change_in_a_large_tensor_is_found_and_put_in_proportion(pairs: Pairs, compiled: bool) -> None:
    left = values(torch.float32, 700_000, 0)
    for place in (0, 131_071, 131_072, 699_999):
        right = left.clone()
        right[place] += 1
        pair = only(pairs, left, right, compiled=compiled)
        check(pair, left, right)
        assert pair.difference is not None
        assert pair.difference.histograms is not None
        assert pair.difference.histograms.left.total == pair.difference.histograms.apart.total == 700_000


def test_that_extreme_numbers_do_not_overflow(pairs: Pairs) -> None:
    left = torch.tensor([1e200, -1e200, 3e-200, 5.0], dtype=torch.float64)
    right = torch.tensor([2e200, -1e200, 1e-200, 5.0], dtype=torch.float64)
    found = only(pairs, left, right).difference
    assert found is not None
    assert found.relative_l2 == pytest.approx(1 / math.sqrt(2))
    wide = torch.tensor([3e38, -3e38], dtype=torch.float32).repeat(LARGE)
    for compiled in (False, True):
        found = only(pairs, wide, -wide, compiled=compiled).difference
        assert found is not None
        assert found.max_abs == pytest.approx(6e38)
        assert found.cosine == pytest.approx(-1)


def test_that_whole_numbers_beyond_float64_keep_their_distance(pairs: Pairs) -> None:
    left = torch.tensor([2**63 - 1, -(2**63), 5], dtype=torch.int64)
    right = torch.tensor([2**63 - 2, 2**63 - 1, 5], dtype=torch.int64)
    found = only(pairs, left, right).difference
    assert found is not None
    assert found.max_abs == 2**64 - 1
    assert found.changed_fraction == pytest.approx(2 / 3)


@pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "compiled"])
@pytest.mark.parametrize("count", [5_000, LARGE])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64], ids=str)
def test_that_histograms_share_their_bins_and_are_exact(pairs: Pairs, dtype: torch.dtype, compiled: bool, count: int) -> None:
    left = values(dtype, count, 0)
    right = (left.double() + 0.01 * values(torch.float64, count, 1)).to(dtype)
    found = only(pairs, left, right, compiled=compiled).difference
    assert found is not None
    shown = found.histograms
    assert shown is not None
    assert np.array_equal(shown.left.edges, shown.right.edges)
    for histogram, side in ((shown.left, left), (shown.right, right)):
        counts, _ = np.histogram(side.double().numpy(), histogram.edges)
        assert np.array_equal(counts, histogram.counts)
        assert histogram.total == count
    assert shown.apart.total == count
    apart = right - left if dtype == torch.float32 else right.double() - left.double()
    counts, _ = np.histogram(apart.double().numpy(), shown.apart.edges)
    assert np.abs(counts - shown.apart.counts).sum() <= (0 if dtype == torch.float32 or count < LARGE else count * 1e-3)


def test_that_views_are_compared_by_what_they_show(pairs: Pairs) -> None:
    base = torch.randn(64, 2_048)
    turned = base.t().contiguous().t()  # the same values, laid out otherwise
    assert only(pairs, base, turned).status == "same"
    changed = turned.clone(memory_format=torch.preserve_format)
    changed[3, 5] += 1
    assert only(pairs, base, changed).difference.max_abs == pytest.approx(1)  # type: ignore[union-attr]
    wide = torch.randn(64, 4_096)
    assert only(pairs, wide[:, ::2], wide[:, ::2].contiguous()).status == "same"
    assert only(pairs, torch.ones(1).expand(70_000), torch.ones(70_000)).status == "same"


def test_that_sparse_and_quantized_tensors_are_compared_by_their_values(pairs: Pairs) -> None:
    dense = torch.randn(50, 40) * (torch.rand(50, 40) > 0.8)
    assert only(pairs, dense.to_sparse(), dense.to_sparse()).status == "same"
    assert only(pairs, dense.to_sparse(), dense).difference.max_abs == 0  # type: ignore[union-attr]
    quantized = [torch.quantize_per_tensor(dense, scale, 0, torch.qint8) for scale in (0.05, 0.1)]
    found = only(pairs, *quantized).difference
    assert found is not None
    assert found.max_abs == pytest.approx(float((quantized[1].dequantize() - quantized[0].dequantize()).abs().max()))


def test_that_every_pair_of_a_file_is_measured_once_in_any_number_of_threads(pairs: Pairs) -> None:
    left = {f"a.{i}": torch.randn(10 if i % 7 else 70_000) for i in range(300)}
    right = {name: value + (i % 3 == 0) for i, (name, value) in enumerate(left.items())}
    for threads in (1, 5):
        found = pairs(left, right, threads=threads)
        assert [pair.status for pair in found.pairs] == ["changed" if i % 3 == 0 else "same" for i in range(300)]


def test_that_work_can_be_stopped(pairs: Pairs) -> None:
    from ptinspect.analysis.compare.comparison import outlined, results
    from ptinspect.analysis.compare.model import side_of
    from ptinspect.checkpoint.opening import open_checkpoint
    from ptinspect.errors import Cancelled

    paths = [pairs.path(name, {f"a.{i}": torch.randn(200_000) for i in range(20)}) for name in ("left", "right")]
    outline = outlined(*(side_of(open_checkpoint(path)) for path in paths))

    def stop(done: int, total: int) -> None:
        assert total == 20 * 200_000 * 8
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        list(results(outline, None, stop))
    assert pair_stream.SMALL < 200_000
