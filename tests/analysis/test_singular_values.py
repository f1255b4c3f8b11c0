"""All three ways against numpy's own decomposition."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ptinspect.analysis import singular_values as module
from ptinspect.analysis.singular_values import Blocks, Singular, Work, cost_of, singular_values
from ptinspect.checkpoint.values import Array
from ptinspect.errors import Cancelled


def in_blocks(matrix: Array, size: int | None = None) -> Blocks:
    """The rows of a matrix, as a reader gives them."""

    def blocks(most: int) -> Iterator[Array]:
        step = min(most, size or most)
        return (matrix[at : at + step] for at in range(0, len(matrix), step))

    return blocks


def found(matrix: Array, size: int | None = None) -> Singular:
    return singular_values(in_blocks(matrix, size), *matrix.shape, Work(None, 1))


def with_values(values: Array, rows: int, seed: int = 0) -> Array:
    """A matrix with these singular values."""
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.standard_normal((size, values.size)))[0] for size in (rows, values.size))
    return (left * values) @ right.T


@pytest.fixture(params=["direct", "squared"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of the exact ways, for matrices of any size."""
    if request.param == "squared":
        monkeypatch.setattr(module, "DIRECT", 0)
        monkeypatch.setattr(module, "_PANEL", 7)
    return str(request.param)


@settings(max_examples=40, deadline=None)
@given(some.data())
def test_that_blocks_of_any_length_give_the_values_of_the_whole(data: some.DataObject) -> None:
    columns = data.draw(some.integers(1, 24))
    rows = data.draw(some.integers(columns, 80))
    rng = np.random.default_rng(data.draw(some.integers(0, 99)))
    matrix = rng.standard_normal((rows, columns)) * 10.0 ** rng.integers(-3, 3, columns)
    matrix[:, data.draw(some.integers(0, columns - 1))] = 0
    expected = np.linalg.svd(matrix, compute_uv=False)
    size = data.draw(some.integers(1, 40))
    np.testing.assert_allclose(found(matrix, size).values, expected, rtol=1e-10, atol=1e-13 * expected[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "DIRECT", 0)
        squared = found(matrix, size)
    above = expected > squared.floor
    np.testing.assert_allclose(squared.values[above], expected[above], rtol=1e-2)
    assert (squared.values[~above] <= 3 * squared.floor).all()


def test_that_complex_matrices_are_decomposed(way: str) -> None:
    rng = np.random.default_rng(1)
    matrix = rng.standard_normal((40, 12)) + 1j * rng.standard_normal((40, 12))
    told = found(matrix, 9)
    assert told.method == way
    np.testing.assert_allclose(told.values, np.linalg.svd(matrix, compute_uv=False), rtol=1e-10)


def test_that_a_matrix_is_squared_where_a_triangle_would_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = np.random.default_rng(1).standard_normal((300, 20))
    assert found(matrix).method == "direct"
    monkeypatch.setattr(module, "MOST_DIRECT", 300 * 20 * 20 - 1)
    assert found(matrix).method == "squared"
    np.testing.assert_allclose(found(matrix).values, np.linalg.svd(matrix, compute_uv=False), rtol=1e-12)


def test_that_values_are_true_down_to_the_floor_and_no_further(way: str) -> None:
    values = np.logspace(0, -16, 60)
    told = found(with_values(values, 200), 31)
    known = values > told.floor
    np.testing.assert_allclose(told.values[known], values[known], rtol=2e-2)
    assert told.exact
    assert told.floor < (2e-13 if way == "direct" else 2e-7)
    assert (told.values[~known] <= 3 * told.floor).all()


@pytest.fixture
def leading(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way for large matrices, for small ones."""
    monkeypatch.setattr(module, "DIRECT", 0)
    monkeypatch.setattr(module, "SQUARED", 0)
    monkeypatch.setattr(module, "WIDTH", 8)


@pytest.mark.usefixtures("leading")
@pytest.mark.parametrize("shape", [(200, 150), (150, 200)])
def test_that_the_leading_values_of_a_large_matrix_lie_within_their_bound(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(6)
    tall = with_values(np.sort(rng.pareto(2, 150) + 1)[::-1], 200)
    told = found(tall if shape[0] > shape[1] else tall.T, 60)
    expected = np.linalg.svd(tall, compute_uv=False)
    assert not told.exact
    assert told.total == 150
    assert told.error is not None
    assert told.error <= module.SETTLED
    assert told.values.size >= 6
    np.testing.assert_allclose(told.values, expected[: told.values.size], rtol=told.error)
    assert (told.values <= expected[: told.values.size] * (1 + 1e-12)).all()
    assert told.values[0] == pytest.approx(expected[0], rel=1e-12)


@pytest.mark.usefixtures("leading")
def test_that_a_large_matrix_of_low_rank_has_no_made_up_values() -> None:
    rng = np.random.default_rng(6)
    matrix = rng.standard_normal((200, 6)) @ rng.standard_normal((6, 150))
    told = found(matrix)
    assert told.values.size == 6
    np.testing.assert_allclose(told.values, np.linalg.svd(matrix, compute_uv=False)[:6], rtol=1e-10)


@pytest.mark.usefixtures("leading")
def test_that_a_flat_spectrum_is_told_within_its_bound() -> None:
    matrix = np.random.default_rng(6).standard_normal((150, 150))
    told = found(matrix)
    expected = np.linalg.svd(matrix, compute_uv=False)
    assert told.error is not None
    assert 0 < told.error <= module.SETTLED
    np.testing.assert_allclose(told.values, expected[: told.values.size], rtol=told.error)


def test_that_a_long_decomposition_is_left_at_once() -> None:
    """The caller is heard while the call runs, and waits for it no longer than that."""
    release = threading.Event()

    def stop(done: int, total: int) -> None:
        raise Cancelled("stop")

    begun = time.monotonic()
    with pytest.raises(Cancelled):
        Work(stop, 10).waited(lambda: np.zeros(int(release.wait(30))))
    assert time.monotonic() - begun < 10
    release.set()


def test_that_what_goes_wrong_in_a_decomposition_comes_out() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        Work(None, 1).waited(lambda: np.linalg.eigvalsh(np.zeros((2, 3))))


@pytest.mark.parametrize(("shape", "way"), [((300, 200), "direct"), ((300, 200), "squared"), ((300, 200), "leading")])
def test_that_progress_comes_to_about_its_total(shape: tuple[int, int], way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DIRECT", 1000 if way == "direct" else 0)
    monkeypatch.setattr(module, "SQUARED", 1000 if way != "leading" else 0)
    told: list[int] = []
    total = cost_of(*shape)
    work = Work(lambda done, _: told.append(done), total)
    matrix = np.random.default_rng(0).standard_normal(shape)
    assert singular_values(in_blocks(matrix, 50), *shape, work).method == way
    assert told == sorted(told)
    assert told[-1] == total
