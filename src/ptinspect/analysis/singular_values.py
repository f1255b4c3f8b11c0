"""Singular values of a matrix that comes in blocks of rows.

Three ways, by the shorter side n. Up to 1,024, where the other side is not much longer: an upper triangle with the same singular
values is kept up to date block by block, and decomposed at the end; nothing is squared, so values down to 1e-12 of the largest are
told. Up to 4,096: the eigenvalues of A^T A, summed in float64; squaring buries what is below sqrt(n * 2.2e-16) of the largest, 1e-6
of it at 4,096. Beyond: a block Krylov space of the largest ones; each is told with a bound on its error, and those that have not
settled are left out.

A call into LAPACK cannot be interrupted: it is made in a thread while the caller is asked ten times a second whether to go on. One
that is abandoned ends by itself, after some 10 s at 4,096.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from ptinspect.analysis.matrices import MOST_UPRIGHT as SQUARED
from ptinspect.frozen import frozen

Array = np.ndarray[Any, Any]
Blocks = Callable[[int], Iterator[Array]]
"""All rows of a matrix, at most so many at a time. Called once for each way through it."""

DIRECT = 1_024
MOST_DIRECT = 1 << 33
"""Multiplications, rows x columns^2: beyond it a triangle takes many times as long as a sum of squares."""
WIDTH = 32
PASSES = 8
SETTLED = 0.05
_BLOCK = 1 << 20
_PANEL = 512
_EPS = float(np.finfo(np.float64).eps)


class Work:
    """How far it is, in about as many multiplications as it takes. `progress` may raise Cancelled."""

    def __init__(self, progress: Callable[[int, int], None] | None, total: int) -> None:
        self.progress, self.total, self.done = progress, max(1, total), 0

    def did(self, cost: int = 0) -> None:
        """A step is done, or goes on."""
        self.done = min(self.done + cost, self.total)
        if self.progress is not None:
            self.progress(self.done, self.total)

    def waited(self, call: Callable[[], Array]) -> Array:
        """The result of a call that takes long, while the caller hears of it."""
        found: list[Array] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                found.append(call())
            except BaseException as error:  # noqa: BLE001 - handed on below
                errors.append(error)

        thread = threading.Thread(target=run, name="singular values", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(0.1)
            self.did()
        if errors:
            raise errors[0]
        return found[0]


@frozen
class Singular:
    """The largest first. `floor`: what is not above it is rounding. `error`: a bound on the relative error, where they are approached.

    `total` is how many there are; where fewer are told, the rest was not computed.
    """

    values: Array
    total: int
    floor: float
    error: float | None
    method: str

    @property
    def exact(self) -> bool:
        """Whether all of them are there."""
        return self.values.size == self.total


def cost_of(rows: int, columns: int) -> int:
    """About how many multiplications it takes."""
    if _is_direct(rows, columns):
        return 2 * rows * columns**2 + 8 * columns**3
    if columns <= SQUARED:
        return rows * columns**2 + 16 * columns**3
    return 2 * PASSES * WIDTH * rows * columns


def singular_values(blocks: Blocks, rows: int, columns: int, work: Work) -> Singular:
    """Of a matrix that is at least as tall as wide; beyond SQUARED it may be wider."""
    if _is_direct(rows, columns):
        return _direct(blocks, rows, columns, work)
    return _squared(blocks, columns, work) if columns <= SQUARED else _leading(blocks, rows, columns, work)


def _is_direct(rows: int, columns: int) -> bool:
    return columns <= DIRECT and rows * columns**2 <= MOST_DIRECT


def _descending(values: Array) -> Array:
    return np.sort(values)[::-1].copy()


def _direct(blocks: Blocks, rows: int, columns: int, work: Work) -> Singular:
    most = max(2 * columns, _BLOCK // columns)
    held: Array | None = None
    for block in blocks(most):
        held = block if held is None else _triangle(held, block, work)
        work.did(2 * block.shape[0] * columns**2)
    held = np.zeros((1, columns)) if held is None else held
    whole = held
    values = _in_turn(lambda: np.linalg.svd(whole, compute_uv=False), columns, work)
    work.did(8 * columns**3)
    values = _descending(values)
    floor = float(values[0]) * max(rows, columns) * _EPS
    return Singular(values, columns, floor, None, "direct")


def _triangle(held: Array, block: Array, work: Work) -> Array:
    """The upper triangle with the singular values of both, one below the other."""
    both = np.concatenate((held, block))
    return _in_turn(lambda: np.asarray(np.linalg.qr(both, mode="r")), both.shape[1], work)


def _in_turn(call: Callable[[], Array], columns: int, work: Work) -> Array:
    """At once where it is quick: a thread takes longer to start than a small matrix to decompose."""
    return call() if columns <= 128 else work.waited(call)


def _squared(blocks: Blocks, columns: int, work: Work) -> Singular:
    square = np.zeros((columns, columns))
    for block in blocks(_BLOCK // 1024):
        square = square.astype(block.dtype) if block.dtype.kind != square.dtype.kind else square
        for begin in range(0, columns, _PANEL):
            # The lower triangle alone, a panel of columns at a time, so that no second square stands beside it.
            square[begin:, begin : begin + _PANEL] += block[:, begin:].conj().T @ block[:, begin : begin + _PANEL]
            work.did()
        work.did(block.shape[0] * columns**2)
    values = _descending(np.sqrt(np.maximum(work.waited(lambda: np.linalg.eigvalsh(square, UPLO="L")), 0)))
    work.did(16 * columns**3)
    floor = float(values[0]) * math.sqrt(columns * _EPS)
    return Singular(values, columns, floor, None, "squared")


def _leading(blocks: Blocks, rows: int, columns: int, work: Work) -> Singular:
    """Block Krylov space of A^T A, kept orthogonal; the values are those of A inside it, never above the true ones.

    The bound is that of the residual. What was approached is far nearer as a rule: 1 % for the noise of a fresh tensor where the
    bound says 3 %, and rounding alone where the spectrum falls.
    """
    basis = np.zeros((columns, 0))
    image = np.zeros((columns, 0))
    fresh: Array = np.random.default_rng(0).standard_normal((columns, WIDTH))
    for _ in range(PASSES):
        fresh = work.waited(partial(_orthogonal, basis, fresh))
        basis = np.concatenate((basis, fresh), axis=1)
        fresh = _applied(blocks, fresh, work)
        image = np.concatenate((image, fresh), axis=1)
    squares, errors = work.waited(partial(_inside, basis, image))
    settled = max(1, int(np.cumprod(errors <= SETTLED).sum()))
    values = np.sqrt(np.maximum(squares[:settled], 0))
    floor = float(values[0]) * math.sqrt(columns * _EPS)
    return Singular(values, min(rows, columns), floor, float(errors[:settled].max()), "leading")


def _inside(basis: Array, image: Array) -> Array:
    """The largest eigenvalues of A^T A inside the space, and bounds on the relative errors of their roots."""
    inside = basis.conj().T @ image
    squares, places = np.linalg.eigh((inside + inside.conj().T) / 2)
    squares, places = squares[::-1][:WIDTH], places[:, ::-1][:, :WIDTH]
    away = np.linalg.norm(image @ places - (basis @ places) * squares, axis=0)
    return np.stack((squares, away / (2 * np.maximum(squares, np.finfo(np.float64).tiny))))


def _orthogonal(basis: Array, fresh: Array) -> Array:
    """Columns at right angles to the basis and to each other. Directions that are in it already give way to random ones."""
    sizes = np.linalg.norm(fresh, axis=0)
    fresh, triangle = np.linalg.qr(fresh - basis @ (basis.conj().T @ fresh))
    spent = np.abs(np.diagonal(triangle)) <= 1e-10 * sizes
    if spent.any():
        fresh[:, spent] = np.random.default_rng(basis.shape[1]).standard_normal((fresh.shape[0], int(spent.sum())))
    for _ in range(2):  # once leaves what rounding mixed in
        fresh = np.linalg.qr(fresh - basis @ (basis.conj().T @ fresh))[0]
    return fresh


def _applied(blocks: Blocks, fresh: Array, work: Work) -> Array:
    """A^T A times some columns, in one way through the rows."""
    columns = fresh.shape[0]
    found = np.zeros_like(fresh)
    for block in blocks(max(1, 4 * _BLOCK // columns)):
        part = block.conj().T @ (block @ fresh)
        found = found + part
        work.did(2 * block.shape[0] * columns * WIDTH)
    return found


__all__ = ["DIRECT", "SQUARED", "Blocks", "Singular", "Work", "cost_of", "singular_values"]
