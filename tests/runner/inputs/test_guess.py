from __future__ import annotations

import importlib.util
import warnings

import pytest

pytest.importorskip("torch")

import torch
from torch import nn
from torch.nn import functional

from ptinspect.errors import InputDoesNotFit
from ptinspect.runner.inputs.guess import guess, guessed, trial_of
from ptinspect.runner.inputs.probing import tried

needs_torchvision = pytest.mark.skipif(importlib.util.find_spec("torchvision") is None, reason="torchvision is not installed")


class LeNet(nn.Module):
    def __init__(self, channels=1, features=256, fold=False):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(channels, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc = nn.Linear(features, 10)
        self.features, self.fold = features, fold

    def forward(self, x):
        x = functional.max_pool2d(self.conv2(functional.max_pool2d(self.conv1(x), 2)), 2)
        return self.fc(x.view(-1, self.features) if self.fold else torch.flatten(x, 1))


def scripted(module):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would rather have it exported
        return torch.jit.script(module)


class Bags(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.fc = nn.EmbeddingBag(500, 16), nn.Linear(16, 4)

    def forward(self, text, offsets):
        return self.fc(self.embedding(text, offsets))


class Packed(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.lstm, self.fc = nn.Embedding(500, 16), nn.LSTM(16, 8, batch_first=True), nn.Linear(8, 4)

    def forward(self, text, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(self.embedding(text), lengths, batch_first=True, enforce_sorted=False)
        return self.fc(self.lstm(packed)[1][0][-1])


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.time, self.first, self.last = nn.Linear(1, 8), nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 3, 3, padding=1)

    def forward(self, x, t):
        return self.last(self.first(x) + self.time(t.float()[:, None])[:, :, None, None])


class PictureAndTable(nn.Module):
    def __init__(self):
        super().__init__()
        self.picture = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.table, self.fc = nn.Linear(7, 8), nn.Linear(16, 2)

    def forward(self, image, table):
        return self.fc(torch.cat([self.picture(image), self.table(table)], 1))


class Ratings(nn.Module):
    def __init__(self):
        super().__init__()
        self.user, self.item, self.fc = nn.Embedding(100, 8), nn.Embedding(50, 8), nn.Linear(16, 1)

    def forward(self, user, item):
        return self.fc(torch.cat([self.user(user), self.item(item)], -1))


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.places, self.head = nn.Embedding(1000, 32), nn.Embedding(24, 32), nn.Linear(32, 1000)

    def forward(self, tokens, targets=None):
        return self.head(self.words(tokens) + self.places(torch.arange(tokens.shape[1])))


class Transformers(nn.Module):
    """What models of the transformers library have in common: a main input, a config, and defaults for everything."""

    main_input_name = "input_ids"

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(300, 8)

    def forward(self, input_ids=None, attention_mask=None):
        return {"logits": self.embedding(input_ids)}


@pytest.mark.parametrize(
    ("module", "specs"),
    [
        (LeNet(), ("random:1x28x28",)),
        (LeNet(fold=True), ("random:1x28x28",)),
        (LeNet(features=400), ("random:1x32x32",)),
        (LeNet(3, 400, fold=True), ("random:3x32x32",)),
        (LeNet(3, 16 * 11 * 11), ("random:3x56x56",)),
        (scripted(LeNet(features=400)), ("random:1x32x32",)),
        (nn.DataParallel(LeNet()), ("random:1x28x28",)),
        (nn.Sequential(nn.Conv2d(3, 64, 7, stride=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)), ("random:3x224x224",)),
        (nn.Sequential(nn.Conv1d(1, 8, 5, stride=2), nn.Flatten(), nn.Linear(8 * 92, 5)), ("random:1x187",)),
        (nn.Conv3d(1, 8, 3), ("random:1x16x112x112",)),
        (nn.Sequential(nn.ConvTranspose2d(100, 8, 4)), ("random:100x1x1",)),
        (nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), ("random:784",)),
        (nn.LSTM(12, 4), ("random:16x12",)),
        (nn.GRU(28, 4, batch_first=True), ("random:16x28",)),
        (nn.TransformerEncoderLayer(32, 4), ("random:16x32",)),
        (nn.Transformer(64, 4, 1, 1, batch_first=True), ("random:16x64", "random:16x64")),
        (nn.Bilinear(4, 5, 6), ("random:4", "random:5")),
        (Bags(), ("tokens:16:500",)),
        (Packed(), ("tokens:64:500",)),
        (Gpt(), ("tokens:16:1000",)),
        (Ratings(), ("tokens:scalar:100", "tokens:scalar:50")),
        (Denoiser(), ("random:3x224x224", "tokens:scalar:1000")),
        (PictureAndTable(), ("random:3x224x224", "random:7")),
        (Transformers(), ("input_ids=tokens:64:300",)),
    ],
)
def test_that_the_guess_is_taken_by_the_model(module, specs):
    found = guess(module)
    assert found.specs == specs
    assert found.confirmed
    assert trial_of(module, specs).result == "fits"


def test_that_a_network_that_takes_nothing_says_what_was_tried():
    with pytest.raises(InputDoesNotFit) as caught:
        guessed(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(10, 2)))
    assert "random:3x224x224" in caught.value.message
    assert "--input" in caught.value.hint


def test_that_an_example_is_turned_into_specs():
    example = ((torch.rand(2, 3, 8, 8), torch.tensor([[1, 7]])), {"mask": torch.ones(2, 4, dtype=torch.bool)})
    assert guessed(nn.ReLU(), None, example) == ("random:3x8x8", "tokens:2:8", "mask=random:4:bool")


def test_that_an_exported_graph_tells_its_shapes():
    exported = torch.fx.symbolic_trace(LeNet())
    next(iter(exported.graph.nodes)).meta["val"] = torch.empty(3, 1, 28, 30)
    assert guessed(exported) == ("random:1x28x30",)


def test_that_a_trial_leaves_the_model_as_it_was():
    module = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 2)).train()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    given, state = torch.rand(2, 4), torch.get_rng_state()
    assert tried(module, [given]).result == "fits"
    assert all(part.training for part in module.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.slow  # torch imports for a second what it computes shapes with
def test_that_a_model_without_memory_is_tried_as_well():
    with torch.device("meta"):
        module = LeNet(features=400)
    assert guessed(module) == ("random:1x32x32",)


@needs_torchvision
@pytest.mark.parametrize(
    ("name", "options", "specs"),
    [
        ("resnet18", {}, ("random:3x224x224",)),
        ("inception_v3", {"init_weights": False}, ("random:3x299x299",)),
        ("r3d_18", {}, ("random:3x16x112x112",)),
        ("raft_small", {}, ("random:3x128x128", "random:3x128x128")),
        ("ssdlite320_mobilenet_v3_large", {}, ("random:3x320x320",)),
        ("efficientnet_b4", {}, ("random:3x380x380",)),
        ("vit_b_16", {"image_size": 32}, ("random:3x32x32",)),
    ],
)
def test_that_torchvision_says_itself_what_its_models_take(name, options, specs):
    from ptinspect.runner import factories

    module = factories.build("torchvision", name, **options)
    assert guessed(module, f"torchvision:{name}") == specs


@needs_torchvision
def test_that_a_replaced_first_layer_counts():
    from ptinspect.runner import factories

    module = factories.build("torchvision", "resnet18")
    module.conv1 = nn.Conv2d(1, 64, 3)
    assert guessed(module, "torchvision:resnet18") == ("random:1x224x224",)


@pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed")
def test_that_timm_says_itself_what_its_models_take():
    from ptinspect.runner import factories

    assert guessed(factories.build("timm", "convnext_nano"), "timm:convnext_nano") == ("random:3x224x224",)
