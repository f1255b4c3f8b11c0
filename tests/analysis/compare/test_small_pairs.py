"""Many small pairs added up together are what each of them is alone."""

from __future__ import annotations

import numpy as np
import pytest

from ptinspect.analysis.compare.pair_tally import small_sums
from ptinspect.analysis.compare.rounding import units
from ptinspect.analysis.compare.small_pairs import Arrays, sums_of_each
from ptinspect.checkpoint.values import numpy_type
from ptinspect.dtypes import BY_NAME
from tests.analysis.compare.networks import Pairs

KINDS = [
    "float32-float32",
    "float32-bfloat16",
    "bfloat16-float16",
    "float64-float32",
    "int64-int64",
    "uint8-float32",
    "complex64-complex64",
]


def pairs_of(names: list[str]) -> list[Arrays]:
    """Of one value and of many, with NaN, infinities, zeros, numbers without a square, and some that are equal."""
    source = np.random.default_rng(0)
    odd = {2: np.nan, 3: np.inf, 4: 0.0, 5: 1e-200, 6: 1e200}
    found = []
    for number, size in enumerate((1, 7, 64, 65, 3, 4, 500, 2)):
        left = source.standard_normal(size) * 20
        right = left.copy() if number % 3 == 0 else left + source.standard_normal(size) * 0.05
        if number in odd and not any(name.startswith(("int", "uint")) for name in names):
            right[size // 2] = odd[number]
        with np.errstate(all="ignore"):
            one, other = (np.abs(side).astype(numpy_type(BY_NAME[name])) for side, name in zip((left, right), names, strict=True))
        found.append((one, other))
    return found


@pytest.mark.parametrize("kinds", KINDS)
def test_that_together_they_have_the_sums_of_each(kinds: str) -> None:
    names = kinds.split("-")
    measure = units(*(BY_NAME[name] for name in names))
    pairs = pairs_of(names)
    for found, pair in zip(sums_of_each(pairs, measure), pairs, strict=True):
        alone = small_sums(*pair, measure, counting=False)
        for field in alone.__dataclass_fields__:
            assert getattr(found, field) == pytest.approx(getattr(alone, field), nan_ok=True), field


def test_that_reports_without_histograms_have_the_same_numbers(pairs: Pairs) -> None:
    import torch

    torch.manual_seed(0)
    left = {f"{at}.weight": torch.randn(at % 9 + 1, 5).to(torch.bfloat16 if at % 4 else torch.float32) for at in range(600)}
    right = {name: value if at % 5 == 0 else value * 1.25 for at, (name, value) in enumerate(left.items())}
    plain, full = (pairs(left, right, histograms=shown) for shown in (False, True))
    assert [pair.status for pair in plain.pairs] == [pair.status for pair in full.pairs]
    for one, other in zip(plain.pairs, full.pairs, strict=True):
        assert one.difference is not None
        assert other.difference is not None
        assert (one.difference.max_abs, one.difference.within_rounding) == (other.difference.max_abs, other.difference.within_rounding)
        assert one.difference.relative_l2 == pytest.approx(other.difference.relative_l2)
