"""What torchvision and timm themselves say about the input of their models: size, crop, mean and deviation.

A model is known by the name that its weights were recognised under, else by its class (a pickled torchvision model has no other
name): then the numbers are those that most models of that class were trained with.
"""

from __future__ import annotations

from collections.abc import Callable
from math import floor
from typing import Any

from torch import nn

from ptinspect.frozen import frozen, replace
from ptinspect.runner.inputs.entries import entries, told_size
from ptinspect.runner.inputs.preparation import IMAGENET, Preparation
from ptinspect.runner.operators import import_torchvision

_IMAGES = "torchvision.models."
_FLOW = 128  # the smallest that RAFT takes
_DETECTED = {"ssd300_vgg16": (300, 300), "ssdlite320_mobilenet_v3_large": (320, 320)}
_FRAMES = 16
_WAYS: dict[str, Any] = {"bilinear": "bilinear", "bicubic": "bicubic", "nearest": "nearest", "lanczos": "lanczos", "random": "bicubic"}


@frozen
class Known:
    """The specs of its inputs, how pictures are prepared, whether it takes a list of pictures of any size."""

    specs: tuple[str, ...]
    preparation: Preparation | None = None
    listed: bool = False
    categories: tuple[str, ...] | None = None


def known(module: nn.Module, architecture: str | None) -> Known | None:
    """What the library says, None for a model that is none of theirs."""
    library, _, name = (architecture or "").partition("?")[0].rpartition(":")
    found = _timm(module) if library in ("", "timm") else None
    if found is None and library in ("", "torchvision"):
        found = _torchvision(module, name)
    return _with_own_channels(_with_own_size(found, module), module) if found is not None else None


def _with_own_size(found: Known, module: nn.Module) -> Known:
    """A vision transformer takes pictures of one size only, and says of which."""
    size = next(iter(told_size(module)), None)
    if size is None or found.preparation is None or found.preparation.crop in (None, size):
        return found
    preparation = replace(found.preparation, edge=size[0] if size[0] == size[1] else None, sides=size, crop=size)
    if preparation.edge:
        preparation = replace(preparation, sides=None)
    return replace(found, specs=(f"random:3x{size[0]}x{size[1]}",), preparation=preparation)


def _with_own_channels(found: Known, module: nn.Module) -> Known:
    """A network whose first layer was replaced takes another number of channels; its size stays."""
    first = next((entry for entry in entries(module) if entry.layer == "Conv2d"), None)
    if first is None or first.takes == 3 or len(found.specs) != 1 or not found.specs[0].startswith("random:3x"):
        return found
    preparation = found.preparation
    if preparation is not None and len(preparation.mean) == 3:
        mean, std = (sum(three) / 3 for three in (preparation.mean, preparation.std))
        preparation = replace(preparation, mean=(mean,), std=(std,), name=f"{preparation.name}, averaged")
    return replace(found, specs=(found.specs[0].replace("random:3x", f"random:{first.takes}x", 1),), preparation=preparation)


def _timm(module: nn.Module) -> Known | None:
    config = getattr(module, "pretrained_cfg", None)
    if not isinstance(config, dict) or not type(module).__module__.startswith("timm."):
        return None
    size = config.get("input_size")
    if not isinstance(size, (tuple, list)) or len(size) != 3:
        return None
    channels, height, width = size
    crop = float(config.get("crop_pct") or 0.875)
    mode, edge = config.get("crop_mode") or "center", floor(height / crop)
    square = height == width and mode != "squash"
    preparation = Preparation(
        "timm",
        edge=edge if square else None,
        sides=None if square else (edge, floor(width / crop)),
        crop=(height, width),
        mean=tuple(config.get("mean") or IMAGENET[0]),
        std=tuple(config.get("std") or IMAGENET[1]),
        interpolation=_WAYS.get(str(config.get("interpolation")), "bicubic"),
        whole=mode == "border",
    )
    return Known((f"random:{channels}x{height}x{width}",), preparation, categories=None)


def _torchvision(module: nn.Module, name: str) -> Known | None:
    place = next((kind.__module__ for kind in type(module).__mro__ if kind.__module__.startswith(_IMAGES)), None)
    if place is None:
        return None
    weights = _weights(name)
    family = place.removeprefix(_IMAGES).partition(".")[0]
    preset, categories = (weights.transforms(), weights.meta.get("categories")) if weights is not None else (None, None)
    found = _BY_FAMILY.get(family, _classifier)(name, type(module).__name__, preset)
    return replace(found, categories=tuple(categories)) if categories else found


def _weights(name: str) -> Any:
    """The newest weights of that model, which are only asked what they say of themselves."""
    if not name:
        return None
    try:
        return import_torchvision().models.get_model_weights(name).DEFAULT
    except (ImportError, ValueError, AttributeError):
        return None


def _preset(preset: Any, name: str) -> Preparation:
    """torchvision's own way to prepare, read off its attributes."""
    sizes = {key: list(getattr(preset, key, None) or []) for key in ("resize_size", "crop_size")}
    resize, crop = sizes["resize_size"], sizes["crop_size"]
    return Preparation(
        name,
        edge=resize[0] if len(resize) == 1 else None,
        sides=(resize[0], resize[1]) if len(resize) == 2 else None,
        crop=(crop[0], crop[-1]) if crop else None,
        mean=tuple(getattr(preset, "mean", IMAGENET[0])),
        std=tuple(getattr(preset, "std", IMAGENET[1])),
        interpolation=_WAYS.get(getattr(getattr(preset, "interpolation", None), "value", ""), "bilinear"),
    )


def _classifier(name: str, kind: str, preset: Any) -> Known:
    if preset is not None and getattr(preset, "crop_size", None):
        preparation = _preset(preset, "ImageNet")
    else:
        edge, crop = (342, 299) if "Inception" in kind else (256, 224)
        preparation = Preparation("ImageNet", edge=edge, crop=(crop, crop), mean=IMAGENET[0], std=IMAGENET[1])
    height, width = preparation.crop or (224, 224)
    return Known((f"random:3x{height}x{width}",), preparation)


def _segmentation(name: str, kind: str, preset: Any) -> Known:
    edge = 520
    return Known((f"random:3x{edge}x{edge}",), Preparation("segmentation", edge=edge, crop=(edge, edge), mean=IMAGENET[0], std=IMAGENET[1]))


def _detector(name: str, kind: str, preset: Any) -> Known:
    height, width = _DETECTED.get(name, (300, 300) if kind == "SSD" else (480, 640))
    return Known((f"random:3x{height}x{width}",), Preparation("detection, every picture in its own size"), listed=True)


def _video(name: str, kind: str, preset: Any) -> Known:
    crop = list(getattr(preset, "crop_size", None) or ([112, 112] if kind == "VideoResNet" else [224, 224]))
    return Known((f"random:3x{_FRAMES}x{crop[0]}x{crop[-1]}",))


def _flow(name: str, kind: str, preset: Any) -> Known:
    return Known((f"random:3x{_FLOW}x{_FLOW}",) * 2, Preparation("optical flow", sides=(_FLOW, _FLOW), mean=(0.5,), std=(0.5,)))


_BY_FAMILY: dict[str, Callable[[str, str, Any], Known]] = {
    "segmentation": _segmentation, "detection": _detector, "video": _video, "optical_flow": _flow,
}  # fmt: skip

__all__ = ["Known", "known"]
