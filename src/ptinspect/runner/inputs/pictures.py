"""Pictures from files, read by Pillow and made ready as the model's library does it.

A picture is turned upright as its EXIF says, since that is how people and windows see it; torchvision's own ImageFolder does not.
Transparency is dropped as ImageFolder drops it. Only common formats are opened, by name: Pillow would start Ghostscript for a
PostScript file. (Rejected: torchvision.io where Pillow is missing. torchvision itself needs Pillow, so where one is the other is.)
"""

from __future__ import annotations

import os
import re
import warnings
from math import isqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ptinspect.errors import InputDoesNotFit
from ptinspect.frozen import frozen, replace
from ptinspect.runner.inputs.part import Named, Part, Sample, sample
from ptinspect.runner.inputs.preparation import Preparation, changed, square
from ptinspect.runner.inputs.reading import exists
from ptinspect.runner.inputs.spec import Spec, place_of
from ptinspect.runner.inputs.taking import Taking

if TYPE_CHECKING:
    from PIL.Image import Image

ENDINGS = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm")
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
MOST_PIXELS = 178_956_970  # Pillow warns at half of it
MOST_SCALED = 16_000_000  # pixels that the scaled picture may have before it is cut
MOST_FILES = 200_000
_GIVE = "Give a picture, a folder of pictures, or a folder with one folder of pictures for each class."


@frozen
class Found:
    """The files in the order they are taken, and their classes where folders say so."""

    paths: tuple[str, ...]
    labels: tuple[int, ...] | None = None
    label_names: tuple[str, ...] | None = None


def pictures(spec: Spec, count: int, taking: Taking, place: int = 0) -> Part:
    """The first `count` pictures, ready for the model."""
    _pillow()
    path, words = place_of(spec)
    exists(path, "picture or folder")
    listed = taking.library is not None and taking.library.listed
    channels, preparation = _for(taking, spec, place)
    preparation = changed(preparation, words)
    found = _find(path)
    values, samples, kept, skipped = list[torch.Tensor](), list[Sample](), list[int](), list[InputDoesNotFit]()
    for number, one in enumerate(found.paths):
        if len(values) == count:
            break
        try:
            picture = _read(one, channels)
            value, crop = ready(picture, preparation)
        except InputDoesNotFit as problem:
            if len(found.paths) == 1:
                raise
            skipped.append(problem)
            continue
        values.append(value)
        samples.append(sample(os.path.basename(one), one, picture.size, crop))
        kept.append(number)
    if not values:
        raise skipped[0] if skipped else InputDoesNotFit(f"there is no picture in `{path}`", _GIVE)
    labels = tuple(found.labels[at] for at in kept) if found.labels is not None else None
    notes = [f"{len(skipped)} left out: {skipped[0].message}"] if skipped else []
    notes += ["one picture of each class in turn"] if labels is not None else []
    given = values if listed else _stacked(values, spec)
    if isinstance(given, torch.Tensor) and len(taking.shape(spec, place) or ()) == 1:
        given = given.flatten(1)
        notes.append("each picture as one row of numbers")
    part = Part((Named(given, spec.text, spec.name),), len(values), preparation.said, tuple(samples), notes=tuple(notes))
    return _labelled(part, labels, found.label_names, taking)


def _labelled(part: Part, labels: tuple[int, ...] | None, names: tuple[str, ...] | None, taking: Taking) -> Part:
    """Folders named like classes that the library knows are those classes; all others count in ImageFolder's order."""
    if labels is None or names is None:
        return part
    known = taking.library.categories if taking.library and taking.library.categories else ()
    places = {_plain(category): at for at, category in reversed(list(enumerate(known)))}
    own = [places.get(_plain(name)) for name in names]
    if known and all(place is not None for place in own):
        return replace(part, labels=tuple(own[label] or 0 for label in labels), label_names=tuple(known))
    return replace(part, labels=labels, label_names=names)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name).strip().casefold()


def _for(taking: Taking, spec: Spec, place: int) -> tuple[int, Preparation]:
    """How many channels the model takes and how its pictures are prepared."""
    library = taking.library
    shape = taking.shape(spec, place)
    if library is not None and library.preparation is not None:
        return (shape[0] if shape and len(shape) == 3 else 3), library.preparation
    if shape is not None and len(shape) == 4:
        raise InputDoesNotFit("the model takes videos, and a picture is none", "Give random:3x16x112x112, or frames as tensor:clip.npy.")
    channels, height, width = _sides(shape, taking)
    if channels not in (1, 2, 3, 4):
        hint = f"Give an array with tensor:PATH, or random:{'x'.join(map(str, shape or ()))}."
        raise InputDoesNotFit(f"the model takes {channels} channels, and a picture has at most 4", hint)
    return channels, square(height, width, channels)


def _sides(shape: tuple[int, ...] | None, taking: Taking) -> tuple[int, int, int]:
    """Channels, height and width; those of a square where the model takes a row of numbers."""
    if shape is None:
        return 3, 224, 224
    if len(shape) == 3:
        return shape[0], shape[1], shape[2]
    for channels in (1, 3):
        side = isqrt(shape[0] // channels)
        if len(shape) == 1 and side > 1 and side * side * channels == shape[0] and not taking.vocabularies:
            return channels, side, side
    hint = "Give what it was trained on: tokens:, text:, csv:, tensor: or random: of that shape."
    raise InputDoesNotFit(f"the model takes {' x '.join(map(str, shape)) or 'single numbers'} a sample, and no pictures", hint)


def _stacked(values: list[torch.Tensor], spec: Spec) -> torch.Tensor:
    sizes = {tuple(value.shape[1:]) for value in values}
    if len(sizes) > 1:
        hint = f"Let them be made equal: {spec.text}:224, or take one at a time."
        raise InputDoesNotFit(f"the pictures have {len(sizes)} different sizes, and a batch has one", hint)
    return torch.stack(values)


def _find(path: str) -> Found:
    """The file, the folder's files, or those of its folders in turn."""
    if not os.path.isdir(path):
        return Found((path,))
    try:
        folders = sorted(entry.name for entry in os.scandir(path) if entry.is_dir())
    except OSError as error:
        raise InputDoesNotFit(f"the folder `{path}` cannot be read: {(error.strerror or '').lower()}", _GIVE) from None
    own = _files(path)
    inside = [[os.path.join(path, folder, name) for name in _files(os.path.join(path, folder))] for folder in folders]
    if own or not any(inside):
        if not own:
            raise InputDoesNotFit(f"there is no picture in `{path}`", f"{_holds(path)} {_GIVE}")
        return Found(tuple(os.path.join(path, name) for name in own))
    pairs = [(turn, label, one) for label, files in enumerate(inside) for turn, one in enumerate(files)]
    pairs.sort(key=lambda pair: pair[:2])
    return Found(tuple(one for _, _, one in pairs), tuple(label for _, label, _ in pairs), tuple(folders))


def _files(folder: str) -> list[str]:
    """The names of pictures in it, as people count."""
    found = []
    try:
        with os.scandir(folder) as listed:
            for entry in listed:
                if entry.name.lower().endswith(ENDINGS) and not entry.name.startswith(".") and entry.is_file():
                    found.append(entry.name)
                if len(found) >= MOST_FILES:
                    break
    except OSError:
        return []
    return sorted(found, key=lambda name: [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d{1,18})", name)])


def _holds(path: str) -> str:
    names = sorted(os.listdir(path))[:5]
    return f"It holds {', '.join(names)}." if names else "It is empty."


def _pillow() -> Any:
    try:
        import PIL.Image  # noqa: PLC0415 - late: a run without pictures needs no Pillow
    except ImportError:
        hint = "Install it there: pip install pillow. Or give random:3x224x224 or a tensor: file."
        raise InputDoesNotFit("pictures need the package Pillow, which this Python does not have", hint) from None
    return PIL.Image


def _read(path: str, channels: int) -> Image:
    """The picture, upright, in as many channels as the model takes."""
    library = _pillow()
    from PIL import ImageOps  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with open(path, "rb", opener=_at_once) as file, library.open(file, formats=_FORMATS) as picture:
                _refuse_large(picture, path)
                upright = ImageOps.exif_transpose(picture)
                return _in_channels(upright, channels)
        except library.UnidentifiedImageError:
            raise InputDoesNotFit(f"`{path}` is no picture that can be read", f"Known are {', '.join(_FORMATS)}.") from None
        except library.DecompressionBombError:
            raise InputDoesNotFit(f"the picture `{path}` is too large", "Give a smaller one.") from None
        except InputDoesNotFit:
            raise
        except Exception as error:  # noqa: BLE001 - Pillow's decoders raise whatever they meet
            reason = (getattr(error, "strerror", None) or str(error) or type(error).__name__).partition("\n")[0][:200]
            hint = "Get it again from its source, or leave it out."
            raise InputDoesNotFit(f"the picture `{path}` cannot be read: {reason}", hint) from None


def _refuse_large(picture: Image, path: str) -> None:
    if picture.width * picture.height > MOST_PIXELS:
        raise InputDoesNotFit(f"the picture `{path}` has {picture.width:,} x {picture.height:,} pixels", "Give a smaller one.")


def _at_once(path: str, flags: int) -> int:
    """A pipe among the pictures would block an ordinary open for ever."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _in_channels(picture: Image, channels: int) -> Image:
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = _in_bytes(picture)
    picture.load()
    return picture.convert({1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels])


def _in_bytes(picture: Image) -> Image:
    """Deep grey levels as eight bits: Pillow itself would cut them off at 255."""
    values = np.asarray(picture, np.float64)
    values = np.nan_to_num(values)
    most = float(values.max(initial=0.0))
    if picture.mode.startswith("I;16") or most > 255:
        values = values / 257 if most <= 65_535 else values * (255 / most)
    elif picture.mode == "F" and most <= 1:
        values = values * 255
    made: Image = _pillow().fromarray(values.clip(0, 255).round().astype(np.uint8), "L")
    return made


def ready(picture: Image, preparation: Preparation) -> tuple[torch.Tensor, tuple[int, int, int, int] | None]:
    """The picture as numbers, and the part of it that the model sees (x, y, width, height in the picture's own pixels)."""
    width, height = picture.size
    scaled = _scaled(picture, preparation)
    crop = None
    if preparation.crop is not None:
        scaled, crop = _middle(scaled, preparation, (width, height))
    pixels = np.asarray(scaled, np.uint8)
    # By numpy, in place: torch would share out such small work to its threads, and take ten times as long.
    values = np.ascontiguousarray(pixels.reshape(*pixels.shape[:2], -1).transpose(2, 0, 1)).astype(np.float32)
    mean, std = (np.array(numbers, np.float32).reshape(-1, 1, 1) for numbers in (preparation.mean, preparation.std))
    if len(mean) not in (1, len(values)):
        mean, std = mean.mean(keepdims=True), std.mean(keepdims=True)
    values /= np.float32(255)
    values -= mean
    values /= std
    return torch.from_numpy(values), crop


def _scaled(picture: Image, preparation: Preparation) -> Image:
    """As torchvision does it: the shorter side to the edge, the other cut down to a whole number."""
    width, height = picture.size
    way = getattr(_pillow().Resampling, preparation.interpolation.upper())
    if preparation.sides is not None:
        return picture.resize((preparation.sides[1], preparation.sides[0]), way)
    if not preparation.edge:
        return picture
    leading = max(width, height) if preparation.whole else min(width, height)
    sides = [preparation.edge if side == leading else max(1, int(preparation.edge * side / leading)) for side in (width, height)]
    if sides[0] * sides[1] > MOST_SCALED:
        raise InputDoesNotFit(f"a picture of {width:,} x {height:,} pixels is too long and narrow to be scaled", "Cut it first.")
    return picture if (width, height) == tuple(sides) else picture.resize((sides[0], sides[1]), way)


def _middle(scaled: Image, preparation: Preparation, size: tuple[int, int]) -> tuple[Image, tuple[int, int, int, int]]:
    """The middle part, with black around where the picture is smaller, and that part in the original's pixels."""
    height, width = preparation.crop or (scaled.height, scaled.width)
    across, down = max(0, width - scaled.width), max(0, height - scaled.height)
    if across or down:
        padded = _pillow().new(scaled.mode, (scaled.width + across, scaled.height + down))
        padded.paste(scaled, (across // 2, down // 2))
        scaled, left, top = padded, -(across // 2), -(down // 2)
    else:
        left = top = 0
    x, y = round((scaled.width - width) / 2.0), round((scaled.height - height) / 2.0)
    cut = scaled.crop((x, y, x + width, y + height))
    wide, high = size[0] / (scaled.width - across), size[1] / (scaled.height - down)
    begin = max(0, round((x + left) * wide)), max(0, round((y + top) * high))
    end = min(size[0], round((x + left + width) * wide)), min(size[1], round((y + top + height) * high))
    return cut, (begin[0], begin[1], end[0] - begin[0], end[1] - begin[1])


__all__ = ["ENDINGS", "Found", "pictures", "ready"]
