"""From a name to the tensor that it means."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.named_places import nearest, place_of
from ptinspect.errors import InspectError
from tests.checkpoint.saved import saved


def nested(folder: Path) -> Checkpoint:
    sizes = {"layer1.weight": 3, "layer1.bias": 1, "layer2.weight": 4}
    model = {f"module.{name}": torch.zeros(size, 2) for name, size in sizes.items()}
    return saved(folder, {"epoch": 3, "model": model, "ema": {name: one + 1 for name, one in model.items()}, "extra": torch.ones(9)})


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("model.module.layer1.weight", "model.module.layer1.weight"),
        ("ema.module.layer1.bias", "ema.module.layer1.bias"),
        ("module.layer2.weight", "model.module.layer2.weight"),
        ("layer2.weight", "model.module.layer2.weight"),
        ("extra", "extra"),
    ],
)
def test_that_a_path_or_a_name_within_the_main_weights_is_found(name: str, path: str, tmp_path: Path) -> None:
    assert place_of(nested(tmp_path), name).path == path


def test_that_a_name_that_may_mean_two_tensors_is_refused(tmp_path: Path) -> None:
    state = {"module.a": torch.ones(2), "module.module.a": torch.ones(3), "module.b": torch.ones(1)}
    checkpoint = saved(tmp_path, {"model": state})
    assert checkpoint.main.prefix == "module."
    with pytest.raises(InspectError, match="more than one") as caught:
        place_of(checkpoint, "module.a")
    assert "`model.module.a`, `model.module.module.a`" in caught.value.hint
    assert place_of(checkpoint, "model.module.a").tensor.shape == (2,)


@pytest.mark.parametrize(
    ("name", "hinted"),
    [
        ("layer1.wieght", "model.module.layer1.weight"),
        ("MODEL.MODULE.LAYER1.WEIGHT", "model.module.layer1.weight"),
        ("ema.layer2.weight", "ema.module.layer2.weight"),
        ("xtra", "extra"),
    ],
)
def test_that_an_unknown_name_lists_the_nearest(name: str, hinted: str, tmp_path: Path) -> None:
    with pytest.raises(InspectError, match="no tensor") as caught:
        place_of(nested(tmp_path), name)
    assert f"`{hinted}`" in caught.value.hint


def test_that_a_module_is_said_to_hold_tensors(tmp_path: Path) -> None:
    with pytest.raises(InspectError, match=r"`model\.module\.layer1` is no tensor; it holds 2") as caught:
        place_of(nested(tmp_path), "model.module.layer1")
    assert "`model.module.layer1.weight`, `model.module.layer1.bias`" in caught.value.hint


def test_that_a_number_is_no_tensor(tmp_path: Path) -> None:
    with pytest.raises(InspectError, match="no tensor `epoch`"):
        place_of(nested(tmp_path), "epoch")
    with pytest.raises(InspectError, match="has no tensors"):
        place_of(saved(tmp_path, {"epoch": 3}), "epoch")


def test_that_a_lone_tensor_is_found_by_the_name_of_the_root(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, torch.ones(2, 2))
    assert place_of(checkpoint, "(the root)").tensor.shape == place_of(checkpoint, "").tensor.shape == (2, 2)


def test_that_the_nearest_of_very_many_names_are_found_at_once() -> None:
    names = [f"blocks.{number}.attention.{part}.weight" for number in range(30_000) for part in ("query", "key", "value")]
    assert nearest("blocks.20123.atention.query.weight", names)[0] == "blocks.20123.attention.query.weight"
    assert len(nearest("x" * 10_000, names)) == 5
