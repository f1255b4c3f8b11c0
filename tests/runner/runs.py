"""Runs a batch in this process, its events in a list; files of small seeded models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.errors import Cancelled as Stopped
from ptinspect.runner.batch import run_batch
from ptinspect.runner.operators import import_torchvision
from ptinspect.runner.protocol import Event, FileAsked, RunRequest, event_line, event_of, identity_numbers
from ptinspect.runner.results import Result

INPUT = "random:3x32x32"


class Ear:
    """Takes events as the parent would: as lines, held to their form. Stops the run at a stage if it is told one."""

    def __init__(self, stop_at: str = "") -> None:
        self.events: list[Event] = []
        self.result = Result()
        self.stop_at = stop_at

    def say(self, event: Event) -> None:
        heard = event_of(event_line(event))
        self.events.append(heard)
        self.result.take(heard)

    def check(self) -> None:
        if self.stop_at and any(getattr(event, "stage", "") == self.stop_at for event in self.events):
            raise Stopped("stopped")


def model(name: str = "shufflenet_v2_x0_5", **options: object) -> nn.Module:
    """The same weights every time."""
    torch.manual_seed(5)
    made: nn.Module = import_torchvision().models.get_model(name, weights=None, **options)
    return made.eval()


def saved(module: nn.Module, path: Path) -> Path:
    """Its state_dict."""
    torch.save(module.state_dict(), path)
    return path


def asked(path: Path, **fields: Any) -> RunRequest:
    """A short run on the CPU."""
    checkpoint = open_checkpoint(path)
    own = {name: fields.pop(name) for name in ("weights", "model", "trust") if name in fields}
    file = FileAsked(str(path), identity_numbers(checkpoint.identity), **own)
    return RunRequest(file, **{"inputs": (INPUT,), "device": "cpu", "repeats": 2, "warmup": 1, **fields})


def run(path: Path, **fields: Any) -> dict[str, Any]:
    """The answer."""
    ear = Ear()
    run_batch(asked(path, **fields), ear)
    return ear.result.fields()
