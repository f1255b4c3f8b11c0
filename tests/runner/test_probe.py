"""Asking the child's torch which devices it sees."""

from __future__ import annotations

import sys

import torch

from ptinspect.runner.client import run
from ptinspect.runner.protocol import FileAsked, Finished, Measured, RunRequest


def test_that_a_probe_tells_the_devices_and_the_torch_of_that_python_without_any_file() -> None:
    request = RunRequest(FileAsked("", (0, 0, 0, 0)), probe=True, seconds=120)
    events = list(run(request, python=sys.executable))
    told = next(event.value for event in events if isinstance(event, Measured) and event.name == "devices")
    assert isinstance(events[-1], Finished)
    assert told["devices"][-1]["word"] == "cpu"
    assert told["torch"] == torch.__version__
    assert told["python"] == sys.executable
