"""The pages beside the tree, by name."""

from __future__ import annotations

from typing import Literal

Inspector = Literal["overview", "tensor", "training", "health", "safety", "code"]
INSPECTORS: tuple[Inspector, ...] = ("overview", "tensor", "training", "health", "safety", "code")
