"""The first way to a model: a known architecture, built by its library and filled from plain buffers. Nothing of the file is run.

The library's constructor is called with its parameters left without memory, since the file's values take their place at once;
where the file misses some of them, the model is built again with the library's own initial values. A head that was replaced by
another stack of layers is rebuilt from its names and shapes, and said to be a guess. So is what the constructor was told and no
weight shows: `torchvision:googlenet?transform_input=0` says it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import nn

from ptinspect.checkpoint.architectures import Architecture, recognise
from ptinspect.checkpoint.model import WeightSet
from ptinspect.checkpoint.weight_sets import common_prefix, without_wrappers
from ptinspect.errors import ArchitectureUnknown
from ptinspect.findings import Finding
from ptinspect.frozen import frozen
from ptinspect.runner import factories
from ptinspect.runner.loading import Load, put_in

Tensors = Mapping[str, torch.Tensor]
_CHANGING_THEIR_INPUT = ("googlenet", "inception_v3")
_ASSUMED = {"transform_input": 1}
_YES_OR_NO = ("aux", "quantize", "transform_input")
_PLACE = re.compile(r"(\d+)\.(.+)")


@frozen
class Known:
    """A library's model with the file's weights in it."""

    module: nn.Module
    source: str
    load: Load
    findings: tuple[Finding, ...] = ()


def known(weights: WeightSet, wanted: str | None, tensors: Tensors, problems: Mapping[str, str]) -> Known:
    """The model that was asked for (`torchvision:resnet50`), or the one that the names and shapes tell."""
    asked, _, said = (wanted or "").partition("?")
    found = recognise(weights)
    if not asked and (found is None or found.match == "similar"):
        closest = f", though {found.library}:{found.name} is close" if found is not None else ""
        hint = "Name the model (--model torchvision:resnet50), or a function that builds it (--model FILE.py:FUNCTION)."
        raise ArchitectureUnknown(f"no known architecture has these names and shapes{closest}", hint)
    library, _, name = asked.partition(":")
    fits = found if found is not None and (not asked or (found.library, found.name) == (library, name)) else None
    if fits is not None:
        library, name = fits.library, fits.name
    renamed = _renamed(tensors, fits)
    assumed = _ASSUMED if library == "torchvision" and name.removeprefix("quantized_") in _CHANGING_THEIR_INPUT else {}
    options = {**assumed, **dict(fits.arguments if fits is not None else ()), **_options(said)}
    module, findings = _built(library, name, options), list[Finding]()
    if assumed and "transform_input" not in said:
        findings.append(_assumption(name))
    findings += _with_frozen_norms(module, library, name, renamed)
    if fits is not None:
        findings += _with_head(module, fits, renamed)
    load = put_in(module, renamed, problems)
    if any(value.is_meta for value in (*module.parameters(), *module.buffers())):
        module = _built(library, name, options, whole=True)
        _with_frozen_norms(module, library, name, renamed)
        if fits is not None:
            _with_head(module, fits, renamed)
        load = put_in(module, renamed, problems)
    return Known(module, f"{library}:{name}", load, tuple(findings))


def _options(said: str) -> dict[str, int]:
    """`transform_input=0&num_classes=5`. Raises ArchitectureUnknown."""
    pairs = [part.partition("=") for part in said.split("&") if part]
    if not all(key.isidentifier() and value.isascii() and value.isdigit() and len(value) < 9 for key, _, value in pairs):
        hint = "Write torchvision:googlenet?transform_input=0, with & between several."
        raise ArchitectureUnknown(f"`?{said}` gives the model no whole numbers by name", hint)
    return {key: int(value) for key, _, value in pairs}


def _assumption(name: str) -> Finding:
    detail = (
        "torchvision's own weights of this model, and what is fine-tuned from them, take inputs that it scales once more; a model "
        f"trained from nothing does not. The file does not say which it is: --model torchvision:{name}?transform_input=0 is the other."
    )
    return Finding("notice", "It was assumed that the weights come from torchvision's own", detail)


def _renamed(tensors: Tensors, fits: Architecture | None) -> dict[str, torch.Tensor]:
    """The file's names as the library has them; what lies outside the recognised part stays away."""
    plain = {without_wrappers(name): tensor for name, tensor in tensors.items() if name != "n_averaged"}
    leading = fits.leading if fits is not None else common_prefix(list(plain)) or ""
    return {name.removeprefix(leading): tensor for name, tensor in plain.items() if name.startswith(leading)}


def _built(library: str, name: str, options: Mapping[str, int], whole: bool = False) -> nn.Module:
    arguments = {key: bool(value) if key.startswith(_YES_OR_NO) else value for key, value in options.items()}
    try:
        if whole:
            return factories.build(library, name, device="cpu", **arguments)
        return factories.skeleton(library, name, **arguments)
    except ImportError as error:
        message = f"this is {library}'s {name}, and {error.name or library} is not installed in this Python"
        raise ArchitectureUnknown(message, f"Install it: pip install {library}. Or choose another Python: --python.") from None
    except (ValueError, RuntimeError, TypeError, KeyError) as error:
        raise ArchitectureUnknown(f"{library} cannot build {name!r}: {error}", "Check the name: --model torchvision:resnet50.") from error


def _with_frozen_norms(module: nn.Module, library: str, name: str, tensors: Tensors) -> list[Finding]:
    """Norms without counters in the file of a detector are frozen ones, and torchvision's own divide without a small number added."""
    if library != "torchvision" or any(key.endswith("num_batches_tracked") for key in tensors):
        return []
    frozen_norms = factories.frozen_norms(name)
    if not frozen_norms:
        return []
    for path, norm in frozen_norms.items():
        above, _, last = path.rpartition(".")
        setattr(module.get_submodule(above), last, norm)
    if all(norm.eps for norm in frozen_norms.values()):
        return []
    detail = "torchvision's own weights of this detector, and what is fine-tuned from them, have eps 0 there; the file does not say it."
    return [Finding("notice", "It was assumed that the frozen norms are those of torchvision's own weights", detail)]


def _with_head(module: nn.Module, fits: Architecture, tensors: Tensors) -> list[Finding]:
    """Put a stack of linear layers where the file has one and the library a single layer."""
    heads = {name.rpartition(".")[0] for name in fits.missing}
    if len(heads) != 1:
        return []
    head = heads.pop()
    own = {name.removeprefix(f"{head}."): tensor for name, tensor in tensors.items() if name.startswith(f"{head}.")}
    stack = _stack(own)
    if stack is None:
        return []
    above, _, last = head.rpartition(".")
    setattr(module.get_submodule(above), last, stack)
    told = ", ".join(str(layer) for layer in stack if not isinstance(layer, nn.Identity))
    return [
        Finding("notice", f"{head} was rebuilt from its names and shapes", f"What stands between its weights is a guess: {told}.", head)
    ]


def _stack(own: Tensors) -> nn.Sequential | None:
    """The layers that a head's names and shapes tell: linear ones, batch norms, and an activation wherever there is room for one."""
    layers: dict[int, nn.Module] = {}
    for name, tensor in own.items():
        place = _PLACE.fullmatch(name)
        if place is None or (place[2] == "weight" and tensor.ndim not in (1, 2)):
            return None
        if place[2] == "weight" and tensor.ndim == 2:
            out, into = tensor.shape
            layers[int(place[1])] = nn.Linear(into, out, bias=f"{place[1]}.bias" in own, device="meta")
        elif place[2] == "running_mean":
            layers[int(place[1])] = nn.BatchNorm1d(tensor.shape[0])
    linear = [at for at, layer in layers.items() if isinstance(layer, nn.Linear)]
    if not linear or max(layers) > 64:
        return None
    stack = [layers.get(at, nn.Identity()) for at in range(max(layers) + 1)]
    for before, after in pairwise(linear):
        free = [at for at in range(before + 1, after) if at not in layers]
        if free:
            stack[free[0]] = nn.ReLU()
    return nn.Sequential(*stack)


__all__ = ["Known", "known"]
