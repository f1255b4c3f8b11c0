"""Whether changes are of low rank, told by their spectrum: an adapter that was merged leaves changes of a rank far below their size.

The energy of a matrix is the sum of its squared singular values. Small ones are taken apart exactly; for larger ones random mixtures
of the columns find the few directions that hold most of it (what they find is never more than there is, so no dense change passes).
A matrix is read twice, some rows at a time: memory is a few columns for each row, whatever its size.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from math import prod
from typing import Any

import numpy as np

from ptinspect.analysis.compare.pair_tally import alike
from ptinspect.analysis.compare.portions import Both, in_step
from ptinspect.analysis.compare.ranks import SHARE, LowRank, Tested
from ptinspect.checkpoint.storage_bytes import StorageBytes
from ptinspect.errors import FileProblem

Array = np.ndarray[Any, Any]

SMALLEST = 32
MOST_RANK = 256
TESTED = 8
_EXACT = 768
_MORE = 24  # random mixtures beyond the rank that is asked for
_HOPELESS = 0.9
_MOST = 1 << 31  # elements
_ROWS = 1 << 22  # elements at once


def matrix_shape(shape: tuple[int, ...]) -> tuple[int, int] | None:
    """A matrix as it is, a convolution as what goes out times the rest; None for what is neither, or too small to tell."""
    if len(shape) < 2:
        return None
    rows, columns = shape[0], prod(shape[1:])
    return (rows, columns) if min(rows, columns) >= SMALLEST and rows * columns <= _MOST else None


def tested_rank(storages: tuple[StorageBytes, StorageBytes], named: Sequence[tuple[str, Both]], thorough: bool) -> LowRank:
    """The smallest first, stopping at the first that is not of low rank."""
    found = [(name, both, shape) for name, both in named if (shape := matrix_shape(both[0].shape)) is not None]
    found.sort(key=lambda one: prod(one[2]))
    tested = []
    for name, both, shape in found if thorough else found[:TESTED]:
        rank = min(min(shape) // 8, MOST_RANK)
        try:
            energy = energy_of(storages, both, shape, rank)
        except FileProblem:
            continue
        if energy is None:
            continue
        tested.append(Tested(name, shape, rank, energy))
        if energy < SHARE:
            break
    return LowRank(tuple(tested), len(found))


def energy_of(storages: tuple[StorageBytes, StorageBytes], both: Both, shape: tuple[int, int], rank: int) -> float | None:
    """The share of the change's energy that this rank holds; None where nothing finite changed."""
    if min(shape) > _EXACT:
        return _sketched(storages, both, shape, rank)
    if shape[0] < shape[1]:  # few long rows, which stand in memory together
        whole = np.concatenate([rows for _, rows in _changes(storages, both, shape)]).astype(np.float64)
        return _exact(whole @ whole.T, rank)
    gram = np.zeros((shape[1], shape[1]))
    for _, rows in _changes(storages, both, shape):
        wide = rows.astype(np.float64)
        gram += wide.T @ wide
    return _exact(gram, rank)


def _exact(gram: Array, rank: int) -> float | None:
    if not np.isfinite(gram).all():
        return None
    energies = np.linalg.eigvalsh(gram)
    total = float(np.trace(gram))
    return float(energies[-rank:].sum()) / total if total > 0 else None


def _first_rows(storages: tuple[StorageBytes, StorageBytes], both: Both, shape: tuple[int, int], rank: int) -> float | None:
    """The share in some rows at the beginning: a dense change is seen there already, at a tenth of the cost."""
    with closing(_changes(storages, both, shape)) as changes:
        _, rows = next(changes)
    rows = rows[: 2 * rank]
    return _exact((rows @ rows.T).astype(np.float64), rank) if len(rows) == 2 * rank else None


def _sketched(storages: tuple[StorageBytes, StorageBytes], both: Both, shape: tuple[int, int], rank: int) -> float | None:
    share = _first_rows(storages, both, shape, rank)
    if share is not None and share < _HOPELESS:
        return share
    columns = min(rank + _MORE, *shape)
    mixtures = np.random.default_rng(0).standard_normal((shape[1], columns), np.float32)
    mixed = np.empty((shape[0], columns), np.float32)
    total = 0.0
    for at, rows in _changes(storages, both, shape):
        mixed[at : at + len(rows)] = rows @ mixtures
        total += float(np.vdot(rows, rows))
    if not total or not np.isfinite(mixed).all():
        return None
    energies = _projected(storages, both, shape, mixed)
    if _HOPELESS < energies[0][-rank:].sum() / total < SHARE:  # near: what the first look has found makes better mixtures
        mixtures, _ = np.linalg.qr(energies[1].T)
        for at, rows in _changes(storages, both, shape):
            mixed[at : at + len(rows)] = rows @ mixtures
        energies = _projected(storages, both, shape, mixed)
    return float(energies[0][-rank:].sum()) / total


def _projected(storages: tuple[StorageBytes, StorageBytes], both: Both, shape: tuple[int, int], mixed: Array) -> tuple[Array, Array]:
    """The energies in the directions that mixtures of columns span, and the change seen from there."""
    directions, _ = np.linalg.qr(mixed)
    found = np.zeros((mixed.shape[1], shape[1]), np.float64)
    for at, rows in _changes(storages, both, shape):
        found += directions[at : at + len(rows)].T @ rows
    return np.linalg.eigvalsh(found @ found.T), found


def _changes(storages: tuple[StorageBytes, StorageBytes], both: Both, shape: tuple[int, int]) -> Generator[tuple[int, Array]]:
    """The change in whole rows, as float32 that its size does not take out of range, with the number of the first."""
    columns = shape[1]
    step = max(1, _ROWS // columns)
    room = np.empty(step * columns, np.float32)
    first = filled = 0
    for left, right in in_step(storages, both):
        one, other = alike(left, right)
        with np.errstate(over="ignore", invalid="ignore"):
            change = (other - one).astype(np.float32)
        at = 0
        while at < change.size:
            part = change[at : at + room.size - filled]
            room[filled : filled + part.size] = part
            filled, at = filled + part.size, at + part.size
            if filled == room.size:
                yield first, _finite(room).reshape(step, columns)
                first, filled = first + step, 0
    if filled:
        yield first, _finite(room[:filled]).reshape(filled // columns, columns)


def _finite(values: Array) -> Array:
    """NaN and infinities have no place in a spectrum; where one is, nothing is said to have changed."""
    return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
