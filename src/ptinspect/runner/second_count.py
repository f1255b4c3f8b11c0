"""torchinfo's totals beside our own. Version 1.8 counts a shared parameter once for every layer that holds it; ours counts it once."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from ptinspect.findings import Finding

if TYPE_CHECKING:
    from ptinspect.runner.batch import Run


def torchinfo_totals(run: Run, own: int) -> dict[str, int] | None:
    """What torchinfo counts, None where it is not installed or does not understand the model. Says where the two differ, and why."""
    try:
        import torchinfo  # noqa: PLC0415 - a GPU server may lack it
    except ImportError:
        return None
    named: dict[str, Any] = dict(run.kwargs)
    try:
        with redirect_stdout(io.StringIO()):
            found = torchinfo.summary(run.module, input_data=list(run.args), device=run.device.word, verbose=0, mode="eval", **named)
    except Exception:  # noqa: BLE001 - it runs the model in its own way, which not every model takes
        return None
    counted = {"parameters": int(found.total_params), "mult_adds": int(found.total_mult_adds)}
    if counted["parameters"] != own:
        title = f"torchinfo counts {counted['parameters']:,} parameters where there are {own:,}"
        run.found(Finding("info", title, "It counts shared parameters once for each layer that holds them; here they count once."))
    return counted


__all__ = ["torchinfo_totals"]
