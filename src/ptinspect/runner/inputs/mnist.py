"""`mnist:PATH`: IDX files as MNIST, Fashion-MNIST and their kin come, packed by gzip or not, with the labels beside the pictures.

The pictures are made to fit: flattened for a linear layer, rows for a recurrent one, a border for 32 x 32, three channels for colour.
"""

from __future__ import annotations

import os
import struct
from math import prod
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ptinspect.errors import InputDoesNotFit
from ptinspect.runner.inputs.part import Named, Part, sample
from ptinspect.runner.inputs.preparation import Preparation, changed
from ptinspect.runner.inputs.reading import exists, opened, told
from ptinspect.runner.inputs.spec import Spec, place_of
from ptinspect.runner.inputs.taking import Taking

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_FOLDERS = ("", "raw", os.path.join("MNIST", "raw"), os.path.join("FashionMNIST", "raw"), os.path.join("KMNIST", "raw"))
_FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
_MOST_BYTES = 4 << 30
_AGAIN = "Get the file again from its source: t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte belong together."
_USUAL = Preparation("", mean=(0.1307,), std=(0.3081,))


def mnist(spec: Spec, count: int, taking: Taking, place: int = 0) -> Part:
    """The first `count` pictures and their labels."""
    path, words = place_of(spec)
    exists(path, "file or folder")
    path = _pictures_in(path) if os.path.isdir(path) else path
    values = _read(path, count)
    if values.ndim < 2:
        raise InputDoesNotFit(f"`{path}` holds labels, not pictures", "Give the file of pictures; the labels beside it are found.")
    preparation = changed(_USUAL, words)
    pixels = torch.from_numpy(values.astype(np.float32)).div(255 if values.dtype == np.uint8 else 1)
    pixels = pixels.sub(preparation.mean[0]).div(preparation.std[0])
    fitted, note = _fitted(pixels, taking.shape(spec, place))
    labels = _labels(path, len(values))
    size = (values.shape[2], values.shape[1]) if values.ndim == 3 else None
    samples = tuple(sample(f"{os.path.basename(path)} #{at}", path, size) for at in range(len(values)))
    names = _names(path) if labels and max(labels) < len(_FASHION) else None
    notes = tuple(filter(None, (note, "" if labels else "no labels beside them")))
    return Part((Named(fitted, spec.text, spec.name),), len(values), preparation.said, samples, labels, names, notes=notes)


def _names(path: str) -> tuple[str, ...]:
    return _FASHION if "fashion" in os.path.abspath(path).lower() else tuple(map(str, range(10)))


def _fitted(pixels: torch.Tensor, shape: tuple[int, ...] | None) -> tuple[torch.Tensor, str]:
    """The pictures in the shape that the model takes, and what was done for it."""
    count, *sides = pixels.shape
    if shape is None or len(sides) != 2:
        return (pixels.unsqueeze(1) if len(sides) == 2 else pixels), ""
    if len(shape) == 1:
        return (pixels.flatten(1), "each picture as one row of numbers") if shape[0] == prod(sides) else (pixels.unsqueeze(1), "")
    if len(shape) == 2:
        return (pixels, "each picture as a sequence of its rows") if shape[-1] == sides[1] else (pixels.unsqueeze(1), "")
    if len(shape) != 3:
        return pixels.unsqueeze(1), ""
    channels, height, width = shape
    found, notes = pixels.unsqueeze(1), []
    if (height, width) == (sides[0] + 4, sides[1] + 4):
        found = functional.pad(found, (2, 2, 2, 2), value=float(pixels.min()) if count else 0.0)
        notes.append(f"a border of 2 to {height} x {width}")
    elif [height, width] != sides:
        found = functional.interpolate(found, (height, width), mode="bilinear", antialias=True)
        notes.append(f"scaled to {height} x {width}")
    if channels > 1:
        found = found.repeat(1, channels, 1, 1)
        notes.append(f"the grey level in each of {channels} channels")
    return found, ", ".join(notes)


def _pictures_in(folder: str) -> str:
    """The file of pictures in a folder, that for tests first."""
    for inner in _FOLDERS:
        place = os.path.join(folder, inner) if inner else folder
        try:
            names = sorted(os.listdir(place))
        except OSError:
            continue
        found = [name for name in names if "images" in name and "idx3" in name]
        if found:
            return os.path.join(place, min(found, key=lambda name: (not name.startswith(("t10k", "test")), name.endswith(".gz"), name)))
    names = sorted(os.listdir(folder))[:5]
    raise InputDoesNotFit(f"there are no IDX files in `{folder}`", f"It holds {', '.join(names) or 'nothing'}. {_AGAIN}")


def _labels(path: str, count: int) -> tuple[int, ...] | None:
    """Those of the file that is named alike."""
    folder, name = os.path.split(path)
    plain = name.removesuffix(".gz").replace("images", "labels").replace("idx3", "idx1")
    if plain == name.removesuffix(".gz"):
        return None
    for ending in ("", ".gz"):
        beside = os.path.join(folder, plain + ending)
        if os.path.isfile(beside):
            found = _read(beside, count)
            if found.ndim != 1 or len(found) < count:
                raise InputDoesNotFit(f"`{beside}` holds no label for each of the {count:,} pictures", _AGAIN)
            return tuple(int(label) for label in found)
    return None


def _read(path: str, count: int) -> np.ndarray[Any, Any]:
    """The first rows of an IDX file: two zeros, the type, the number of dimensions, the sizes, the numbers."""
    with told(path), opened(path) as stream:
        head = stream.read(4)
        if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _TYPES or not 1 <= head[3] <= 8:
            raise InputDoesNotFit(f"`{path}` is no IDX file", _AGAIN)
        sizes = struct.unpack(f">{head[3]}I", _exactly(stream, 4 * head[3], path))
        kind = np.dtype(_TYPES[head[2]])
        if 0 in sizes:
            raise InputDoesNotFit(f"`{path}` holds nothing: its sizes are {' x '.join(map(str, sizes))}", _AGAIN)
        taken = (min(sizes[0], count), *sizes[1:])
        size = prod(taken) * kind.itemsize
        if size > _MOST_BYTES:
            raise InputDoesNotFit(f"`{path}` needs {size:,} bytes of memory for this batch", "Take a smaller batch.")
        values = np.frombuffer(_exactly(stream, size, path), kind).reshape(taken)
        return values.astype(kind.newbyteorder("="))


def _exactly(stream: Any, size: int, path: str) -> bytes:
    """So many bytes, in steps: a file that only claims them costs no memory."""
    found = bytearray()
    while len(found) < size:
        more = stream.read(min(size - len(found), 1 << 20))
        if not more:
            raise InputDoesNotFit(f"`{path}` ends before its numbers do", _AGAIN)
        found += more
    return bytes(found)


__all__ = ["mnist"]
