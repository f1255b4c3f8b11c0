"""How long it takes: the whole batch without any hooks, and each layer in passes of their own.

A GPU works beside the program, so its layers are timed by its own events; the CPU by the clock. What is measured per layer includes
the hooks' own cost, which is why the batch is never timed with them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ptinspect.runner.devices import Device
from ptinspect.runner.hooks import named_once

Pass = Callable[[], Any]


def timed(forward: Pass, device: Device) -> float:
    """One pass in milliseconds, from an idle device to an idle device."""
    device.synchronize()
    began = time.perf_counter()
    forward()
    device.synchronize()
    return (time.perf_counter() - began) * 1e3


def per_layer(module: nn.Module, forward: Pass, device: Device, check: Callable[[], None], passes: int = 3) -> dict[str, float]:
    """Milliseconds in each module, everything below it included: the median of a few passes, all calls of a pass together."""
    found: dict[str, list[float]] = {}
    for _ in range(passes):
        check()
        for path, spent in _one_pass(module, forward, device).items():
            found.setdefault(path, []).append(spent)
    return {path: middle(spent) for path, spent in found.items()}


def _one_pass(module: nn.Module, forward: Pass, device: Device) -> dict[str, float]:
    marks: dict[str, Marks] = {}
    handles = []
    for path, one in named_once(module):
        marks[path] = kept = Marks(device)
        handles += [one.register_forward_pre_hook(kept.begins), one.register_forward_hook(kept.ends)]
    try:
        whole = timed(forward, device)
    finally:
        for handle in handles:
            handle.remove()
    return {path: kept.spent() for path, kept in marks.items() if kept.pairs} or {"": whole}


class Marks:
    """When one module began and ended, each time it was called; a module that calls itself ends last what it began first."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._mark: Callable[[], Any] = _event if device.is_cuda else time.perf_counter
        self._open: list[Any] = []
        self.pairs: list[tuple[Any, Any]] = []

    def begins(self, *_: object) -> None:
        """A call begins."""
        self._open.append(self._mark())

    def ends(self, *_: object) -> None:
        """The last call that began has ended."""
        if self._open:
            self.pairs.append((self._open.pop(), self._mark()))

    def spent(self) -> float:
        """All calls together, in milliseconds."""
        if self._device.is_cuda:
            return float(sum(begin.elapsed_time(end) for begin, end in self.pairs))
        return float(sum(end - begin for begin, end in self.pairs) * 1e3)


def _event() -> torch.cuda.Event:
    event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    event.record()
    return event


def middle(numbers: list[float]) -> float:
    """The median."""
    ordered = sorted(numbers)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def quantile(numbers: list[float], share: float) -> float:
    """The smallest measurement that this share of all does not exceed."""
    ordered = sorted(numbers)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


__all__ = ["Marks", "middle", "per_layer", "quantile", "timed"]
