"""Each row of the contract's table of kinds, against files that torch writes: the first rule that fits decides."""

from __future__ import annotations

import argparse
import warnings
from collections import OrderedDict, UserDict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ptinspect.checkpoint.opening import open_checkpoint
from tests.checkpoint.saved import saved

T = torch.ones(2)
SCALAR = torch.tensor(1.0)


class Trainer:
    """A training script that pickles itself."""

    def __init__(self, **parts: object) -> None:
        self.__dict__.update(parts)


class Slotted:
    __slots__ = ("model", "step")

    def __init__(self, model: object) -> None:
        self.model, self.step = model, 3


class ToTuple(Trainer):
    """`__getstate__` may return anything."""

    def __getstate__(self) -> tuple[int, object]:
        return 3, self.model


class Reduced(Trainer):
    def __reduce__(self) -> tuple[object, ...]:
        return Trainer, (), {"inner": [self.model]}


class Weights(dict):
    """A mapping of a class of its own."""


class Bag(nn.Module):
    """A module without anything in it."""


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def sd() -> dict[str, torch.Tensor]:
    return net().state_dict()


def plain_sd() -> dict[str, torch.Tensor]:
    """Without the `_metadata` that torch attaches."""
    return dict(sd())


def stepped() -> torch.optim.Optimizer:
    model = nn.Linear(2, 2)
    optimizer = torch.optim.Adam(model.parameters())
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    return optimizer


def scheduler() -> dict[str, object]:
    return torch.optim.lr_scheduler.StepLR(torch.optim.SGD(net().parameters(), 0.1), 3).state_dict()


def quantized() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(3, 4)), {nn.Linear}, dtype=torch.qint8)


OTHER = {
    "an empty dict": dict,
    "None": lambda: None,
    "a number": lambda: 3,
    "text": lambda: "resnet50",
    "numpy alone": lambda: {"w": np.ones(3), "b": np.float64(2)},
    "settings": lambda: argparse.Namespace(lr=0.1, layers=[1, 2]),
    "an optimizer that never stepped": lambda: torch.optim.Adam(net().parameters()).state_dict(),
}
MODEL = {
    "a sequence": net,
    "no tensors at all": nn.ReLU,
    "nothing in it": Bag,
    "wrapped": lambda: nn.DataParallel(net()),
    "a container": lambda: nn.ModuleList([net(), net()]),
    "lazy": lambda: nn.LazyLinear(3),
    "a parameter list": lambda: nn.ParameterList([T, T]),
}
OPTIMIZER = {
    "its state": lambda: stepped().state_dict(),
    "itself": stepped,
    "below a key": lambda: {"optimizer": stepped().state_dict()},
    "beside a scheduler": lambda: {"optimizer": stepped().state_dict(), "scheduler": scheduler(), "epoch": 3},
    "two in a list": lambda: [stepped().state_dict(), stepped().state_dict()],
    "beside stray tensors": lambda: {"optim": stepped().state_dict(), "rng": torch.get_rng_state()},
    "with more keys": lambda: {**stepped().state_dict(), "loss_scale": SCALAR},
}
STATE_DICT = {
    "of a module": sd,
    "without metadata": plain_sd,
    "one tensor": lambda: {"w": T},
    "exactly half tensors": lambda: {"w": T, "b": 1},
    "None among them": lambda: {"w": T, "bias": None},
    "dtypes among them": lambda: {"w": T, "packed.dtype": torch.qint8},
    "extra state": lambda: {"layer.weight": T, "layer._extra_state": {"scale": [1, 2]}},
    "numpy scalars": lambda: {"w": T, "mean": np.float32(0.5)},
    "scalars alone": lambda: {"temperature": SCALAR, "bias": SCALAR},
    "really quantized": lambda: quantized().state_dict(),
    "packed tuples": lambda: {"a._packed_params": (T, T), "b._packed_params": (T, None)},
    "a class of its own": lambda: Weights(sd()),
    "parameters": lambda: dict(net().named_parameters()),
    "plain data": lambda: {"images": T, "labels": T},
}
CHECKPOINT = {
    "the usual": lambda: {"epoch": 3, "model_state_dict": sd(), "optimizer_state_dict": stepped().state_dict(), "loss": 0.3},
    "misspelt": lambda: {"epoch": 3, "model_satate_dict": plain_sd(), "loss": 0.3},
    "any key": lambda: {"net": plain_sd(), "acc": 0.9},
    "a state_dict alone below": lambda: {"model": plain_sd()},
    "a module below": lambda: {"model": net()},
    "half precision, ema beside None": lambda: {"model": None, "ema": net().half(), "date": "2024-01-01"},
    "two in a list": lambda: [plain_sd(), plain_sd()],
    "two in a tuple": lambda: (plain_sd(), 3),
    "several networks": lambda: {"generator": plain_sd(), "discriminator": plain_sd()},
    "deep": lambda: {"a": [{"b": ({"c": plain_sd()},)}]},
    "in a Namespace": lambda: argparse.Namespace(state_dict=plain_sd(), lr=0.1),
    "in an object": lambda: Trainer(module=net(), epoch=3),
    "in a slot": lambda: Slotted(net()),
    "in what __getstate__ returned": lambda: ToTuple(model=net()),
    "in what __reduce__ returned": lambda: Reduced(model=net()),
    "in a class of its own": lambda: {"state_dict": Weights(sd()), "arch": "resnet50"},
    "in a UserDict": lambda: UserDict(sd()),
    "under numbers": lambda: {0: plain_sd(), 1: plain_sd()},
    "under an empty key": lambda: {"": plain_sd(), "arch": "resnet50"},
    "half minus one of the root": lambda: {"a.weight": T, "epoch": 3, "lr": 0.1, "model": plain_sd()},
    "quantized": lambda: {"model": quantized().state_dict(), "epoch": 3},
    "in a torch state beside text": lambda: OrderedDict(state_dict=sd(), arch="resnet50"),
}
TENSORS = {
    "one": lambda: T,
    "a parameter": lambda: nn.Parameter(T),
    "a list": lambda: [T, T],
    "a tuple with a number": lambda: (T, 3),
    "half minus one": lambda: {"w": T, "b": 1, "c": 2},
    "numbers as keys": lambda: {0: T, 1: T},
    "bytes as keys": lambda: {b"w": T},
    "text beside": lambda: {"w": T, "arch": "resnet50"},
    "a list beside": lambda: {"w": T, "classes": [1, 2]},
    "a name that only ends like extra state": lambda: {"w": T, "my_extra_state": {"scale": [1]}},
    "a tensor in an object": lambda: Trainer(mean=T, std=T, names=["a"]),
    "metrics below": lambda: {"best": {"last.ckpt": SCALAR}, "epoch": 3},
    "deep": lambda: {"a": [{"b": [T]}]},
}
ALL = {
    "other": OTHER,
    "model": MODEL,
    "optimizer": OPTIMIZER,
    "state_dict": STATE_DICT,
    "checkpoint": CHECKPOINT,
    "tensors": TENSORS,
}


@pytest.mark.parametrize(
    ("kind", "make"), [pytest.param(kind, make, id=f"{kind}: {name}") for kind, row in ALL.items() for name, make in row.items()]
)
def test_that_a_file_is_what_the_contract_calls_it(tmp_path: Path, kind: str, make) -> None:
    """F-01, F-02, F-03: Namespace, None, tuples, objects of classes nobody knows."""
    found = saved(tmp_path, make())
    assert found.kind == kind
    assert found.evidence[0].certainty in ("confirmed", "inferred")
    assert found.evidence[0].claim
    assert found.evidence[0].because
    assert "``" not in found.evidence[0].because


@pytest.mark.parametrize("options", [{"pickle_protocol": 4}, {"_use_new_zipfile_serialization": False}], ids=str)
@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("model", net),
        ("optimizer", stepped),
        ("checkpoint", CHECKPOINT["in a slot"]),
        ("checkpoint", CHECKPOINT["in what __getstate__ returned"]),
        ("checkpoint", CHECKPOINT["in a class of its own"]),
        ("state_dict", STATE_DICT["packed tuples"]),
        ("other", OTHER["numpy alone"]),
    ],
)
def test_that_the_kind_does_not_hang_on_how_it_was_written(tmp_path: Path, kind: str, make, options) -> None:
    assert saved(tmp_path, make(), **options).kind == kind


@pytest.mark.parametrize(
    ("make", "certainty", "because"),
    [
        (sd, "confirmed", "_metadata"),
        (plain_sd, "confirmed", "dotted"),
        (lambda: nn.Linear(2, 2).state_dict(), "confirmed", "_metadata"),
        (lambda: {"images": T, "labels": T}, "inferred", "plain data"),
        (lambda: {"weight": T, "bias": None}, "inferred", "plain data"),
        (net, "confirmed", "torch.nn.modules.container.Sequential"),
        (CHECKPOINT["misspelt"], "confirmed", "`model_satate_dict`"),
        (CHECKPOINT["in a Namespace"], "confirmed", "`state_dict`"),
        (OPTIMIZER["below a key"], "confirmed", "`optimizer`"),
        (OPTIMIZER["itself"], "confirmed", "the root"),
    ],
)
def test_that_the_evidence_says_from_what(tmp_path: Path, make, certainty: str, because: str) -> None:
    evidence = saved(tmp_path, make()).evidence[0]
    assert (evidence.certainty, because in evidence.because) == (certainty, True)


def test_that_a_program_is_one_by_its_container(tmp_path: Path) -> None:
    class Doubled(nn.Module):
        def forward(self, x):
            return x * 2

    path = tmp_path / "any.name"
    torch.jit.script(net()).save(path)
    assert open_checkpoint(path).kind == "torchscript"
    torch.jit.script(nn.ReLU())._save_for_lite_interpreter(str(path))
    assert open_checkpoint(path).kind == "torchscript"
    torch.export.save(torch.export.export(Doubled(), (T,)), path)
    assert open_checkpoint(path).kind == "exported_program"


def test_that_safetensors_follow_the_same_rules(tmp_path: Path) -> None:
    path = tmp_path / "file"
    save_file({}, path)
    assert open_checkpoint(path).kind == "other"
    save_file({"images": T}, path)
    assert (open_checkpoint(path).kind, open_checkpoint(path).evidence[0].certainty) == ("state_dict", "inferred")
    save_file({"layer.weight": T}, path)
    assert (open_checkpoint(path).kind, open_checkpoint(path).evidence[0].certainty) == ("state_dict", "confirmed")
