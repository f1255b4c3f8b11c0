"""Throughput over batch sizes: doubled until memory ends, more does not help any more, or it takes too long."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch

from ptinspect.errors import RunProblem
from ptinspect.runner.devices import is_out_of_memory
from ptinspect.runner.timing import middle, timed

if TYPE_CHECKING:
    from ptinspect.runner.batch import Run

LARGEST = 4_096
SECONDS = 60.0
PASSES, LEAST = 5, 0.3
_GAIN = 1.02
_FLAT = 2


def tell_sweep(run: Run) -> None:
    """Each size as soon as it was measured."""
    if run.samples < 1 or not all(isinstance(value, torch.Tensor) for value in (*run.args, *run.kwargs.values())):
        raise RunProblem(
            "batch sizes cannot be swept with an input that is no tensor of samples", "Give it one tensor: --input random:3x224x224."
        )
    rows: list[dict[str, Any]] = []
    began, size, flat, end = time.monotonic(), 1, 0, "the largest size that is tried"
    while size <= LARGEST:
        run.stage("sweep", size, LARGEST)
        row = _measured(run, size)
        if row is None:
            end = f"memory ended at {size:,} samples"
            break
        flat = flat + 1 if rows and row["throughput_per_s"] < _GAIN * max(one["throughput_per_s"] for one in rows) else 0
        rows.append(row)
        run.tell("sweep", {"sizes": rows, "end": ""})
        if flat >= _FLAT:
            end = "more samples at once are no faster"
            break
        if time.monotonic() - began > SECONDS:
            end = f"it was stopped after {SECONDS:.0f} s"
            break
        size *= 2
    run.tell("sweep", {"sizes": rows, "end": end})


def _measured(run: Run, size: int) -> dict[str, Any] | None:
    """One size; None where memory is too small for it."""
    own = run.args, run.kwargs
    try:
        run.args, run.kwargs = (_of_size(value, run.samples, size) for value in own)
        return _timed(run, size)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return None
    finally:
        run.args, run.kwargs = own
        if run.device.is_cuda:
            torch.cuda.empty_cache()


def _timed(run: Run, size: int) -> dict[str, Any]:
    run.device.forget_peak()
    timed(run.forward, run.device)
    spent: list[float] = []
    while len(spent) < PASSES or (sum(spent) < LEAST * 1e3 and len(spent) < 200):
        run.check()
        spent.append(timed(run.forward, run.device))
        if sum(spent) > SECONDS / 4 * 1e3:
            break
    median = middle(spent)
    return {"batch": size, "latency_ms": median, "throughput_per_s": size / (median / 1e3), "peak_memory_bytes": run.device.peak()}


def _of_size(value: Any, samples: int, size: int) -> Any:
    """The samples over and over, as many as asked for."""
    if isinstance(value, torch.Tensor):
        if not value.ndim or value.shape[0] != samples:
            return value
        return value[torch.arange(size, device=value.device) % samples]
    if isinstance(value, dict):
        return {key: _of_size(item, samples, size) for key, item in value.items()}
    return tuple(_of_size(item, samples, size) for item in value)


__all__ = ["tell_sweep"]
