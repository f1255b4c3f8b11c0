"""Shapes and statistics of each layer's output."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from ptinspect.runner import hooks
from ptinspect.runner.hooks import Watch, first_trouble, tensors_in, told


def watched(module: nn.Module, *args: torch.Tensor) -> list[dict[str, object]]:
    with torch.no_grad(), Watch(module, lambda: None) as watch:
        module(*args)
    return [told(layer, len(args[0])) for layer in watch.layers.values()]


def test_that_layers_come_in_the_order_of_their_calls_with_their_shapes() -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16, 5))
    found = watched(module, torch.randn(2, 3, 4, 4))
    assert [(layer["path"], layer["type"]) for layer in found] == [
        ("", "Sequential"), ("0", "Conv2d"), ("1", "ReLU"), ("2", "Flatten"), ("3", "Linear"),
    ]  # fmt: skip
    assert found[1]["input_shape"] == [2, 3, 4, 4]
    assert found[1]["output_shape"] == [2, 8, 4, 4]
    assert found[1]["parameters"] == 8 * 27 + 8
    assert found[4]["output_bytes"] == 2 * 5 * 4


@pytest.mark.parametrize("bad", [False, True])
def test_that_statistics_are_those_of_the_finite_values(bad: bool) -> None:
    values = torch.randn(4, 1_000, generator=torch.Generator().manual_seed(2)) * 3 + 1
    if bad:
        values[1, 5], values[1, 6], values[3, 0] = float("nan"), float("inf"), float("-inf")
    layer = watched(nn.Identity(), values)[0]
    finite = values[torch.isfinite(values)].double().numpy()
    assert layer["mean"] == pytest.approx(finite.mean(), rel=1e-5)
    assert layer["std"] == pytest.approx(finite.std(), rel=1e-5)
    assert (layer["min"], layer["max"]) == (finite.min(), finite.max())
    assert (layer["nans"], layer["infs"], layer["bad_samples"]) == ((1, 2, 2) if bad else (0, 0, 0))
    picture = layer["histogram"]
    assert isinstance(picture, dict)
    wanted, _ = np.histogram(finite, hooks.BINS, (finite.min(), finite.max()))
    assert sum(picture["counts"]) == finite.size
    assert np.abs(np.array(picture["counts"]) - wanted).max() <= 2  # a value on an edge may fall to either side


def test_that_a_constant_output_has_a_histogram_too() -> None:
    picture = watched(nn.Identity(), torch.full((2, 3), 2.0))[0]["histogram"]
    assert isinstance(picture, dict)
    assert sum(picture["counts"]) == 6


class _Divides(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / 0


def test_that_trouble_is_told_where_it_begins_not_where_it_goes_on() -> None:
    module = nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.ReLU(), _Divides(), nn.Identity()), nn.Linear(3, 3))
    found = watched(module, torch.randn(2, 3))
    first = first_trouble(found)
    assert first is not None
    assert first["path"] == "1.1"
    assert not next(layer for layer in found if layer["path"] == "2")["first_bad"]


def test_that_a_layer_called_twice_is_one_row_with_two_calls() -> None:
    shared = nn.Linear(3, 3)
    found = watched(nn.Sequential(shared, nn.ReLU(), shared), torch.randn(2, 3))
    assert [(layer["path"], layer["calls"]) for layer in found] == [("", 1), ("0", 2), ("1", 1)]


def test_that_outputs_of_any_nesting_are_found_by_their_place() -> None:
    tree = {"logits": torch.ones(1), "more": [torch.ones(2), (torch.ones(3), None)], "text": "x"}
    assert [(path, len(tensor)) for path, tensor in tensors_in(tree)] == [("logits", 1), ("more.0", 2), ("more.1.0", 3)]


def test_that_the_hooks_are_gone_afterwards() -> None:
    module = nn.Linear(2, 2)
    watched(module, torch.ones(1, 2))
    assert not module._forward_hooks
    assert not module._forward_pre_hooks


@pytest.mark.filterwarnings("ignore")
def test_that_padded_batches_between_attention_layers_do_not_stop_the_watch() -> None:
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2).eval()
    mask = torch.tensor([[False, False, False], [False, True, True]])
    watch = Watch(encoder, lambda: None)
    with watch, torch.no_grad():
        encoder(torch.randn(2, 3, 8), src_key_padding_mask=mask)
    found = [told(layer, 2) for layer in watch.layers.values()]
    assert found[0]["output_shape"] == [2, 3, 8]
    assert [layer["path"] for layer in found][:2] == ["", "layers.0"]
