"""Distances of many files, block by block."""

from __future__ import annotations

import pytest
import torch

from ptinspect.analysis.compare.model import side_of
from ptinspect.analysis.compare.series import series
from ptinspect.checkpoint.opening import open_checkpoint
from tests.analysis.compare.networks import Net, Pairs, network, trained


def of(pairs: Pairs, *states: object):
    return series([side_of(open_checkpoint(pairs.path(f"file{place}", state))) for place, state in enumerate(states)])


def test_that_the_distance_of_a_block_is_its_change_over_its_size(pairs: Pairs) -> None:
    one = {"a.weight": torch.randn(40, 40), "a.bias": torch.ones(40), "b.weight": torch.randn(300, 300)}
    other = {"a.weight": one["a.weight"] + 0.1, "a.bias": one["a.bias"], "b.weight": one["b.weight"]}
    found = of(pairs, one, other, one)
    assert found.blocks == ("a", "b")
    apart = (0.1**2 * 1_600) ** 0.5
    size = ((one["a.weight"] ** 2).sum() + (other["a.weight"] ** 2).sum() + 80) / 2
    assert found.distance[0][0][1] == pytest.approx(apart / float(size) ** 0.5, rel=1e-5)
    assert found.distance[0][0][1] == found.distance[0][1][0]
    assert found.distance[0][0][2] == found.distance[0][0][0] == 0.0
    assert [cell for row in found.distance[1] for cell in row] == [0.0] * 9
    assert not found.same


def test_that_the_nearest_is_found(pairs: Pairs) -> None:
    base = network()
    assert isinstance(base, Net)
    head = trained(base, base.fc.parameters(), train=False)
    far = network(seed=9)
    found = of(pairs, base.state_dict(), far.state_dict(), {f"module.{n}": v for n, v in head.state_dict().items()})
    assert found.blocks == ("conv1", "bn1", "layer1", "layer2", "fc")
    assert (found.nearest(0), found.nearest(2)) == (2, 0)


def test_that_a_block_without_a_partner_has_no_distance(pairs: Pairs) -> None:
    found = of(pairs, network(classes=3).state_dict(), network(classes=4).state_dict(), network(classes=3).state_dict())
    head = found.distance[found.blocks.index("fc")]
    assert head[0][1] is None
    assert head[0][2] == 0.0


def test_that_equal_files_are_the_same(pairs: Pairs) -> None:
    assert of(pairs, *[network().state_dict()] * 3).same
