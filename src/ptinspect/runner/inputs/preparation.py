"""How a picture is made ready for a network, as the one who trained it did: scaled, cut, its numbers moved and stretched."""

from __future__ import annotations

from typing import Literal

from ptinspect.errors import InputDoesNotFit
from ptinspect.frozen import frozen, replace

Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALF = ((0.5,), (0.5,))
_UNIT = ((0.0,), (1.0,))
_MNIST = ((0.1307,), (0.3081,))
SCALES = {"imagenet": IMAGENET, "half": _HALF, "unit": _UNIT, "mnist": _MNIST}
_SAID = {IMAGENET: "ImageNet's mean and std", _HALF: "numbers from -1 to 1", _UNIT: "numbers from 0 to 1", _MNIST: "MNIST's mean and std"}


@frozen
class Preparation:
    """`edge` is what the shorter side becomes, `sides` (height, width) what both become; then `crop` is cut from the middle.

    `whole` scales the longer side instead and fills up what is missing around, so that nothing is cut off.
    """

    name: str = ""
    edge: int | None = None
    sides: tuple[int, int] | None = None
    crop: tuple[int, int] | None = None
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    interpolation: Interpolation = "bilinear"
    whole: bool = False

    @property
    def said(self) -> str:
        """In words."""
        steps = []
        if self.edge:
            steps.append(f"{'longer side' if self.whole else 'resize'} {self.edge}")
        if self.sides:
            steps.append(f"resize {self.sides[0]} x {self.sides[1]}")
        if self.crop:
            steps.append(f"crop {self.crop[0]}" if self.crop[0] == self.crop[1] else f"crop {self.crop[0]} x {self.crop[1]}")
        steps.append(_SAID.get((self.mean, self.std)) or f"mean {_few(self.mean)}, std {_few(self.std)}")
        return f"{self.name}: {', '.join(steps)}" if self.name else ", ".join(steps)


def _few(numbers: tuple[float, ...]) -> str:
    return " ".join(f"{number:.3g}" for number in numbers)


def square(height: int, width: int, channels: int) -> Preparation:
    """What most people do for a network that is not known: the shorter side to fit, the middle, ImageNet's numbers for colours."""
    mean, std = IMAGENET if channels == 3 else _HALF if channels > 3 else _UNIT
    if height == width:
        return Preparation("assumed", edge=height, crop=(height, width), mean=mean, std=std)
    return Preparation("assumed", sides=(height, width), mean=mean, std=std)


def changed(preparation: Preparation, words: str) -> Preparation:
    """With what a spec asks for: `32`, `32x48`, `asis`, `half`, `224,imagenet`."""
    for word in filter(None, (word.strip().lower() for word in words.split(","))):
        numbers = word.split("x")
        if word in SCALES:
            mean, std = SCALES[word]
            preparation = replace(preparation, mean=mean, std=std, name="")
        elif word == "asis":
            preparation = replace(preparation, edge=None, sides=None, crop=None, name="")
        elif len(numbers) <= 2 and all(one.isdecimal() and 0 < int(one[:9]) <= 16_384 for one in numbers):
            height, width = int(numbers[0]), int(numbers[-1])
            edge = height if height == width else None
            sides, crop = (None, (edge, edge)) if edge else ((height, width), None)
            preparation = replace(preparation, edge=edge, sides=sides, crop=crop, whole=False, name="")
        else:
            hint = f"Write a size (224, 32x48, asis) or one of {', '.join(SCALES)}, with commas between."
            raise InputDoesNotFit(f"`{word}` is no way to prepare a picture", hint)
    return preparation


__all__ = ["IMAGENET", "SCALES", "Interpolation", "Preparation", "changed", "square"]
