"""Which names of a bare state_dict are parameters, against what torch's own modules say."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune

from tests.checkpoint.saved import saved


def quietly(make: Callable[[], nn.Module]) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


class Scaled(nn.Module):
    """A scale of one element that is learned, and nothing of a quantized layer beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(2, 2)
        self.head = nn.Module()
        self.head.scale = nn.Parameter(torch.ones(()))
        self.head.weight_u = nn.Parameter(torch.ones(2))
        self.head.weight_mask = nn.Parameter(torch.ones(2))
        self.head.base = nn.Parameter(torch.ones(2))


class Symmetric(nn.Module):
    """A parametrization with a parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gain


def own_parametrization() -> nn.Module:
    layer = nn.Linear(3, 3)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    return nn.Sequential(layer)


def aware_of_quantization() -> nn.Module:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).train()
    model.qconfig = torch.ao.quantization.get_default_qat_qconfig("fbgemm")
    return torch.ao.quantization.prepare_qat(model)


MODULES: dict[str, Callable[[], nn.Module]] = {
    "spectral norm": lambda: nn.Sequential(nn.utils.spectral_norm(nn.Conv2d(3, 4, 3)), nn.Linear(4, 2)),
    "spectral norm, transposed": lambda: nn.utils.spectral_norm(nn.ConvTranspose2d(3, 4, 3)),
    "spectral norm as a parametrization": lambda: nn.Sequential(parametrizations.spectral_norm(nn.Linear(3, 4))),
    "spectral norm of a lone layer": lambda: parametrizations.spectral_norm(nn.Linear(3, 4)),
    "weight norm": lambda: nn.Sequential(nn.utils.weight_norm(nn.Linear(3, 4))),
    "weight norm as a parametrization": lambda: nn.Sequential(parametrizations.weight_norm(nn.Linear(3, 4))),
    "orthogonal": lambda: nn.Sequential(parametrizations.orthogonal(nn.Linear(3, 3))),
    "orthogonal, householder": lambda: nn.Sequential(parametrizations.orthogonal(nn.Linear(4, 3), orthogonal_map="householder")),
    "own parametrization": own_parametrization,
    "pruned": lambda: nn.Sequential(prune.l1_unstructured(nn.Linear(3, 4), "weight", amount=2)),
    "pruned bias": lambda: prune.l1_unstructured(prune.random_unstructured(nn.Linear(3, 4), "weight", 2), "bias", 1),
    "names that say nothing": Scaled,
    "batch norm": lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)),
    "aware of quantization": aware_of_quantization,
}


@pytest.mark.parametrize("kind", MODULES)
def test_that_parameters_and_buffers_are_told_apart_as_the_module_does(kind: str, tmp_path: Path) -> None:
    module = quietly(MODULES[kind])
    (weights,) = saved(tmp_path, {"state_dict": module.state_dict(), "epoch": 1}).weights
    parameters = {name for name, _ in module.named_parameters()}
    assert {entry.name for entry in weights.entries if entry.role == "parameter"} == parameters


def test_that_the_scale_of_a_stub_is_no_parameter(tmp_path: Path) -> None:
    stub = {"quant.scale": torch.ones(1), "quant.zero_point": torch.zeros(1, dtype=torch.int64), "fc.weight": torch.ones(2, 2)}
    (weights,) = saved(tmp_path, stub).weights
    assert [entry.name for entry in weights.entries if entry.role == "parameter"] == ["fc.weight"]
