"""What goes along with sequences of several lengths: offsets for bags, lengths for packed ones, a mask for the rest.

A model that asks for one of them by name gets it unless a spec gives it already. `text, offsets` of an embedding bag are the
samples one behind the other and the place where each begins; everything else comes padded to the longest sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from ptinspect.runner.inputs.signature import COMPANIONS, asked

_MASK = "attention_mask"


def with_companions(
    module: nn.Module, args: list[Any], kwargs: Mapping[str, Any], lengths: tuple[int, ...] | None
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments with what the model asks for besides them. `lengths` are those of the first input's samples."""
    wanted = asked(module)
    taken = {one.name for one in wanted[: len(args)]} | set(kwargs)
    missing = [one.name for one in wanted if (one.required or (lengths and one.name == "offsets")) and one.name not in taken]
    named = dict(kwargs)
    tokens = _sequence(args, named)
    if tokens is None:
        return args, named
    sizes = torch.tensor(lengths or (tokens.shape[1],) * tokens.shape[0])
    if "offsets" in missing and args and args[0] is tokens:
        inside = torch.arange(tokens.shape[1]) < sizes[:, None]
        named["offsets"] = torch.cat((torch.zeros(1, dtype=torch.int64), sizes.cumsum(0)[:-1]))
        return [tokens[inside], *args[1:]], named
    for name in missing:
        if name in COMPANIONS:
            named[name] = sizes
    if _MASK not in taken and any(one.name == _MASK for one in wanted) and (lengths is not None or _MASK in missing):
        named[_MASK] = (torch.arange(tokens.shape[1]) < sizes[:, None]).to(torch.int64)
    return args, named


def _sequence(args: list[Any], named: Mapping[str, Any]) -> torch.Tensor | None:
    """The tokens, or else the first sequence of features."""
    values = [*args, *(value for name, value in named.items() if name != _MASK)]
    tensors = [value for value in values if isinstance(value, torch.Tensor)]
    tokens = next((value for value in tensors if value.dim() == 2 and value.dtype == torch.int64), None)
    return tokens if tokens is not None else next((value for value in tensors[:1] if value.dim() == 3), None)


__all__ = ["with_companions"]
