"""Whether a model takes an input, found out by giving it one: two samples, no gradients, nothing kept.

Small models are simply run. Large ones run on torch's meta device, where shapes are all that there is; that costs a second of
imports, and a model that asks for values or holds tensors outside of its parameters cannot be tried there: nothing is told then.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, Literal

import torch
from torch import nn
from torch.func import functional_call

from ptinspect.frozen import frozen

SAMPLES = 2
_SMALL = 150_000_000  # parameters
_PRODUCTS = (
    re.compile(r"cannot be multiplied \(\d+x(?P<have>\d+) and (?P<want>\d+)x\d+\)"),
    re.compile(r"reduction dim, but got \[\d+, (?P<have>\d+)\] X \[(?P<want>\d+), \d+\]"),
    re.compile(r"The size of tensor a \((?P<have>\d+)\) must match the size of tensor b \((?P<want>\d+)\)"),
)
_VIEW = re.compile(r"shape '\[(?P<sizes>[-\d, ]+)\]' is invalid for input of size (?P<have>\d+)")
_TOO_SMALL = ("Kernel size can't be greater", "Output size is too small", "padded input size per channel", "Expected more than 1 value per")
_SHAPES = ("shape", "size", "dimension", "channels", "expected", "out of range", "broadcast")


@frozen
class Trial:
    """How it went: it fits; it runs but gives another number of samples; it does not fit; nothing can be told.

    `side` is -1 where the input is too small for a layer behind, 1 where it is too large, 0 where that is not known.
    """

    result: Literal["fits", "folds", "misfit", "unknown"]
    side: int = 0
    reason: str = ""


def tried(module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None) -> Trial:
    """Run the model once on such inputs. Whatever its code raises is an answer."""
    state = dict((*module.named_parameters(), *module.named_buffers()))
    away = _goes_away(module, state)
    device = torch.device("meta") if away else next((tensor.device for tensor in state.values()), torch.device("cpu"))
    kind = next((tensor.dtype for tensor in module.parameters() if tensor.is_floating_point()), torch.float32)
    args = [_moved(value, device, kind) for value in args]
    kwargs = {name: _moved(value, device, kind) for name, value in (kwargs or {}).items()}
    try:
        with torch.no_grad(), _evaluating(module), _quiet_random():
            if away:
                found = functional_call(module, {name: tensor.to("meta") for name, tensor in state.items()}, tuple(args), kwargs)
            else:
                found = module(*args, **kwargs)
    except Exception as error:  # noqa: BLE001 - the model's own code may raise anything
        return _judged(error, away)
    count = _samples(found)
    if count is None or count == SAMPLES:
        return Trial("fits")
    return Trial("folds", (count > SAMPLES) - (count < SAMPLES), f"{SAMPLES} samples come out as {count}")


def _goes_away(module: nn.Module, state: Mapping[str, torch.Tensor]) -> bool:
    if any(tensor.is_meta for tensor in state.values()):
        return True
    return not isinstance(module, torch.jit.ScriptModule) and sum(tensor.numel() for tensor in state.values()) > _SMALL


def _moved(value: Any, device: torch.device, kind: torch.dtype) -> Any:
    """On the model's device, floating numbers in the model's own type."""
    if isinstance(value, list):
        return [_moved(one, device, kind) for one in value]
    if not isinstance(value, torch.Tensor):
        return value
    return value.to(device, kind) if value.is_floating_point() else value.to(device)


@contextlib.contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Batch norms and dropout must not learn from the trial; each part is left as it was."""
    training = [part for part in module.modules() if part.training]
    for part in training:
        part.training = False
    try:
        yield
    finally:
        for part in training:
            part.training = True


@contextlib.contextmanager
def _quiet_random() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        yield


def _judged(error: Exception, away: bool) -> Trial:
    text = str(error).strip().partition("\n")[0][:300]
    for pattern in _PRODUCTS:
        found = pattern.search(text)
        if found:
            have, want = int(found["have"]), int(found["want"])
            return Trial("misfit", (have > want) - (have < want), text)
    view = _VIEW.search(text)
    if view:
        sizes = [int(size) for size in view["sizes"].split(",")]
        want = prod(size for size in sizes if size > 0) * (SAMPLES if sizes[0] < 0 else 1)
        return Trial("misfit", (int(view["have"]) > want) - (int(view["have"]) < want), text)
    if any(part in text for part in _TOO_SMALL):
        return Trial("misfit", -1, text)
    told = isinstance(error, (RuntimeError, IndexError, ValueError, AssertionError)) and any(word in text.lower() for word in _SHAPES)
    return Trial("misfit" if told and not away else "unknown", 0, f"{type(error).__name__}: {text}")


def _samples(found: Any) -> int | None:
    """The first size of the first tensor that came out."""
    if isinstance(found, torch.Tensor):
        return found.shape[0] if found.dim() else None
    if isinstance(found, Mapping):
        found = list(found.values())
    if isinstance(found, (list, tuple)):
        return next((count for count in map(_samples, found) if count is not None), None)
    return None


__all__ = ["SAMPLES", "Trial", "tried"]
