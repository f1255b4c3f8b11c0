"""What a file tells about its training: the layouts that people meet, by hand and by the real libraries."""

from __future__ import annotations

import argparse
import enum
import pathlib
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

from ptinspect.checkpoint.file_names import from_name
from tests.checkpoint.told import Told, saved, stepped, told
from tests.corpus import FOLDER, needs_corpus


class Strategy(enum.Enum):
    STEPS = "steps"


class Holder:
    """An object that holds itself."""

    def __init__(self) -> None:
        self.rate = 0.5
        self.me = self


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))


def training_parts() -> tuple[nn.Module, torch.optim.Optimizer]:
    model = network()
    return model, stepped(torch.optim.AdamW(model.parameters(), lr=0.001))


# -- by hand -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["model_state_dict", "model_satate_dict", "net"])
def test_that_the_layout_of_the_tutorials_is_told(key: str, tmp_path: Path) -> None:
    model, optimizer = training_parts()
    file = {"epoch": 12, key: model.state_dict(), "optimizer_state_dict": optimizer.state_dict(), "loss": 0.31}
    fields = saved(tmp_path / "model.pt", file).known.fields()
    assert (fields["epoch"], fields["loss"], fields["step"]) == (12, 0.31, None)
    assert fields["optimizer"]["class"] == "AdamW"
    assert fields["optimizer"]["groups"][0]["lr"] == 0.001
    assert fields["optimizer"]["groups"][0]["params"] == 4
    assert fields["optimizer"]["weights"] == key


def test_that_bare_weights_tell_nothing_about_training(tmp_path: Path) -> None:
    assert saved(tmp_path / "resnet50-0676ba61.pth", network().state_dict()).training is None
    assert saved(tmp_path / "model.pt", network()).training is None
    assert saved(tmp_path / "named.pt", {"state_dict": network().state_dict(), "arch": "small", "version": 2}).training is None


@pytest.mark.parametrize("epoch", [0, -1, 7, "7", 7.5, np.int64(7), torch.tensor(7)])
def test_that_an_epoch_is_told_as_stored(epoch: Any, tmp_path: Path) -> None:
    found = saved(tmp_path / "epoch.pt", {"state_dict": network().state_dict(), "epoch": epoch}).known.epoch
    assert found == epoch
    assert type(found) is (int if isinstance(epoch, np.generic | torch.Tensor) else type(epoch))


def test_that_metrics_are_found_beside_and_below(tmp_path: Path) -> None:
    file = {
        "state_dict": network().state_dict(),
        "best_prec1": torch.tensor(91.25),
        "val_loss": np.float64(0.4),
        "metrics": {"acc": 0.9, "loss": 0.5, "epoch": 3},
        "extra_state": {"val_accuracy": 0.8},
        "train_metrics": {"fitness": 0.7},
    }
    training = saved(tmp_path / "metrics.pt", file).known
    assert training.metrics == {
        "best_prec1": 91.25,
        "val_loss": 0.4,
        "acc": 0.9,
        "loss": 0.5,
        "val_accuracy": 0.8,
        "train_metrics.fitness": 0.7,
    }
    assert training.loss == 0.5


def test_that_the_updates_of_an_average_are_no_steps_of_the_training(tmp_path: Path) -> None:
    average = {"decay": 0.99, "num_updates": 3, "shadow_params": [torch.ones(2)]}
    file = {"model": network().state_dict(), "ema": average, "epoch": 2}
    assert (saved(tmp_path / "a.pt", file).known.step, saved(tmp_path / "a.pt", file).known.epoch) == (None, 2)
    assert saved(tmp_path / "b.pt", {**file, "step": 7}).known.step == 7


def test_that_detectron2_counts_iterations(tmp_path: Path) -> None:
    model, optimizer = training_parts()
    schedule = lr_scheduler.MultiStepLR(optimizer, [3, 5])
    file = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": schedule.state_dict(), "iteration": 269999}
    training = saved(tmp_path / "model_final.pth", file).known
    assert (training.step, training.epoch) == (269999, None)
    assert training.fields()["scheduler"]["class"] == "MultiStepLR"


def test_that_yolo_is_told(tmp_path: Path) -> None:
    file = {
        "epoch": -1,
        "best_fitness": 0.61,
        "model": None,
        "ema": network().half(),
        "updates": 1234,
        "optimizer": None,
        "train_args": {"model": "yolov8n.pt", "lr0": 0.01},
        "train_metrics": {"metrics/mAP50(B)": 0.52},
        "train_results": {"epoch": [1, 2]},
        "date": "2024-01-01T00:00:00",
        "version": "8.3.1",
    }
    fields = saved(tmp_path / "best.pt", file).known.fields()
    assert fields["epoch"] == -1
    assert fields["metrics"] == {"best_fitness": 0.61, "train_metrics.metrics/mAP50(B)": 0.52}
    assert fields["hyper_parameters"] == {"model": "yolov8n.pt", "lr0": 0.01}
    assert fields["versions"] == {"version": "8.3.1"}
    assert fields["stored"] == {"updates": 1234, "date": "2024-01-01T00:00:00"}
    assert fields["optimizer"] is None


def test_that_deepspeed_is_told(tmp_path: Path) -> None:
    model, _ = training_parts()
    file = {
        "module": model.state_dict(),
        "optimizer": None,
        "lr_scheduler": {"last_batch_iteration": 41},
        "param_shapes": [{name: tensor.shape for name, tensor in model.state_dict().items()}],
        "skipped_steps": 0,
        "global_steps": 42,
        "ds_config": {"train_batch_size": 8, "zero_optimization": {"stage": 2}},
        "ds_version": "0.15.1",
    }
    fields = saved(tmp_path / "mp_rank_00_model_states.pt", file).known.fields()
    assert (fields["step"], fields["versions"]) == (42, {"ds_version": "0.15.1"})
    assert fields["hyper_parameters"]["zero_optimization"] == {"stage": 2}
    assert fields["scheduler"]["last_epoch"] == 41


def test_that_a_gradient_scaler_and_random_states_are_named(tmp_path: Path) -> None:
    file = {
        "net": network().state_dict(),
        "scaler": {"scale": 65536.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 2000, "_growth_tracker": 3},
        "torch_rng_state": torch.get_rng_state(),
    }
    training = saved(tmp_path / "amp.pt", file).known
    assert training.fields()["scalers"]["scaler"]["scale"] == 65536.0


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("StepLR", lambda o: lr_scheduler.StepLR(o, 3)),
        ("MultiStepLR", lambda o: lr_scheduler.MultiStepLR(o, [3])),
        ("LambdaLR", lambda o: lr_scheduler.LambdaLR(o, lambda epoch: 1.0)),
        ("ConstantLR", lr_scheduler.ConstantLR),
        ("LinearLR", lr_scheduler.LinearLR),
        ("ExponentialLR", lambda o: lr_scheduler.ExponentialLR(o, 0.9)),
        ("PolynomialLR", lr_scheduler.PolynomialLR),
        ("CosineAnnealingLR", lambda o: lr_scheduler.CosineAnnealingLR(o, 9)),
        ("CosineAnnealingWarmRestarts", lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 9)),
        ("OneCycleLR", lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=9)),
        ("CyclicLR", lambda o: lr_scheduler.CyclicLR(o, 0.1, 0.2)),
        ("ReduceLROnPlateau", lr_scheduler.ReduceLROnPlateau),
        ("SequentialLR", lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.ConstantLR(o), lr_scheduler.StepLR(o, 2)], [2])),
        ("ChainedScheduler", lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.ConstantLR(o), lr_scheduler.StepLR(o, 2)])),
        ("SWALR", lambda o: torch.optim.swa_utils.SWALR(o, 0.05)),
    ],
)
def test_that_every_scheduler_of_torch_is_inferred(name: str, make: Callable[[Any], Any], tmp_path: Path) -> None:
    optimizer = torch.optim.SGD(network().parameters(), lr=0.1, momentum=0.9)
    file = {"scheduler": make(optimizer).state_dict(), "net": network().state_dict()}
    (scheduler,) = saved(tmp_path / "scheduler.pt", file).known.schedulers
    assert (scheduler.class_name, scheduler.certainty) == (name, "inferred")


def test_that_a_pickled_scheduler_confirms_its_class(tmp_path: Path) -> None:
    model, optimizer = training_parts()
    file = {"model": model, "optimizer": optimizer, "scheduler": lr_scheduler.StepLR(optimizer, 3)}
    (scheduler,) = saved(tmp_path / "objects.pt", file).known.schedulers
    assert (scheduler.class_name, scheduler.certainty, scheduler.options["step_size"]) == ("StepLR", "confirmed", 3)


def test_that_settings_of_all_kinds_become_one_plain_tree(tmp_path: Path) -> None:
    args = argparse.Namespace(
        lr=0.1,
        path=pathlib.PurePosixPath("/data/set"),
        strategy=Strategy.STEPS,
        dtype=torch.bfloat16,
        device=torch.device("cuda", 1),
        seed=np.int64(3),
        betas=(0.9, 0.99),
        tags={"a"},
        inner=SimpleNamespace(depth=2),
        weight=torch.ones(2, 2),
        cls=nn.ReLU,
        missing=None,
    )
    tree = saved(tmp_path / "args.pt", {"args": args, "state_dict": network().state_dict()}).known.hyper_parameters
    assert tree == {
        "lr": 0.1,
        "path": "/data/set",
        "strategy": "Strategy('steps')",
        "dtype": "torch.bfloat16",
        "device": "cuda:1",
        "seed": 3,
        "betas": [0.9, 0.99],
        "tags": ["a"],
        "inner": {"depth": 2},
        "weight": "(tensor float32 [2, 2])",
        "cls": "torch.nn.modules.activation.ReLU",
        "missing": None,
    }


def test_that_a_cycle_ends_at_itself_and_a_deep_tree_is_cut(tmp_path: Path) -> None:
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"in": deep}
    tree = saved(tmp_path / "cycle.pt", {"config": {"h": Holder(), "deep": deep}, "net": network().state_dict()}).known.hyper_parameters
    assert isinstance(tree["h"], dict)
    assert (tree["h"]["rate"], tree["h"]["me"]) == (0.5, "(itself)")
    assert "…" in str(tree["deep"])


def test_that_a_wide_tree_says_how_much_is_left_out(tmp_path: Path) -> None:
    tree = saved(tmp_path / "wide.pt", {"cfg": {str(index): index for index in range(20_000)}, "net": network().state_dict()}).known
    assert len(tree.hyper_parameters) <= 5_001
    assert str(tree.hyper_parameters["…"]).endswith(" more")


# -- names ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "epoch", "step", "metrics"),
    [
        ("checkpoint_model_12_0.31_0.92.pt", 12, None, {"name_1": 0.31, "name_2": 0.92}),
        ("epoch=9-step=630.ckpt", 9, 630, {}),
        ("epoch=03-val_loss=0.25.ckpt", 3, None, {"val_loss": 0.25}),
        ("model_e3_loss0.41.pt", 3, None, {"loss": 0.41}),
        ("epoch_12.pth", 12, None, {}),
        ("iter_40000.pth", None, 40000, {}),
        ("best_acc_0.93.pt", None, None, {"best_acc": 0.93}),
        ("mnasnet0.5_top1_67.823-3ffadce67e.pth", None, None, {"top1": 67.823}),
    ],
)
def test_that_a_name_is_read(name: str, epoch: int | None, step: int | None, metrics: dict[str, float]) -> None:
    found = from_name(name)
    assert found is not None
    assert (found.epoch, found.step, found.all_metrics()) == (epoch, step, metrics)


@pytest.mark.parametrize(
    "name",
    "resnet50-0676ba61.pth mobilenet_0.25.pt yolov7-e6.pt model_v1.2.pt vgg16_bn-6c64b313.pth pytorch_model-00001-of-00002.bin best.pt"
    " mp_rank_00_model_states.pt resnet20-12fca82f.th rna004_hek293t_glori.pt squeezenet1_1-b8a52dc0.pth sam2.1_hiera_small.pt".split(),
)
def test_that_hashes_versions_and_widths_say_nothing(name: str) -> None:
    assert from_name(name) is None


def test_that_what_a_name_says_is_inferred_and_stored_values_win(tmp_path: Path) -> None:
    named = saved(tmp_path / "checkpoint_model_12_0.31_0.92.pt", network().state_dict())
    assert named.known.metrics == {"name_1": 0.31, "name_2": 0.92}
    assert named.known.epoch is None
    assert "inferred: epoch 12, a metric of 0.31, a metric of 0.92" in named.claims()
    both = saved(tmp_path / "epoch=2-val_loss=0.25.ckpt", {"state_dict": network().state_dict(), "epoch": 2, "val_loss": 0.2518})
    assert both.known.metrics == {"val_loss": 0.2518}


# -- the corpus ----------------------------------------------------------------------------------------------------------


def real(path: str) -> Told:
    return told(FOLDER / "files" / path)


@needs_corpus
def test_that_a_training_state_of_allennlp_is_told() -> None:
    training = real("allenai+allennlp/test_fixtures/simple_tagger/serialization_full/training_state_e1_b0.th").known
    assert training.epoch == 1
    assert training.fields()["optimizer"]["class"] == "Adadelta"
    assert training.metrics["metric_tracker.best_epoch_metrics.accuracy"] == 0.75


@needs_corpus
def test_that_a_lightning_file_of_graphgym_is_told() -> None:
    file = real("pyg-team+pytorch_geometric/graphgym/epoch=9-step=630.ckpt")
    fields, trained = file.known.fields(), file.trained()
    assert (fields["epoch"], fields["step"], fields["versions"]) == (9, 630, {"pytorch-lightning_version": "1.7.6"})
    assert fields["optimizer"]["class"] == "Adam or AdamW"
    assert (fields["scheduler"]["class"], fields["scheduler"]["T_max"]) == ("CosineAnnealingLR", 10)
    assert trained is not None
    assert trained.frozen == 0


@needs_corpus
def test_that_settings_of_chemprop_are_told() -> None:
    settings = real("chemprop+chemprop/examples/converted_model.ckpt").known.hyper_parameters
    assert settings["max_lr"] == 0.001
    assert isinstance(settings["message_passing"], dict)
    assert settings["message_passing"]["cls"] == "chemprop.nn.message_passing.base.BondMessagePassing"


@needs_corpus
def test_that_a_legacy_training_file_of_crypten_is_told() -> None:
    training = real("facebookresearch+CrypTen/examples/mpc_cifar/model/cifar-model-checkpoint.pth.tar").known
    assert isinstance(training.epoch, int)
    assert "best_prec1" in training.metrics
    assert training.fields()["optimizer"]["class"] == "SGD"


@needs_corpus
def test_that_a_best_precision_of_akamaster_is_told() -> None:
    training = real("akamaster+pytorch_resnet_cifar10/pretrained_models/resnet20-12fca82f.th").known
    assert training.metrics["best_prec1"] == pytest.approx(91.73, abs=1.0)


@needs_corpus
def test_that_an_optimizer_without_groups_is_told_by_its_state() -> None:
    training = real("tracel-ai+burn/src/pytorch/tests/reader/test_data/checkpoint.pt").known
    assert (training.epoch, training.loss) == (42, 0.123)
    assert training.fields()["optimizer"]["class"] == "SGD"


# -- cost ----------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_that_the_cost_is_linear_in_the_number_of_parameters(tmp_path: Path) -> None:
    """A promise of 60 ms for 10,000 parameters; the bound here is loose, for machines that do other work."""
    parameters = {f"layers.{index}.weight": torch.zeros(1) for index in range(10_000)}
    state = {index: {"step": 1, "exp_avg": tensor, "exp_avg_sq": tensor} for index, tensor in enumerate(parameters.values())}
    group = {"lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-8, "weight_decay": 0, "amsgrad": False, "params": list(range(10_000))}
    file = {"model": parameters, "optimizer": {"state": state, "param_groups": [group]}, "epoch": 1}
    begin = time.process_time()
    trained = saved(tmp_path / "many.pt", file).trained()
    assert trained is not None
    assert (trained.trainable, trained.frozen) == (10_000, 0)
    assert time.process_time() - begin < 20
