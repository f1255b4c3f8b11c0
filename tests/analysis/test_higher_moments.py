"""Skewness and kurtosis against the plain formulas in float64, whatever they are cut into."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ptinspect.analysis.higher_moments import HigherMoments, higher_moments, of_values
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.errors import Cancelled

RANDOM = np.random.default_rng(3)


def reference(values: np.ndarray) -> tuple[float, float]:
    """As scipy.stats.skew and kurtosis of a population."""
    wide = (values - values.min() if values.dtype.kind == "i" else values).astype(np.longdouble)
    apart = wide - wide.mean()
    second = (apart**2).mean()
    return float((apart**3).mean() / second**1.5), float((apart**4).mean() / second**2 - 3)


SETS = {
    "normal": RANDOM.normal(size=5000),
    "lopsided": RANDOM.exponential(size=5000) ** 2,
    "heavy": RANDOM.standard_t(3, size=5000),
    "far away": 1000 + 1e-3 * RANDOM.normal(size=5000),
    "huge": RANDOM.normal(size=5000) * 1e300,
    "tiny": RANDOM.normal(size=5000) * 1e-300,
    "both ends": np.array([1.7e308, -1.7e308, 1.0, 2.0, 1.7e308]),
    "two values": np.array([0.0, 1.0, 1.0, 1.0]),
    "whole": 2**62 + RANDOM.integers(0, 1000, 5000),
}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("cuts", [(), (1,), (7, 4000), (1, 2, 3, 4)])
def test_that_they_are_those_of_the_formulas_in_whatever_parts(name: str, cuts: tuple[int, ...]) -> None:
    values = SETS[name]
    skewness, kurtosis = reference(values)
    found = HigherMoments()
    for part in np.split(values, [cut for cut in cuts if cut < values.size]):
        found = found.merged(of_values(part))
    assert found.moments.count == values.size
    assert found.skewness == pytest.approx(skewness, rel=1e-6, abs=1e-7)
    assert found.kurtosis == pytest.approx(kurtosis, rel=1e-6, abs=1e-7)


def test_that_equal_values_have_neither() -> None:
    found = of_values(np.full(9, 0.1)).merged(of_values(np.full(3, 0.1)))
    assert (found.skewness, found.kurtosis) == (None, None)
    assert HigherMoments().skewness is None


TENSORS = {
    "plain": torch.randn(700, 900).exp(),
    "half": torch.randn(3000).bfloat16(),
    "flags": torch.rand(5000) > 0.8,
    "complex": torch.randn(400, dtype=torch.complex64),
    "expanded": torch.randn(50).expand(40, 50),
    "sparse": (torch.randn(60, 60) * (torch.rand(60, 60) > 0.9)).to_sparse(),
    "broken": torch.cat((torch.randn(500), torch.tensor([float("nan"), float("inf")]))),
}


@pytest.mark.parametrize("name", TENSORS)
def test_that_a_tensor_of_any_kind_is_read_whole(name: str, tmp_path: Path) -> None:
    torch.save({"w": TENSORS[name]}, tmp_path / "x.pt")
    checkpoint = open_checkpoint(tmp_path / "x.pt")
    tensor = next(tensor for tensor in checkpoint.document.tensors if tensor.name.endswith("w"))
    found = higher_moments(checkpoint, tensor)
    truth = TENSORS[name].to_dense() if name == "sparse" else TENSORS[name]
    numbers = (truth.abs() if truth.is_complex() else truth).double().numpy().reshape(-1)
    skewness, kurtosis = reference(numbers[np.isfinite(numbers)])
    assert found.skewness == pytest.approx(skewness, rel=1e-5)  # sizes of complex numbers are rounded to float32
    assert found.kurtosis == pytest.approx(kurtosis, rel=1e-5)


def test_that_the_reading_can_be_stopped(tmp_path: Path) -> None:
    torch.save({"w": torch.zeros(1 << 20)}, tmp_path / "x.pt")
    checkpoint = open_checkpoint(tmp_path / "x.pt")
    told: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        told.append((done, total))
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        higher_moments(checkpoint, checkpoint.document.tensors[0], stop)
    assert told == [(1 << 20, 4 << 20)]
