"""Wrappers' names in the layer tree: in the paths, not among the levels."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from ptinspect.checkpoint.layer_tree import layer_tree
from ptinspect.checkpoint.layers import LayerNode
from tests.checkpoint.saved import saved


def network() -> nn.Module:
    return nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), nn.Linear(4, 2))


def outline(root: LayerNode) -> list[tuple[str, str | None, int]]:
    return [(node.name, node.type, node.parameters) for node in root.walk()][1:]


def compiled_inside() -> nn.Module:
    model = network()
    model[0] = torch.compile(model[0])
    return model


def wrapped_names(segment: str) -> dict[str, torch.Tensor]:
    """FSDP and activation checkpointing write these steps; neither can wrap here, where no process group is."""
    return {f"{segment}.{key.replace('0.0.', f'0.{segment}.0.{segment}.')}": value for key, value in network().state_dict().items()}


@pytest.mark.parametrize(
    "value",
    [
        {f"_orig_mod.{key}": value for key, value in network().state_dict().items()},
        compiled_inside().state_dict(),
        {f"_orig_mod._fsdp_wrapped_module.{key}": value for key, value in network().state_dict().items()},
        wrapped_names("_fsdp_wrapped_module"),
        wrapped_names("_checkpoint_wrapped_module"),
    ],
    ids=["compiled", "compiled inside", "sharded, then compiled", "fsdp", "checkpointed"],
)
def test_that_a_wrapper_is_no_level_of_a_state_dict(value: dict[str, torch.Tensor], tmp_path: Path) -> None:
    plain = layer_tree(saved(tmp_path, dict(network().state_dict())))
    wrapped = saved(tmp_path, dict(value))
    root = layer_tree(wrapped)
    assert outline(root) == outline(plain)
    assert (root.parameters, root.bytes) == (plain.parameters, plain.bytes)
    assert [row.path for node in root.walk() for row in node.tensors] == list(value)


def test_that_a_compiled_model_shows_as_the_model_it_is(tmp_path: Path) -> None:
    root = layer_tree(saved(tmp_path, torch.compile(compiled_inside())))
    plain = layer_tree(saved(tmp_path, network()))
    assert outline(root) == outline(plain)
    assert (root.type, root.children[0].path) == ("Sequential", "_orig_mod.0")
    assert root.children[0].children[0].path == "_orig_mod.0._orig_mod.0"
    assert root.children[0].children[0].extra == plain.children[0].children[0].extra


def test_that_a_key_of_a_wrappers_name_that_holds_the_weights_stays(tmp_path: Path) -> None:
    value = {"_orig_mod": network().state_dict(), "epoch": 3}
    assert [node.name for node in layer_tree(saved(tmp_path, value)).children] == ["_orig_mod"]


def test_that_one_weight_set_folds_as_the_whole_does(tmp_path: Path) -> None:
    value = {"net": {f"_orig_mod.{key}": value for key, value in network().state_dict().items()}, "epoch": 3}
    root = layer_tree(saved(tmp_path, value), weights="net")
    assert [child.path for child in root.children] == ["net._orig_mod.0", "net._orig_mod.1"]
    assert root.parameters == sum(parameter.numel() for parameter in network().parameters())
