"""Which devices this Python's torch sees, and what it was built for: asked before anybody chooses one, without a model."""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch

from ptinspect.runner import devices
from ptinspect.runner.protocol import Event, Measured


def tell_devices(say: Callable[[Event], None]) -> None:
    """Tell them, the one that `auto` stands for first."""
    missing = devices.unused_gpu()
    told = {
        "devices": [device.fields() for device in devices.available()],
        "torch": torch.__version__,
        "build": f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU",
        "python": sys.executable,
        "note": f"{missing.title}. {missing.detail}" if missing is not None else "",
    }
    say(Measured("devices", told))


__all__ = ["tell_devices"]
