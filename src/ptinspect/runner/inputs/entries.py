"""The layers through which data comes into a network, and the shapes that could go in there, the likeliest first.

A layer is known by the name of its class or of one of the classes that it was derived from, and sized by its attributes or, in a
TorchScript module, by its weight. Order is that of registration, which is nearly always that of the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isqrt
from typing import Any

from torch import nn

from ptinspect.frozen import frozen

SEQUENCE = 16
_TOKENS = (64, 32, 16, 128, 256, 512, 8)
_SMALL_PICTURES = (10, 26, 36, 37, 43, 47, 62, 100)  # classes of MNIST, EMNIST, CIFAR, traffic signs: their pictures are small


@frozen
class Entry:
    """A layer at the beginning: what it is, its place, and how many channels, features or tokens it takes."""

    layer: str
    path: str
    takes: int
    module: nn.Module


def entries(module: nn.Module) -> Iterator[Entry]:
    """The layers that take data, in their order."""
    done: list[str] = []
    for path, part in module.named_modules():
        if any(path.startswith(f"{outer}.") for outer in done):
            continue
        found = entry_at(path, part)
        if found is not None:
            done.append(path)
            yield found


def branches(module: nn.Module) -> list[Entry]:
    """The first entry of each part of the module, for models that take several inputs."""
    found = []
    for name, child in module.named_children():
        first = next(entries(child), None)
        if first is not None:
            found.append(Entry(first.layer, f"{name}.{first.path}".rstrip("."), first.takes, first.module))
    return found


def vocabularies(module: nn.Module) -> tuple[int, ...]:
    """The sizes of the embeddings, in order."""
    return tuple(entry.takes for entry in entries(module) if entry.layer in ("Embedding", "EmbeddingBag"))


def names_of(part: nn.Module) -> list[str]:
    """The names of its class and of those that it comes from; a TorchScript module remembers one."""
    scripted = getattr(part, "original_name", None)
    return [scripted] if isinstance(scripted, str) else [kind.__name__ for kind in type(part).__mro__]


def entry_at(path: str, part: nn.Module) -> Entry | None:
    """The layer under that path, None for one that takes whatever comes."""
    for name in names_of(part):
        if name in _TAKES:
            attribute, from_weight = _TAKES[name]
            found = getattr(part, attribute, None)
            if not isinstance(found, int):
                found = found[-1] if isinstance(found, (tuple, list)) and found and isinstance(found[-1], int) else from_weight(part)
            return Entry(name, path, found, part) if found else None
    return None


def _size(dimension: int) -> Callable[[nn.Module], int | None]:
    def read(part: nn.Module) -> int | None:
        weight = next(part.parameters(recurse=False), None)
        return int(weight.shape[dimension]) if weight is not None and weight.dim() > dimension else None

    return read


_TAKES: dict[str, tuple[str, Callable[[nn.Module], int | None]]] = {
    **dict.fromkeys(("Conv1d", "Conv2d", "Conv3d"), ("in_channels", _size(1))),
    **dict.fromkeys(("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"), ("in_channels", _size(0))),
    "Linear": ("in_features", _size(1)),
    "Bilinear": ("in1_features", _size(1)),
    **dict.fromkeys(("Embedding", "EmbeddingBag"), ("num_embeddings", _size(0))),
    **dict.fromkeys(("LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell"), ("input_size", _size(1))),
    "MultiheadAttention": ("embed_dim", _size(1)),
    **dict.fromkeys(("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d"), ("num_features", _size(0))),
    **dict.fromkeys(("LayerNorm", "RMSNorm"), ("normalized_shape", _size(0))),
}
_LIKE = {"BatchNorm2d": "Conv2d", "InstanceNorm2d": "Conv2d", "BatchNorm3d": "Conv3d", "InstanceNorm1d": "Conv1d"}


def candidates(entry: Entry, module: nn.Module) -> list[str]:
    """Specs that the layer could take, the likeliest first."""
    layer = _LIKE.get(entry.layer, entry.layer)
    makers = {"Conv2d": _pictures, "Conv1d": _signals, "Conv3d": _volumes, "Linear": _features}
    if layer in makers:
        return makers[layer](entry, module)
    if layer.startswith("ConvTranspose"):
        return [_cube(entry.takes, size, int(layer[-2])) for size in (1, 4, 7, 8, 16, 32)]
    if layer == "Embedding":
        return [f"tokens:{length}:{entry.takes}" for length in _TOKENS] + [f"tokens:scalar:{entry.takes}"]
    if layer == "EmbeddingBag":
        return [f"tokens:{SEQUENCE}:{entry.takes}", f"tokens:scalar:{entry.takes}"]
    if layer in ("BatchNorm1d", "Bilinear") or layer.endswith("Cell"):
        return [f"random:{entry.takes}", f"random:{entry.takes}x{SEQUENCE}"]
    if layer in ("LayerNorm", "RMSNorm"):
        return [f"random:{SEQUENCE}x{entry.takes}", f"random:{entry.takes}"]
    return [f"random:{length}x{entry.takes}" for length in (SEQUENCE, 32, 64, 28, 128, 8)]


def cube(entry: Entry, size: int) -> str | None:
    """The spec with all its sides of that size, None for what has no sides."""
    layer = _LIKE.get(entry.layer, entry.layer)
    return _cube(entry.takes, size, int(layer[-2])) if layer.startswith("Conv") else None


def _cube(channels: int, size: int, dimensions: int) -> str:
    return f"random:{channels}" + f"x{size}" * dimensions


def _pictures(entry: Entry, module: nn.Module) -> list[str]:
    told = told_size(module)
    if entry.takes == 1:
        sizes = [28, 32, 64, 224, 128, 256, 48, 96, 512]
    elif entry.takes == 4 and _strided(entry) and _last_features(module) <= 18:
        sizes = [84, 64, 224, 32]  # four frames of an Atari game
    elif entry.takes == 3 and not _strided(entry) and _last_features(module) in _SMALL_PICTURES:
        sizes = [32, 64, 28, 224, 128, 96, 48, 150, 256, 84]
    else:
        sizes = [224, 64, 32, 128, 96, 256, 299, 227, 150, 112, 160, 384, 512, 84, 48]
    chosen = [f"random:{entry.takes}x{height}x{width}" for height, width in told]
    return chosen + [_cube(entry.takes, size, 2) for size in sizes]


def told_size(module: nn.Module) -> list[tuple[int, int]]:
    """What a vision transformer says itself."""
    for part in (module, *module.children(), getattr(module, "config", None)):
        for name in ("image_size", "img_size"):
            size: Any = getattr(part, name, None)
            size = (size, size) if type(size) is int else size
            if isinstance(size, (tuple, list)) and len(size) == 2 and all(type(side) is int and 0 < side < 8_192 for side in size):
                return [(size[0], size[1])]
    return []


def _strided(entry: Entry) -> bool:
    stride = getattr(entry.module, "stride", (1, 1))
    return max(stride) > 1 if isinstance(stride, (tuple, list)) else bool(stride != 1)


def _last_features(module: nn.Module) -> int:
    """How many numbers the last linear layer gives: the number of classes, mostly."""
    found = 0
    for part in module.modules():
        if "Linear" in names_of(part):
            out = getattr(part, "out_features", None)
            found = out if isinstance(out, int) else found
    return found


def _signals(entry: Entry, module: nn.Module) -> list[str]:
    lengths = (128, 16_000, 1_000, 1_024, 256, 64, 512, 3_000, 100, 32, 4_096) if entry.takes > 1 else (
        128, 16_000, 1_024, 1_000, 187, 784, 512, 256, 100, 64, 32, 4_096, 8_000)  # fmt: skip
    return [_cube(entry.takes, length, 1) for length in lengths]


def _volumes(entry: Entry, module: nn.Module) -> list[str]:
    shapes = ("16x112x112", "16x64x64", "32x32x32", "64x64x64", "16x224x224", "8x32x32", "96x96x96")
    return [f"random:{entry.takes}x{shape}" for shape in shapes]


def _features(entry: Entry, module: nn.Module) -> list[str]:
    found = [f"random:{entry.takes}"]
    for channels in (1, 3):
        side = isqrt(entry.takes // channels)
        if entry.takes >= 64 and side * side * channels == entry.takes:
            found.append(f"random:{channels}x{side}x{side}")
    return [*found, f"random:{SEQUENCE}x{entry.takes}"]


__all__ = ["Entry", "branches", "candidates", "cube", "entries", "entry_at", "names_of", "told_size", "vocabularies"]
