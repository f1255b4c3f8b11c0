"""What crosses the pipe, both ways."""

from __future__ import annotations

import json

import pytest

from ptinspect.errors import RunCrashed
from ptinspect.runner.protocol import (
    Cancelled,
    Event,
    Failed,
    FileAsked,
    Finished,
    LayerMeasured,
    Measured,
    Progress,
    RunRequest,
    Started,
    event_line,
    event_of,
    request_line,
    request_of,
)

LAYER = {"path": "fc", "type": "Linear", "input_shape": [1, 4], "output_shape": [1, 2]}
EVENTS: list[Event] = [
    Started({"type": "cpu", "name": "CPU"}, "2.13.0", {"source": "torchvision:resnet50", "trusted": False}, "here"),
    Progress("timing", 3, 20, {"latency_ms": 1.5}),
    LayerMeasured(LAYER),
    Measured("top", None),
    Finished(1.5),
    Failed("OutOfMemory", "no room", "less"),
    Cancelled(),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_that_an_event_arrives_as_it_was_sent(event: Event) -> None:
    assert event_of(event_line(event)) == event


def test_that_a_request_arrives_as_it_was_sent() -> None:
    file = FileAsked("a.pt", (1, 2, 3, 4), None, "auto", "ab" * 32)
    request = RunRequest(file, FileAsked("b.pt", (5, 6, 7, 8)), ("random:3x4",), batch=2, paths=("x",), seconds=1.5)
    assert request_of(request_line(request)) == request


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"hello",
        b"[1, 2]",
        b"null",
        b'"Finished"',
        b"{}",
        b'{"event": "Crashed", "message": "x"}',
        b'{"event": "Finished"}',
        b'{"event": "Finished", "seconds": "long"}',
        b'{"event": "Finished", "seconds": true}',
        b'{"event": "Finished", "seconds": 1, "more": 2}',
        b'{"event": "Measured", "name": "secrets", "value": 1}',
        b'{"event": "Measured", "name": ["top"], "value": 1}',
        b'{"event": "Progress", "stage": "x", "done": -1}',
        b'{"event": "Progress", "stage": 5}',
        b'{"event": "Started", "device": {}, "torch": "2", "model": {"source": "x"}}',
        b'{"event": "LayerMeasured", "layer": {"path": "x", "type": 5}}',
        b'{"event": "LayerMeasured", "layer": {"path": "x", "type": "y", "output_shape": "big"}}',
        b"\xff\xfe",
        b"[" * 100_000,
        json.dumps({"event": "Failed", "type": "x", "message": "y" * 50_000}).encode(),
    ],
)
def test_that_anything_else_is_nonsense(line: bytes) -> None:
    with pytest.raises(RunCrashed, match="no answer"):
        event_of(line)
