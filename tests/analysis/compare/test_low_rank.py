"""The share of energy that a rank holds, against a full singular value decomposition."""

from __future__ import annotations

import pytest
import torch

from ptinspect.analysis.compare.low_rank import energy_of, matrix_shape
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.checkpoint.storage_bytes import StorageBytes
from tests.analysis.compare.networks import Pairs


def energies(pairs: Pairs, left: torch.Tensor, right: torch.Tensor, rank: int) -> tuple[float | None, float]:
    files = [open_checkpoint(pairs.path(name, {"a.weight": value})) for name, value in (("l", left), ("r", right))]
    one, other = (file.document.tensors[0] for file in files)
    shape = matrix_shape(one.shape)
    assert shape is not None
    with StorageBytes(files[0]) as a, StorageBytes(files[1]) as b:
        found = energy_of((a, b), (one, other), shape, rank)
    squares = torch.linalg.svdvals((right.double() - left.double()).reshape(shape)) ** 2
    return found, float(squares[:rank].sum() / squares.sum())


@pytest.mark.parametrize("shape", [(64, 200), (200, 64), (40, 16, 3, 3), (768, 33)])
@pytest.mark.parametrize("rank", [3, 8])
def test_that_small_ones_are_exact(pairs: Pairs, shape: tuple[int, ...], rank: int) -> None:
    left = torch.randn(shape)
    found, expected = energies(pairs, left, left + torch.randn(shape), rank)
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(1_000, 1_500), (1_500, 1_000)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_that_a_large_one_of_low_rank_is_found_and_a_dense_one_is_not(pairs: Pairs, shape: tuple[int, int], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    left = 0.02 * torch.randn(shape)
    thin = 1e-3 * torch.randn(shape[0], 8) @ torch.randn(8, shape[1])
    found, expected = energies(pairs, left.to(dtype), (left + thin).to(dtype), 100)
    assert expected > 0.99
    assert found is not None
    assert 0.99 < found <= expected + 1e-4
    found, expected = energies(pairs, left.to(dtype), (left + 1e-3 * torch.randn(shape)).to(dtype), 100)
    assert found is not None
    assert found < 0.9


def test_that_what_is_found_never_is_more_than_there_is(pairs: Pairs) -> None:
    torch.manual_seed(0)
    left = torch.zeros(900, 900)
    decaying = torch.linalg.qr(torch.randn(900, 900))[0] * torch.logspace(0, -4, 900)
    found, expected = energies(pairs, left, decaying @ torch.linalg.qr(torch.randn(900, 900))[0], 112)
    assert found is not None
    assert expected - 0.15 < found <= expected + 1e-5


@pytest.mark.slow
def test_that_a_change_of_some_rows_at_the_end_is_seen(pairs: Pairs) -> None:
    left = torch.randn(1_000, 900)
    right = left.clone()
    right[900:] += torch.randn(100, 900)
    found, expected = energies(pairs, left, right, 112)
    assert found == pytest.approx(expected, abs=1e-4)


def test_that_a_value_that_became_nan_leaves_the_rank_of_the_others(pairs: Pairs) -> None:
    left = torch.randn(64, 64)
    right = left + torch.randn(64, 2) @ torch.randn(2, 64)
    right[3, 3] = torch.nan
    found = pairs({"a.weight": left}, {"a.weight": right})
    assert found.low_rank.tested[0].energy is not None
    assert found.low_rank.tested[0].energy > 0.99


@pytest.mark.parametrize(
    ("shape", "matrix"), [((32, 32), (32, 32)), ((31, 900), None), ((64,), None), ((64, 3, 3, 3), None), ((64, 16, 3, 3), (64, 144))]
)
def test_that_matrices_are_what_is_wide_enough(shape: tuple[int, ...], matrix: tuple[int, int] | None) -> None:
    assert matrix_shape(shape) == matrix
