"""Writes the index of known architectures: `python -m ptinspect.runner.index [FILE]`, by default `resources/architectures.bin`.

Built on the meta device from the libraries themselves, nothing downloaded: all of torchvision's models, the quantized ones before
and after conversion, detectors also as they are built to receive their trained weights, segmentation models also with their
auxiliary classifier; and all of timm's. Written with the same libraries it comes out the same to the byte. It takes four minutes.

The shipped one has 636,688 bytes: 1,389 distinct layouts of torchvision 0.28.0's 121 models with 24 variants and of timm 1.0.31's
1,371 models, 611,000 names and shapes. googlenet and inception_v3 are there with their auxiliary classifiers only, which is how
their files come: without them they are a subset.

timm is needed to write the index only, and is no dependency: `pip install --no-deps timm huggingface_hub pyyaml tqdm`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from ptinspect import resources
from ptinspect.checkpoint.architecture_index import Layout, Shape, packed, plainness
from ptinspect.runner import factories

_CLASSES = {"detection": 91, "segmentation": 21, "optical_flow": 0}
_NO_COUNT = {"keypointrcnn_resnet50_fpn": 2}


def main(arguments: list[str]) -> int:
    """Write the index and say how large it is."""
    target = Path(arguments[0]) if arguments else resources.path("architectures.bin")
    layouts = distinct(layout for library in factories.LIBRARIES for layout in layouts_of(library))
    versions = " ".join(f"{library} {factories.version(library)}" for library in factories.LIBRARIES)
    data = packed(layouts, versions)
    target.write_bytes(data)
    models = sum(len(layout.entries) for layout in layouts)
    sys.stdout.write(f"{target}: {len(data):,} bytes, {len(layouts):,} layouts of {models:,} models and variants, {versions}\n")
    return 0


def layouts_of(library: str, names: list[str] | None = None) -> Iterator[Layout]:
    """One layout for each model of a library and each variant of it that files have."""
    for name in factories.names(library) if names is None else names:
        module = factories.build(library, name)
        classes = _torchvision_classes(name, module) if library == "torchvision" else int(getattr(module, "num_classes", None) or 0)
        yield Layout((f"{library}:{name}",), classes, shapes(module.state_dict()))
        if library == "torchvision":
            for entry, state in _variants(name, module):
                yield Layout((entry,), classes, shapes(state))


def _variants(name: str, module: torch.nn.Module) -> Iterator[tuple[str, Mapping[str, Any]]]:
    family = _family(module)
    if family == "detection":
        yield f"torchvision:{name}", factories.build_as_trained(name).state_dict()
    if family == "segmentation" and not name.startswith("lraspp"):
        yield f"torchvision:{name}?aux_loss=1", factories.build("torchvision", name, aux_loss=True).state_dict()
    if family == "quantization":
        yield f"torchvision:{name}?quantize=1", factories.build("torchvision", name, device="cpu", quantize=True).state_dict()


def _family(module: torch.nn.Module) -> str:
    return type(module).__module__.removeprefix("torchvision.models.").partition(".")[0]


def _torchvision_classes(name: str, module: torch.nn.Module) -> int:
    """How many classes the plain model has: detectors and segmentation models keep that to themselves."""
    last = list(module.parameters())[-1].shape[0]
    return _NO_COUNT.get(name, _CLASSES.get(_family(module), last))


def shapes(state: Mapping[str, Any]) -> dict[str, Shape]:
    """Names and shapes of what is saved, the tensors inside packed weights by their places in the tuple."""
    found: dict[str, Shape] = {}
    for name, value in state.items():
        if isinstance(value, torch.Tensor):
            found[name] = tuple(value.shape)
        elif isinstance(value, tuple):
            found.update({f"{name}.{at}": tuple(part.shape) for at, part in enumerate(value) if isinstance(part, torch.Tensor)})
    return found


def distinct(layouts: Iterator[Layout]) -> list[Layout]:
    """Each set of names and shapes once, with all models that have it, the plainest first; in the order of first sight."""
    found: dict[frozenset[tuple[str, Shape]], Layout] = {}
    for layout in layouts:
        key = frozenset(layout.tensors.items())
        known = found.get(key, layout)
        entries = tuple(sorted({*known.entries, *layout.entries}, key=plainness))
        found[key] = Layout(entries, known.classes, known.tensors)
    return list(found.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
