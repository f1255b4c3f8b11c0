"""compare(a, b) says the same as compare(b, a), the other way round; compare(a, a) says identical."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ptinspect.analysis.compare.comparison import Comparison
from ptinspect.analysis.compare.model import Pair
from tests.analysis.compare.networks import Pairs, compared

TURNED = {"left_only": "right_only", "right_only": "left_only"}
NAMES = ["conv.weight", "conv.bias", "bn.weight", "bn.running_mean", "bn.num_batches_tracked", "fc.weight", "fc.bias", "deep.er.weight"]
DTYPES = [torch.float32, torch.bfloat16, torch.float16, torch.float64, torch.int64, torch.bool]


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    shape = draw(st.sampled_from([(), (0,), (3,), (2, 3), (4, 4)]))
    kinds = st.sampled_from(["zeros", "ones", "ramp", "nan", "noise"])
    kind, dtype = draw(kinds), draw(st.sampled_from(DTYPES))
    made = {"zeros": torch.zeros(shape), "ones": torch.ones(shape), "noise": torch.randn(shape, generator=torch.Generator().manual_seed(7))}
    ramp = torch.arange(torch.zeros(shape).numel()).reshape(shape).float()
    made["ramp"], made["nan"] = ramp - 1, torch.where(ramp == 1, torch.nan, ramp)
    value = made[kind]
    return value.nan_to_num().to(dtype) if not dtype.is_floating_point else value.to(dtype)


states = st.dictionaries(st.sampled_from(NAMES), tensors(), min_size=1)
prefixes = st.sampled_from(["", "module.", "model."])


def key(pair: Pair, turned: bool) -> tuple[object, ...]:
    names = (pair.match.left.name if pair.match.left else None, pair.match.right.name if pair.match.right else None)
    status = TURNED.get(pair.status or "", pair.status) if turned else pair.status
    found = pair.difference
    numbers = None if found is None else (found.max_abs, found.mean_abs, found.changed_fraction, found.within_rounding, found.sign_flips)
    odd = None if found is None else (found.nans_lost, found.nans_gained) if turned else (found.nans_gained, found.nans_lost)
    return (*(names[::-1] if turned else names), pair.match.paired_by, status, numbers, odd)


def mirrored(one: Comparison, other: Comparison) -> None:
    assert {key(pair, False) for pair in one.pairs} == {key(pair, True) for pair in other.pairs}
    assert (one.verdict, one.also, one.buffers_moved) == (other.verdict, other.also, other.buffers_moved)
    assert one.outline.alignment.left_prefix == other.outline.alignment.right_prefix
    assert {(m.left.name, m.right.name) for m in one.proposed} == {(m.right.name, m.left.name) for m in other.proposed}  # type: ignore[union-attr]
    assert {(o.path, str(o.left), str(o.right)) for o in one.outside} == {(o.path, str(o.right), str(o.left)) for o in other.outside}
    for pair in one.pairs:
        twin = next(p for p in other.pairs if key(p, True) == key(pair, False))
        if pair.difference is not None and twin.difference is not None and pair.difference.l2 is not None:
            assert pair.difference.l2 == pytest.approx(twin.difference.l2, rel=1e-9)
            if pair.difference.histograms is not None and twin.difference.histograms is not None:
                assert np.array_equal(pair.difference.histograms.left.counts, twin.difference.histograms.right.counts)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(states, states, prefixes, prefixes)
def test_that_a_comparison_mirrors(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor], one: str, other: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pairs = Pairs(Path(folder))
        a = pairs.path("a", {one + name: value for name, value in left.items()})
        b = pairs.path("b", {other + name: value for name, value in right.items()})
        mirrored(compared(a, b), compared(b, a))
        same = compared(a, a)
        assert same.verdict == "identical"
        assert all(pair.status == "same" for pair in same.pairs)
        assert not same.outside


@pytest.mark.slow
def test_that_large_tensors_mirror_too(pairs: Pairs) -> None:
    a = pairs.path("a", {"x.weight": torch.randn(500, 500), "y.weight": torch.randn(300, 300).bfloat16()})
    b = pairs.path("b", {"x.weight": torch.randn(500, 500), "y.weight": torch.randn(300, 300)})
    for compiled in (False, True):
        mirrored(compared(a, b, compiled=compiled), compared(b, a, compiled=compiled))
