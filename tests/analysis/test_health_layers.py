"""Conditions that take several tensors to see."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from ptinspect.analysis.health_layers import pattern
from tests.analysis.examined import alarms, examined, one, titles


def network(blocks: int = 3) -> nn.Sequential:
    """Convolutions and batch norms that have seen batches and steps."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for at in range(blocks):
        layers += [nn.Conv2d(8 if at else 3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()]
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))
    steps = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(3):
        steps.zero_grad()
        model(torch.randn(4, 3, 8, 8)).square().mean().backward()
        steps.step()
    return model


@pytest.fixture
def model() -> nn.Sequential:
    return network()


def test_that_a_network_after_some_steps_has_no_findings(model: nn.Sequential, tmp_path: Path) -> None:
    assert alarms(examined(tmp_path, model)) == []
    assert titles(examined(tmp_path, model.state_dict()), "notice", "warning", "danger") == []


def test_that_a_negative_running_variance_is_a_danger(model: nn.Sequential, tmp_path: Path) -> None:
    model[4].running_var[2] = -0.5
    found = one(examined(tmp_path, model.state_dict()), "a running variance below zero")
    assert (found.severity, found.where) == ("danger", "4.running_var")
    assert "-0.5" in found.detail


@pytest.mark.parametrize(("channels", "severity"), [(1, "notice"), (6, "warning")])
def test_that_channels_without_variance_are_counted(channels: int, severity: str, model: nn.Sequential, tmp_path: Path) -> None:
    model[1].running_var[:channels] = 0
    found = one(examined(tmp_path, model.state_dict()), "channels without variance")
    assert (found.severity, found.where) == (severity, "1.running_var")
    assert found.detail.startswith(f"{channels} of 8 are 0")


def test_that_a_trained_batch_norm_without_statistics_is_a_warning(model: nn.Sequential, tmp_path: Path) -> None:
    model[4].reset_running_stats()
    found = one(examined(tmp_path, {"net": model.state_dict()}), "BatchNorm without statistics")
    assert (found.severity, found.where) == ("warning", "net.4")
    assert "It has num_batches_tracked 0, running_mean" in found.detail


def test_that_a_branch_that_never_ran_is_a_notice(model: nn.Sequential, tmp_path: Path) -> None:
    model.append(nn.BatchNorm2d(4))
    found = one(examined(tmp_path, model), "BatchNorm that never ran")
    assert (found.severity, found.where) == ("notice", "12")


def test_that_old_files_without_counters_are_judged_by_their_values(model: nn.Sequential, tmp_path: Path) -> None:
    model[4].reset_running_stats()
    value = {name: tensor for name, tensor in model.state_dict().items() if "tracked" not in name}
    assert one(examined(tmp_path, value), "BatchNorm without statistics").where == "4"


def test_that_a_network_that_only_ran_in_eval_mode_is_a_notice(model: nn.Sequential, tmp_path: Path) -> None:
    for at in (1, 4, 7):
        model[at].reset_running_stats()
    found = one(examined(tmp_path, model.state_dict()), "BatchNorm without statistics")
    assert found.severity == "notice"
    assert found.detail.startswith("3 tensors: `1` (it has num_batches_tracked 0")


def test_that_a_fresh_network_is_told_as_such_and_nothing_else(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8))
    nn.init.zeros_(model[3].weight)
    found = examined(tmp_path, model.state_dict())
    assert {finding.severity for finding in found} == {"info"}
    assert titles(found) == ["layers that start at zero", "weights that no training has touched"]


def blocks(count: int = 12) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {f"model.layers.{at}.mlp.{name}.weight": torch.randn(32, 32) / 6 for at in range(count) for name in ("up", "down")}


@pytest.mark.parametrize(("factor", "severity", "word"), [(40.0, "notice", "large"), (1e-3, "warning", "small"), (1e4, "warning", "large")])
def test_that_a_block_far_from_its_siblings_is_found(factor: float, severity: str, word: str, tmp_path: Path) -> None:
    weights = blocks()
    weights["model.layers.5.mlp.up.weight"] *= factor
    found = one(examined(tmp_path, weights), "weights far larger or smaller than in the other blocks")
    assert (found.severity, found.where) == (severity, "model.layers.5.mlp.up.weight")
    assert f"times as {word} as the median of the 12 tensors `model.layers.*.mlp.up.weight`" in found.detail


def test_that_a_single_huge_value_is_named_as_the_reason(tmp_path: Path) -> None:
    weights = blocks()
    weights["model.layers.5.mlp.up.weight"][3, 3] = 1e4
    found = one(examined(tmp_path, weights), "weights far larger or smaller than in the other blocks")
    assert found.detail.startswith("Its values are")
    assert "; one value of 1e+04 makes up most of it)" in found.detail


def test_that_four_siblings_are_too_few_and_a_steady_growth_is_none(tmp_path: Path) -> None:
    few = blocks(4)
    few["model.layers.1.mlp.up.weight"] *= 50
    assert examined(tmp_path, few) == ()
    assert examined(tmp_path, {name: tensor * 1.3 ** int(name.split(".")[2]) for name, tensor in blocks(24).items()}) == ()


def test_that_numbers_of_blocks_are_left_open_and_those_of_layers_stay() -> None:
    assert pattern("features.denseblock3.denselayer12.conv1.weight") == "features.denseblock*.denselayer*.conv1.weight"
    assert pattern("layers.3.fc1.weight") == "layers.*.fc1.weight"
    assert pattern("features.3.weight") == "features.3.weight"
    assert pattern("weight") == "weight"
