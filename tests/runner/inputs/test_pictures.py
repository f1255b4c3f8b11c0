from __future__ import annotations

import importlib.util
import os
import sys

import pytest

pytest.importorskip("torch")
pytest.importorskip("PIL")

import numpy as np
import torch
from PIL import Image
from torch import nn

from ptinspect.errors import InputDoesNotFit
from ptinspect.runner.inputs.pictures import pictures, ready
from ptinspect.runner.inputs.preparation import IMAGENET, Preparation, changed
from ptinspect.runner.inputs.spec import parse
from ptinspect.runner.inputs.taking import Taking

needs_torchvision = pytest.mark.skipif(importlib.util.find_spec("torchvision") is None, reason="torchvision is not installed")
COLOURS = Taking(nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10)))  # 32 x 32
GREY = Taking(nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10)))  # 28 x 28


def picture(width=40, height=30, mode="RGB"):
    bands = 1 if mode == "L" else len(mode)
    values = np.random.default_rng(width * height).integers(0, 256, (height, width, bands), np.uint8)
    return Image.fromarray(values[:, :, 0] if bands == 1 else values, mode)


def part_of(path, taking=COLOURS, count=8):
    return pictures(parse(f"image:{path}"), count, taking)


def value_of(path, taking=COLOURS):
    return part_of(path, taking).inputs[0].value[0]


@needs_torchvision
@pytest.mark.parametrize("size", [(640, 427), (50, 400), (224, 224), (231, 99)])
@pytest.mark.parametrize("name", ["resnet50", "efficientnet_b4", "efficientnet_v2_l", "inception_v3"])
def test_that_a_picture_is_prepared_as_torchvision_does_it(name, size):
    from ptinspect.runner import factories
    from ptinspect.runner.inputs.known import known
    from ptinspect.runner.operators import import_torchvision

    module = factories.build("torchvision", name, **({"init_weights": False} if name == "inception_v3" else {}))
    preparation = known(module, f"torchvision:{name}").preparation
    transforms = import_torchvision().models.get_model_weights(name).DEFAULT.transforms()
    given = picture(*size)
    value, crop = ready(given, preparation)
    assert torch.equal(value, transforms(given))
    assert crop[0] >= 0
    assert crop[2] <= size[0]


def test_that_the_crop_is_told_in_the_pictures_own_pixels():
    _, crop = ready(picture(400, 200), Preparation(edge=100, crop=(100, 100)))
    assert crop == (100, 0, 200, 200)
    _, crop = ready(picture(400, 200), Preparation(edge=100, crop=(100, 100), whole=True))
    assert crop == (0, 0, 400, 200)


def test_that_a_picture_is_turned_upright_as_its_exif_says(tmp_path):
    sideways = picture(40, 20)
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways.save(tmp_path / "a.png", exif=exif)
    part = part_of(f"{tmp_path}/a.png")
    assert part.samples[0]["size"] == [20, 40]
    upright = ready(sideways.transpose(Image.Transpose.ROTATE_270), Preparation(edge=32, crop=(32, 32), mean=IMAGENET[0], std=IMAGENET[1]))
    assert torch.equal(part.inputs[0].value[0], upright[0])


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1", "CMYK", "I;16", "F"])
@pytest.mark.parametrize(("taking", "channels"), [(COLOURS, 3), (GREY, 1)])
def test_that_every_kind_of_picture_gets_the_channels_that_the_model_takes(tmp_path, mode, taking, channels):
    grey = picture(40, 40, "L")
    if mode == "I;16":
        made = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    elif mode == "F":
        made = Image.fromarray(np.asarray(grey).astype(np.float32))
    else:
        made = grey.convert("RGB").convert(mode) if mode not in ("L", "1") else grey.convert(mode)
    name = tmp_path / ("a.tif" if mode in ("F", "CMYK") else "a.png")
    made.save(name)
    value = value_of(f"{name}:40,unit", taking)
    assert value.shape == (channels, 40, 40)
    if mode in ("L", "LA", "RGB", "RGBA", "I;16", "F"):
        assert torch.allclose(value, torch.from_numpy(np.array(grey)).float().div(255).expand(channels, 40, 40), atol=1e-6)


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_that_a_picture_that_is_cut_off_is_told(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    picture(64, 64).save(path)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(InputDoesNotFit, match=r"cannot be read: .*truncated"):
        part_of(path)


def test_that_a_picture_too_narrow_to_be_scaled_is_told(tmp_path):
    Image.new("L", (1, 400_000)).save(tmp_path / "a.png")
    with pytest.raises(InputDoesNotFit, match="too long and narrow"):
        part_of(tmp_path / "a.png")


def test_that_what_is_no_picture_is_told(tmp_path):
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    with pytest.raises(InputDoesNotFit, match="is no picture"):
        part_of(tmp_path / "a.png")
    with pytest.raises(InputDoesNotFit) as caught:
        part_of(tmp_path / "b.png")
    assert "a.png" in caught.value.hint


def test_that_a_folder_gives_its_pictures_as_people_count_and_leaves_out_the_rest(tmp_path):
    for name in ("p10.png", "p2.png", "P1.PNG"):
        picture().save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "p3.png").write_bytes(b"broken")
    part = part_of(tmp_path)
    assert [sample["name"] for sample in part.samples] == ["P1.PNG", "p2.png", "p10.png"]
    assert part.labels is None
    assert "1 left out" in part.said
    assert [sample["name"] for sample in part_of(tmp_path, count=2).samples] == ["P1.PNG", "p2.png"]


def test_that_folders_are_classes_in_the_order_of_imagefolder_and_come_in_turn(tmp_path):
    for folder, count in (("dog", 2), ("cat", 2), ("Emu", 1)):
        (tmp_path / folder).mkdir()
        for at in range(count):
            picture().save(tmp_path / folder / f"{at}.png")
    part = part_of(tmp_path)
    assert part.label_names == ("Emu", "cat", "dog")
    assert part.labels == (0, 1, 2, 1, 2)
    assert [os.path.basename(os.path.dirname(sample["path"])) for sample in part.samples] == ["Emu", "cat", "dog", "cat", "dog"]


@needs_torchvision
def test_that_folders_named_like_imagenet_classes_are_those_classes(tmp_path):
    from ptinspect.runner import factories

    for folder in ("goldfish", "Egyptian_cat"):
        (tmp_path / folder).mkdir()
        picture().save(tmp_path / folder / "a.png")
    part = part_of(tmp_path, Taking(factories.build("torchvision", "resnet18"), "torchvision:resnet18"))
    assert [part.label_names[label] for label in part.labels] == ["Egyptian cat", "goldfish"]
    assert part.labels == (285, 1)


def test_that_an_empty_folder_says_what_it_holds(tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(InputDoesNotFit) as caught:
        part_of(tmp_path)
    assert "notes.txt" in caught.value.hint


@pytest.mark.parametrize(
    ("words", "shape", "low", "high"),
    [("16", (3, 16, 16), None, None), ("16x20,half", (3, 16, 20), -1, 1), ("asis,unit", (3, 30, 40), 0, 1), ("unit", (3, 32, 32), 0, 1)],
)
def test_that_a_spec_changes_the_preparation(tmp_path, words, shape, low, high):
    picture().save(tmp_path / "a.png")
    part = part_of(f"{tmp_path}/a.png:{words}")
    value = part.inputs[0].value
    assert value.shape == (1, *shape)
    if high is not None:
        assert low <= float(value.min()) < float(value.max()) <= high
        assert f"from {low} to {high}" in part.said


def test_that_an_unknown_preparation_is_told_what_would_be_right():
    with pytest.raises(InputDoesNotFit) as caught:
        changed(Preparation(), "32,imagnet")
    assert "imagenet" in caught.value.hint


def test_that_pictures_of_different_sizes_do_not_make_a_batch_as_they_are(tmp_path):
    picture(10, 10).save(tmp_path / "a.png")
    picture(10, 12).save(tmp_path / "b.png")
    with pytest.raises(InputDoesNotFit, match="2 different sizes"):
        part_of(f"{tmp_path}:asis")


@needs_torchvision
def test_that_a_detector_gets_every_picture_in_its_own_size(tmp_path):
    from ptinspect.runner import factories

    picture(10, 10).save(tmp_path / "a.png")
    picture(10, 12).save(tmp_path / "b.png")
    part = part_of(tmp_path, Taking(factories.build("torchvision", "ssdlite320_mobilenet_v3_large"), "ssdlite320_mobilenet_v3_large"))
    assert [tuple(value.shape) for value in part.inputs[0].value] == [(3, 10, 10), (3, 12, 10)]


def test_that_a_model_for_many_channels_takes_no_pictures(tmp_path):
    picture().save(tmp_path / "a.png")
    with pytest.raises(InputDoesNotFit, match="12 channels"):
        part_of(tmp_path / "a.png", Taking(nn.Conv2d(12, 4, 3)))
    with pytest.raises(InputDoesNotFit, match="videos"):
        part_of(tmp_path / "a.png", Taking(nn.Conv3d(3, 4, 3)))


def test_that_a_model_for_rows_of_numbers_gets_flat_pictures(tmp_path):
    picture().save(tmp_path / "a.png")
    part = part_of(tmp_path / "a.png", Taking(nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))))
    assert part.inputs[0].value.shape == (1, 3072)
    assert "one row" in part.said


@pytest.mark.parametrize("module", [nn.Embedding(50, 4), nn.Linear(7, 2), nn.LSTM(5, 4)])
def test_that_a_model_for_something_else_takes_no_pictures(tmp_path, module):
    picture().save(tmp_path / "a.png")
    with pytest.raises(InputDoesNotFit, match="no pictures"):
        part_of(tmp_path / "a.png", Taking(module))


def test_that_a_missing_pillow_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(InputDoesNotFit) as caught:
        part_of(tmp_path / "a.png")
    assert "pip install pillow" in caught.value.hint


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_that_a_pipe_among_the_pictures_does_not_block(tmp_path):
    picture().save(tmp_path / "a.png")
    os.mkfifo(tmp_path / "b.png")
    assert part_of(tmp_path).count == 1
    with pytest.raises(InputDoesNotFit):
        part_of(tmp_path / "b.png")
