"""The lengths of what stayed the same beside a change."""

from __future__ import annotations

import torch

from ptinspect.analysis.compare.broadcast import Listener, broadcast
from ptinspect.analysis.compare.comparison import outlined
from ptinspect.analysis.compare.model import side_of
from ptinspect.checkpoint.opening import open_checkpoint
from tests.analysis.compare.networks import Pairs


def test_that_what_is_the_same_is_measured_where_something_beside_it_changed(pairs: Pairs) -> None:
    torch.manual_seed(0)
    left = {f"{layer}.{name}": torch.randn(300, 300) for layer in ("stem", "body") for name in ("weight", "gate")}
    left["body.steps"] = torch.arange(7)
    right = {**left, "body.gate": left["body.gate"] + 1}
    sides = (side_of(open_checkpoint(pairs.path(name, value))) for name, value in (("left", left), ("right", right)))
    found = broadcast(outlined(*sides), Listener(lambda _: None, lambda *_: None, lambda *_: None))
    known = {pair.match.name: pair.difference.left_l2 for pair in found.pairs if pair.difference is not None}
    assert abs(known["body.weight"] - float(left["body.weight"].double().norm())) < 1e-3
    assert known["stem.weight"] is None
    assert known["body.steps"] is None
    assert [pair.status for pair in found.pairs].count("same") == 4
