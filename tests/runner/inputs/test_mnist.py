from __future__ import annotations

import gzip
import struct

import pytest

pytest.importorskip("torch")

import numpy as np
import torch
from torch import nn

from ptinspect.errors import InputDoesNotFit
from ptinspect.runner.inputs.mnist import mnist
from ptinspect.runner.inputs.spec import parse
from ptinspect.runner.inputs.taking import Taking

PIXELS = np.random.default_rng(3).integers(0, 256, (6, 28, 28), np.uint8)
IDX = b"\0\0\x08\x03"
LABELS = np.array([7, 2, 1, 0, 4, 1], np.uint8)
CONVOLUTION = Taking(nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()))


def idx(values):
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(PIXELS))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(LABELS))
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(255 - PIXELS)))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(LABELS[::-1].copy())))
    return tmp_path


def part_of(path, taking=CONVOLUTION, count=4):
    return mnist(parse(f"mnist:{path}"), count, taking)


def test_that_a_folder_gives_its_test_pictures_with_their_labels(folder):
    part = part_of(folder)
    expected = torch.from_numpy(PIXELS[:4]).float().div(255).sub(0.1307).div(0.3081).unsqueeze(1)
    assert torch.allclose(part.inputs[0].value, expected, atol=1e-6)
    assert part.labels == (7, 2, 1, 0)
    assert part.label_names[7] == "7"
    assert part.samples[1]["size"] == [28, 28]


def test_that_packed_files_are_unpacked(folder):
    part = part_of(f"{folder}/train-images-idx3-ubyte.gz:unit")
    assert torch.equal(part.inputs[0].value[:, 0], torch.from_numpy(255 - PIXELS[:4]).float().div(255))
    assert part.labels == (1, 4, 0, 1)


def test_that_the_folder_of_torchvision_is_known(folder, tmp_path):
    inside = tmp_path / "data" / "FashionMNIST" / "raw"
    inside.mkdir(parents=True)
    for name in ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        (inside / name).write_bytes((folder / name).read_bytes())
    assert part_of(tmp_path / "data").label_names[9] == "Ankle boot"


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (nn.Sequential(nn.Linear(784, 10)), (784,)),
        (nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), (784,)),
        (nn.Sequential(nn.Conv2d(1, 6, 5), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(6 * 14 * 14, 10)), (1, 32, 32)),
        (nn.Sequential(nn.Conv2d(3, 6, 5, 4), nn.Flatten(), nn.Linear(6 * 15 * 15, 10)), (3, 64, 64)),
        (nn.LSTM(28, 10, batch_first=True), (28, 28)),
    ],
)
def test_that_pictures_are_made_to_fit_the_model(folder, module, shape):
    value = part_of(folder, Taking(module)).inputs[0].value
    assert value.shape == (4, *shape)
    module(value)


def test_that_without_labels_there_are_none(folder):
    (folder / "t10k-labels-idx1-ubyte").unlink()
    part = part_of(folder)
    assert part.labels is None
    assert part.label_names is None
    assert "no labels" in part.said


def test_that_labels_alone_are_no_pictures(folder):
    with pytest.raises(InputDoesNotFit, match="holds labels"):
        part_of(folder / "t10k-labels-idx1-ubyte")


@pytest.mark.parametrize(
    "data",
    [b"", IDX, idx(PIXELS)[:3000], b"PK\x03\x04" + bytes(30), IDX + b"\xff" * 12 + bytes(40), idx(PIXELS[:, :0])],
    ids=["empty", "no sizes", "cut off", "a zip", "too large", "no pixels"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_that_a_damaged_file_is_told(tmp_path, data, packed):
    (tmp_path / "x-images-idx3-ubyte").write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(InputDoesNotFit) as caught:
        part_of(tmp_path / "x-images-idx3-ubyte")
    assert caught.value.hint


def test_that_a_packed_file_that_is_cut_off_is_told(folder):
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputDoesNotFit, match="cut off"):
        part_of(path)


def test_that_a_folder_without_such_files_says_what_it_holds(tmp_path):
    (tmp_path / "cat.png").write_bytes(b"")
    with pytest.raises(InputDoesNotFit) as caught:
        part_of(tmp_path)
    assert "cat.png" in caught.value.hint
