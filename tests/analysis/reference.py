"""What numpy says of all values at once, in more bits than ours have, and where our numbers are not what the contract promises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ptinspect.analysis.statistics import SHARES, Statistics, edge_type
from ptinspect.analysis.stream import Request, statistics
from ptinspect.analysis.tensor_stats import real
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.dtypes import DType
from tests.checkpoint.saved import saved
from tests.checkpoint.truth import truth

Array = np.ndarray[Any, Any]

_LEAST = 5e-324  # float64 has nothing between this and zero


def numbers(tensor: torch.Tensor) -> Array:
    """A tensor's values in an order: flat, complex ones by their size, short floats widened."""
    if tensor.dtype is getattr(torch, "float4_e2m1fn_x2", None):
        packed = tensor.contiguous().view(torch.uint8).numpy().reshape(-1)
        halves = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6]).numpy()
        return np.concatenate((halves[packed & 15], halves[packed >> 4]))
    found = truth(tensor).reshape(-1)
    return real(found)


def finite_of(values: Array) -> Array:
    return values[np.isfinite(values)] if values.dtype.kind == "f" else values


def exact_moments(finite: Array) -> tuple[np.longdouble, np.longdouble, np.longdouble]:
    """Mean, deviation and l2 in long doubles, relative to the first value, so that nothing is lost on the way."""
    wide = finite.astype(np.longdouble)
    apart = wide - wide[0]
    shift = apart.mean()
    apart -= shift
    return wide[0] + shift, np.sqrt(np.dot(apart, apart) / apart.size), np.sqrt(np.dot(wide, wide))


def complaints(found: Statistics, values: Array, dtype: DType, bins: int = 72) -> list[str]:
    """Every promise of the contract that the numbers break; none is the good answer."""
    assert found.problem is None, found.problem
    finite = finite_of(values)
    nans = int(np.isnan(values).sum()) if values.dtype.kind == "f" else 0
    expected = {"count": finite.size, "nans": nans, "infs": values.size - finite.size - nans, "zeros": int((finite == 0).sum())}
    wrong = [f"{name} {getattr(found, name)}, not {number}" for name, number in expected.items() if getattr(found, name) != number]
    if not finite.size:
        nothing = (found.mean, found.std, found.low, found.high, found.l2, found.quantiles, found.histogram)
        return wrong + [f"{one} of nothing" for one in nothing if one is not None]
    return [*wrong, *_spread(found, finite), *_shares(found, finite), *_bins(found, finite, dtype, bins)]


def _spread(found: Statistics, finite: Array) -> Iterator[str]:
    mean, std, l2 = exact_moments(finite)
    ends = finite.min().item(), finite.max().item()
    if (found.low, found.high) != ends or (type(ends[0]) is int and type(found.low) is not int):
        yield f"ends {found.low!r} and {found.high!r}, not {ends}"
    if not abs(found.mean - mean) <= 1e-6 * max(abs(mean), std) + _LEAST:
        yield f"mean {found.mean}, not {mean}"
    if not abs(found.std - std) <= 1e-6 * std + _LEAST:
        yield f"std {found.std}, not {std}"
    if l2 > np.finfo(np.float64).max:
        if found.l2 != np.inf:
            yield f"l2 {found.l2} of too much"
    elif not abs(found.l2 - l2) <= 1e-6 * l2 + _LEAST * finite.size**0.5:
        yield f"l2 {found.l2}, not {l2}"


def _shares(found: Statistics, finite: Array) -> Iterator[str]:
    edges = found.histogram.edges.astype(np.float64)
    widths = np.diff(edges)
    at = min(max(int(np.searchsorted(edges, 0, side="right")) - 1, 0), widths.size - 1)
    near = max(widths[at], np.finfo(finite.dtype).tiny) if finite.dtype.kind == "f" else widths[at]
    ordered = np.sort(finite).astype(np.longdouble)
    for share, ours in zip(SHARES, found.quantiles, strict=True):
        place = share * (ordered.size - 1)
        low, high = ordered[int(place)], ordered[min(int(place) + 1, ordered.size - 1)]
        exact = low * (1 - place % 1) + high * (place % 1)
        bin_ = widths.max() if abs(exact) <= near else 0
        if not abs(ours - exact) <= max(0.01 * abs(exact), bin_):
            yield f"quantile {share}: {ours}, not {exact}"


def _bins(found: Statistics, finite: Array, dtype: DType, bins: int) -> Iterator[str]:
    histogram = found.histogram
    own = edge_type(dtype) if dtype.family != "bool" else np.dtype(np.uint8)
    edges = np.array(histogram.edges.tolist(), np.uint64 if dtype.name == "uint64" else None)
    if not np.array_equal(edges.astype(own).astype(edges.dtype), edges):
        yield f"edges that are no {dtype.name}"
    if (edges[1:] < edges[:-1]).any() or not 1 <= edges.size - 1 <= bins:
        yield f"{edges.size - 1} bins between {edges}"
    exact = np.histogram(finite, edges)[0]
    if not np.array_equal(exact, histogram.counts):
        yield f"counts {histogram.counts}, not {exact} between {edges}"
    outside = int((finite < edges[0]).sum()), int((finite > edges[-1]).sum())
    if (histogram.below, histogram.above) != outside:
        yield f"{histogram.below} below and {histogram.above} above, not {outside}"


def counted(checkpoint: Checkpoint, compiled: bool | None = False, bins: int = 72) -> dict[str, Statistics]:
    """The statistics of each tensor of a file by its path."""
    places = checkpoint.document.places
    request = Request(checkpoint, [place.tensor for place in places], bins, compiled=compiled)
    return {places[at].path: found for at, found in statistics(request)}


def wrong_of(checkpoint: Checkpoint, expected: Mapping[str, Array], compiled: bool | None = False, bins: int = 72) -> dict[str, list[str]]:
    """What is wrong with the numbers of a file's tensors, by name; empty where nothing is."""
    kinds = {place.path: place.tensor.dtype for place in checkpoint.document.places}
    found = counted(checkpoint, compiled, bins)
    assert sorted(found) == sorted(expected)
    checked = {name: complaints(found[name], values, kinds[name], bins) for name, values in expected.items()}
    return {name: wrong for name, wrong in checked.items() if wrong}


def of_file(folder: Path, tensors: Mapping[str, torch.Tensor], compiled: bool | None = False, bins: int = 72) -> dict[str, list[str]]:
    """The same for tensors that torch has saved."""
    expected = {name: numbers(tensor) for name, tensor in tensors.items()}
    return wrong_of(saved(folder, dict(tensors)), expected, compiled, bins)
