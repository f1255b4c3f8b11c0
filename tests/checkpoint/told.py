"""What a file tells about its training, with all that is needed to ask further."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from ptinspect.checkpoint.kinds import kind_of
from ptinspect.checkpoint.model import WeightSet
from ptinspect.checkpoint.scalars import TensorScalars
from ptinspect.checkpoint.slots import Trained
from ptinspect.checkpoint.training import Training, training_of
from ptinspect.checkpoint.weight_sets import WeightSearch, with_roles
from ptinspect.formats.reading import read
from ptinspect.formats.source import FileSource


@dataclass
class Told:
    """A training and the weight sets beside it."""

    training: Training | None
    weights: tuple[WeightSet, ...]

    @property
    def known(self) -> Training:
        assert self.training is not None
        return self.training

    def trained(self, path: str | None = None) -> Trained | None:
        chosen = (one for one in self.weights if (one.role == "main" if path is None else one.path == path))
        return self.known.trained(next(chosen))

    def claims(self) -> str:
        return "\n".join(f"{one.certainty}: {one.claim}: {one.because}" for one in self.known.evidence)


def told(path: Path) -> Told:
    """Open a file and ask for its training."""
    with FileSource(path) as source:
        document = read(source, path.name)
        search = WeightSearch(document)
        search.below(document.root)
        weights, _ = with_roles(search.found)
        kind, _ = kind_of(document, search)
        return Told(training_of(document, weights, kind, path.name, TensorScalars(source, document)), weights)


def saved(path: Path, value: object, **options: object) -> Told:
    """Save with torch, then ask."""
    torch.save(value, path, **options)
    return told(path)


def stepped(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """One step with a gradient for every parameter that wants one."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if parameter.requires_grad:
                parameter.grad = torch.ones_like(parameter)
                if isinstance(optimizer, torch.optim.SparseAdam):
                    parameter.grad = parameter.grad.to_sparse()
    optimizer.step(lambda: torch.tensor(1.0))
    return optimizer
