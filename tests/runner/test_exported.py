"""The layers of an exported program: what hooks on the model itself would have told."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from ptinspect.runner import exported
from ptinspect.runner.devices import chosen
from ptinspect.runner.hooks import Watch, told
from ptinspect.runner.multiply_adds import counted

INPUT = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
TOLD = ("type", "input_shape", "output_shape", "parameters", "calls", "container", "mean", "max", "mult_adds")


class Twice(nn.Module):
    """A layer that is called twice, one in another, one that gives several tensors, and sums between them."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.block = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Tanh())
        self.rnn = nn.GRU(8, 5, batch_first=True)
        self.out = nn.Linear(5, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        x = self.block(self.block(x)) + x
        return self.out(self.rnn(x.flatten(1, 2))[0])


@pytest.fixture(scope="module")
def pair() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    model = Twice().eval()
    return model, torch.export.export(model, (INPUT,)).module()


def rows(watch: Watch, work: dict[str, int]) -> dict[str, dict[str, Any]]:
    found = [told(layer, 2) for layer in watch.layers.values()]
    return {row["path"]: {name: ({**row, "mult_adds": work.get(row["path"], 0)})[name] for name in TOLD} for row in found if row["path"]}


def test_that_layers_are_those_of_the_model(pair: tuple[nn.Module, nn.Module]) -> None:
    model, program = pair
    calls = exported.calls_of(program, {})
    with torch.no_grad():
        with Watch(model, lambda: None) as expected:
            model(INPUT)
        found = Watch(program, lambda: None)
        exported.watched(found, program, calls, (INPUT,))
        own, others = rows(expected, counted(model, lambda: model(INPUT))), rows(found, exported.work(program, calls, (INPUT,)))
    assert list(others) == list(own) == ["first", "block", "block.0", "block.1", "rnn", "out"]
    for path, row in own.items():
        assert others[path] == {name: pytest.approx(value, rel=1e-4) if isinstance(value, float) else value for name, value in row.items()}


def test_that_each_layer_has_its_time(pair: tuple[nn.Module, nn.Module]) -> None:
    calls = exported.calls_of(pair[1], {})
    with torch.no_grad():
        spent = exported.times(pair[1], calls, (INPUT,), chosen("cpu"), passes=2)
    assert spent.keys() == {call.path for call in calls}
    assert all(value > 0 for value in spent.values())
    assert spent["block"] > spent["block.0"]


def test_that_other_models_have_none(pair: tuple[nn.Module, nn.Module]) -> None:
    assert exported.calls_of(pair[0], {}) == ()
    assert exported.calls_of(pair[1], {"mask": INPUT}) == ()
