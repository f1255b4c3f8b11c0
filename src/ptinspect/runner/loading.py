"""Puts the file's tensors into a module that was built here, and says what did not fit, as `load_state_dict` would."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import nn

from ptinspect.checkpoint.weight_sets import common_prefix, without_wrappers
from ptinspect.errors import WeightsDoNotFit
from ptinspect.findings import Finding
from ptinspect.frozen import field, frozen

_FEWEST = 0.5


@frozen
class Load:
    """What strict loading would have complained about. `mismatched` holds names with both shapes."""

    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    mismatched: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...] = ()
    problems: Mapping[str, str] = field(default_factory=dict)

    def fields(self) -> dict[str, object]:
        """As JSON."""
        mismatched = [{"name": name, "file": list(file), "expected": list(expected)} for name, file, expected in self.mismatched]
        return {"missing": list(self.missing), "unexpected": list(self.unexpected), "mismatched": mismatched}

    def findings(self) -> tuple[Finding, ...]:
        """What it means for the run."""
        found = []
        empty = [*self.missing, *(name for name, _, _ in self.mismatched)]
        if empty:
            detail = f"{', '.join(empty[:8])}{', …' if len(empty) > 8 else ''}: random values stand in, so outputs mean little"
            found.append(Finding("warning", f"{len(empty):,} of the model's tensors are not in the file, or have another shape", detail))
        if self.problems:
            name, why = next(iter(self.problems.items()))
            found.append(Finding("warning", f"{len(self.problems):,} tensors of the file cannot be read", f"{name}: {why}"))
        return tuple(found)


def put_in(module: nn.Module, tensors: Mapping[str, torch.Tensor], problems: Mapping[str, str]) -> Load:
    """Make the tensors the module's own, without a copy. Raises WeightsDoNotFit where most of the model would stay empty.

    Names that the model ties to one parameter stay tied, also where the file has one of them only.
    """
    expected = {name: place for name, place in module.state_dict(keep_vars=True).items() if isinstance(place, torch.Tensor)}
    fitting = {name: tensor for name, tensor in tensors.items() if name in expected and tensor.shape == expected[name].shape}
    filled = {id(expected[name]): _as_kept(tensor, expected[name]) for name, tensor in fitting.items()}
    optional = {name for name in expected if name.endswith("num_batches_tracked")}
    load = Load(
        tuple(name for name, place in expected.items() if name not in tensors and name not in optional and id(place) not in filled),
        tuple(name for name in tensors if name not in expected),
        tuple(
            (name, tuple(tensor.shape), tuple(expected[name].shape))
            for name, tensor in tensors.items()
            if name in expected and name not in fitting
        ),
        problems,
    )
    if expected and len(fitting) < _FEWEST * (len(expected) - len(optional - fitting.keys())):
        first = load.mismatched[0][0] if load.mismatched else load.missing[0]
        message = f"only {len(fitting):,} of the {len(expected):,} tensors of this model are in the file with its shapes ({first} is not)"
        raise WeightsDoNotFit(message, "Choose the model that these weights belong to: --model.")
    kept = {name: filled[id(place)] for name, place in expected.items() if id(place) in filled}
    try:
        module.load_state_dict(_versioned(kept, module), strict=False, assign=True)
    except KeyError as error:  # a quantized layer takes all of its tensors or none
        name = str(error).strip("'")
        message = f"{name} is missing, and its layer cannot do without it: {problems.get(name, 'the file does not have it')}"
        raise WeightsDoNotFit(message, "Name a function that builds the model and loads its weights: --model FILE.py:FUNCTION.") from None
    return load


def _versioned(kept: Mapping[str, torch.Tensor], module: nn.Module) -> Mapping[str, torch.Tensor]:
    """With the versions of the module's own layers, which some of them ask for; names and shapes have said that they fit."""
    found = OrderedDict(kept)
    found._metadata = getattr(module.state_dict(), "_metadata", {})  # type: ignore[attr-defined]  # noqa: SLF001 - torch keeps them there
    return found


def closest(module: nn.Module, tensors: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
    """The file's names, or without what wrappers and a common prefix added, whichever the module knows more of."""
    plain = {without_wrappers(name): tensor for name, tensor in tensors.items() if name != "n_averaged"}
    lead = common_prefix(list(plain)) or ""
    expected = module.state_dict().keys()
    spellings = (tensors, plain, {name.removeprefix(lead): tensor for name, tensor in plain.items()})
    return max(spellings, key=lambda names: len(expected & names.keys()))


def _as_kept(tensor: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
    """A parameter stays one. Tensors that share memory in the file and are written to (running statistics) keep sharing it, as there."""
    if isinstance(place, nn.Parameter):
        wants = place.requires_grad and (tensor.is_floating_point() or tensor.is_complex())
        return nn.Parameter(tensor, requires_grad=wants)
    return tensor


__all__ = ["Load", "closest", "put_in"]
