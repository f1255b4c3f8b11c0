"""Rows and what one pass over them finds, against numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from ptinspect.analysis.row_facts import row_facts
from ptinspect.analysis.rows import blocks, row_of, turned
from ptinspect.checkpoint.storage_bytes import StorageBytes
from ptinspect.checkpoint.values import whole
from tests.checkpoint.saved import saved
from tests.checkpoint.truth import place, same, truth

SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SETTINGS
@given(some.lists(some.integers(1, 9), min_size=2, max_size=4), some.integers(0, 1), some.integers(1, 40))
def test_that_blocks_hold_every_value_once_in_order(tmp_path: Path, shape: list[int], axis: int, most: int) -> None:
    tensor = torch.arange(torch.Size(shape).numel(), dtype=torch.float32).reshape(shape)
    checkpoint = saved(tmp_path, {"a": tensor})
    expected = np.moveaxis(tensor.numpy(), axis, 0).reshape(shape[axis], -1)
    found = np.full_like(expected, -1)
    with StorageBytes(checkpoint) as storages:
        info = turned(place(checkpoint, "a"), axis)
        for row, column, block in blocks(storages, info, most):
            assert (found[row : row + len(block), column : column + block.shape[1]] == -1).all()
            found[row : row + len(block), column : column + block.shape[1]] = block
        assert np.array_equal(found, expected)
        assert all(np.array_equal(whole(storages, row_of(info, at)).reshape(-1), expected[at]) for at in range(shape[axis]))


KINDS = ("float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "complex64", "complex128")


@pytest.mark.parametrize("width", [1, 7, 16, 33, 300_000])
@pytest.mark.parametrize("name", KINDS)
def test_that_sizes_zeros_and_keys_of_rows_are_right(name: str, width: int, tmp_path: Path) -> None:
    torch.manual_seed(0)
    tensor = torch.randn(9, width).to(getattr(torch, name))
    tensor[4], tensor[8] = 0, tensor[2]
    checkpoint = saved(tmp_path, {"a": tensor})
    with StorageBytes(checkpoint) as storages:
        facts = row_facts(storages, place(checkpoint, "a"), lambda count: None)
    wide = tensor.to(torch.complex128 if tensor.is_complex() else torch.float64)
    assert np.allclose(facts.squares, wide.abs().square().mean(1).numpy(), rtol=1e-4)
    assert np.flatnonzero(facts.is_zero).tolist() == [4]
    if width >= 16:
        assert facts.keys is not None
        assert facts.keys[2] == facts.keys[8]
        assert len(set(facts.keys.tolist())) == 8


def test_that_the_tiniest_numbers_are_not_taken_for_zero(tmp_path: Path) -> None:
    tensor = torch.zeros(3, 20)
    tensor[1, 3] = 1e-45
    checkpoint = saved(tmp_path, {"a": tensor})
    with StorageBytes(checkpoint) as storages:
        facts = row_facts(storages, place(checkpoint, "a"), lambda count: None)
        assert same(whole(storages, row_of(place(checkpoint, "a"), 1)), truth(tensor[1:2]))
    assert facts.is_zero.tolist() == [True, False, True]
    assert facts.squares[1] > 0
