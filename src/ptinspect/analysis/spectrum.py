"""What the singular values of one tensor say: how many directions it uses, how well it is conditioned, how heavy its tail is.

The singular values are those of the whole matrix; a convolution is output channels by all else, as in `diff`. The power law is
WeightWatcher's: over the squared singular values of a matrix, or over those of a convolution's matrices of output by input
channels, one for each position of the kernel, all pooled and halved. (Only the threshold and `xmin` depend on the halving.
WeightWatcher has two-dimensional convolutions; those of one and three dimensions are treated alike here.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ptinspect.analysis.matrices import Matrix, Rows, kernel_matrices, matrix_of
from ptinspect.analysis.power_law import LEAST, THRESHOLD, PowerLaw, power_law
from ptinspect.analysis.singular_values import SQUARED, Blocks, Singular, Work, cost_of, singular_values
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.storage_bytes import StorageBytes
from ptinspect.checkpoint.values import refuse
from ptinspect.errors import Unsupported
from ptinspect.frozen import frozen
from ptinspect.tensors import TensorInfo

Array = np.ndarray[Any, Any]
Progress = Callable[[int, int], None]

_SURVEY = 16  # what it costs to look at an element, in multiplications
_FAR = 300  # exponents beyond which squares would overflow or vanish


@frozen
class Spectrum:
    """Of a matrix of this shape; None is what cannot be told. `values` are the largest first, all of them where `exact`.

    `error` bounds the relative error of values that were approached, None for those that were computed.
    `floor`: values that are not above it are rounding, and `rank` counts those above. `stable_rank` is the squared Frobenius norm
    over the squared largest value; `effective_rank` the exponential of the entropy of the values' shares in their sum (Roy and
    Vetterli); `rank_90` and `rank_99` how many of the largest hold that part of the squared norm. `condition` is None where the
    smallest value is below the floor: it is then more than `condition_above`.
    """

    shape: tuple[int, int]
    values: Array
    total: int
    exact: bool
    floor: float
    error: float | None
    method: str
    frobenius: float
    rank: int | None = None
    stable_rank: float | None = None
    effective_rank: float | None = None
    condition: float | None = None
    condition_above: float | None = None
    rank_90: int | None = None
    rank_99: int | None = None
    tail: PowerLaw | None = None
    no_tail: str | None = None


def spectrum_of(checkpoint: Checkpoint, tensor: TensorInfo, progress: Progress | None = None) -> Spectrum:
    """Read the tensor and decompose it. Raises FileProblem where that cannot be done.

    `progress(done, total)` is called several times a second, in this thread, and may raise Cancelled to end the work.
    """
    refuse(tensor)
    matrix = matrix_of(tensor)
    kernels = kernel_matrices(tensor)
    with StorageBytes(checkpoint) as storages:
        return _Decomposition(Rows(storages, tensor), matrix, kernels, progress).found()


class _Decomposition:
    """One tensor: a look at its values, the singular values of the whole, and those of the kernel's positions."""

    def __init__(self, rows: Rows, matrix: Matrix, kernels: list[Matrix] | None, progress: Progress | None) -> None:
        self.rows, self.matrix = rows, matrix
        self.kernels = kernels if kernels and kernels[0].columns <= SQUARED else []
        self.is_kernel = kernels is not None
        decomposed = sum(cost_of(one.rows, one.columns) for one in (matrix, *self.kernels))
        self.work = Work(progress, decomposed + _SURVEY * matrix.rows * matrix.columns)
        self.exponent, self.is_zero = 0, False

    def found(self) -> Spectrum:
        """The spectrum."""
        self.work.did()
        frobenius = self._survey()
        self.is_zero = frobenius == 0
        singular = self._singular(self.matrix)
        tail, reason = self._tail(singular)
        self.work.did(self.work.total)
        return summary(self.matrix.shape, singular, frobenius, tail, reason)

    def _survey(self) -> float:
        """The Frobenius norm; how large the values are; and whether all are numbers, before anything long is begun."""
        broken, largest, square = 0, 0.0, 0.0
        for sizes in self.rows.sizes():
            top = float(sizes.max())
            if not math.isfinite(top):
                broken += sizes.size - int(np.isfinite(sizes).sum())
            elif not broken and top > 0:
                largest = max(largest, top)
                square = math.ldexp(square, 2 * (self.exponent - _far(largest))) if square else 0.0
                self.exponent = _far(largest)
                scaled = _scaled(sizes, -self.exponent)
                square += float(np.dot(scaled, scaled))
            self.work.did(_SURVEY * sizes.size)
        if broken:
            what = "one of its values is" if broken == 1 else f"{broken:,} of its values are"
            raise Unsupported(f"{what} NaN or infinite: it has no singular values", "See its statistics.", self.matrix.tensor.name)
        return _large(math.sqrt(square), self.exponent)

    def _blocks(self, matrix: Matrix) -> Blocks:
        def blocks(most: int) -> Iterator[Array]:
            for block in self.rows.blocks(matrix, most):
                yield _scaled(block, -self.exponent)

        return blocks

    def _singular(self, matrix: Matrix) -> Singular:
        if self.is_zero:
            return Singular(np.zeros(min(matrix.shape)), min(matrix.shape), 0.0, None, "direct")
        found = singular_values(self._blocks(matrix), matrix.rows, matrix.columns, self.work)
        if not self.exponent:
            return found
        with np.errstate(over="ignore"):
            values = np.ldexp(found.values, self.exponent)
        floor = math.ldexp(found.floor, self.exponent)
        return Singular(values, found.total, floor, found.error, found.method)

    def _tail(self, singular: Singular) -> tuple[PowerLaw | None, str | None]:
        if self.is_kernel:
            if not self.kernels:
                return None, "its kernel is too large to be taken apart"
            parts = [self._singular(kernel) for kernel in self.kernels]
            squares = np.concatenate([_squares(part) for part in parts]) / 2
        elif not singular.exact:
            return None, "only the largest singular values were computed"
        else:
            squares = _squares(singular)
        if int((squares > THRESHOLD).sum()) < LEAST:
            return None, f"it has fewer than {LEAST} eigenvalues above {THRESHOLD:g}"
        fit = power_law(squares, self.work.did)
        return fit, None if fit is not None else "its eigenvalues are all the same"


def _far(largest: float) -> int:
    """The power of two by which numbers are divided so that their squares can be summed: none for almost every tensor."""
    exponent = math.frexp(largest)[1]
    return exponent if abs(exponent) > _FAR else 0


def _large(number: float, exponent: int) -> float:
    """Times a power of two; a norm may be more than float64 can say."""
    try:
        return math.ldexp(number, exponent)
    except OverflowError:
        return math.inf


def _scaled(block: Array, exponent: int) -> Array:
    if not exponent:
        return block
    if block.dtype.kind == "c":
        return np.asarray(np.ldexp(block.real, exponent) + 1j * np.ldexp(block.imag, exponent))
    return np.asarray(np.ldexp(block, exponent))


def _squares(singular: Singular) -> Array:
    """The eigenvalues, without those that are rounding."""
    with np.errstate(over="ignore"):
        squares: Array = singular.values[singular.values > singular.floor] ** 2
    return squares[np.isfinite(squares)]


def summary(shape: tuple[int, int], singular: Singular, frobenius: float, tail: PowerLaw | None, no_tail: str | None) -> Spectrum:
    """What follows from the singular values."""
    found: dict[str, Any] = {}
    largest = float(singular.values[0])
    if largest > 0:
        shares = (singular.values / largest) ** 2
        held = (frobenius / largest) ** 2
        summed = np.cumsum(shares)
        found = {"stable_rank": held, "rank_90": _reached(summed, 0.9 * held), "rank_99": _reached(summed, 0.99 * held)}
    if singular.exact:
        found["rank"] = int((singular.values > singular.floor).sum())
        found |= _of_all(singular, largest) if largest > 0 else {}
    known = (shape, singular.values, singular.total, singular.exact, singular.floor, singular.error, singular.method, frobenius)
    return Spectrum(*known, **found, tail=tail, no_tail=no_tail)


def _reached(summed: Array, wanted: float) -> int | None:
    """How many it takes to hold so much, None where those that are known do not."""
    place = int(np.searchsorted(summed, wanted * (1 - 1e-12)))
    return place + 1 if place < summed.size else None


def _of_all(singular: Singular, largest: float) -> dict[str, float]:
    """What needs every singular value."""
    above = singular.values[singular.values > singular.floor] / largest
    shares = above / above.sum()
    entropy = -float(np.dot(shares, np.log(shares)))
    found = {"effective_rank": math.exp(entropy)}
    if above.size == singular.total:
        return found | {"condition": 1 / float(above[-1])}
    return found | {"condition_above": largest / singular.floor}


def as_fields(found: Spectrum) -> dict[str, Any]:
    """The numbers by name, ready for JSON."""
    tail = found.tail
    return {
        "shape": list(found.shape),
        "singular_values": found.values.tolist(),
        "total": found.total,
        "exact": found.exact,
        "floor": found.floor,
        "error": found.error,
        "method": found.method,
        "frobenius": found.frobenius,
        "rank": found.rank,
        "stable_rank": found.stable_rank,
        "effective_rank": found.effective_rank,
        "condition": found.condition,
        "condition_above": found.condition_above,
        "rank_90": found.rank_90,
        "rank_99": found.rank_99,
        "tail": None if tail is None else {name: getattr(tail, name) for name in PowerLaw.__slots__},  # type: ignore[attr-defined]
        "no_tail": found.no_tail,
    }


__all__ = ["Spectrum", "as_fields", "spectrum_of", "summary"]
