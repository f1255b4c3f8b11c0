"""A pickled module without its pickle: the same outputs as torch's own, and nothing that could be a program gets onto a class."""

from __future__ import annotations

import functools
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.errors import ArchitectureUnknown
from ptinspect.runner import factories
from ptinspect.runner.operators import import_torchvision
from ptinspect.runner.rebuilt import rebuilt

IMAGE = (2, 3, 32, 32)


def back(model: object, path: Path, **options: Any) -> nn.Module:
    """The model of a file that torch.save wrote."""
    torch.save(model, path, **options)
    checkpoint = open_checkpoint(path)
    assert checkpoint.main is not None
    return rebuilt(checkpoint, checkpoint.main)


def outputs(module: nn.Module, *inputs: torch.Tensor) -> list[torch.Tensor]:
    torch.manual_seed(0)
    with torch.no_grad():
        found = module(*inputs)
    todo, flat = [found], []
    while todo:
        one = todo.pop()
        todo.extend(one.values() if isinstance(one, dict) else one) if isinstance(one, (tuple, list, dict)) else flat.append(one)
    return [one for one in flat if isinstance(one, torch.Tensor)]


def assert_same(one: nn.Module, other: nn.Module, *inputs: torch.Tensor) -> None:
    assert type(one) is type(other)
    assert str(one) == str(other)
    assert [module.training for module in one.modules()] == [module.training for module in other.modules()]
    assert list(one.state_dict()) == list(other.state_dict())
    assert [p.requires_grad for p in one.parameters()] == [p.requires_grad for p in other.parameters()]
    for mine, theirs in zip(outputs(one, *inputs), outputs(other, *inputs), strict=True):
        assert torch.equal(torch.nan_to_num(mine), torch.nan_to_num(theirs))


class Shapes:
    """Inputs by their usual shapes."""

    vector, image, sequence, volume, tokens = (4, 8), (2, 4, 8, 8), (2, 6, 8), (1, 2, 6, 6, 6), (3, 5)


def net(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers)


SIMPLE = "ELU CELU SELU GELU SiLU Mish Hardswish Tanh Softsign LeakyReLU PReLU RReLU Softplus"
NETWORKS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "mlp": (lambda: net(nn.Linear(8, 6), nn.ReLU(inplace=True), nn.Dropout(0.2), nn.Linear(6, 2), nn.LogSoftmax(dim=1)), Shapes.vector),
    "activations": (lambda: net(*(getattr(nn, name)() for name in SIMPLE.split())), Shapes.vector),
    "convolutions": (
        lambda: net(nn.Conv2d(4, 8, 3, padding=1, padding_mode="reflect", groups=2), nn.BatchNorm2d(8), nn.ReLU6(), nn.MaxPool2d(2),
                    nn.ConvTranspose2d(8, 4, 2, stride=2, bias=False), nn.GroupNorm(2, 4), nn.AdaptiveAvgPool2d(2), nn.Flatten()),
        Shapes.image,
    ),
    "volumes": (lambda: net(nn.Conv3d(2, 3, 3), nn.InstanceNorm3d(3, affine=True), nn.AvgPool3d(2)), Shapes.volume),
    "one dimension": (
        lambda: net(nn.Conv1d(6, 4, 3, dilation=2), nn.BatchNorm1d(4), nn.ReflectionPad1d(1), nn.LPPool1d(2, 2)), Shapes.sequence,
    ),
    "shuffled": (
        lambda: net(nn.PixelShuffle(2), nn.PixelUnshuffle(2), nn.ChannelShuffle(2), nn.Upsample(scale_factor=2, mode="bilinear"),
                    nn.ZeroPad2d(1), nn.Softmax2d(), nn.LocalResponseNorm(2)),
        Shapes.image,
    ),
    "lstm": (lambda: nn.LSTM(8, 5, 2, batch_first=True, bidirectional=True, proj_size=3), Shapes.sequence),
    "gru": (lambda: nn.GRU(8, 5, batch_first=True, bias=False), Shapes.sequence),
    "rnn": (lambda: nn.RNN(8, 5, nonlinearity="relu"), Shapes.sequence),
    "cells": (lambda: nn.GRUCell(8, 3), Shapes.vector),
    "encoder": (
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True), 2), Shapes.sequence,
    ),
    "encoder with relu": (lambda: nn.TransformerEncoderLayer(8, 2, 16, activation=torch.relu), Shapes.sequence),
    "encoder with a module": (lambda: nn.TransformerEncoderLayer(8, 2, 16, activation=nn.SiLU()), Shapes.sequence),
    "norms": (lambda: net(nn.LayerNorm(8), nn.RMSNorm(8), nn.LayerNorm(8, elementwise_affine=False), nn.Identity()), Shapes.sequence),
}  # fmt: skip


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("name", NETWORKS)
def test_that_it_answers_as_torchs_own(name: str, mode: str, tmp_path: Path) -> None:
    make, shape = NETWORKS[name]
    model = make().train(mode == "train")
    assert_same(back(model, tmp_path / "net.pt"), model, torch.rand(shape))


WAYS: dict[str, dict[str, Any]] = {
    "protocol 2": {"pickle_protocol": 2},
    "protocol 1": {"pickle_protocol": 1},
    "protocol 1, legacy": {"pickle_protocol": 1, "_use_new_zipfile_serialization": False},
    "protocol 4": {"pickle_protocol": 4},
    "protocol 5": {"pickle_protocol": 5},
    "legacy": {"_use_new_zipfile_serialization": False},
}


@pytest.mark.parametrize("way", WAYS)
def test_that_it_does_so_by_every_way_of_saving(way: str, tmp_path: Path) -> None:
    model = net(nn.Embedding(9, 8, padding_idx=0), nn.LSTM(8, 4), nn.Identity()).eval()
    model[0].weight.requires_grad_(False)
    found = back(model, tmp_path / "net.pt", **WAYS[way])
    assert isinstance(found, nn.Sequential)
    assert_same(found[:2], model[:2], torch.randint(9, Shapes.tokens))


def test_that_embeddings_of_bags_and_lists_come_back(tmp_path: Path) -> None:
    model = nn.ModuleDict({"bag": nn.EmbeddingBag(9, 4, mode="sum"), "list": nn.ModuleList([nn.Linear(4, 2)])})
    model["more"] = nn.ParameterList([nn.Parameter(torch.rand(3)), torch.rand(2)])
    model["named"] = nn.ParameterDict({"a": nn.Parameter(torch.rand(1))})
    found = back(model, tmp_path / "net.pt")
    assert str(found) == str(model)
    assert torch.equal(found["bag"](torch.ones(2, 3, dtype=torch.long)), model["bag"](torch.ones(2, 3, dtype=torch.long)))
    assert [type(one) for one in found["more"]] == [nn.Parameter, nn.Parameter]
    assert torch.equal(found["named"]["a"], model["named"]["a"])


SMALL = ["squeezenet1_1", "mobilenet_v3_small"]
HEAVY = ["shufflenet_v2_x0_5", "resnet18", "mnasnet0_5", "regnet_x_400mf",
         "densenet121", "googlenet", "inception_v3", "efficientnet_b0", "convnext_tiny", "swin_t", "swin_v2_t", "vit_b_16", "raft_small",
         "fcos_resnet50_fpn", "ssdlite320_mobilenet_v3_large", "lraspp_mobilenet_v3_large", "deeplabv3_mobilenet_v3_large", "r3d_18",
         "fasterrcnn_mobilenet_v3_large_320_fpn", "maskrcnn_resnet50_fpn_v2", "keypointrcnn_resnet50_fpn", "retinanet_resnet50_fpn", "s3d",
         "alexnet", "vgg11", "maxvit_t", "mvit_v1_b", "swin3d_t", "mobilenet_v2", "wide_resnet50_2", "efficientnet_v2_s"]  # fmt: skip


@pytest.mark.parametrize("name", SMALL)
def test_that_torchvisions_models_come_back(name: str, tmp_path: Path) -> None:
    model = factories.build("torchvision", name, device="cpu").eval()
    assert_same(back(model, tmp_path / "net.pt"), model, torch.rand(IMAGE))


@pytest.mark.slow
@pytest.mark.parametrize("name", HEAVY)
def test_that_torchvisions_heavy_models_come_back(name: str, tmp_path: Path) -> None:
    model = factories.build("torchvision", name, device="cpu").eval()
    found = back(model, tmp_path / "net.pt")
    assert str(found) == str(model)
    mine, theirs = found.state_dict(), model.state_dict()
    assert list(mine) == list(theirs)
    assert all(torch.equal(torch.nan_to_num(mine[key]), torch.nan_to_num(theirs[key])) for key in mine)
    if hasattr(model, "backbone"):  # what follows it in a detector needs torchvision's compiled half, which may not load
        assert_same(found.backbone, model.backbone, torch.rand(1, 3, 64, 64))


def test_that_a_shared_layer_stays_one_and_a_tied_weight_too(tmp_path: Path) -> None:
    shared = nn.Linear(4, 4)
    model = nn.ModuleDict({"a": shared, "b": shared, "embed": nn.Embedding(5, 4), "out": nn.Linear(4, 5, bias=False)})
    model["out"].weight = model["embed"].weight
    found = back(model, tmp_path / "net.pt")
    assert found["a"] is found["b"]
    assert found["out"].weight is found["embed"].weight
    assert len(list(found.parameters())) == len(list(model.parameters()))


def test_that_buffers_that_no_state_dict_holds_come_back(tmp_path: Path) -> None:
    model = nn.Linear(2, 2)
    model.register_buffer("mask", torch.ones(2), persistent=False)
    model.register_buffer("nothing", None)
    found = back(model, tmp_path / "net.pt")
    assert torch.equal(found.mask, torch.ones(2))
    assert list(found.state_dict()) == ["weight", "bias"]
    assert found.nothing is None


AROUND = [nn.DataParallel, torch.optim.swa_utils.AveragedModel, lambda model: nn.DataParallel(nn.DataParallel(model))]


@pytest.mark.parametrize("wrapped", AROUND)
def test_that_what_training_puts_around_a_model_is_left_away(wrapped: Any, tmp_path: Path) -> None:
    model = nn.Linear(3, 2)
    assert_same(back(wrapped(model), tmp_path / "net.pt"), model, torch.rand(2, 3))


def test_that_a_model_inside_a_checkpoint_comes_back(tmp_path: Path) -> None:
    model = net(nn.Linear(3, 2))
    assert_same(back({"epoch": 3, "model": model, "ema": net(nn.Linear(3, 9))}, tmp_path / "net.pt"), model, torch.rand(2, 3))


def test_that_states_of_older_versions_are_completed(tmp_path: Path) -> None:
    """As the library itself does when it unpickles them."""
    model = net(nn.Conv2d(4, 2, 3), nn.Upsample(scale_factor=2), nn.ReLU())
    del model[0].padding_mode
    del model[1].recompute_scale_factor
    vars(model[2]).update(threshold=0, value=0)
    for layer in model:
        del layer._non_persistent_buffers_set
    found = back(model, tmp_path / "net.pt")
    del model[2].threshold, model[2].value
    assert found[0].padding_mode == "zeros"
    assert not hasattr(found[2], "threshold")
    assert found(torch.rand(Shapes.image)).shape == (2, 2, 12, 12)


def evil(*_: object) -> None:
    raise AssertionError("it ran")


class Fake(nn.Linear):
    """Somebody's own class."""


class Reduced:
    """Pickles as a call."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call


def with_state(**changes: object) -> nn.Module:
    model = net(nn.Linear(3, 2), nn.ReLU())
    vars(model[0]).update(changes)
    return model


def hooked(name: str) -> nn.Module:
    model = net(nn.Linear(3, 2))
    vars(model[0])[name] = OrderedDict({0: len})
    return model


def in_holder(holder: str, name: object, value: object) -> nn.Module:
    model = net(nn.Linear(3, 2))
    vars(model[0])[holder] = {**vars(model[0])[holder], name: value}
    return model


def cyclic() -> nn.Module:
    model = net(nn.Linear(3, 2))
    model._modules["1"] = model
    return model


HOSTILE: dict[str, tuple[Any, str]] = {
    "forward set": (lambda: with_state(forward=evil), "forward is set"),
    "forward set to a known function": (lambda: with_state(forward=torch.nn.functional.relu), "forward is set"),
    "forward set to a number": (lambda: with_state(forward=1), "forward is set"),
    "a method shadowed": (lambda: with_state(extra_repr="x"), "extra_repr is set"),
    "__class__": (lambda: with_state(__class__=1), "__class__ is set"),
    "__setattr__": (lambda: with_state(__setattr__=evil), "__setattr__ is set"),
    "__call__": (lambda: with_state(__call__=evil), "__call__ is set"),
    "__setstate__": (lambda: with_state(__setstate__=evil), "__setstate__ is set"),
    "__dict__": (lambda: with_state(__dict__={}), "__dict__ is set"),
    "_call_impl": (lambda: with_state(_call_impl=evil), "_call_impl is set"),
    "an unknown attribute": (lambda: with_state(note="hello"), "note is set, which a Linear does not have"),
    "an attribute of another class": (lambda: with_state(padding_mode="zeros"), "padding_mode is set"),
    "a property": (lambda: nn.ModuleList([changed(nn.LSTM(2, 2), all_weights=[])]), "all_weights is set"),
    "a callable attribute": (lambda: with_state(in_features=evil), "something that can be called"),
    "a known function in a foreign place": (lambda: with_state(in_features=torch.nn.functional.relu), "can be called"),
    "a class as an attribute": (lambda: with_state(in_features=nn.Linear), "can be called"),
    "a partial": (lambda: with_state(in_features=functools.partial(print, 1)), "functools.partial"),
    "a call in an attribute": (lambda: with_state(in_features=Reduced(evil, ())), "made by a call of"),
    "a call in a list": (lambda: with_state(in_features=[Reduced(evil, ())]), "made by a call of"),
    "a key that is a call": (lambda: with_state(in_features={Reduced(evil, ()): 1}), "keys that are neither"),
    "an activation of one's own": (lambda: changed(nn.TransformerEncoderLayer(4, 2), activation=evil), "can be called"),
    "an activation by getattr": (
        lambda: changed(nn.TransformerEncoderLayer(4, 2), activation=Reduced(getattr, (torch._C._VariableFunctionsClass, "from_file"))),
        "made by a call of",
    ),
    "an activation by getattr of something else": (
        lambda: changed(nn.TransformerEncoderLayer(4, 2), activation=Reduced(getattr, (nn.Module, "relu"))),
        "made by a call of",
    ),
    "a byte string": (lambda: with_state(in_features=b"x" * 9), "_codecs.encode"),
    "a long number": (lambda: with_state(in_features=1 << 100), "unusual"),
    "training is no bool": (lambda: with_state(training=evil), "can be called"),
    "a module as a parameter": (lambda: in_holder("_parameters", "weight", nn.Linear(1, 1)), "made by a call"),
    "a call as a buffer": (lambda: in_holder("_buffers", "x", Reduced(evil, ())), "made by a call"),
    "a function as a module": (lambda: in_holder("_modules", "x", evil), "can be called"),
    "a tensor as a module": (lambda: in_holder("_modules", "x", torch.ones(1)), "_rebuild_tensor"),
    "a module called forward": (lambda: in_holder("_modules", "forward", nn.Linear(1, 1)), "forward is a name"),
    "a buffer called __class__": (lambda: in_holder("_buffers", "__class__", torch.ones(1)), "__class__ is a name"),
    "a parameter with a dot": (lambda: in_holder("_parameters", "a.b", nn.Parameter(torch.ones(1))), "a.b is a name"),
    "a parameter without a text": (lambda: in_holder("_parameters", 3, nn.Parameter(torch.ones(1))), "3 is a name"),
    "a module that holds itself": (cyclic, "holds itself"),
    "old weight norm": (lambda: net(nn.utils.weight_norm(nn.Linear(3, 2))), "hooks"),
    "a class of one's own": (lambda: net(Fake(3, 2)), "Fake is none of torch's"),
    "a lazy layer": (lambda: net(nn.LazyLinear(3)), "LazyLinear is not built yet"),
    "a quantized layer": (lambda: net(torch.ao.nn.quantized.Linear(3, 2)), "quantized"),
    "a maker of one's own": (lambda: changed(resnet(), _norm_layer=evil), "can be called"),
}


def changed(model: nn.Module, **changes: object) -> nn.Module:
    vars(model).update(changes)
    return model


def resnet() -> nn.Module:
    return import_torchvision().models.resnet.ResNet(import_torchvision().models.resnet.BasicBlock, [1, 1, 1, 1])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", HOSTILE)
def test_that_a_state_that_is_a_program_is_refused(name: str, tmp_path: Path) -> None:
    make, words = HOSTILE[name]
    with pytest.raises(ArchitectureUnknown, match=words) as caught:
        back(make(), tmp_path / "net.pt")
    assert "--trust" in caught.value.hint
    assert "--model" in caught.value.hint


@pytest.mark.parametrize("hook", sorted(key for key in vars(nn.Module()) if key.endswith(("hooks", "_kwargs", "_called"))))
def test_that_hooks_of_any_kind_are_refused(hook: str, tmp_path: Path) -> None:
    with pytest.raises(ArchitectureUnknown, match="hooks"):
        back(hooked(hook), tmp_path / "net.pt")


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def holder(extra: bytes = b"") -> bytes:
    """The state of a module, written by hand."""
    pairs = b"".join(text(key) + b"}" for key in ("_parameters", "_buffers", "_modules"))
    return b"}(" + text("training") + b"\x88" + pairs + extra + b"u"


def by_hand(cls: bytes, state: bytes, after: bytes = b"") -> bytes:
    return b"\x80\x04" + cls + b")\x81" + state + b"b" + after + b"."


def stacked(module: str, name: str) -> bytes:
    return text(module) + text(name) + b"\x93"


WRITTEN: dict[str, tuple[bytes, str]] = {
    "a method as a class": (by_hand(b"ctorch.nn.modules.linear\nLinear.__init__\n", holder()), "Linear.__init__ is none"),
    "apply as a class": (by_hand(b"ctorch.nn\nModule.apply\n", holder()), "torch.nn.Module.apply is none"),
    "a public short name": (by_hand(b"ctorch.nn\nLinear\n", holder()), "torch.nn.Linear is none"),
    "a name through a module": (by_hand(stacked("torch.nn.modules.linear", "torch.load"), holder()), "linear.torch.load is none"),
    "a name through a class": (by_hand(stacked("torch.nn.modules.linear", "Linear.__class__"), holder()), "Linear.__class__ is none"),
    "something of Python's": (by_hand(b"cos\nsystem\n", holder()), "os.system is none"),
    "a class that is called": (b"\x80\x04ctorch.nn.modules.linear\nLinear\nK\x02K\x02\x86R" + holder() + b"b.", "made by a call"),
    "arguments for __new__": (b"\x80\x04ctorch.nn.modules.linear\nIdentity\nK\x02\x85\x81" + holder() + b"b.", "made by a call"),
    "two states": (by_hand(b"ctorch.nn.modules.linear\nIdentity\n", holder(), holder() + b"b"), "not pickled as torch"),
    "a state with slots": (by_hand(b"ctorch.nn.modules.linear\nIdentity\n", holder() + b"}(" + text("x") + b"K\x01u\x86"), "as torch"),
    "items set on it": (by_hand(b"ctorch.nn.modules.linear\nIdentity\n", holder(), text("a") + b"K\x01s"), "not pickled as torch"),
    "no holders": (by_hand(b"ctorch.nn.modules.linear\nIdentity\n", b"}(" + text("_modules") + b"}u"), "is not whole"),
    "a key that is no text": (by_hand(b"ctorch.nn.modules.linear\nIdentity\n", holder(b"K\x01K\x01")), "name is no text"),
    "a key twice": (by_hand(b"ctorch.nn.modules.linear\nIdentity\n", holder(text("training") + b"cos\nsystem\n")), "can be called"),
    "an engine of one's own": (
        by_hand(b"ctorch.nn.modules.linear\nIdentity\n", holder(text("_backend") + b"cos\ngetcwd\n)R")), "what no module holds there",
    ),
    "hooks that are no mapping": (
        by_hand(b"ctorch.nn.modules.linear\nIdentity\n", holder(text("_forward_hooks") + b"cos\ngetcwd\n)R")), "hooks",
    ),
    "copyreg with another base": (
        b"\x80\x02ccopyreg\n_reconstructor\nctorch.nn.modules.linear\nIdentity\nc__builtin__\ndict\nN\x87R" + holder() + b"b.",
        "_reconstructor",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_that_a_pickle_written_by_hand_is_refused(name: str, tmp_path: Path) -> None:
    payload, words = WRITTEN[name]
    (tmp_path / "net.pkl").write_bytes(payload)
    checkpoint = open_checkpoint(tmp_path / "net.pkl")
    assert checkpoint.main is not None
    with pytest.raises(ArchitectureUnknown, match=words):
        rebuilt(checkpoint, checkpoint.main)


def test_that_one_written_by_hand_as_torch_would_is_not(tmp_path: Path) -> None:
    """Torch before 1.2 also named the engine that it computed with."""
    engine = holder(text("_backend") + b"ctorch.nn.backends.thnn\n_get_thnn_function_backend\n)R")
    (tmp_path / "net.pkl").write_bytes(by_hand(b"ctorch.nn.modules.linear\nIdentity\n", engine))
    checkpoint = open_checkpoint(tmp_path / "net.pkl")
    assert checkpoint.main is not None
    assert type(rebuilt(checkpoint, checkpoint.main)) is nn.Identity


def test_that_modules_without_end_are_refused(tmp_path: Path) -> None:
    model: nn.Module = nn.Identity()
    for _ in range(150):
        model = nn.Sequential(model)
    with pytest.raises(ArchitectureUnknown, match="deeper"):
        back(model, tmp_path / "net.pt")
