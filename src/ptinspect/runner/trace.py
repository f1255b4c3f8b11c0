"""A Chrome trace of one pass, written into the child's folder; the parent takes it from there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from torch.profiler import ProfilerActivity, profile

from ptinspect.runner.protocol import TRACE

if TYPE_CHECKING:
    from ptinspect.runner.batch import Run


def tell_trace(run: Run) -> None:
    """Record one pass."""
    run.stage("trace")
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if run.device.is_cuda else [])]
    with profile(activities=activities, record_shapes=True) as recorded:
        run.forward()
        run.device.synchronize()
    recorded.export_chrome_trace(TRACE)
    run.tell("trace", {"bytes": os.path.getsize(TRACE)})


__all__ = ["tell_trace"]
