"""Two models on one batch, layer by layer: the same one on another device or in another type, or the models of two files.

The first leaves its outputs in memory, whole as long as there is room and evenly drawn samples of the larger ones after that; the
second is compared with them as it runs. Where the two part is the first layer without layers of its own whose output is further off
than the types explain.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.errors import Cancelled, InspectError, RunProblem
from ptinspect.frozen import replace, slotted
from ptinspect.runner import devices
from ptinspect.runner.hooks import first_tensor, holds_numbers, named_once, tensors_in
from ptinspect.runner.precision import TYPES, Precision
from ptinspect.runner.predictions import as_shares
from ptinspect.runner.programs import in_eval_mode
from ptinspect.runner.protocol import RunRequest
from ptinspect.runner.sources import made

if TYPE_CHECKING:
    from ptinspect.runner.batch import Run

ROOM = 1 << 30
SAMPLE = 1 << 16
_APART = {torch.float64: 1e-9, torch.float32: 1e-3, torch.bfloat16: 5e-2, torch.float16: 1e-2}


@slotted
class Output:
    """What a layer gave, or evenly drawn values of it; `step` says which."""

    values: torch.Tensor
    shape: tuple[int, ...]
    step: int


class _Outputs:
    """Hands each layer's first output to `take`, between `with` and its end."""

    def __init__(self, module: nn.Module, take: Callable[[str, nn.Module, torch.Tensor], None]) -> None:
        self._handles = [one.register_forward_hook(self._hook(path, take)) for path, one in named_once(module)]
        self._seen: set[str] = set()

    def _hook(self, path: str, take: Callable[[str, nn.Module, torch.Tensor], None]) -> Any:
        def hook(module: nn.Module, _: Any, given: object) -> None:
            output = first_tensor(given)
            if path not in self._seen and output is not None and holds_numbers(output):
                self._seen.add(path)
                take(path, module, output.detach())

        return hook

    def close(self) -> None:
        """Take the hooks away."""
        for handle in self._handles:
            handle.remove()


def tell_agreement(run: Run) -> None:
    """The same model elsewhere: `cpu`, `float32`, `cpu:float32`."""
    request = elsewhere(run.request)
    told = compared(run, request)
    run.tell("agreement", {"with": f"{told['device']} {told['dtype']}", **told})


def tell_parting(run: Run) -> None:
    """The model of the second file, as this one is run."""
    if run.request.other is None:
        return
    try:
        told = compared(run, replace(run.request, file=run.request.other))
    except InspectError as problem:
        if not isinstance(problem, Cancelled):
            problem.message = f"the other file, {os.path.basename(run.request.other.path)}: {problem.message}"
        raise
    run.tell("parting", {"with": run.request.other.path, **told})


def elsewhere(request: RunRequest) -> RunRequest:
    """The same request on the device and in the type that its `agreement` names."""
    device, kind = request.device, request.dtype
    for word in request.agreement.replace(",", ":").split(":"):
        if word in TYPES:
            kind = word
        elif word in ("cpu", "cuda", "mps"):
            device = word
        else:
            raise RunProblem(
                f"{request.agreement!r} says neither a device nor a type", "Use cpu, cuda, float32, float16, bfloat16, or cpu:float32."
            )
    return replace(request, device=device, dtype=kind, autocast=False, channels_last=False, compiled=False)


def compared(run: Run, request: RunRequest) -> dict[str, Any]:
    """Run the other one on the same batch, and say how far each layer is off."""
    kept, outputs = _kept_of(run)
    torch.manual_seed(run.request.seed)
    device = devices.chosen(request.device)
    second = made(request.file, open_checkpoint(request.file.path), request.paths)
    precision = Precision.of(request, second.module, device)
    module = precision.placed(in_eval_mode(second.module))
    rows: list[dict[str, Any]] = []

    def take(path: str, one: nn.Module, output: torch.Tensor) -> None:
        run.check()
        if path in kept:
            is_leaf = not any(True for _ in one.children())
            rows.append({"path": path, "type": type(one).__name__, "leaf": is_leaf, **_difference(kept.pop(path), output)})

    watch = _Outputs(module, take)
    args, kwargs = precision.moved((run.prepared.args, run.prepared.kwargs))
    try:
        with torch.no_grad(), precision.context():
            others = module(*args, **kwargs)
    except InspectError:
        raise
    except Exception as error:
        raise RunProblem(f"the other model could not be run on this batch: {error}", "Both have to take the same input.") from error
    finally:
        watch.close()
    limit = max(_APART.get(kind, 1e-3) for kind in (precision.kind, run.precision.kind))
    apart = next((row["path"] for row in rows if row["leaf"] and _is_apart(row, limit)), None)
    where = {"device": device.word, "dtype": str(precision.kind).removeprefix("torch.")}
    return {"source": second.source, **where, "layers": rows, "parts_at": apart, "limit": limit, **_outputs_beside(outputs, others)}


def _kept_of(run: Run) -> tuple[dict[str, Output], Any]:
    """This model's outputs, and what it gave in the end."""
    kept: dict[str, Output] = {}
    room = [ROOM]

    def take(path: str, _: nn.Module, output: torch.Tensor) -> None:
        run.check()
        size = output.numel() * 4
        step = 1 if size <= room[0] else max(1, -(-output.numel() // SAMPLE))
        kept[path] = Output(drawn(output, step), tuple(output.shape), step)
        room[0] -= kept[path].values.numel() * 4

    watch = _Outputs(run.module, take)
    try:
        given = run.layered()
    finally:
        watch.close()
    return kept, given


def drawn(output: torch.Tensor, step: int) -> torch.Tensor:
    """Every n-th value, in float32 on the CPU: a copy, since the next layer may write into the tensor."""
    return output.reshape(-1)[::step].to("cpu", torch.float32, copy=True)


def _difference(left: Output, right: torch.Tensor) -> dict[str, Any]:
    if left.shape != tuple(right.shape):
        return {
            "shape": list(left.shape),
            "other_shape": list(right.shape),
            "max_abs": None,
            "relative_l2": None,
            "cosine": None,
            "sampled": False,
        }
    a, b = left.values.double(), drawn(right, left.step).double()
    both = torch.isfinite(a) & torch.isfinite(b)
    odd = int((torch.isfinite(a) != torch.isfinite(b)).sum())
    a, b = a[both], b[both]
    moments = {"means": [float(a.mean()), float(b.mean())], "stds": [float(one.std(correction=0)) for one in (a, b)]} if a.numel() else {}
    norm, other = float(a.norm()), float(b.norm())
    gap = (a - b).abs()
    return {
        "shape": list(left.shape), "max_abs": float(gap.max()) if gap.numel() else None,
        "relative_l2": float((a - b).norm()) / norm if norm else (0.0 if not other else None),
        "cosine": float(torch.dot(a, b)) / (norm * other) if norm and other else None, "sampled": left.step > 1, "finite_in_one": odd,
        **moments,
    }  # fmt: skip


def _is_apart(row: dict[str, Any], limit: float) -> bool:
    if "other_shape" in row or row.get("finite_in_one"):
        return True
    return row["relative_l2"] is None or row["relative_l2"] > limit


def _outputs_beside(left: object, right: object) -> dict[str, Any]:
    """How far the outputs are apart, and in how many samples the likeliest class is the same."""
    pairs = list(_pairs(left, right))
    gaps = [float((a - b).abs().max()) for a, b in pairs if a.shape == b.shape and a.numel()]
    found: dict[str, Any] = {"largest_gap": max(gaps, default=None), "same_top": None, "samples": None}
    if pairs and pairs[0][0].ndim == 2 and pairs[0][0].shape == pairs[0][1].shape and pairs[0][0].shape[1] > 1:
        best = [as_shares(one).argmax(1) for one in pairs[0]]
        found |= {"same_top": int((best[0] == best[1]).sum()), "samples": len(best[0])}
    return found


def _pairs(left: object, right: object) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    others = dict(tensors_in(right))
    for path, tensor in tensors_in(left):
        if path in others and tensor.is_floating_point():
            yield tensor.detach().float().cpu(), others[path].detach().float().cpu()


__all__ = ["compared", "elsewhere", "tell_agreement", "tell_parting"]
