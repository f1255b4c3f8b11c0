from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

import numpy as np
import torch
from torch import nn

import ptinspect
from ptinspect.errors import InputDoesNotFit
from ptinspect.runner.inputs.batch import prepared
from ptinspect.runner.inputs.spec import parse
from tests.runner.inputs.test_arrays import Pair
from tests.runner.inputs.test_guess import Bags, Denoiser

needs_torchvision = pytest.mark.skipif(importlib.util.find_spec("torchvision") is None, reason="torchvision is not installed")


def batch_of(module, *texts, size=4, architecture=None, seed=0):
    return prepared([parse(text) for text in texts], module, architecture, size, seed)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("random:3x5", 0, 1), ("normal:3x5", -6, 6), ("zeros:3x5", 0, 0), ("ones:3x5", 1, 1), ("random:3x5:bool", 0, 1)],
)
def test_that_numbers_are_made_in_the_range_that_they_are_named_for(text, low, high):
    value = batch_of(nn.ReLU(), text).args[0]
    assert value.shape == (4, 3, 5)
    assert low <= value.float().min() <= value.float().max() <= high
    assert value.dtype == (torch.bool if "bool" in text else torch.float32)


def test_that_the_same_seed_gives_the_same_numbers_and_every_input_its_own():
    first, again, other = (batch_of(Pair(), "random:4", "random:4", seed=seed).args for seed in (5, 5, 6))
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first[0], other[0])


def test_that_tokens_stay_below_the_first_embedding():
    done = batch_of(nn.Embedding(7, 2), "tokens:1000")
    assert (int(done.args[0].min()), int(done.args[0].max())) == (0, 6)
    assert done.sources == ({"shape": [4, 1000], "dtype": "int64", "source": "tokens:1000"},)


@pytest.mark.parametrize(
    ("module", "text", "told"), [(nn.Linear(4, 2), "tokens:5", "tokens:5:30522"), (nn.Embedding(7, 2), "tokens:5:9", "tokens:5:7")]
)
def test_that_tokens_that_no_embedding_takes_are_refused(module, text, told):
    with pytest.raises(InputDoesNotFit) as caught:
        batch_of(module, text)
    assert told in caught.value.hint


def test_that_keywords_and_places_may_stand_together():
    done = batch_of(Pair(), "random:4", "right=random:3")
    assert [value.shape for value in done.args] == [(4, 4)]
    assert done.kwargs["right"].shape == (4, 3)
    assert done.sources[1]["name"] == "right"


def test_that_none_is_nothing():
    done = batch_of(nn.LSTM(5, 3, batch_first=True), "random:6x5", "none:")
    assert done.args[1] is None
    assert nn.LSTM(5, 3, batch_first=True)(*done.args)[0].shape == (4, 6, 3)


def test_that_without_specs_the_guess_is_prepared():
    done = prepared([], Denoiser(), None, 2)
    assert [tuple(value.shape) for value in done.args] == [(2, 3, 224, 224), (2,)]
    assert prepared([], Bags(), None, 2).kwargs["offsets"].tolist() == [0, 16]


def test_that_a_file_with_fewer_samples_decides_for_all(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 4), np.float32))
    done = batch_of(Pair(), f"tensor:{tmp_path}/a.npy", "right=random:3", size=8)
    assert done.count == 3
    assert done.kwargs["right"].shape == (3, 3)
    assert "3 samples, all that the file holds" in done.note


def test_that_a_program_that_was_exported_for_some_samples_gets_so_many():
    exported = torch.fx.symbolic_trace(nn.Sequential(nn.Linear(4, 2)))
    next(iter(exported.graph.nodes)).meta["val"] = torch.empty(3, 4)
    done = prepared([], exported, None, 1)
    assert done.args[0].shape == (3, 4)
    assert "exported for 3 samples" in done.note


def test_that_a_file_without_samples_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((0, 4), np.float32))
    with pytest.raises(InputDoesNotFit, match="no sample"):
        batch_of(nn.Linear(4, 2), f"tensor:{tmp_path}/a.npy")


@needs_torchvision
def test_that_a_detector_gets_a_list():
    from ptinspect.runner import factories

    module = factories.build("torchvision", "ssdlite320_mobilenet_v3_large")
    done = prepared([], module, "torchvision:ssdlite320_mobilenet_v3_large", 2)
    assert [tuple(value.shape) for value in done.args[0]] == [(3, 320, 320)] * 2


@pytest.mark.slow
def test_that_all_but_pictures_works_without_torchvision_and_pillow(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 4), np.float32))
    (tmp_path / "a.csv").write_text("a,b,c,d\n1,2,3,4\n5,6,7,8\n")
    code = f"""
import sys
sys.modules.update(dict.fromkeys(["torchvision", "PIL", "timm", "rich", "numba", "ml_dtypes", "PySide6", "torchinfo"]))
from torch import nn
from ptinspect.runner.inputs.batch import prepared
from ptinspect.runner.inputs.spec import parse
for text in ("random:4", "tensor:{tmp_path.as_posix()}/a.npy", "csv:{tmp_path.as_posix()}/a.csv:a,b,c,d"):
    print(prepared([parse(text)], nn.Linear(4, 2), None, 2).args[0].shape)
"""
    environment = {"PYTHONPATH": str(Path(ptinspect.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.splitlines() == ["torch.Size([2, 4])"] * 3, done.stderr
