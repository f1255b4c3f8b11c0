"""What happens inside: the shape and the statistics of each layer's output, by forward hooks, in one pass of its own.

Numbers stay on the device until the pass is over, so that a GPU is not made to wait after every layer. Mean, spread and histogram
are over finite values; what is not finite is counted. The first layer whose output is not finite while everything it was given was
is where the trouble begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

import torch
from torch import nn

from ptinspect.frozen import field, slotted

BINS = 48
MOST_LAYERS = 20_000
MOST_HISTOGRAM = 1 << 26  # values of one output beyond which only every n-th goes into the picture
_GUARDS = "GuardsFn"  # what torch.export puts before a graph to check its inputs: no layer
_UNWATCHED = (nn.ModuleList, nn.ModuleDict, torch.jit.ScriptModule)


@slotted
class Layer:
    """One module that was called. `numbers` and `counts` are on the device until the pass is over."""

    path: str
    type: str
    input_shape: list[int] | None
    output_shape: list[int] | None
    calls: int = 1
    output_bytes: int = 0
    memory_bytes: int | None = None
    dtype: str | None = None
    numbers: torch.Tensor | None = None
    counts: torch.Tensor | None = None
    was_sound: bool | torch.Tensor = True
    parameters: int = 0
    is_container: bool = False
    fields: dict[str, Any] = field(default_factory=dict)


def tensors_in(value: object, path: str = "", depth: int = 0) -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor in what a model takes or gives, with its place."""
    if isinstance(value, torch.Tensor):
        yield path, value
    elif depth < 8 and isinstance(value, dict):
        for key, item in value.items():
            yield from tensors_in(item, f"{path}.{key}" if path else str(key), depth + 1)
    elif depth < 8 and isinstance(value, (list, tuple)):
        names = getattr(value, "_fields", range(len(value)))
        for key, item in zip(names, value, strict=False):
            yield from tensors_in(item, f"{path}.{key}" if path else str(key), depth + 1)
    elif depth < 8 and hasattr(value, "__dataclass_fields__"):
        for key in value.__dataclass_fields__:
            yield from tensors_in(getattr(value, key), f"{path}.{key}" if path else str(key), depth + 1)


def first_tensor(value: object) -> torch.Tensor | None:
    """The first of them."""
    return next((tensor for _, tensor in tensors_in(value)), None)


def shape_of(tensor: torch.Tensor | None) -> list[int] | None:
    """Its sizes; a nested tensor, which torch makes of padded batches between attention layers, has none for all its rows."""
    return None if tensor is None or tensor.is_nested else list(tensor.shape)


def holds_numbers(tensor: torch.Tensor) -> bool:
    """Whether its values can be looked at as they are: dense real numbers in one piece."""
    return tensor.is_floating_point() and tensor.layout == torch.strided and not tensor.is_nested and not tensor.is_quantized


class Watch:
    """Hooks on every module of a model between `with` and its end; `layers` are what was called, in the order of the calls."""

    def __init__(self, module: nn.Module, check: Callable[[], None]) -> None:
        self.layers: dict[str, Layer] = {}
        self._module, self._check = module, check
        self._handles: list[Any] = []

    def __enter__(self) -> Self:
        for path, module in named_once(self._module):
            self._handles.append(module.register_forward_pre_hook(self._before(path, module), with_kwargs=True))
            self._handles.append(module.register_forward_hook(self._after(path), with_kwargs=True))
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def whole(self, args: Any, kwargs: Any, given: object) -> None:
        """A program that takes no hooks, as one layer: what went in and what came out."""
        self._before("", self._module)(self._module, tuple(args), kwargs)
        self.ends("", given)

    def begins(self, first: torch.Tensor | None, path: str, kind: str, own: int, holds: bool) -> None:
        """A layer was called on that tensor; `own` parameters are its own, and it may hold other layers."""
        self._check()
        if path in self.layers:
            self.layers[path].calls += 1
            return
        sound = True if first is None or not holds_numbers(first) else torch.isfinite(first).all()
        self.layers[path] = Layer(path, kind, shape_of(first), None, parameters=own, is_container=holds, was_sound=sound)

    def ends(self, path: str, given: object) -> None:
        """It gave that. Of several calls the first is looked at."""
        layer = self.layers.get(path)
        output = first_tensor(given)
        if layer is None or output is None or layer.calls > 1:
            return
        layer.output_shape = shape_of(output)
        layer.output_bytes = sum(tensor.numel() * tensor.element_size() for _, tensor in tensors_in(given))
        layer.memory_bytes = torch.cuda.memory_allocated(output.device) if output.is_cuda else None
        layer.dtype = str(output.dtype).removeprefix("torch.")
        if holds_numbers(output) and output.numel():
            layer.numbers, layer.counts = _numbers(output.detach())

    def _before(self, path: str, module: nn.Module) -> Callable[..., None]:
        own, kind = sum(value.numel() for value in module.parameters(recurse=False)), type_name(module)
        holds = any(True for _ in module.children())

        def hook(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            first = first_tensor(args)
            self.begins(first if first is not None else first_tensor(kwargs), path, kind, own, holds)

        return hook

    def _after(self, path: str) -> Callable[..., None]:
        def hook(_: nn.Module, __: tuple[Any, ...], ___: dict[str, Any], given: object) -> None:
            self.ends(path, given)

        return hook


def type_name(module: nn.Module) -> str:
    """Its class; of a TorchScript program, the class that it was made of."""
    name = getattr(module, "original_name", None) if isinstance(module, torch.jit.ScriptModule) else None
    return name if isinstance(name, str) else type(module).__name__


def named_once(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Every module under its first name, the root as the empty one; lists of modules are never called, and programs take no hooks."""
    for count, (path, found) in enumerate(module.named_modules()):
        if count >= MOST_LAYERS:
            return
        if not isinstance(found, _UNWATCHED) and type(found).__name__ != _GUARDS:
            yield path, found


def _numbers(output: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """mean, std, min, max, NaN, Inf, samples with either; and the counts of a histogram between min and max."""
    values = output.to(torch.float32) if output.dtype != torch.float64 else output
    if values.device.type == "cpu":  # nothing waits for an answer here, and most outputs are finite
        low, high = torch.aminmax(values)
        if bool(torch.isfinite(low)) and bool(torch.isfinite(high)):
            return _all_finite(values, low, high)
    finite = torch.isfinite(values)
    nans = torch.isnan(values).sum()
    infs = (~finite).sum() - nans
    count = finite.sum()
    some = count.clamp(min=1)
    plain = torch.where(finite, values, torch.zeros_like(values))
    mean = plain.sum(dtype=torch.float64 if values.device.type != "mps" else None) / some
    spread = torch.where(finite, values - mean.to(values.dtype), torch.zeros_like(values))
    std = (spread.square().sum(dtype=mean.dtype) / some).sqrt()
    low = torch.where(finite, values, torch.full_like(values, float("inf"))).min()
    high = torch.where(finite, values, torch.full_like(values, float("-inf"))).max()
    bad = (~finite).reshape(len(values), -1).any(1).sum() if values.ndim > 1 else (~finite).sum()
    numbers = torch.stack([number.to(mean.dtype) for number in (mean, std, low, high, nans, infs, bad, count)])
    return numbers, _histogram(values, finite, low, high)


def _all_finite(values: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    spread, mean = torch.std_mean(values, correction=0)
    numbers = [float(mean), float(spread), float(low), float(high), 0.0, 0.0, 0.0, float(values.numel())]
    step = max(1, values.numel() // MOST_HISTOGRAM)
    width = 0.0 if high > low else 1.0
    return torch.tensor(numbers, dtype=torch.float64), torch.histc(values.reshape(-1)[::step], BINS, float(low), float(high) + width)


def _histogram(values: torch.Tensor, finite: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    step = max(1, values.numel() // MOST_HISTOGRAM)
    flat, kept = values.reshape(-1)[::step], finite.reshape(-1)[::step]
    width = torch.where(high > low, high - low, torch.ones_like(high))
    scaled = torch.where(kept, (flat - low) / width, torch.full_like(flat, -1.0))
    return torch.histc(scaled.to(torch.float32), BINS, 0.0, 1.0)


def told(layer: Layer, batch: int) -> dict[str, Any]:
    """A layer as JSON, its numbers fetched from the device."""
    found: dict[str, Any] = {
        "path": layer.path, "type": layer.type, "input_shape": layer.input_shape, "output_shape": layer.output_shape,
        "parameters": layer.parameters, "calls": layer.calls, "output_bytes": layer.output_bytes,
        "memory_bytes": layer.memory_bytes, "dtype": layer.dtype, "container": layer.is_container,
        "mean": None, "std": None, "min": None, "max": None, "nans": 0, "infs": 0, "bad_samples": 0, "histogram": None,
        "first_bad": False, "mult_adds": None, "time_ms": None,
    }  # fmt: skip
    if layer.numbers is not None and layer.counts is not None:
        mean, std, low, high, nans, infs, bad, count = layer.numbers.tolist()
        found |= {"nans": int(nans), "infs": int(infs), "bad_samples": min(int(bad), batch) if nans or infs else 0}
        if count:
            found |= {"mean": mean, "std": std, "min": low, "max": high}
            found["histogram"] = {"low": low, "high": high, "counts": [int(number) for number in layer.counts.tolist()]}
        found["first_bad"] = bool(nans or infs) and bool(layer.was_sound)
    return found


def first_trouble(layers: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The first layer that turned finite values into others; not one that merely holds it."""
    bad = [layer for layer in layers if layer["first_bad"]]
    inner = (layer for layer in bad if not any(_is_below(other["path"], layer["path"]) for other in bad))
    return next(inner, None)


def _is_below(path: str, above: str) -> bool:
    return path != above and (not above or path.startswith(f"{above}."))


__all__ = [
    "Watch", "first_tensor", "first_trouble", "holds_numbers", "named_once", "shape_of", "tensors_in", "told", "type_name",
]  # fmt: skip
