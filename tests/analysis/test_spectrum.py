"""The spectrum of tensors in files, against numpy's decomposition and WeightWatcher's fits."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from ptinspect.analysis import matrices as reading
from ptinspect.analysis import singular_values as decomposing
from ptinspect.analysis.spectrum import Spectrum, as_fields, spectrum_of
from ptinspect.checkpoint.values import Array
from ptinspect.errors import Cancelled, Unsupported
from tests.analysis.weightwatcher_reference import FOUND, matrices
from tests.checkpoint.saved import saved
from tests.checkpoint.truth import place, truth

pytestmark = pytest.mark.filterwarnings("ignore")


def spectrum(folder: Path, tensor: torch.Tensor) -> Spectrum:
    checkpoint = saved(folder, {"a": tensor})
    return spectrum_of(checkpoint, place(checkpoint, "a"))


def singular(values: Array) -> Array:
    wide = values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)
    return np.linalg.svd(wide.reshape(len(values), -1), compute_uv=False)


def agrees(found: Spectrum, values: Array) -> None:
    """What numpy says of the whole matrix."""
    expected = singular(values)
    shares = np.cumsum(expected**2) / np.sum(expected**2)
    part = expected[expected > found.floor] / expected.sum()
    np.testing.assert_allclose(found.values, expected, rtol=1e-9, atol=1e-12 * expected[0])
    assert found.exact
    assert found.total == expected.size
    assert found.frobenius == pytest.approx(np.linalg.norm(expected))
    assert found.stable_rank == pytest.approx((expected**2).sum() / expected[0] ** 2)
    assert found.effective_rank == pytest.approx(np.exp(-(part * np.log(part)).sum()))
    assert found.rank_90 == np.argmax(shares >= 0.9 * (1 - 1e-12)) + 1
    assert found.rank_99 == np.argmax(shares >= 0.99 * (1 - 1e-12)) + 1
    wide = values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)
    assert found.rank == np.linalg.matrix_rank(wide.reshape(len(values), -1))


@pytest.mark.parametrize(("name", "values"), list(matrices()), ids=FOUND)
def test_that_weightwatcher_finds_the_same_power_law(name: str, values: Array, tmp_path: Path) -> None:
    found = spectrum(tmp_path, torch.from_numpy(values))
    alpha, distance, sigma, xmin, spikes, eigenvalues, stable = FOUND[name]
    assert found.tail is not None
    close = [found.tail.alpha, found.tail.distance, found.tail.sigma, found.tail.xmin]
    assert close == pytest.approx([alpha, distance, sigma, xmin], rel=1e-9)
    assert found.tail.tail == spikes
    if values.ndim == 2:  # of a convolution it pools what the positions of the kernel have
        assert found.stable_rank == pytest.approx(stable, rel=1e-9)
        assert found.total == eigenvalues
        agrees(found, values)


KINDS = [
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2,
    torch.complex64, torch.int8, torch.int64, torch.uint8, torch.bool,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("shape", [(40, 30), (30, 40), (12, 5, 3, 3), (9, 4, 3), (1, 9, 20)], ids=str)
def test_that_every_kind_of_number_is_decomposed(kind: torch.dtype, shape: tuple[int, ...], tmp_path: Path) -> None:
    tensor = (torch.randn(shape, generator=torch.Generator().manual_seed(3)) * 3).abs().to(kind)
    values = truth(tensor)
    agrees(spectrum(tmp_path, tensor), values[0] if len(shape) == 3 and shape[0] == 1 else values)


@settings(max_examples=40, deadline=None)
@given(some.data())
def test_that_views_are_decomposed_by_what_they_show(tmp_path_factory: pytest.TempPathFactory, data: some.DataObject) -> None:
    shape = data.draw(some.lists(some.integers(1, 9), min_size=2, max_size=4).filter(lambda sizes: len(sizes) != 3 or sizes[0] > 1))
    tensor = torch.randn([size + 2 for size in shape], dtype=torch.float64, generator=torch.Generator().manual_seed(len(shape)))
    for at, size in enumerate(shape):
        tensor = tensor.narrow(at, data.draw(some.integers(0, 2)), size)
    orders = some.permutations(range(len(shape))).filter(lambda order: len(order) != 3 or shape[order[0]] > 1)
    tensor = tensor.permute(data.draw(orders))
    found = spectrum(tmp_path_factory.mktemp("views"), tensor)
    expected = singular(tensor.numpy())
    np.testing.assert_allclose(found.values, expected, rtol=1e-9, atol=1e-12 * expected[0])


def test_that_each_position_of_a_turned_kernel_is_a_matrix(tmp_path: Path) -> None:
    tensor = torch.randn(3, 3, 12, 20, generator=torch.Generator().manual_seed(1)).permute(3, 2, 0, 1)
    plain = spectrum(tmp_path, tensor.contiguous()).tail
    assert plain is not None
    assert spectrum(tmp_path, tensor).tail == plain


@pytest.mark.parametrize("shape", [(30, 12), (12, 30), (12, 4, 3, 3)], ids=str)
def test_that_quantized_tensors_are_decomposed_by_their_values(shape: tuple[int, ...], tmp_path: Path) -> None:
    scales, zeros = torch.linspace(0.01, 0.1, shape[0]), torch.arange(shape[0]) - 5
    tensor = torch.quantize_per_channel(torch.randn(shape), scales, zeros, 0, torch.qint8)
    agrees(spectrum(tmp_path, tensor), tensor.dequantize().numpy())


@pytest.mark.parametrize("turned", [False, True])
def test_that_sparse_tensors_are_decomposed_with_their_zeros(turned: bool, tmp_path: Path) -> None:
    dense = torch.randn(40, 9) * (torch.rand(40, 9) < 0.3)
    dense = dense.t().contiguous() if turned else dense
    agrees(spectrum(tmp_path, dense.to_sparse()), dense.numpy())


def test_that_a_packed_tensor_too_large_to_be_turned_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_HELD", 100)
    with pytest.raises(Unsupported, match="column by column"):
        spectrum(tmp_path, torch.randn(5, 60).to_sparse())
    agrees(spectrum(tmp_path, (dense := torch.randn(60, 5)).to_sparse()), dense.numpy())


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_that_values_that_are_no_numbers_are_counted_in_the_refusal(broken: float, tmp_path: Path) -> None:
    tensor = torch.randn(20, 30)
    tensor[3, 4] = tensor[7, 1] = broken
    with pytest.raises(Unsupported, match="2 of its values are NaN or infinite"):
        spectrum(tmp_path, tensor)
    with pytest.raises(Unsupported, match="one of its values is"):
        spectrum(tmp_path, tensor[:5])


@pytest.mark.parametrize(("shape", "why"), [((), "a single number"), ((5,), "a list of numbers"), ((0, 3), "no values")])
def test_that_what_is_no_matrix_is_refused(shape: tuple[int, ...], why: str, tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match=why):
        spectrum(tmp_path, torch.ones(shape))


def test_that_a_matrix_of_zeros_has_values_and_no_ratios(tmp_path: Path) -> None:
    found = spectrum(tmp_path, torch.zeros(12, 30))
    assert found.values.tolist() == [0] * 12
    assert (found.rank, found.frobenius, found.exact) == (0, 0, True)
    assert (found.stable_rank, found.effective_rank, found.condition, found.rank_90, found.tail) == (None, None, None, None, None)


def test_that_rank_one_is_told(tmp_path: Path) -> None:
    found = spectrum(tmp_path, torch.outer(torch.arange(1.0, 31.0), torch.arange(1.0, 21.0)))
    assert (found.rank, found.rank_90, found.rank_99) == (1, 1, 1)
    assert found.stable_rank == pytest.approx(1)
    assert found.effective_rank == pytest.approx(1)
    assert found.condition is None
    assert found.condition_above is not None
    assert found.condition_above > 1e12
    assert found.no_tail == "it has fewer than 8 eigenvalues above 1e-05"


def test_that_the_condition_is_the_largest_by_the_smallest(tmp_path: Path) -> None:
    found = spectrum(tmp_path, torch.diag(torch.tensor([8.0, 4.0, 0.5])))
    assert found.condition == pytest.approx(16)
    assert found.condition_above is None


def test_that_the_identity_has_no_power_law(tmp_path: Path) -> None:
    found = spectrum(tmp_path, torch.eye(16))
    assert (found.tail, found.no_tail) == (None, "its eigenvalues are all the same")
    assert found.effective_rank == pytest.approx(16)


@pytest.mark.parametrize("size", [1e300, 1e-300, 5e-324])
def test_that_squares_neither_overflow_nor_vanish(size: float, tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(-9, 9, (20, 12)).astype(np.float64)
    found = spectrum(tmp_path, torch.from_numpy(values * size))
    expected = singular(values)
    np.testing.assert_allclose(found.values, expected * size, rtol=1e-9, atol=1e-323)
    assert found.stable_rank == pytest.approx((expected**2).sum() / expected[0] ** 2, rel=1e-9 if size > 1e-310 else 0.1)
    assert json.dumps(as_fields(found), allow_nan=False)


def test_that_a_large_matrix_says_what_it_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decomposing, "DIRECT", 50)
    monkeypatch.setattr(decomposing, "SQUARED", 60)
    monkeypatch.setattr(decomposing, "WIDTH", 8)
    values = torch.randn(150, 6) @ torch.randn(6, 100) + 1e-3 * torch.randn(150, 100)
    found = spectrum(tmp_path, values)
    expected = singular(values.numpy())
    assert (found.exact, found.method, found.total) == (False, "leading", 100)
    assert found.values.size < 100
    assert found.stable_rank == pytest.approx((expected**2).sum() / expected[0] ** 2)
    assert found.rank_90 is not None
    assert (found.rank, found.effective_rank, found.condition, found.tail) == (None, None, None, None)
    assert found.no_tail == "only the largest singular values were computed"


def test_that_json_says_every_number(tmp_path: Path) -> None:
    fields = as_fields(spectrum(tmp_path, torch.randn(20, 30)))
    assert json.loads(json.dumps(fields, allow_nan=False)) == fields
    assert set(fields) == set(Spectrum.__slots__) - {"values"} | {"singular_values"}
    assert set(fields["tail"]) == {"alpha", "sigma", "distance", "xmin", "tail", "count"}


@pytest.mark.parametrize("shape", [pytest.param((1100, 1040), marks=pytest.mark.slow), (30, 20, 3, 3)], ids=str)
def test_that_progress_ends_at_the_total_and_may_end_the_work(shape: tuple[int, ...], tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"a": torch.randn(shape)})
    told: list[tuple[int, int]] = []
    spectrum_of(checkpoint, place(checkpoint, "a"), lambda *numbers: told.append(numbers))
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]
    for share in (0, 0.3, 1):

        def stop(done: int, total: int, share: float = share) -> None:
            if done >= share * total:
                raise Cancelled("stop")

        with pytest.raises(Cancelled):
            spectrum_of(checkpoint, place(checkpoint, "a"), stop)
