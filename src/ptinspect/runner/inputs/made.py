"""Numbers out of nothing: random, zeros, ones, tokens. The same seed gives the same numbers on every machine."""

from __future__ import annotations

import torch

from ptinspect.errors import InputDoesNotFit
from ptinspect.runner.inputs.part import Named, Part
from ptinspect.runner.inputs.spec import Spec, shape_of, tokens_of

_FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.complex64)
_WORDS = {
    "random": "random numbers from 0 to 1",
    "normal": "random numbers of mean 0 and deviation 1",
    "zeros": "zeros",
    "ones": "ones",
}


def made(spec: Spec, count: int, seed: int, vocabularies: tuple[int, ...] = (), alone: bool = True) -> Part:
    """A batch of `count` samples. `vocabularies` are the sizes of the model's embeddings: tokens stay below the first unless told.

    Of several inputs any may be numbers for no embedding, so only one that is `alone` is compared with them.
    """
    if spec.kind == "none":
        return Part((Named(None, spec.text, spec.name),), count)
    generator = torch.Generator().manual_seed(seed)
    if spec.kind == "tokens":
        return _tokens(spec, count, generator, vocabularies, alone)
    sizes, dtype = shape_of(spec)
    kind: torch.dtype = getattr(torch, dtype or "float32")
    value = _numbers(spec, (count, *sizes), kind, generator)
    return Part((Named(value, spec.text, spec.name),), count, _WORDS[spec.kind])


def _numbers(spec: Spec, shape: tuple[int, ...], kind: torch.dtype, generator: torch.Generator) -> torch.Tensor:
    if spec.kind in ("zeros", "ones"):
        return torch.full(shape, spec.kind == "ones", dtype=kind)
    if kind not in _FLOATS:
        if spec.kind == "normal":
            hint = f"Write random:{spec.rest} or leave the type out."
            raise InputDoesNotFit(f"`{spec.text}` asks for whole numbers that are normal", hint)
        return torch.randint(0, 2 if kind is torch.bool else 128, shape, generator=generator).to(kind)
    drawn = torch.rand(shape, generator=generator) if spec.kind == "random" else torch.randn(shape, generator=generator)
    return drawn.to(kind)


def _tokens(spec: Spec, count: int, generator: torch.Generator, vocabularies: tuple[int, ...], alone: bool) -> Part:
    sizes, given = tokens_of(spec)
    below = given or next(iter(vocabularies), None)
    if below is None:
        hint = f"Say how many tokens it knows: {spec.text}:30522, or give numbers: random:{spec.rest}."
        raise InputDoesNotFit(f"`{spec.text}`: the model has no embedding that would tell how many different tokens there are", hint)
    if alone and given and vocabularies and given > max(vocabularies):  # a GPU ends the whole process on an index that is too high
        hint = f"Write tokens:{spec.rest.replace('<', ':').partition(':')[0]}:{max(vocabularies)}."
        raise InputDoesNotFit(f"`{spec.text}`: the largest embedding of the model has {max(vocabularies):,} rows", hint)
    value = torch.randint(0, below, (count, *sizes), generator=generator)
    return Part((Named(value, spec.text, spec.name),), count, f"random tokens below {below:,}")


__all__ = ["made"]
