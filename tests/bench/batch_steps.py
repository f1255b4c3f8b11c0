"""Our side of a test batch: `python -m tests.bench.batch_steps first|rate FILE`, through the client and a child as the window does it."""

from __future__ import annotations

import os
import sys

from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.runner.client import run
from ptinspect.runner.protocol import FileAsked, Finished, Measured, RunRequest, identity_numbers
from tests.bench.torch_batch_size import BATCH, PASSES


def main(what: str, path: str) -> None:
    identity = identity_numbers(open_checkpoint(path).identity)
    request = RunRequest(
        FileAsked(os.path.abspath(path), identity), inputs=("random:3x224x224",), device="cpu", batch=BATCH, repeats=PASSES
    )
    spent = None
    for event in run(request):
        if isinstance(event, Measured) and event.name == "output" and what == "first":
            print(event.value[0]["mean"])
            return
        if isinstance(event, Measured) and event.name == "latency_ms":
            spent = event.value.get("all") or spent
        last = event
    assert isinstance(last, Finished), last
    assert spent
    print(min(spent) / 1e3)


if __name__ == "__main__":
    main(*sys.argv[1:])
