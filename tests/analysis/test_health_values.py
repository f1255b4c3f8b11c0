"""Conditions that the statistics of one tensor tell, each made with torch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from tests.analysis.examined import alarms, examined, one, titles

NOT_FINITE = "values that are not finite"


def trained() -> nn.Sequential:
    """A network whose norm is no longer as it was made."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 128), nn.LayerNorm(128), nn.Linear(128, 96), nn.Linear(96, 80))
    with torch.no_grad():
        model[1].weight.add_(torch.randn(128) / 10)
    return model


@pytest.fixture
def model() -> nn.Sequential:
    return trained()


def test_that_a_trained_network_has_no_findings(model: nn.Sequential, tmp_path: Path) -> None:
    assert examined(tmp_path, model.state_dict()) == ()
    assert examined(tmp_path, model) == ()


def test_that_one_nan_among_a_million_is_a_danger_that_names_its_tensor(tmp_path: Path) -> None:
    weight = torch.randn(1_000, 1_003)
    weight[517, 3] = float("nan")
    found = one(examined(tmp_path, {"model": {"up.weight": weight, "up.bias": torch.randn(1_000)}, "epoch": 3}), NOT_FINITE)
    assert (found.severity, found.where) == ("danger", "model.up.weight")
    assert found.detail.startswith("1 NaN among 1,003,000 values (confirmed")


def test_that_nan_in_what_may_be_a_data_set_is_a_warning(tmp_path: Path) -> None:
    features = torch.randn(50, 8)
    features[3, 3] = float("nan")
    found = one(examined(tmp_path, {"features": features, "labels": torch.randint(0, 3, (50,))}), NOT_FINITE)
    assert (found.severity, found.where) == ("warning", "features")


def test_that_nan_and_infinities_are_counted_apart(model: nn.Sequential, tmp_path: Path) -> None:
    model[0].weight.data[0, :3] = float("nan")
    model[0].weight.data[1, :2] = float("-inf")
    assert one(examined(tmp_path, model.state_dict()), NOT_FINITE).detail.startswith("3 NaN and 2 infinite among 8,192 values")


def test_that_running_statistics_that_are_not_finite_are_a_danger(tmp_path: Path) -> None:
    norm = nn.BatchNorm2d(8)
    norm.running_mean[3] = float("nan")
    found = one(examined(tmp_path, nn.Sequential(nn.Conv2d(3, 8, 3), norm).state_dict()), NOT_FINITE)
    assert (found.severity, found.where) == ("danger", "1.running_mean")


def test_that_a_diverged_optimizer_is_a_warning_and_the_weights_beside_it_are_not(model: nn.Sequential, tmp_path: Path) -> None:
    adam = torch.optim.Adam(model.parameters())
    model(torch.randn(4, 64)).square().mean().backward()
    adam.step()
    adam.state[model[0].weight]["exp_avg"][5, 5] = float("nan")
    found = alarms(examined(tmp_path, {"model": model.state_dict(), "optimizer": adam.state_dict()}))
    assert [(finding.severity, finding.title, finding.where) for finding in found] == [
        ("warning", "optimizer state that is not finite", "optimizer.state.0.exp_avg")
    ]


def test_that_nan_beside_the_weights_is_told_without_an_alarm_and_a_score_that_was_never_set_not_at_all(tmp_path: Path) -> None:
    targets = torch.randn(20, 3)
    targets[4, 1] = float("nan")
    value = {
        "model": trained().state_dict(),
        "data": [targets],
        "best": [torch.tensor(float("nan"))],
        "worst": [torch.tensor(float("inf"))],
    }
    found = examined(tmp_path, value)
    assert [(finding.severity, finding.where) for finding in found] == [("notice", "data.0")]


def masked(size: int) -> torch.Tensor:
    return torch.full((size, size), float("-inf")).triu(1)


@pytest.mark.parametrize("name", ["attn_mask", "block.bias_of_positions"])
def test_that_a_mask_of_minus_infinities_is_no_alarm(name: str, model: nn.Sequential, tmp_path: Path) -> None:
    assert examined(tmp_path, model.state_dict() | {name: masked(32)}) == ()
    holder = nn.Module()
    holder.register_buffer("allowed", masked(32))
    model.append(holder)
    assert examined(tmp_path, model) == ()


def test_that_a_lower_triangle_of_ones_is_a_mask_and_not_pruned(model: nn.Sequential, tmp_path: Path) -> None:
    # GPT-2 keeps it as floats under the name of a bias
    assert examined(tmp_path, model.state_dict() | {"h.0.attn.bias": torch.ones(1, 1, 64, 64).tril()}) == ()


def test_that_a_nan_in_a_parameter_called_mask_is_told(model: nn.Sequential, tmp_path: Path) -> None:
    token = torch.randn(1, 1, 64)
    token[0, 0, 1] = float("nan")
    assert one(examined(tmp_path, model.state_dict() | {"encoder.mask_token": token}), NOT_FINITE).severity == "danger"


def test_that_observers_without_data_are_no_alarm(tmp_path: Path) -> None:
    observers = {f"{name}.activation_post_process.{end}": torch.tensor(value) for name in "ab" for end, value in
                 (("min_val", float("inf")), ("max_val", float("-inf")))}  # fmt: skip
    found = examined(tmp_path, trained().state_dict() | observers)
    assert titles(found) == ["observers that have seen nothing"]
    assert found[0].severity == "info"


def test_that_a_layer_of_zeros_in_a_trained_network_is_a_warning(model: nn.Sequential, tmp_path: Path) -> None:
    nn.init.zeros_(model[2].weight)
    found = one(examined(tmp_path, model.state_dict()), "all values are zero")
    assert (found.severity, found.where) == ("warning", "2.weight")


def test_that_adapters_and_heads_that_start_at_zero_are_no_alarm(model: nn.Sequential, tmp_path: Path) -> None:
    adapters = {"q.lora_A.weight": torch.randn(8, 64), "q.lora_B.weight": torch.zeros(64, 8), "head.weight": torch.zeros(10, 64)}
    found = examined(tmp_path, model.state_dict() | adapters)
    assert alarms(found) == []
    assert one(found, "layers that start at zero").severity == "notice"


def test_that_biases_of_zero_are_no_finding(model: nn.Sequential, tmp_path: Path) -> None:
    for layer in (model[0], model[2], model[3]):
        nn.init.zeros_(layer.bias)
    assert examined(tmp_path, model.state_dict()) == ()


def test_that_a_layer_of_one_value_is_a_warning_and_a_vector_of_one_is_not(model: nn.Sequential, tmp_path: Path) -> None:
    nn.init.constant_(model[3].weight, 0.25)
    nn.init.constant_(model[3].bias, -4.59512)
    found = examined(tmp_path, model.state_dict())
    assert one(found, "all values are the same").severity == "warning"
    assert "0.25" in one(found, "all values are the same").detail
    assert one(found, "vectors of one value").severity == "info"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_that_what_float16_cannot_hold_is_counted(dtype: torch.dtype, model: nn.Sequential, tmp_path: Path) -> None:
    model.to(dtype)
    model[0].weight.data[7, :5] = 1e5
    model[2].weight.data[:, :8] = 1e-9
    found = examined(tmp_path, model.state_dict(), rows=False)
    large, small = one(found, "too large for float16"), one(found, "too small for float16")
    assert (large.where, small.where) == ("0.weight", "2.weight")
    assert large.detail.startswith("At least 5 of 8,192 values")
    assert small.detail.startswith("768 values, 6 % of those")
    assert {large.severity, small.severity} == {"notice"}


def test_that_float16_itself_is_not_told_what_it_cannot_hold(model: nn.Sequential, tmp_path: Path) -> None:
    model.half()
    model[2].weight.data[:, :64] = 1e-7
    assert examined(tmp_path, model.state_dict(), rows=False) == ()


def test_that_values_which_half_precision_blurs_are_an_info(model: nn.Sequential, tmp_path: Path) -> None:
    model[2].weight.data.mul_(1e-3)
    assert one(examined(tmp_path, model.state_dict()), "imprecise in float16").severity == "info"


def test_that_subnormal_weights_are_counted(model: nn.Sequential, tmp_path: Path) -> None:
    model[2].weight.data[3] = 1e-40
    found = one(examined(tmp_path, model.state_dict(), rows=False), "subnormal numbers")
    assert found.detail.startswith("128 of 12,288 values")


def test_that_pruning_is_told_of_weights_and_not_of_vectors_or_sparse_layouts(model: nn.Sequential, tmp_path: Path) -> None:
    torch.manual_seed(1)
    model[2].weight.data[torch.rand(96, 128) < 0.5] = 0
    model[2].bias.data[:60] = 0
    model[1].weight.data[:60] = 0
    found = examined(tmp_path, model.state_dict() | {"adjacent": torch.randn(40, 40).relu().to_sparse()})
    assert titles(found) == ["many exact zeros"]
    assert (found[0].severity, found[0].where) == ("info", "2.weight")
    assert found[0].detail.startswith("50 % of 12,288 values")


def test_that_short_floats_cut_off_at_their_largest_are_told(tmp_path: Path) -> None:
    torch.manual_seed(0)
    fits = (torch.randn(64, 64) * 50).clamp(-440, 440)
    cut = (torch.randn(64, 64) * 300).clamp(-448, 448)
    value = {"a.weight": fits.to(torch.float8_e4m3fn), "b.weight": cut.to(torch.float8_e4m3fn)}
    found = examined(tmp_path, value)
    assert [finding.where for finding in found] == ["b.weight"]
    assert "ends of their type" in found[0].title


def test_that_what_repeats_is_told_once_and_the_worst_comes_first(tmp_path: Path) -> None:
    torch.manual_seed(0)
    weights = {f"layers.{at}.up.weight": torch.randn(16, 16) for at in range(300)}
    for name in list(weights)[100:]:
        weights[name][0, 0] = float("nan")
    weights["layers.7.up.weight"] *= 1e-9
    found = examined(tmp_path, weights)
    assert [finding.severity for finding in found][:1] == ["danger"]
    assert len([finding for finding in found if finding.title == NOT_FINITE]) == 1
    assert one(found, NOT_FINITE).detail.startswith("200 tensors: `layers.100.up.weight` (1 NaN among 256")
    assert one(found, "too small for float16").where == "layers.7.up.weight"


def test_that_tensors_without_values_are_left_alone(tmp_path: Path) -> None:
    with torch.device("meta"):
        absent = nn.Linear(8, 8).state_dict()
    assert examined(tmp_path, absent | {"empty": torch.empty(0, 4), "single": torch.tensor(0.0)}) == ()
