"""The batch: what the specs say, fitted to the model, on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from ptinspect.errors import InputDoesNotFit
from ptinspect.frozen import frozen
from ptinspect.runner.inputs.arrays import arrays
from ptinspect.runner.inputs.companions import with_companions
from ptinspect.runner.inputs.guess import fixed_count
from ptinspect.runner.inputs.made import made
from ptinspect.runner.inputs.mnist import mnist
from ptinspect.runner.inputs.part import Named, Part, Sample, Value
from ptinspect.runner.inputs.pictures import pictures
from ptinspect.runner.inputs.spec import Spec, parse
from ptinspect.runner.inputs.tables import table
from ptinspect.runner.inputs.taking import Taking
from ptinspect.runner.inputs.texts import texts

_FROM_FILES: dict[str, Callable[[Spec, int, Taking, int], Part]] = {
    "image": pictures, "tensor": arrays, "mnist": mnist, "csv": table, "text": texts,
}  # fmt: skip


@frozen
class Prepared:
    """What goes into the model, and what is known about its samples."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    sources: tuple[dict[str, Any], ...]
    labels: tuple[int, ...] | None
    label_names: tuple[str, ...] | None
    samples: tuple[Sample, ...]
    note: str
    count: int


def prepared(specs: Sequence[Spec], module: nn.Module, architecture: str | None, size: int, seed: int = 0) -> Prepared:
    """A batch of `size` samples, or of as many as the files hold. Without specs, of what the model most likely takes."""
    taking = Taking(module, architecture)
    if not specs:
        if taking.guess is None:
            raise InputDoesNotFit("no input was found that the model takes", "Give one with --input, such as random:3x224x224.")
        specs = [parse(text) for text in taking.guess.specs]
    fixed = fixed_count(module)
    parts = _parts(specs, taking, fixed or max(1, size), seed)
    count = min(part.count for part in parts)
    args: list[Value] = []
    kwargs: dict[str, Value] = {}
    for named in (named for part in parts for named in part.inputs):
        value = _cut(named.value, count)
        if named.name is None:
            args.append(value)
        else:
            kwargs[named.name] = value
    args = _listed(args, taking)
    lengths = next((part.lengths for part in parts if part.lengths is not None), None)
    all_args, all_kwargs = with_companions(module, list(args), kwargs, lengths[:count] if lengths else None)
    labelled = next((part for part in parts if part.labels is not None), None)
    return Prepared(
        tuple(all_args),
        all_kwargs,
        tuple(_source(named, count) for part in parts for named in part.inputs),
        labelled.labels[:count] if labelled and labelled.labels else None,
        labelled.label_names if labelled else None,
        next((part.samples[:count] for part in parts if part.samples), ()),
        _note(parts, count, fixed, size),
        count,
    )


def _parts(specs: Sequence[Spec], taking: Taking, size: int, seed: int) -> list[Part]:
    """Files first, since they may hold fewer samples than were asked for; what is made of nothing is made to go with them."""
    found: dict[int, Part] = {}
    for at, spec in enumerate(specs):
        if spec.kind in _FROM_FILES:
            found[at] = _FROM_FILES[spec.kind](spec, size, taking, at)
            if not found[at].count:
                raise InputDoesNotFit(f"`{spec.text}` holds no sample", "Give a file with at least one.")
    count = min([size, *(part.count for part in found.values())])
    for at, spec in enumerate(specs):
        if at not in found:
            found[at] = made(spec, count, seed + at, taking.vocabularies, len(specs) == 1)
    return [found[at] for at in range(len(specs))]


def _cut(value: Value, count: int) -> Value:
    return value[:count] if value is not None and len(value) > count else value


def _listed(args: list[Value], taking: Taking) -> list[Value]:
    """Detectors take a list of pictures."""
    if taking.library is None or not taking.library.listed:
        return args
    return [list(value.unbind()) if isinstance(value, torch.Tensor) and value.dim() == 4 else value for value in args]


def _source(named: Named, count: int) -> dict[str, Any]:
    value = _cut(named.value, count)
    if value is None:
        return {"shape": [], "dtype": "none", "source": named.source, "name": named.name}
    first = value if isinstance(value, torch.Tensor) else value[0]
    shape = list(first.shape) if isinstance(value, torch.Tensor) else [len(value), *first.shape]
    found = {"shape": shape, "dtype": str(first.dtype).removeprefix("torch."), "source": named.source}
    return {**found, "name": named.name} if named.name else found


def _note(parts: Sequence[Part], count: int, fixed: int | None, size: int) -> str:
    said = f"{count:,} sample{'s' * (count != 1)}, all that the file holds" if count < size else ""
    if fixed is not None and fixed != size:
        said = f"the program was exported for {fixed:,} sample{'s' * (fixed != 1)} at once and takes no other number"
    return ". ".join(filter(None, (*dict.fromkeys(part.said for part in parts), said)))


__all__ = ["Prepared", "prepared"]
