from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from ptinspect.runner.inputs.flows import flows
from ptinspect.runner.inputs.guess import guess


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.tower = nn.Sequential(nn.Conv2d(1, 4, 10), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 24 * 24, 8))

    def forward(self, left, right):
        return self.tower(left), self.tower(right)


class WithState(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.out = nn.LSTM(5, 8, 2, batch_first=True), nn.Linear(8, 1)

    def forward(self, x, hidden):
        found, hidden = self.lstm(x, hidden)
        return self.out(found), hidden


class Letters(nn.Module):
    def __init__(self):
        super().__init__()
        self.i2h, self.i2o = nn.Linear(57 + 128, 128), nn.Linear(57 + 128, 18)

    def forward(self, letter, hidden):
        both = torch.cat((letter, hidden), 1)
        return self.i2o(both), self.i2h(both)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.model = nn.Embedding(10, 10), nn.Linear(110, 784)

    def forward(self, noise, labels):
        return self.model(torch.cat([noise, self.embedding(labels)], 1))


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.time, self.labels = nn.Linear(32, 8), nn.Embedding(10, 8)
        self.first, self.last = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 1, 1)

    def forward(self, x, t, y):
        angles = t[:, None].float() * torch.exp(torch.arange(16) * -0.5)
        added = self.time(torch.cat([angles.sin(), angles.cos()], 1)) + self.labels(y)
        return self.last(self.first(x) + added[:, :, None, None])


class Categories(nn.Module):
    def __init__(self):
        super().__init__()
        self.tables = nn.ModuleList([nn.Embedding(size, 4) for size in (10, 20, 30)])
        self.norm, self.out = nn.BatchNorm1d(6), nn.Linear(18, 2)

    def forward(self, x_cat, x_cont):
        found = [table(x_cat[:, at]) for at, table in enumerate(self.tables)]
        return self.out(torch.cat([*found, self.norm(x_cont)], 1))


class Translation(nn.Module):
    def __init__(self):
        super().__init__()
        self.source, self.target = nn.Embedding(100, 16), nn.Embedding(120, 16)
        self.encoder, self.decoder, self.out = nn.GRU(16, 16), nn.GRU(16, 16), nn.Linear(16, 120)

    def forward(self, src, trg, teacher_forcing_ratio=0.5):
        return self.out(self.decoder(self.target(trg), self.encoder(self.source(src))[1])[0])


class Bert(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.places, self.kinds = nn.Embedding(300, 16), nn.Embedding(40, 16), nn.Embedding(2, 16)

    def forward(self, input_ids, token_type_ids, attention_mask):
        places = torch.arange(input_ids.shape[1])
        return (self.words(input_ids) + self.places(places) + self.kinds(token_type_ids)) * attention_mask[..., None]


class Spectrogram(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.out = nn.Conv2d(1, 4, 3), nn.Linear(4 * 62 * 42, 3)

    def forward(self, x):
        return self.out(self.conv(x).flatten(1))


@pytest.mark.parametrize(
    ("module", "specs"),
    [
        (Siamese(), ("random:1x58x58",) * 2),
        (WithState(), ("random:16x5", "none:")),
        (Letters(), ("random:57", "random:128")),
        (Generator(), ("random:100", "tokens:scalar:10")),
        (Denoiser(), ("random:1x28x28", "tokens:scalar:1000", "tokens:scalar:10")),
        (Categories(), ("tokens:3:10", "random:6")),
        (Translation(), ("tokens:64:100", "tokens:64:120")),
        (Bert(), ("tokens:32:300", "tokens:32:2", "ones:32:int64")),
        (Spectrogram(), ("random:1x64x44",)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_that_several_inputs_are_guessed_by_their_names_and_layers(module, specs):
    found = guess(module)
    assert found.confirmed
    assert found.specs == specs


def test_that_an_argument_is_followed_to_its_layer():
    found = flows(Categories())
    assert [(one.entry.path, one.column) for one in found["x_cat"]] == [("tables.0", 0), ("tables.1", 1), ("tables.2", 2)]
    assert [one.entry.path for one in found["x_cont"]] == ["norm"]
    assert flows(Letters())["letter"][0].joined


def test_that_code_that_depends_on_values_has_no_flow():
    class Branching(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    assert flows(Branching()) == {}
