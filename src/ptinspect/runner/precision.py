"""The type and the place that a batch is computed in: the file's own type unless told, autocast,
TensorFloat-32, channels last, compiled."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ptinspect.errors import RunProblem
from ptinspect.findings import Finding
from ptinspect.frozen import frozen
from ptinspect.runner.devices import Device
from ptinspect.runner.protocol import RunRequest

TYPES = {
    "float32": torch.float32, "fp32": torch.float32, "float16": torch.float16, "fp16": torch.float16, "half": torch.float16,
    "bfloat16": torch.bfloat16, "bf16": torch.bfloat16, "float64": torch.float64, "fp64": torch.float64, "tf32": torch.float32,
}  # fmt: skip


@frozen
class Precision:
    """How to compute. `kind` is the type of the weights and of floating inputs, `cast` what autocast turns operators into,
    `short` whether TensorFloat-32 may stand for float32."""

    kind: torch.dtype
    device: Device
    cast: torch.dtype | None = None
    channels_last: bool = False
    compiled: bool = False
    note: Finding | None = None
    short: bool = False

    @classmethod
    def of(cls, request: RunRequest, module: nn.Module, device: Device) -> Precision:
        """What the request says about it, or the weights."""
        own = own_type(module)
        if request.dtype not in TYPES and request.dtype != "auto":
            raise RunProblem(f"{request.dtype!r} is no precision", "Use float32, float16, bfloat16, float64 or tf32.")
        kind = own if request.dtype == "auto" else TYPES[request.dtype]
        cast = _autocast_type(request, kind, device) if request.autocast else None
        note = None
        if request.dtype == "tf32" and not device.is_cuda:
            note = Finding("notice", "TensorFloat-32 is a type of NVIDIA's GPUs", "The CPU computed in float32.")
        if request.autocast and cast is None:
            note = Finding("notice", f"Autocast has nothing to do in {request.dtype}", "Name a shorter type: --dtype bfloat16 or float16.")
        return cls(own if cast else kind, device, cast, request.channels_last, request.compiled, note, request.dtype == "tf32")

    def context(self) -> Any:
        """What a pass runs inside. torch keeps TensorFloat-32 as one switch for all, so each pass sets it: two may take turns."""
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = self.short
        return torch.autocast(self.device.type, self.cast) if self.cast is not None else contextlib.nullcontext()

    def placed(self, module: nn.Module) -> nn.Module:
        """The model on the device. Nothing is copied that is there already."""
        if isinstance(module, torch.jit.ScriptModule) or any(
            value.dtype != self.kind for value in module.parameters() if value.is_floating_point()
        ):
            module = module.to(self.device.word, self.kind)
        else:
            module = module.to(self.device.word)
        if self.channels_last:
            module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return module

    def runs(self, module: nn.Module) -> Callable[..., Any]:
        """What is timed: the module, or what torch.compile makes of it."""
        return torch.compile(module) if self.compiled else module

    def moved(self, value: Any) -> Any:
        """An input on the device: floating ones in the model's type, whole numbers as they are."""
        if isinstance(value, torch.Tensor):
            found = value.to(self.device.word, self.kind) if value.is_floating_point() else value.to(self.device.word)
            return found.contiguous(memory_format=torch.channels_last) if self.channels_last and found.ndim == 4 else found
        if isinstance(value, dict):
            return {key: self.moved(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self.moved(item) for item in value)
        return value


def _autocast_type(request: RunRequest, kind: torch.dtype, device: Device) -> torch.dtype | None:
    """What operators are cast to: the type that was asked for, or torch's own choice for the device."""
    if request.dtype == "auto":
        return torch.get_autocast_dtype(device.type)
    return kind if kind in (torch.float16, torch.bfloat16) else None


def own_type(module: nn.Module) -> torch.dtype:
    """The type that most of its weights have."""
    counts: dict[torch.dtype, int] = {}
    for value in module.parameters():
        if value.is_floating_point():
            counts[value.dtype] = counts.get(value.dtype, 0) + value.numel()
    found = max(counts, key=lambda kind: counts[kind], default=torch.float32)
    return found if found in TYPES.values() else torch.float32


__all__ = ["TYPES", "Precision", "own_type"]
