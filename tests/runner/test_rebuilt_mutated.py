"""Pickled modules with bytes and words changed at random: refused in a sentence, or rebuilt with nothing on them that could run."""

from __future__ import annotations

import io
import random
import re
import struct
import time
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.errors import InspectError
from ptinspect.runner.rebuilt import rebuilt
from ptinspect.runner.rebuilt_classes import is_shadowing
from ptinspect.runner.rebuilt_names import MODULES

SECONDS = 30
WORDS = (
    b"forward", b"__class__", b"_modules", b"_parameters", b"_buffers", b"training", b"_forward_hooks", b"extra_repr", b"activation",
    b"torch.nn.modules.linear", b"Linear", b"os", b"system", b"builtins", b"getattr", b"_flat_weights", b"__setstate__", b"apply",
)  # fmt: skip
TEXT = re.compile(rb"X(....)", re.DOTALL)


def seeds(path: Path) -> list[dict[str, bytes]]:
    models = (
        nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Upsample(scale_factor=2)),
        nn.LSTM(3, 2),
        nn.TransformerEncoderLayer(4, 2, 8),
        nn.DataParallel(nn.ModuleDict({"a": nn.ParameterList([nn.Parameter(torch.ones(2))]), "b": nn.Embedding(3, 2)})),
    )
    found = []
    for model in models:
        torch.save(model, path)
        with zipfile.ZipFile(path) as archive:
            found.append({name: archive.read(name) for name in archive.namelist()})
    return found


def mutated(data: bytearray, chosen: random.Random) -> bytearray:
    for _ in range(chosen.randint(1, 4)):
        how, at = chosen.randrange(5), chosen.randrange(len(data))
        if how < 2:
            data[at] = chosen.randrange(256)
        elif how == 2:
            del data[at : at + chosen.randint(1, 6)]
        elif how == 3:
            other = chosen.randrange(len(data))
            data[at:at] = data[other : other + chosen.randint(1, 60)]
        elif texts := list(TEXT.finditer(data)):
            text = chosen.choice(texts)
            length, word = int.from_bytes(text[1], "little"), chosen.choice(WORDS)
            if length < 200:
                data[text.start() : text.end() + length] = b"X" + struct.pack("<I", len(word)) + word
    return data


def assert_harmless(model: nn.Module) -> None:
    bare = vars(nn.Module()).keys()
    for module in model.modules():
        kind = type(module)
        assert f"{kind.__module__}.{kind.__qualname__}" in MODULES
        for name, value in vars(module).items():
            assert name in bare or not is_shadowing(kind, name), name
            assert not callable(value) or value is nn.functional.relu, name
            assert not name.endswith("_hooks") or not value, name


@pytest.mark.fuzz
def test_that_a_changed_pickle_is_refused_or_harmless(tmp_path: Path) -> None:
    path, chosen = tmp_path / "net.pt", random.Random(7)
    known, end, rebuilt_ones, refused = seeds(path), time.monotonic() + SECONDS, 0, 0
    while time.monotonic() < end:
        records = dict(chosen.choice(known))
        records["net/data.pkl"] = bytes(mutated(bytearray(records["net/data.pkl"]), chosen))
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, data in records.items():
                archive.writestr(name, data)
        path.write_bytes(buffer.getvalue())
        try:
            checkpoint = open_checkpoint(path)
            if checkpoint.main is not None:
                assert_harmless(rebuilt(checkpoint, checkpoint.main))
                rebuilt_ones += 1
        except InspectError:
            refused += 1
    assert rebuilt_ones
    assert refused
