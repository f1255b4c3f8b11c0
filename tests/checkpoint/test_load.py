"""The loading lines, run in a fresh process as a reader would paste them, on every kind of file that torch writes."""

from __future__ import annotations

import argparse
import collections
import datetime as dt
import decimal
import json
import os
import pathlib
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from ptinspect.checkpoint.load import load_lines
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.runner.operators import import_torchvision
from tests.checkpoint.loaded import digests

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

NET = """
from collections import OrderedDict
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
        self.head = nn.Linear(4, 2)
        self.register_buffer("scale", self.head.bias.detach() * 2, persistent=False)

class Config(dict):
    pass

class Linear(nn.Linear):
    pass

class torch(nn.Linear):
    pass
"""


@dataclass
class Case:
    """A value, how it is saved, and what `state_dict` shall hold once the lines have run (None: the lines make none)."""

    value: Any
    expected: dict | None
    save: str = "torch"
    needs: str = "weights_only=True"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("load")
    (place / "pasted_net.py").write_text(NET)
    sys.path.insert(0, str(place))
    yield place
    sys.path.remove(str(place))


def saved(case, path):
    """One file."""
    if case.save == "torch":
        torch.save(case.value, path)
    elif case.save == "legacy":
        torch.save(case.value, path, _use_new_zipfile_serialization=False)
    elif case.save == "protocol 4":
        torch.save(case.value, path, pickle_protocol=4)
    elif case.save == "script":
        torch.jit.save(torch.jit.script(case.value), path)
    elif case.save == "export":
        torch.export.save(case.value, path)
    elif case.save == "package":
        with torch.package.PackageExporter(path) as exporter:
            exporter.extern("**")
            exporter.save_pickle("nets.small", "net.pkl", case.value)
    else:
        safetensors.torch.save_file(case.value, path)


def plain_cases(folder):
    """State_dicts, models and checkpoints of a small network."""
    import pasted_net

    torch.manual_seed(1)
    net = pasted_net.Net()
    sd = net.state_dict()
    doubled = {f"module.{key}": value for key, value in sd.items()}
    optimizer = torch.optim.Adam(net.parameters())
    lightning = {
        "epoch": 1, "global_step": 10, "pytorch-lightning_version": "2.1.0", "state_dict": {f"model.{k}": v for k, v in sd.items()},
        "loops": {}, "callbacks": {"ModelCheckpoint{'monitor': 'v'}": {"best_model_score": torch.tensor(0.5)}},
        "optimizer_states": [optimizer.state_dict()], "lr_schedulers": [], "hyper_parameters": {"lr": 0.1},
    }  # fmt: skip
    yield "bare", Case(sd, sd)
    yield "module prefix", Case(doubled, sd)
    yield "compiled", Case({f"_orig_mod.{key}": value for key, value in sd.items()}, sd)
    yield "compiled around parallel", Case({f"_orig_mod.module.{key}": value for key, value in sd.items()}, sd)
    yield "parallel around compiled", Case({f"module._orig_mod.{key}": value for key, value in sd.items()}, sd)
    inner = {f"my_orig_mod.{key}": value for key, value in sd.items()}
    yield "a wrapper's name as part of another", Case({f"_orig_mod.{key}": value for key, value in inner.items()}, inner)
    yield "averaged", Case(torch.optim.swa_utils.AveragedModel(net).state_dict(), sd)
    yield "checkpoint", Case({"epoch": 3, "model_state_dict": sd, "optimizer_state_dict": optimizer.state_dict(), "loss": 0.5}, sd)
    yield "nested", Case({"a": {"b.c": [{"net": sd}]}, "a.b": 1}, sd)
    yield "ambiguous path", Case({"a": {"b": {"x": 1}}, "a.b": sd}, sd)
    yield "odd keys", Case({7: {'it\'s """\n': {b"__import__('os').abort()": {None: sd}}}}, sd)
    yield "empty key", Case({"": sd, "epoch": 1}, sd)
    yield "an attribute", Case(argparse.Namespace(net=argparse.Namespace(**{"two words": sd})), sd, needs="safe_globals")
    yield "list", Case([sd, sd], sd)
    yield "legacy", Case({"model": sd}, sd, "legacy")
    yield "protocol 4", Case({"model": sd}, sd, "protocol 4", "weights_only=False")
    yield "model", Case(net, sd, needs="safe_globals")
    yield "model in a checkpoint", Case({"model": net, "epoch": 1}, sd, needs="safe_globals")
    yield "legacy model", Case(net, sd, "legacy", "weights_only=False")
    yield "parallel model", Case(nn.DataParallel(net), sd, needs="safe_globals")
    holder = nn.Module()
    holder.model = net  # as DetectionModel of YOLO keeps its layers: the name is its own
    yield "model with a model inside", Case(nn.DataParallel(holder), holder.state_dict(), needs="safe_globals")
    yield "lightning", Case(lightning, sd)
    yield "optimizer", Case(optimizer.state_dict(), None)
    yield "tensor", Case(torch.ones(3), None)
    yield "script", Case(net, None, "script", "torch.jit.load")
    yield "export", Case(torch.export.export(net.body.eval(), (torch.zeros(1, 3, 4, 4),)), None, "export", "torch.export.load")
    yield "package", Case(net, None, "package", "importer.load_pickle('nets.small', 'net.pkl', map_location=\"cpu\")")
    yield "safetensors", Case(dict(sd), sd, "safetensors", "load_file")
    yield "safetensors with a prefix", Case(doubled, sd, "safetensors", "load_file")
    yield "taken names", Case({"a": pasted_net.torch(1, 1), "b": pasted_net.Linear(1, 1), "c": nn.Linear(1, 1)}, None, needs="safe_globals")
    yield "dict subclass", Case({"cfg": pasted_net.Config(lr=1), "model": sd}, sd, needs="weights_only=False")


def values_cases(folder):
    """A state_dict beside what else training scripts put into a checkpoint."""
    sd = nn.Linear(2, 2).state_dict()
    beside = {
        "numpy scalar": (np.float64(0.5), "safe_globals"),
        "numpy int": (np.int64(5), "safe_globals"),
        "numpy array": (np.arange(6, dtype="f4").reshape(2, 3), "safe_globals"),
        "numpy bool": (np.array([True, False]), "safe_globals"),
        "numpy text": (np.array(["a", "bc"]), "safe_globals"),
        "numpy bytes": (np.array([b"a"]), "safe_globals"),
        "numpy dates": (np.array(["2020-01-01"], dtype="M8[D]"), "safe_globals"),
        "numpy objects": (np.array([{"a": 1}, None], dtype=object), "safe_globals"),
        "numpy complex": (np.complex64(1j), "safe_globals"),
        "numpy record": (np.zeros(2, dtype=[("a", "f4"), ("b", "i8")]), "safe_globals"),
        "namespace": (argparse.Namespace(lr=0.1, nested=argparse.Namespace(a=(1, 2))), "safe_globals"),
        "path": (pathlib.Path("runs/1"), "safe_globals"),
        "pure path": (pathlib.PurePosixPath("a"), "safe_globals"),
        "filled defaultdict": (collections.defaultdict(list, {"a": [1]}), "weights_only=False"),
        "empty defaultdict": (collections.defaultdict(int), "safe_globals"),
        "counter": (collections.Counter("aab"), "weights_only=True"),
        "set": ({1, 2}, "weights_only=True"),
        "frozenset": (frozenset({1, 2}), "safe_globals"),
        "slice": (slice(1, 2), "safe_globals"),
        "deque": (collections.deque([1, 2]), "weights_only=False"),
        "decimal": (decimal.Decimal("0.1"), "safe_globals"),
        "date": (dt.datetime(2020, 1, 1, tzinfo=dt.UTC), "safe_globals"),
        "duration": (dt.timedelta(1), "safe_globals"),
        "dtype": (torch.bfloat16, "weights_only=True"),
        "device": (torch.device("cpu"), "weights_only=True"),
        "size": (torch.Size((1, 2)), "weights_only=True"),
        "generator": (torch.get_rng_state(), "weights_only=True"),
        "bytes": (b"\xff\x00", "weights_only=True"),
        "long bytes": (bytes(100_000), "weights_only=True"),
        "complex": (1j, "weights_only=True"),
    }
    for label, (value, needs) in beside.items():
        yield label, Case({"model": sd, "beside": value}, sd, needs=needs)


def resnet_cases(folder):
    """torchvision's resnet18 as people keep it."""
    models = import_torchvision().models
    sd = models.resnet18(weights=None).state_dict()
    seven = models.resnet18(weights=None, num_classes=7).state_dict()
    trunk = {key: value for key, value in sd.items() if not key.startswith("fc.")}
    deep = {**trunk, "fc.0.weight": torch.ones(9, 512), "fc.2.weight": torch.ones(4, 9)}
    wrong = {**trunk, "fc.weight": torch.ones(4, 9), "fc.bias": torch.ones(4)}
    half = {key: value.half() if value.is_floating_point() else value for key, value in sd.items()}
    segmenter = {f"backbone.{key}": value for key, value in trunk.items()} | {"decoder.weight": torch.ones(3, 3)}
    yield "resnet18", Case(sd, sd)
    yield "resnet18 with seven classes", Case({"net": seven}, seven)
    yield "resnet18 in half precision", Case(half, half)
    yield "resnet18 parallel", Case({"state_dict": {f"module.{k}": v for k, v in seven.items()}}, seven)
    yield "resnet18 compiled parallel", Case({f"_orig_mod.module.{k}": v for k, v in sd.items()}, sd)
    yield "resnet18 in lightning in parallel", Case({f"module.model.{k}": v for k, v in sd.items()}, sd)
    yield "resnet18 averaged", Case({"n_averaged": torch.tensor(3), **{f"module.{k}": v for k, v in sd.items()}}, sd)
    yield "resnet18 trunk", Case(trunk, trunk)
    yield "resnet18 with another head", Case(deep, deep)
    yield "resnet18 with a head that fits nothing", Case(wrong, trunk)
    yield "resnet18 as a backbone", Case(segmenter, trunk)
    yield "resnet18 safetensors", Case({k: v.contiguous() for k, v in seven.items()}, seven, "safetensors", "load_file")


def timm_cases(folder):
    """timm's models as people keep them."""
    import_torchvision()
    import timm

    torch.manual_seed(2)
    sd = timm.create_model("resnet10t", pretrained=False).state_dict()
    vit = timm.create_model("vit_tiny_patch16_224", pretrained=False, num_classes=7).state_dict()
    two_heads = timm.create_model("deit_tiny_distilled_patch16_224", pretrained=False, num_classes=7).state_dict()
    trunk = {key: value for key, value in vit.items() if not key.startswith("head.")}
    arch = {"arch": "resnet10t", "epoch": 4, "state_dict": sd, "args": argparse.Namespace(lr=0.1), "metric": 71.5}
    small = timm.create_model("vit_small_patch16_dinov3", pretrained=False, num_classes=5).state_dict()  # no head unless asked for
    yield "timm head on a model without one", Case({f"module.{k}": v for k, v in small.items()}, small)
    volo = timm.create_model("volo_d1_224", pretrained=False, num_classes=3).state_dict()
    yield "timm auxiliary head", Case(volo, volo)
    yield "timm resnet10t", Case(sd, sd)
    yield "timm checkpoint", Case(arch, sd, needs="safe_globals")
    yield "timm vit with seven classes in parallel", Case({"model": {f"module.{k}": v for k, v in vit.items()}}, vit)
    yield "timm two heads", Case(two_heads, two_heads)
    yield "timm trunk", Case(trunk, trunk)
    yield "timm safetensors", Case(dict(vit), vit, "safetensors", "load_file")


def ran_in(folder, *groups):
    """Every case: the lines, and what they made in one fresh process."""
    cases = {label: case for group in groups for label, case in group(folder)}
    lines = {}
    for number, (label, case) in enumerate(cases.items()):
        path = folder / f'it\'s "{number}".pt'
        saved(case, path)
        lines[label] = load_lines(open_checkpoint(path))
    (folder / "cases.json").write_text(json.dumps(lines))
    command = [sys.executable, "-m", "tests.checkpoint.loaded", str(folder / "cases.json")]
    env = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(folder)]), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    made = json.loads(done.stdout.splitlines()[-1])
    return {label: (case, lines[label], made[label]) for label, case in cases.items()}


@pytest.fixture(scope="module")
def ran(folder):
    return ran_in(folder, plain_cases, values_cases, resnet_cases)


@pytest.mark.slow
def test_that_the_lines_run_as_they_stand(ran):
    failed = {label: (lines, made["error"]) for label, (_, lines, made) in ran.items() if made["error"]}
    assert failed == {}


@pytest.mark.slow
def test_that_the_lines_give_the_weights_under_the_names_of_the_model(ran):
    for label, (case, lines, made) in ran.items():
        if case.expected is not None:
            assert made["state_dict"] == digests(case.expected), (label, lines)


@pytest.mark.slow
def test_that_each_file_is_loaded_the_safest_way_that_works(ran):
    different = {label: (case.needs, lines) for label, (case, lines, _) in ran.items() if case.needs not in lines}
    assert different == {}
    for label, (case, lines, _) in ran.items():
        assert ("weights_only=False" in lines) == (case.needs == "weights_only=False"), label
        assert ("safe_globals" in lines) == (case.needs == "safe_globals"), label


@pytest.mark.slow
def test_that_a_strict_load_is_promised_where_it_holds(ran):
    """The lines themselves raise where strict was promised and does not hold; where it would have held, it is promised."""
    for label, (_, lines, made) in ran.items():
        if label.startswith(("resnet18", "timm")):
            families = (
                ("dinov3", "Eva"),
                ("volo", "VOLO"),
                ("vit_", "VisionTransformer"),
                ("deit_", "VisionTransformerDistilled"),
                ("", "ResNet"),
            )
            assert made["model"] == next(built for word, built in families if word in lines)
            assert ("strict=False" in lines) == (made["strict"] != [[], []]), (label, lines)


@pytest.mark.slow
def test_that_the_class_count_of_the_file_is_built(ran):
    assert "num_classes=7" in ran["resnet18 with seven classes"][1]
    assert ran["resnet18 trunk"][2]["strict"] == [["fc.bias", "fc.weight"], []]
    assert ran["resnet18 with another head"][2]["strict"] == [["fc.bias", "fc.weight"], ["fc.0.weight", "fc.2.weight"]]
    assert ran["resnet18 as a backbone"][2]["strict"] == [["fc.bias", "fc.weight"], []]


@pytest.mark.slow
def test_that_a_model_of_timm_is_built_by_timm_with_the_classes_of_the_file(folder):
    pytest.importorskip("timm")
    ran = ran_in(folder, timm_cases)
    test_that_the_lines_run_as_they_stand(ran)
    test_that_the_lines_give_the_weights_under_the_names_of_the_model(ran)
    test_that_each_file_is_loaded_the_safest_way_that_works(ran)
    test_that_a_strict_load_is_promised_where_it_holds(ran)
    assert "timm.create_model('resnet10t', pretrained=False)\n" in ran["timm resnet10t"][1]
    assert "num_classes=5)\n" in ran["timm head on a model without one"][1]
    assert ran["timm auxiliary head"][2]["strict"] == [[], []]
    for label in ("timm vit with seven classes in parallel", "timm two heads", "timm safetensors"):
        assert "pretrained=False, num_classes=7)\n" in ran[label][1], label
        assert ran[label][2]["strict"] == [[], []], label
    assert ran["timm trunk"][2]["strict"] == [["head.bias", "head.weight"], []]


@pytest.mark.slow
def test_that_no_name_of_the_file_takes_over_one_of_ours(ran):
    _, lines, made = ran["taken names"]
    assert "from pasted_net import torch as pasted_net_torch, Linear\n" in lines
    assert "from torch.nn.modules.linear import Linear as torch_nn_modules_linear_Linear\n" in lines
    assert made["error"] is None
