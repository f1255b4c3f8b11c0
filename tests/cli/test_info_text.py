"""`info` as text, on the files that training scripts and libraries leave behind: what a reader is told first, and in which words."""

from __future__ import annotations

import copy
import random
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

from ptinspect.cli.main import main
from tests.checkpoint.told import stepped

FOREIGN = """
import enum
from torch import nn

class Conv(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8)

class DetectionModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(Conv(), nn.Conv2d(8, 4, 1))
        self.yaml, self.names = {"nc": 4}, {0: "cat"}

class IntervalStrategy(enum.Enum):
    STEPS = "steps"

class TrainingArguments:
    def __init__(self, **values):
        self.__dict__.update(values)
"""


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Classes of a library that is gone by the time that the file is read."""
    module = types.ModuleType("library.tasks")
    monkeypatch.setitem(sys.modules, "library", types.ModuleType("library"))
    monkeypatch.setitem(sys.modules, "library.tasks", module)
    exec(FOREIGN, module.__dict__)
    for name in ("Conv", "DetectionModel", "IntervalStrategy", "TrainingArguments"):
        getattr(module, name).__module__ = "library.tasks"
    return module


@pytest.fixture
def info(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """The text of `info` for a value that torch saved, its lines joined again."""

    def text(value: object, name: str = "x.pt") -> str:
        torch.save(value, tmp_path / name)
        assert main(["info", str(tmp_path / name)]) == 0
        return " ".join(capsys.readouterr().out.split())

    return text


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 4))


def adamw(model: nn.Module) -> torch.optim.Optimizer:
    return stepped(torch.optim.AdamW(model.parameters(), lr=0.001))


def test_that_the_order_is_what_how_we_know_problems_numbers_and_how_to_load(info) -> None:
    model = network()
    state = adamw(model).state_dict()
    state["state"][0]["exp_avg"] = torch.zeros(5, 5)
    text = info({"epoch": 3, "net": model.state_dict(), "optimizer": state})
    order = [
        "A checkpoint with 276 parameters in `net`, epoch 3, AdamW",
        "How we know",
        "Look at this",
        "Weights net:",
        "Training epoch 3",
        "Numbers tensors",
    ]
    places = [text.index(part) for part in [*order, "How to load it"]]
    assert places == sorted(places)
    assert "optimizer state does not fit its parameters" in text


def test_that_a_loss_in_a_tensor_is_told_in_the_digits_that_were_written(info) -> None:
    text = info({"epoch": 3, "model_satate_dict": network().state_dict(), "loss": torch.tensor(0.41)})
    assert "epoch 3, loss 0.41 (torch-zip" in text
    assert "0.4099" not in text


def test_that_what_only_the_file_name_says_is_told_as_such(info) -> None:
    text = info({"model_state_dict": network().state_dict()}, "checkpoint_model_12_0.31_0.92.pt")
    assert "epoch 12 by the file's name (torch-zip" in text
    assert "Training by the file's name (inferred): epoch 12, 0.31, 0.92 Numbers" in text


def test_that_other_single_values_are_told_as_stored(info) -> None:
    text = info({"state_dict": network().state_dict(), "arch": "resnet50", "best_acc1": torch.tensor(76.1), "epoch": 90})
    assert "Training epoch 90, best_acc1 76.1 also stored: arch resnet50 Numbers" in text


def test_that_stored_values_are_told_before_those_of_the_name(info) -> None:
    text = info({"model": network().state_dict(), "epoch": 2, "val_loss": 0.2518}, "epoch=2-val_loss=0.25.ckpt")
    assert "Training epoch 2, val_loss 0.2518 by the file's name (inferred): val_loss 0.25" in text


def test_that_lightnings_callbacks_schedule_and_compiled_names_are_told(info) -> None:
    model = network()
    optimizer = adamw(model)
    kept = {"monitor": "val_loss", "best_model_score": torch.tensor(0.3), "best_model_path": "/runs/best.ckpt"}
    text = info(
        {
            "epoch": 3, "global_step": 100, "pytorch-lightning_version": "2.1.0", "loops": {}, "hyper_parameters": {"lr": 0.1},
            "state_dict": {f"model._orig_mod.{key}": value for key, value in model.state_dict().items()},
            "callbacks": {"ModelCheckpoint{'monitor': 'val_loss'}": kept}, "optimizer_states": [optimizer.state_dict()],
            "lr_schedulers": [lr_scheduler.StepLR(optimizer, 1).state_dict()],
        }
    )  # fmt: skip
    assert "ModelCheckpoint: best val_loss 0.3 in /runs/best.ckpt" in text
    assert "lr_schedulers.0: StepLR (inferred), " in text
    assert "every name begins with `model.`, names hold `_orig_mod` (torch.compile)" in text
    assert "certainty inferred" not in text


def test_that_a_schedule_of_an_unknown_class_says_so(info) -> None:
    schedule = {"max_iter": 90000, "base_lrs": [0.02], "last_epoch": 5000, "_step_count": 5001, "_last_lr": [0.02]}
    text = info({"model": network().state_dict(), "scheduler": schedule, "iteration": 4999}, "model_0004999.pth")
    assert "scheduler: of an unknown class, last_epoch 5000" in text


def test_that_a_yolo_file_names_the_class_that_is_not_installed(info, foreign) -> None:
    model = foreign.DetectionModel().half()
    for parameter in model.parameters():
        parameter.requires_grad = False
    finished = {"epoch": -1, "best_fitness": None, "model": model, "ema": None, "train_args": {"epochs": 500}, "date": "2024-01-01"}
    text = info(finished, "yolo.pt")
    assert "A checkpoint with 268 parameters in `model` of class library.tasks.DetectionModel, epoch -1" in text
    assert "0 trainable, 268 frozen (confirmed)" in text
    assert "removeprefix" not in text  # `model.` is an attribute of the class, and its own load_state_dict wants it
    live = {**finished, "epoch": 12, "model": None, "ema": copy.deepcopy(model).requires_grad_(True), "updates": 5400}
    text = info(live, "last.pt")
    assert "in `ema` of class library.tasks.DetectionModel, epoch 12" in text
    assert "the main weights are `ema`, because the file holds averages only" in text


def test_that_the_pieces_of_a_trainer_say_what_they_are_for(info, foreign) -> None:
    optimizer = adamw(network())
    assert "A file without tensors: a schedule's state, LambdaLR (torch-zip" in info(
        lr_scheduler.LambdaLR(optimizer, lambda _: 1.0).state_dict(), "scheduler.pt"
    )
    states = {"python": random.getstate(), "numpy": np.random.get_state(), "cpu": torch.get_rng_state()}
    assert "Tensors: 1 tensor, states of random generators (cpu, numpy, python) (torch-zip" in info(states, "rng_state.pth")
    settings = foreign.TrainingArguments(learning_rate=5e-5, save_strategy=foreign.IntervalStrategy.STEPS)
    assert "A file without tensors: settings of class library.tasks.TrainingArguments" in info(settings, "training_args.bin")
    assert "An optimizer's state: 18 tensors, AdamW (torch-zip" in info(optimizer.state_dict(), "optimizer.pt")


def test_that_weights_kept_as_numpy_arrays_are_counted_as_values(info) -> None:
    text = info({"model": {key: value.numpy() for key, value in network().state_dict().items()}, "__author__": "Detectron2 Model Zoo"})
    assert "A file without tensors" in text
    assert "its 9 numpy arrays are values" in text


def test_that_a_deepspeed_model_file_tells_steps_settings_and_version(info) -> None:
    model = network()
    text = info(
        {
            "module": model.state_dict(), "buffer_names": ["1.running_mean"], "lr_scheduler": {"last_batch_iteration": 99}, "optimizer": {},
            "param_shapes": [{key: value.shape for key, value in model.named_parameters()}], "sparse_tensor_module_names": set(),
            "global_steps": 100, "ds_config": {"train_batch_size": 16}, "ds_version": "0.14.0", "dp_world_size": 2,
        },
        "mp_rank_00_model_states.pt",
    )  # fmt: skip
    assert "A checkpoint with 276 parameters in `module`, step 100 (torch-zip" in text
    assert "hyper-parameters: train_batch_size 16" in text
    assert "ds_version 0.14.0" in text
    assert "lr_scheduler: DeepSpeed scheduler (inferred)" in text


def test_that_two_networks_and_two_optimizers_are_told_apart(info) -> None:
    generator, critic = network(), nn.Sequential(nn.Linear(2, 2))
    second = stepped(torch.optim.RMSprop(critic.parameters(), lr=5e-5))
    value = {
        "generator": generator.state_dict(),
        "critic": critic.state_dict(),
        "g": adamw(generator).state_dict(),
        "d": second.state_dict(),
    }
    text = info({**value, "step": 5})
    assert "AdamW, beside 1 other weight set" in text
    assert "generator: main, " in text
    assert "critic: other, " in text
    assert "d: RMSprop (inferred), lr 5e-05 for 2 parameters" in text


def test_that_an_average_without_a_path_is_called_the_root(info) -> None:
    assert "the main weights are the root, because" in info(torch.optim.swa_utils.AveragedModel(network()))


def test_that_a_head_that_was_replaced_is_told_in_the_first_sentence(info) -> None:
    from ptinspect.runner.operators import import_torchvision

    model = import_torchvision().models.resnet18(weights=None, num_classes=7)
    text = info({"state_dict": {f"module.{key}": value for key, value in model.state_dict().items()}})
    assert "torchvision's resnet18, head differs" in text.split("How we know")[0]
    assert "fc 1000 -> 7" in text
