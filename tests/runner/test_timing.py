"""Times, multiply-adds, and the layer that failed."""

from __future__ import annotations

import time

import pytest
import torch
from torch import nn

from ptinspect.runner.devices import chosen
from ptinspect.runner.multiply_adds import counted
from ptinspect.runner.operators import import_torchvision
from ptinspect.runner.timing import middle, per_layer, quantile, timed

CPU = chosen("cpu")


class _Sleeps(nn.Module):
    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        time.sleep(self.seconds)
        return x


def test_that_each_layer_gets_its_own_time_and_a_container_that_of_its_layers() -> None:
    module = nn.Sequential(_Sleeps(0.02), nn.Sequential(_Sleeps(0.01), _Sleeps(0.01)))
    spent = per_layer(module, lambda: module(torch.ones(1)), CPU, lambda: None, passes=1)
    assert spent["0"] == pytest.approx(20, abs=8)
    assert spent["1"] == pytest.approx(spent["1.0"] + spent["1.1"], abs=3)
    assert spent[""] == pytest.approx(spent["0"] + spent["1"], abs=3)


def test_that_all_calls_of_a_layer_count() -> None:
    shared = _Sleeps(0.01)
    module = nn.Sequential(shared, shared)
    assert per_layer(module, lambda: module(torch.ones(1)), CPU, lambda: None, passes=1)["0"] == pytest.approx(20, abs=8)


def test_that_a_pass_is_timed_from_end_to_end() -> None:
    assert timed(lambda: time.sleep(0.02), CPU) == pytest.approx(20, abs=8)


def test_that_quantiles_are_measurements() -> None:
    assert middle([3.0, 1.0, 2.0]) == 2.0
    assert middle([1.0, 2.0]) == 1.5
    assert quantile([float(n) for n in range(1, 101)], 0.95) == 95.0
    assert quantile([7.0], 0.95) == 7.0


def test_that_multiply_adds_are_those_of_the_arithmetic() -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16, 5))
    found = counted(module, lambda: module(torch.randn(2, 3, 4, 4)))
    assert found["0"] == 2 * 8 * 16 * 27
    assert found["3"] == 2 * 5 * 128
    assert found[""] == found["0"] + found["3"]


def test_that_attention_counts_though_it_is_no_layer_of_its_own() -> None:
    module = nn.MultiheadAttention(16, 2, batch_first=True).eval()
    x = torch.randn(1, 10, 16)
    with torch.no_grad():
        found = counted(module, lambda: module(x, x, x, need_weights=False))
    assert found[""] >= 10 * 16 * 48 + 10 * 16 * 16


def test_that_recurrent_layers_count_each_weight_at_each_step() -> None:
    for module in (nn.LSTM(8, 16, 2, bidirectional=True), nn.GRU(8, 16), nn.RNN(8, 16), nn.LSTM(8, 16, proj_size=4)):
        weights = sum(value.numel() for value in module.eval().parameters() if value.ndim == 2)
        with torch.no_grad():
            assert counted(module, lambda module=module: module(torch.ones(5, 3, 8)))[""] == 5 * 3 * weights


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet50", "vit_b_16", "mobilenet_v3_small"])
def test_that_the_published_multiply_adds_come_out(name: str) -> None:
    models = import_torchvision().models
    module = models.get_model(name, weights=None).eval()
    with torch.no_grad():
        found = counted(module, lambda: module(torch.randn(1, 3, 224, 224)))
    published = models.get_model_weights(name).DEFAULT.meta["_ops"]
    size = models.get_model_weights(name).DEFAULT.transforms().crop_size[0]
    assert size != 224 or found[""] / 1e9 == pytest.approx(published, rel=0.02)


def test_that_a_device_that_is_not_there_says_what_to_do() -> None:
    from ptinspect.errors import RunProblem

    for asked in ("cuda:99", "tpu", "cuda:x", "cpu:1"):
        with pytest.raises(RunProblem) as caught:
            chosen(asked)
        assert caught.value.hint
