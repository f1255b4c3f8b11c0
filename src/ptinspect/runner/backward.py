"""A backward pass: how large the gradients of each layer are, and which layers get none, frozen or cut off.

In eval mode, so that nothing in the model changes and two runs agree. The loss is cross-entropy where labels are known, otherwise the
mean square of the outputs: it has no meaning for the task, and shows all the same where gradients flow, vanish or stop being finite.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from ptinspect.errors import RunProblem
from ptinspect.findings import Finding
from ptinspect.quantities import plural
from ptinspect.runner.hooks import first_tensor, named_once, tensors_in

if TYPE_CHECKING:
    from ptinspect.runner.batch import Run

_UNKNOWN = -1  # the label of a sample whose class is not known


def tell_backward(run: Run) -> None:
    """Tell each layer's gradients; the model has none of them afterwards."""
    run.stage("backward")
    flows: dict[str, torch.Tensor] = {}
    handles = [one.register_forward_hook(_on_output(path, flows)) for path, one in named_once(run.module)]
    try:
        with torch.enable_grad(), run.precision.context(), _in_eval_mode(run):
            given = run.module(*run.args, **run.kwargs)
        loss, note = _loss(run, given)
        loss.backward()  # type: ignore[no-untyped-call]
        rows = [_row(path, one, flows.get(path)) for path, one in named_once(run.module)]
    except RuntimeError as error:
        if "does not require grad" in str(error):
            raise RunProblem(
                "no gradient flows: every layer is frozen, or its output is cut off", "A model in training has some."
            ) from None
        raise
    finally:
        for handle in handles:
            handle.remove()
        run.module.zero_grad(set_to_none=True)
    run.tell("backward", {"loss": float(loss.detach()), "note": note, "layers": rows})
    _remark(run, rows)


def _in_eval_mode(run: Run) -> Any:
    """cuDNN's recurrent layers have no backward pass in eval mode; torch's own have."""
    recurrent = run.device.is_cuda and any(isinstance(one, nn.RNNBase) for one in run.module.modules())
    return torch.backends.cudnn.flags(enabled=False) if recurrent else contextlib.nullcontext()


def _on_output(path: str, flows: dict[str, torch.Tensor]) -> Any:
    def hook(_: nn.Module, __: Any, given: object) -> None:
        output = first_tensor(given)
        if output is not None and output.requires_grad and path not in flows:
            flows[path] = torch.zeros((), device=output.device)
            output.register_hook(  # type: ignore[no-untyped-call]
                lambda gradient: flows.__setitem__(path, gradient.detach().float().norm())
            )

    return hook


def _loss(run: Run, given: object) -> tuple[torch.Tensor, str]:
    outputs = [tensor.float() for _, tensor in tensors_in(given) if tensor.is_floating_point()]
    if not outputs:
        raise RunProblem("its output holds no numbers that a loss could be made of", "A backward pass needs some.")
    labels = run.prepared.labels
    if labels is not None and outputs[0].ndim == 2 and len(outputs[0]) == len(labels) and 0 <= max(labels) < outputs[0].shape[1]:
        known = torch.tensor(list(labels), device=outputs[0].device).clamp(min=_UNKNOWN)
        loss = functional.cross_entropy(outputs[0], known, ignore_index=_UNKNOWN)
        return loss, "cross-entropy with the samples' labels, in eval mode"
    parts = [output.square().mean() for output in outputs if output.numel()]
    return torch.stack(parts).sum(), "the mean square of the outputs, in eval mode"


def _row(path: str, module: nn.Module, flow: torch.Tensor | None) -> dict[str, Any]:
    """One layer; `status` speaks of its own parameters."""
    own = list(module.parameters(recurse=False))
    gradients = [value.grad for value in own if value.grad is not None]
    found: dict[str, Any] = {"path": path, "type": type(module).__name__, "status": _status(own, len(gradients))}
    found |= {"norm": None, "mean_abs": None, "max_abs": None, "nans": 0, "infs": 0, "output_norm": None if flow is None else float(flow)}
    if gradients:
        values = torch.cat([gradient.detach().reshape(-1).float() for gradient in gradients])
        finite = values[torch.isfinite(values)]
        found |= {"nans": int(torch.isnan(values).sum()), "infs": int(torch.isinf(values).sum())}
        if finite.numel():
            found |= {"norm": float(finite.norm()), "mean_abs": float(finite.abs().mean()), "max_abs": float(finite.abs().max())}
    return found


def _status(own: list[nn.Parameter], reached: int) -> str | None:
    if not own:
        return None
    if not any(value.requires_grad for value in own):
        return "frozen"
    return "trained" if reached else "cut off"


def _remark(run: Run, rows: list[dict[str, Any]]) -> None:
    cut = [row["path"] for row in rows if row["status"] == "cut off"]
    if cut:
        run.found(
            Finding(
                "warning",
                f"{plural(len(cut), 'layer')} without a gradient, though not frozen",
                f"{', '.join(cut[:8])}: the output does not depend on them.",
                cut[0],
            )
        )
    bad = next((row["path"] for row in reversed(rows) if row["nans"] or row["infs"]), None)
    if bad is not None:
        run.found(
            Finding(
                "danger",
                f"Gradients are not finite from {bad or 'the model'} on",
                "Counted from the output backwards, it is the first layer.",
                bad,
            )
        )


__all__ = ["tell_backward"]
