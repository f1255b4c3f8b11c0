"""The compiled loops beside numpy: the same sums for the same values, whatever the types."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from ptinspect.analysis.compare.difference import PairSums
from ptinspect.analysis.compare.pair_tally import PairTally
from ptinspect.analysis.compare.rounding import units
from ptinspect.checkpoint.values import numpy_type
from ptinspect.dtypes import BY_NAME

SHORT = ["float32", "bfloat16", "float16"]
COUNTS = ["count", "finite", "changed", "flips", "gained", "lost", "infinite", "near"]
SUMS = ["largest", "total", "left", "right", "apart", "product"]


@pytest.fixture(scope="module")
def kernels() -> Any:
    from ptinspect.analysis import pair_kernels

    return pair_kernels


def added(left: np.ndarray, right: np.ndarray, names: tuple[str, str], kernels: Any) -> PairSums:
    tally = PairTally(units(BY_NAME[names[0]], BY_NAME[names[1]]), True, kernels)
    tally.add(left, right)
    return tally.take()


def as_type(values: torch.Tensor, name: str) -> np.ndarray:
    raw = values.to(getattr(torch, name)).view(torch.uint8).numpy()
    return raw.view(numpy_type(BY_NAME[name]))


def check(left: np.ndarray, right: np.ndarray, names: tuple[str, str], kernels: Any) -> None:
    found, expected = (added(left, right, names, way) for way in (kernels, None))
    assert [getattr(found, name) for name in COUNTS] == [getattr(expected, name) for name in COUNTS]
    assert [getattr(found, name) for name in SUMS] == pytest.approx([getattr(expected, name) for name in SUMS], rel=1e-5)
    assert found.stats is not None
    assert expected.stats is not None
    for one, other in zip(found.stats[:2], expected.stats[:2], strict=True):
        assert (one.count, one.zeros) == (other.count, other.zeros)


def codes(name: str) -> np.ndarray:
    """Every value of a short type, as this type or another."""
    return np.arange(1 << 16, dtype=np.uint16).view(numpy_type(BY_NAME[name]))


@pytest.mark.parametrize("names", list(product(SHORT, repeat=2)), ids="-".join)
@pytest.mark.parametrize("source", ["bfloat16", "float16"])
def test_that_every_short_float_is_widened_rounded_and_counted_as_numpy_does(names: tuple[str, str], source: str, kernels: Any) -> None:
    """NaN, infinities, subnormal numbers and zeros of both signs among them."""
    values = torch.from_numpy(codes(source).astype(np.float32))
    left, right = as_type(values, names[0]), as_type(values, names[1])
    check(left, right, names, kernels)
    check(left, np.roll(right, 1), names, kernels)


@pytest.mark.parametrize("names", [("float32", "bfloat16"), ("float16", "float32"), ("bfloat16", "bfloat16")], ids="-".join)
@pytest.mark.parametrize("steps", [1, 2])
def test_that_one_unit_is_near_and_two_are_not(names: tuple[str, str], steps: int, kernels: Any) -> None:
    narrow = names[0] if names[0] != "float32" else names[1]
    left, right = (as_type(torch.full((5_000,), 0.7).to(getattr(torch, narrow)), name) for name in names)
    for side, name in ((left, names[0]), (right, names[1])):
        if name == narrow:
            side.view(np.uint16)[4_500] += np.uint16(steps)
            break
    assert added(left, right, names, kernels).near is (steps == 1)


WIDE = ["float64-float64", "float64-float32", "int64-int64", "int32-int32", "int8-int32", "float32-int64", "uint8-uint8"]


@pytest.mark.parametrize("names", [tuple(pair.split("-")) for pair in WIDE], ids=WIDE)
def test_that_wide_numbers_are_those_of_numpy(names: tuple[str, str], kernels: Any) -> None:
    values = 40 * torch.randn(9_001, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    values = values.abs() if "uint8" in names else values
    left, right = as_type(values, names[0]), as_type(values, names[1])
    check(left, right, names, kernels)
    check(left, np.roll(right, 1), names, kernels)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e200, 1e-200])
def test_that_what_has_no_square_is_left_to_numpy(value: float, kernels: Any) -> None:
    left = np.full(5_000, 0.0 if value == 1e-200 else 1.5)
    right = left.copy()
    right[4_321] = value
    check(left, right, ("float64", "float64"), kernels)


def test_that_whole_numbers_beyond_float64_keep_their_distance_compiled_too(kernels: Any) -> None:
    left, right = np.full(5_000, 2**63 - 1), np.full(5_000, 2**63 - 2)
    left[0], right[0] = 2**63 - 1, -(2**63)
    assert added(left, right, ("int64", "int64"), kernels).largest == 2**64 - 1
