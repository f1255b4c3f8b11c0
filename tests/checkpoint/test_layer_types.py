"""Inferred types against the true classes: never a wrong one, and few left open."""

import itertools
import time

import pytest
import torch
from torch import nn

from ptinspect.checkpoint.layer_types import inferred_types
from ptinspect.runner.operators import import_torchvision
from tests.checkpoint.layer_rows import batch_norm, conv, info, linear, named, norm, tensors_of, types

GENERAL = {"BatchNorm": ("BatchNorm", "SyncBatchNorm", "FrozenBatchNorm"), "InstanceNorm": ("InstanceNorm",), "Embedding": ("Embedding",)}


def holders(module):
    """The modules that hold tensors of their own, by path."""
    for path, part in module.named_modules():
        kept = [b for n, b in part.named_buffers(recurse=False) if n not in part._non_persistent_buffers_set]
        if kept or list(part.parameters(recurse=False)):
            yield path, part


def is_right(guess, module):
    names = [cls.__name__ for cls in type(module).__mro__]
    return guess in names or any(name.startswith(GENERAL.get(guess, ())) for name in names if guess in GENERAL)


def judged(module, with_versions=False):
    """Recognised modules, all that hold tensors, and the wrong guesses."""
    versions = {path: entry["version"] for path, entry in module.state_dict()._metadata.items()} if with_versions else None
    found = inferred_types(tensors_of(module), versions)
    parts = dict(holders(module))
    wrong = [
        (path, guess.type, type(parts.get(path)).__name__) for path, guess in found.items() if not is_right(guess.type, parts.get(path))
    ]
    return sum(path in found for path in parts), len(parts), wrong


# Modules of torch


def convolutions():
    channels = [
        (3, 64, 1),
        (1, 32, 1),
        (32, 64, 1),
        (64, 32, 1),
        (8, 8, 1),
        (8, 8, 8),
        (8, 8, 2),
        (8, 16, 4),
        (16, 8, 2),
        (8, 16, 8),
        (64, 3, 1),
    ]
    for dims, (ins, outs, groups), kernel, bias in itertools.product((1, 2, 3), channels, (1, 2, 3, 4, 7), (True, False)):
        yield getattr(nn, f"Conv{dims}d")(ins, outs, kernel, groups=groups, bias=bias)
        yield getattr(nn, f"ConvTranspose{dims}d")(ins, outs, kernel, groups=groups, bias=bias)


def others():
    for sizes, bias in itertools.product(((8, 4), (4, 8), (8, 8), (1, 1), (8, 1), (1, 8)), (True, False)):
        yield nn.Linear(*sizes, bias=bias)
        yield nn.Bilinear(*sizes, 7, bias=bias)
        yield nn.Bilinear(*sizes, 8, bias=bias)
        yield nn.Embedding(*sizes)
        yield nn.EmbeddingBag(*sizes)
    for bias in (True, False):
        yield from (nn.LayerNorm(shape, bias=bias) for shape in (8, (4, 8), (8, 8), (4, 8, 8), (3, 3, 3, 3)))
        yield nn.GroupNorm(2, 8, bias=bias)
        yield from (cls(5, 8, bias=bias) for cls in (nn.LSTMCell, nn.GRUCell, nn.RNNCell))
    yield from (nn.RMSNorm(shape) for shape in (8, (4, 8), (4, 8, 3), (8, 4, 3, 3)))
    yield nn.PReLU()
    yield nn.PReLU(8)
    yield nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5, 10])
    yield nn.LinearCrossEntropyLoss(4, 3)


def batch_norms():
    for dims, affine, tracks in itertools.product((1, 2, 3), (True, False), (True, False)):
        yield getattr(nn, f"BatchNorm{dims}d")(8, affine=affine, track_running_stats=tracks)
        if not (affine and tracks):  # stored like a BatchNorm, see norm_types
            yield getattr(nn, f"InstanceNorm{dims}d")(8, affine=affine, track_running_stats=tracks)
    yield nn.SyncBatchNorm(8)


def recurrent():
    for cls, bias, both, layers in itertools.product((nn.LSTM, nn.GRU, nn.RNN), (True, False), (True, False), (1, 2)):
        yield cls(5, 8, layers, bias=bias, bidirectional=both)
    yield from (cls(size, size) for cls, size in itertools.product((nn.LSTM, nn.GRU, nn.RNN), (1, 3, 4, 8)))
    yield nn.LSTM(5, 8, proj_size=4)
    yield nn.LSTM(5, 8, proj_size=1, num_layers=2, bidirectional=True)


def attentions():
    for options in ({}, {"bias": False}, {"kdim": 3, "vdim": 5}, {"add_bias_kv": True}):
        yield nn.MultiheadAttention(8, 2, **options)
    yield nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2, norm=nn.LayerNorm(8))
    yield nn.Transformer(8, 2, 1, 1, 16)
    yield nn.TransformerDecoderLayer(8, 2, 16, bias=False)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("place", ["0", "layer", "body.3", ""])
def test_that_no_module_of_torch_is_called_something_else(place):
    with torch.device("meta"):
        modules = [*convolutions(), *others(), *batch_norms(), *recurrent(), *attentions()]
    for module in modules:
        holder = module
        for step in reversed(place.split(".") if place else []):
            outer = nn.Module()
            outer.add_module(step, holder)
            holder = outer
        for with_versions in (False, True):
            _, _, wrong = judged(holder, with_versions)
            assert wrong == [], (place, module)


@pytest.mark.filterwarnings("ignore")
def test_that_what_only_one_module_can_be_is_recognised():
    with torch.device("meta"):
        modules = [*recurrent(), *attentions()]
        modules += [
            nn.Linear(4, 8),
            nn.Linear(8, 8),
            nn.BatchNorm2d(8),
            nn.LayerNorm((4, 8)),
            nn.Conv2d(3, 64, 7),
            nn.ConvTranspose2d(64, 32, 4),
        ]
        modules += [
            nn.LSTMCell(3, 4),
            nn.GRUCell(3, 4, bias=False),
            nn.RNNCell(3, 4),
            nn.Sequential(nn.PReLU()),
            nn.Conv3d(6, 8, 3, groups=2),
        ]
        modules += [nn.ConvTranspose1d(4, 8, 3), nn.ConvTranspose3d(8, 16, 2, groups=2)]
    left_open = [(str(m), p) for m in modules for p, part in holders(m) if p not in inferred_types(tensors_of(m)) and not bare(part)]
    assert left_open == []


def bare(part):
    return type(part) in (nn.LayerNorm, nn.Linear) and part.bias is None


def test_that_sizes_which_fit_both_ways_are_left_open():
    for rows in (
        [("0.weight", 8, 8, 3, 3), ("0.bias", 8)],
        [("0.weight", 8, 4, 3, 3)],
        [("0.weight", 8, 1, 4, 4), ("0.bias", 8)],
        [("mask.conv5_mask.weight", 256, 256, 2, 2), ("mask.conv5_mask.bias", 256)],
        [("up.weight", 64, 64, 4, 4)],
        [("0.weight", 10, 4)],
        [("0.weight", 7, 5, 6), ("0.bias", 7)],
        [("0.weight", 8), ("0.bias", 8)],
        [("0.weight", 8)],
        [("ln.weight", 8)],
        [("scale.weight", 0), ("c.weight", 0, 3, 3, 3), ("d.weight",)],
        [("x.weight", 8, 4), ("x.bias", 9)],
        [("x.weight", 8, 4), ("x.bias", 8), ("x.mask", 8, 4)],
    ):
        assert named(types(*rows)) == {}, rows


# Networks of torchvision


def torchvision_models(names):
    library = import_torchvision()
    for name in names:
        with torch.device("meta"):
            try:
                options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
                model = library.models.get_model(name, weights=None, **options)
            except NotImplementedError:  # regnets compute their widths with tensors
                continue
        yield name, model


def shares(names, with_versions=False):
    found = {}
    for name, model in torchvision_models(names):
        recognised, total, wrong = judged(model, with_versions)
        assert wrong == [], name
        found[name] = (recognised, total)
    return found


SOME = """alexnet convnext_tiny densenet121 efficientnet_b0 efficientnet_v2_s googlenet inception_v3 maxvit_t mnasnet1_0 mobilenet_v2
mobilenet_v3_large resnet18 resnet50 resnext50_32x4d shufflenet_v2_x1_0 squeezenet1_1 swin_t swin_v2_t vgg11 vgg11_bn vit_b_32""".split()


@pytest.mark.filterwarnings("ignore")
def test_that_nine_in_ten_layers_of_torchvision_are_recognised_and_none_wrongly():
    found = shares(SOME)
    recognised, total = (sum(column) for column in zip(*found.values(), strict=True))
    print(f"{recognised} of {total} modules of {len(found)} models: {recognised / total:.1%}")
    assert recognised >= 0.9 * total
    for name in ("resnet18", "resnet50", "vgg11_bn", "densenet121", "mobilenet_v2", "efficientnet_b0", "alexnet", "squeezenet1_1"):
        assert found[name][0] == found[name][1], name


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("with_versions", [False, True])
def test_that_no_classifier_of_torchvision_is_misread(with_versions):
    import_torchvision()
    from torchvision import models

    found = shares(models.list_models(module=models), with_versions)
    recognised, total = (sum(column) for column in zip(*found.values(), strict=True))
    print(f"{recognised} of {total} modules of {len(found)} models: {recognised / total:.1%}")
    assert recognised >= 0.9 * total


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_that_no_model_of_timm_is_misread():
    timm = pytest.importorskip("timm")
    wrong, recognised, total = [], 0, 0
    for name in timm.list_models()[::12]:
        try:
            with torch.device("meta"):
                model = timm.create_model(name, pretrained=False)
        except (RuntimeError, NotImplementedError):  # some cannot be built without data
            continue
        some, every, misread = judged(model)
        recognised, total = recognised + some, total + every
        wrong += [(name, *what) for what in misread]
    print(f"{recognised} of {total} modules: {recognised / total:.1%}")
    assert wrong == []
    assert recognised >= 0.75 * total


def test_that_the_batch_norm_after_a_convolution_has_its_dimensions():
    found = named(types(*conv("conv1", 64, 3, 7, 7), *batch_norm("bn1", 64), *conv("next.0", 8, 64, 3), *batch_norm("next.1", 8)))
    assert found == {"conv1": "Conv2d", "bn1": "BatchNorm2d", "next.0": "Conv1d", "next.1": "BatchNorm1d"}
    found = named(types(("0.weight", 16, 4), ("0.bias", 16), *batch_norm("1", 16), *batch_norm("5", 16)))
    assert found == {"0": "Linear", "1": "BatchNorm1d", "5": "BatchNorm"}


def test_that_frozen_batch_norms_keep_their_dimensions_to_themselves():
    rows = [row for row in batch_norm("bn1", 64) if not row[0].endswith("tracked")]
    assert named(types(*conv("conv1", 64, 3, 7, 7), *rows))["bn1"] == "BatchNorm"


# Bounds


def test_that_hostile_names_and_sizes_cost_little_and_raise_nothing():
    deep = "a." * 100_000 + "weight"
    wide = "x" * 10**6
    rows = [
        info(deep, (1, 2)),
        info(wide + ".weight", (1, 2)),
        info("", (3, 3)),
        info(".", (3,)),
        info("..weight", (3, 4)),
        info("9" * 999 + ".weight", (1,)),
    ]
    rows += [info("²³.weight", (3, 3, 3, 3)), info("1.weight", (-1, 0)), info("2.weight", (10**30, 10**30)), info("2.bias", (10**30,))]
    rows += [info("l.weight_ih_l0", ()), info("l.weight_hh_l0", ()), info("c.weight_ih", (0, 0)), info("c.weight_hh", (0, 0))]
    assert named(inferred_types(rows)) == {"2": "Linear"}


def test_that_a_hundred_thousand_layers_cost_what_their_number_does():
    rows = [info(f"encoder.layers.{i // 10}.block.{i % 10}.weight", (4, 2)) for i in range(20_000)]
    started = time.process_time()
    assert inferred_types(rows) == {}
    assert time.process_time() - started < 2


def test_that_guesses_come_with_reasons():
    found = types(*linear("fc", 4, 8), *norm("ln", 8))
    assert found["fc"].because == "weight (8, 4) and bias (8,)"
    assert "name" in found["ln"].because
