"""Each channel against numpy in float64, for every kind of number and place of the axis."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from ptinspect.analysis import channels as module
from ptinspect.analysis.channels import Channels, as_fields, channels_of
from ptinspect.analysis.tensor_stats import real
from ptinspect.checkpoint.values import Array
from ptinspect.errors import Cancelled, Unsupported
from tests.checkpoint.saved import saved
from tests.checkpoint.truth import of, place

pytestmark = pytest.mark.filterwarnings("ignore")


def counted(folder: Path, tensor: torch.Tensor, axis: int = 0) -> Channels:
    checkpoint = saved(folder, {"a": tensor})
    return channels_of(checkpoint, place(checkpoint, "a"), axis)


def agrees(found: Channels, values: Array, axis: int) -> None:
    """Each channel by itself, in float64, over its finite values."""
    rows = np.moveaxis(real(values), axis, 0)
    rows = rows.reshape(rows.shape[0], -1)
    assert found.count.size == rows.shape[0]
    for at, row in enumerate(rows):
        finite = row[np.isfinite(row)]
        assert found.count[at] == finite.size
        assert found.nans[at] == np.isnan(row).sum()
        assert found.infs[at] == np.isinf(row).sum()
        assert found.zeros[at] == (finite == 0).sum()
        if not finite.size:
            assert math.isnan(found.mean[at])
            continue
        wide = finite.astype(np.float64)
        assert (found.low[at], found.high[at]) == (finite.min(), finite.max())
        scale = max(abs(wide.mean()), wide.std())
        assert abs(found.mean[at] - wide.mean()) <= 1e-12 * scale
        assert found.std[at] == pytest.approx(wide.std(), rel=1e-9, abs=1e-12 * scale)
        assert found.l2[at] == pytest.approx(np.linalg.norm(wide), rel=1e-9)


KINDS = [
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2,
    torch.complex64, torch.int64, torch.int32, torch.int8, torch.uint8, torch.uint16, torch.bool,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_that_every_kind_of_number_is_counted_by_channel(kind: torch.dtype, axis: int, tmp_path: Path) -> None:
    tensor = (torch.randn(6, 7, 5, generator=torch.Generator().manual_seed(3)) * 3).abs().to(kind)
    checkpoint = saved(tmp_path, {"a": tensor})
    agrees(channels_of(checkpoint, place(checkpoint, "a"), axis), of(checkpoint, "a"), axis % 3)


@settings(max_examples=60, deadline=None)
@given(some.data())
def test_that_blocks_end_anywhere(tmp_path_factory: pytest.TempPathFactory, data: some.DataObject) -> None:
    shape = data.draw(some.lists(some.integers(1, 9), min_size=1, max_size=4))
    axis = data.draw(some.integers(0, len(shape) - 1))
    order = data.draw(some.permutations(range(len(shape))))
    values = np.random.default_rng(len(shape)).choice([0.0, -0.0, 1.5, -2.25, 1e3, np.nan, np.inf], size=shape)
    tensor = torch.from_numpy(values).permute(order)
    checkpoint = saved(tmp_path_factory.mktemp("blocks"), {"a": tensor})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", data.draw(some.integers(1, 40)))
        agrees(channels_of(checkpoint, place(checkpoint, "a"), axis), tensor.numpy(), axis)


@pytest.mark.parametrize("axis", [0, 1])
def test_that_a_large_mean_leaves_the_spread_alone(axis: int, tmp_path: Path) -> None:
    values = 1000 + 1e-3 * np.random.default_rng(5).standard_normal((300, 4000))
    found = counted(tmp_path, torch.from_numpy(values), axis)
    np.testing.assert_allclose(found.std, values.std(axis=1 - axis), rtol=1e-9)
    np.testing.assert_allclose(found.mean, values.mean(axis=1 - axis), rtol=1e-13)


def test_that_a_channel_longer_than_a_block_is_one(tmp_path: Path) -> None:
    values = np.random.default_rng(5).standard_normal((3, 700_001)).astype(np.float32)
    agrees(counted(tmp_path, torch.from_numpy(values)), values, 0)


def test_that_whole_numbers_of_64_bits_keep_their_ends_and_their_spread(tmp_path: Path) -> None:
    far = [[2**63 - 1, 2**63 - 3, 2**63 - 5], [-(2**63), 2**63 - 1, 0], [7, 7, 7], [2**60, 2**60 + 1, 2**60 + 2]]
    found = counted(tmp_path, torch.tensor(far))
    assert found.low.tolist() == [min(row) for row in far]
    assert found.high.tolist() == [max(row) for row in far]
    for at, row in enumerate(far):
        mean = Fraction(sum(row), 3)
        spread = math.sqrt(sum((number - mean) ** 2 for number in row) / 3)
        assert found.std[at] == pytest.approx(spread, rel=1e-12)
        assert found.mean[at] == pytest.approx(float(mean), rel=1e-12, abs=1)


def test_that_channels_of_extreme_size_neither_overflow_nor_vanish(tmp_path: Path) -> None:
    rows = np.array([[1e300, -1e300, 5e299], [5e-324, 1e-323, 0.0], [1.0, 2.0, 3.0], [1.7e308, 1.7e308, 1.7e308]])
    found = counted(tmp_path, torch.from_numpy(rows))
    assert found.std[0] == pytest.approx(rows[0].astype(np.longdouble).std(), rel=1e-12)
    assert found.std[1] == pytest.approx(float((rows[1] * 1e300).std() / 1e300), abs=5e-324)
    assert found.std[2] == pytest.approx(rows[2].std(), rel=1e-12)
    assert (found.std[3], found.mean[3]) == (0, pytest.approx(1.7e308))
    assert found.l2[0] == pytest.approx(1.5e300, rel=1e-12)


def test_that_a_channel_without_finite_values_has_no_numbers(tmp_path: Path) -> None:
    rows = torch.tensor([[torch.nan, torch.inf], [1.0, -torch.inf], [2.0, 4.0]])
    fields = as_fields(counted(tmp_path, rows))
    assert fields["count"] == [0, 1, 2]
    assert (fields["mean"], fields["min"], fields["max"]) == ([None, 1, 3], [None, 1, 2], [None, 1, 4])
    assert (fields["nans"], fields["infs"]) == ([1, 0, 0], [1, 1, 0])
    assert json.loads(json.dumps(fields, allow_nan=False)) == fields


def test_that_quantized_and_sparse_tensors_are_counted_by_their_values(tmp_path: Path) -> None:
    scales, zeros = torch.tensor([0.5, 0.1, 2.0]), torch.tensor([3, 0, -1])
    quantized = torch.quantize_per_channel(torch.randn(3, 8) * 4, scales, zeros, 0, torch.qint8)
    sparse = torch.tensor([[0.0, 2.0, 0.0], [0.0, 0.0, -1.0]]).to_sparse()
    checkpoint = saved(tmp_path, {"q": quantized, "s": sparse, "e": torch.ones(3, 1).expand(3, 4)})
    agrees(channels_of(checkpoint, place(checkpoint, "q")), quantized.dequantize().numpy(), 0)
    agrees(channels_of(checkpoint, place(checkpoint, "s"), 1), sparse.to_dense().numpy(), 1)
    agrees(channels_of(checkpoint, place(checkpoint, "e")), np.ones((3, 4), np.float32), 0)


def test_that_empty_tensors_have_channels_without_values(tmp_path: Path) -> None:
    assert counted(tmp_path, torch.empty(3, 0)).count.tolist() == [0, 0, 0]
    assert counted(tmp_path, torch.empty(0, 3)).count.size == 0
    assert as_fields(counted(tmp_path, torch.empty(2, 0)))["mean"] == [None, None]


def test_that_an_axis_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="no axis 2"):
        counted(tmp_path, torch.ones(2, 3), 2)
    with pytest.raises(Unsupported, match="no axis 0"):
        counted(tmp_path, torch.tensor(1.0))


def test_that_progress_ends_at_the_total_and_may_end_the_work(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"a": torch.zeros(2, 600_000)})
    told: list[tuple[int, int]] = []
    channels_of(checkpoint, place(checkpoint, "a"), progress=lambda *numbers: told.append(numbers))
    assert told == sorted(told)
    assert len(told) > 3
    assert told[-1] == (1_200_000, 1_200_000)

    def stop(done: int, total: int) -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        channels_of(checkpoint, place(checkpoint, "a"), progress=stop)
