"""Blocks out of tensors equal numpy's slices, whatever the file keeps; samples say what they looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ptinspect.analysis.slices import block, sample
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.checkpoint.storage_bytes import StorageBytes


def saved(tmp_path: Path, **tensors: torch.Tensor):
    path = tmp_path / "x.pt"
    torch.save(tensors, path)
    checkpoint = open_checkpoint(path)
    return checkpoint, {tensor.name.rpartition(".")[2]: tensor for tensor in checkpoint.document.tensors}


TENSORS = {
    "plain": torch.arange(7 * 5 * 6, dtype=torch.float32).reshape(7, 5, 6),
    "turned": torch.arange(7 * 5 * 6, dtype=torch.float32).reshape(6, 5, 7).permute(2, 1, 0),
    "stepped": torch.arange(14 * 5 * 12, dtype=torch.int64).reshape(14, 5, 12)[::2, :, 1::2],
    "expanded": torch.arange(6.0).expand(7, 5, 6),
    "bf": torch.randn(7, 5, 6).bfloat16(),
    "flags": torch.rand(7, 5, 6) > 0.5,
    "complex": torch.randn(7, 5, 6, dtype=torch.complex64).conj(),
    "sparse": torch.eye(7)[:, :5].unsqueeze(2).expand(7, 5, 6).to_sparse(),
}


@pytest.mark.parametrize("name", TENSORS)
def test_that_a_block_is_what_numpy_slices(name: str, tmp_path: Path) -> None:
    checkpoint, found = saved(tmp_path, **{name: TENSORS[name]})
    spans = [range(1, 6, 2), range(5), range(2, 6)]
    truth = TENSORS[name].to_dense() if name == "sparse" else TENSORS[name].resolve_conj()
    truth = truth[1:6:2, 0:5, 2:6]
    with StorageBytes(checkpoint) as storages:
        shown = block(storages, found[name], spans)
    wide = truth.float() if truth.dtype == torch.bfloat16 else truth
    assert np.array_equal(shown.astype(wide.numpy().dtype), wide.numpy())


def test_that_a_block_of_codes_holds_their_real_values(tmp_path: Path) -> None:
    coded = torch.quantize_per_channel(torch.randn(8, 5), torch.rand(8) + 0.01, torch.zeros(8), 0, torch.qint8)
    checkpoint, found = saved(tmp_path, coded=coded)
    with StorageBytes(checkpoint) as storages:
        shown = block(storages, found["coded"], [range(3, 6), range(5)])
    assert np.array_equal(shown, coded.dequantize()[3:6].numpy())


def test_that_a_sample_is_spread_over_the_tensor(tmp_path: Path) -> None:
    checkpoint, found = saved(tmp_path, w=torch.arange(1 << 20, dtype=torch.float32))
    with StorageBytes(checkpoint) as storages:
        numbers, seen = sample(storages, found["w"], 1 << 14)
    assert seen == 1 << 14
    assert numbers.low == 0
    assert numbers.high == (1 << 20) - 1
    assert numbers.mean == pytest.approx((1 << 19), rel=0.01)


def test_that_a_small_tensor_is_its_own_sample(tmp_path: Path) -> None:
    checkpoint, found = saved(tmp_path, w=torch.randn(50, 3).t())
    with StorageBytes(checkpoint) as storages:
        numbers, seen = sample(storages, found["w"])
    assert seen == numbers.count == 150
