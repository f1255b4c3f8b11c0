"""What a model's forward asks for, by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from torch import nn

from ptinspect.frozen import frozen

COMPANIONS = ("offsets", "lengths", "length", "lens", "seq_lengths", "seq_lens", "text_lengths", "input_lengths")
_WRAPPERS = ("DataParallel", "DistributedDataParallel", "OptimizedModule")


@frozen
class Asked:
    """One argument of forward."""

    name: str
    required: bool


def asked(module: nn.Module) -> tuple[Asked, ...]:
    """The arguments in order, those that Python gathers (`*args`) left out. Nothing where the signature cannot be read."""
    module = unwrapped(module)
    forward: Any = getattr(module, "forward", None)
    if type(module) is nn.Sequential:
        first = next(iter(module), None)
        return asked(first)[:1] if first is not None else ()
    schema = getattr(forward, "schema", None)
    if schema is not None and hasattr(schema, "arguments"):
        return tuple(Asked(one.name, not one.has_default_value()) for one in schema.arguments[1:])
    return _of_function(forward)


def _of_function(forward: Callable[..., Any]) -> tuple[Asked, ...]:
    try:
        taken = inspect.signature(forward).parameters.values()
    except (TypeError, ValueError):
        return ()
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(Asked(one.name, one.default is inspect.Parameter.empty) for one in taken if one.kind in plain)


def unwrapped(module: nn.Module) -> nn.Module:
    """Without what spreads it over several devices or compiles it."""
    inner = getattr(module, "_orig_mod", None) or getattr(module, "module", None)
    return inner if type(module).__name__ in _WRAPPERS and isinstance(inner, nn.Module) else module


__all__ = ["COMPANIONS", "Asked", "asked", "unwrapped"]
