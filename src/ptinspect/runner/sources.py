"""Which way leads from a file to a model that can run: five, the safe ones first.

1. a known architecture (of a pickled module of torch's and torchvision's own classes the second way is more faithful, and is taken
where it leads somewhere: what a constructor was told, or a layer without weights that was replaced, shows in no weight),
2. a pickled module rebuilt without its pickle, 3. a program in the file (TorchScript, torch.export),
4. a function of the user's, 5. the pickled model itself. The last three run code that the file or the user brings. They are taken
only when they were named, or are the only way there is, and somebody agreed to exactly these bytes; no failure of a safe way
leads to one of them.
"""

from __future__ import annotations

from contextlib import suppress

import torch
from torch import nn

from ptinspect.checkpoint.architectures import recognise
from ptinspect.checkpoint.model import Checkpoint, WeightSet
from ptinspect.checkpoint.storage_bytes import StorageBytes
from ptinspect.errors import ArchitectureUnknown, ChangedOnDisk, WeightsDoNotFit
from ptinspect.findings import Finding
from ptinspect.frozen import frozen
from ptinspect.runner.configured import class_beside, configured
from ptinspect.runner.consent import consented
from ptinspect.runner.filling import filled
from ptinspect.runner.loading import Load, closest, put_in
from ptinspect.runner.protocol import FileAsked
from ptinspect.runner.recognised import known
from ptinspect.runner.ways import LIBRARIES, PROGRAMS, way_of


@frozen
class Made:
    """A model with its weights, and where it came from. `architecture` is the library's name for it, where it has one."""

    module: nn.Module
    source: str
    trusted: bool
    load: Load = Load()
    architecture: str | None = None
    findings: tuple[Finding, ...] = ()


def made(asked: FileAsked, checkpoint: Checkpoint, paths: tuple[str, ...] = ()) -> Made:
    """The model that was asked for. Raises a RunProblem that says what to do where there is none."""
    if not asked.is_still(checkpoint.identity):
        raise ChangedOnDisk("the file is not the one that was chosen any more", "Reload it and run the batch again.")
    way = way_of(asked.model, checkpoint)
    if way == "program":
        return _program(asked, checkpoint)
    if way == "pickled":
        return _pickled(asked, checkpoint, paths)
    if way == "factory":
        return _by_factory(asked, checkpoint, paths)
    return _safely(asked, checkpoint)


def weights_of(asked: FileAsked, checkpoint: Checkpoint) -> WeightSet:
    """The weight set that was asked for, else the main one."""
    if asked.weights is None:
        if checkpoint.main is None:
            raise ArchitectureUnknown("this file holds no weights of a model", "Open the file that holds them.")
        return checkpoint.main
    found = next((one for one in checkpoint.weights if one.path == asked.weights), None)
    if found is None:
        names = ", ".join(repr(one.path) for one in checkpoint.weights[:8])
        raise ArchitectureUnknown(f"the file has no weight set {asked.weights!r}", f"It has: {names or 'none'}.")
    return found


def _safely(asked: FileAsked, checkpoint: Checkpoint) -> Made:
    """The ways that run nothing of the file."""
    weights = weights_of(asked, checkpoint)
    if asked.model == "rebuilt":
        return _rebuilt(checkpoint, weights)
    if weights.form == "model" and asked.model == "auto":
        return _faithfully(asked, checkpoint, weights)
    try:
        return _recognised(asked, checkpoint, weights)
    except (ArchitectureUnknown, WeightsDoNotFit) as problem:
        if weights.form == "model":
            problem.hint += " Or run the pickled model itself, which runs the file's code: --model pickled --trust."
        raise


def _faithfully(asked: FileAsked, checkpoint: Checkpoint, weights: WeightSet) -> Made:
    """A pickled module as the file describes it; where its classes are not known, the library's model that its weights fit."""
    try:
        return _rebuilt(checkpoint, weights)
    except ArchitectureUnknown as problem:
        with suppress(ArchitectureUnknown, WeightsDoNotFit):
            return _recognised(asked, checkpoint, weights)
        raise problem from None


def _recognised(asked: FileAsked, checkpoint: Checkpoint, weights: WeightSet) -> Made:
    named = asked.model if asked.model.startswith(LIBRARIES) else None
    with StorageBytes(checkpoint) as storages:
        tensors, problems = filled(storages, weights.entries)
    beside = class_beside(checkpoint.path) if named is None else named.removeprefix("transformers:")
    if beside is not None and (named or "transformers:").startswith("transformers:"):
        return _configured(checkpoint.path, beside, tensors, problems)
    found = known(weights, named, tensors, problems)
    return Made(found.module, found.source, False, found.load, found.source, (*found.findings, *found.load.findings()))


def _configured(path: str, name: str, tensors: dict[str, torch.Tensor], problems: dict[str, str]) -> Made:
    module = configured(path, name)
    load = put_in(module, closest(module, tensors), problems)
    return Made(module, f"transformers:{name}", False, load, f"transformers:{name}", load.findings())


def _rebuilt(checkpoint: Checkpoint, weights: WeightSet) -> Made:
    if weights.form != "model":
        raise ArchitectureUnknown("these are bare weights: the file does not say which layers they belong to", "Name the model: --model.")
    from ptinspect.runner.rebuilt import rebuilt  # noqa: PLC0415 - one way of five

    fits = recognise(weights)
    name = f"{fits.library}:{fits.name}" if fits is not None and fits.match != "similar" else None
    return Made(rebuilt(checkpoint, weights), "rebuilt", False, architecture=name)


def _program(asked: FileAsked, checkpoint: Checkpoint) -> Made:
    from ptinspect.runner.programs import program  # noqa: PLC0415

    with consented(checkpoint, asked.trust) as file:
        return Made(program(file, checkpoint.document.container), PROGRAMS[checkpoint.document.container], True)


def _pickled(asked: FileAsked, checkpoint: Checkpoint, paths: tuple[str, ...]) -> Made:
    from ptinspect.runner.own_factory import add_to_path  # noqa: PLC0415
    from ptinspect.runner.trusted import unpickled  # noqa: PLC0415

    weights = weights_of(asked, checkpoint)
    with consented(checkpoint, asked.trust) as file:
        add_to_path(paths)
        return Made(unpickled(file, checkpoint.document.container, weights.path, checkpoint.path), "pickled", True)


def _by_factory(asked: FileAsked, checkpoint: Checkpoint, paths: tuple[str, ...]) -> Made:
    from ptinspect.runner.own_factory import made_by  # noqa: PLC0415

    weights = weights_of(asked, checkpoint)
    module = made_by(asked.model, asked.trust, paths)
    with StorageBytes(checkpoint) as storages:
        tensors, problems = filled(storages, weights.entries)
    load = put_in(module, closest(module, tensors), problems)
    return Made(module, asked.model, True, load, None, load.findings())


__all__ = ["Made", "made", "weights_of"]
