"""What one spec gives: tensors for the model, and what is known about their samples."""

from __future__ import annotations

from typing import Any

import torch

from ptinspect.frozen import field, frozen

Value = torch.Tensor | list[torch.Tensor] | None
Sample = dict[str, Any]


@frozen
class Named:
    """One input of the model: by keyword, or the next one in order."""

    value: Value
    source: str
    name: str | None = None


@frozen
class Part:
    """The inputs that one spec gives, `count` samples of each. `lengths` are those of sequences before they were padded."""

    inputs: tuple[Named, ...]
    count: int
    note: str = ""
    samples: tuple[Sample, ...] = ()
    labels: tuple[int, ...] | None = None
    label_names: tuple[str, ...] | None = None
    lengths: tuple[int, ...] | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def said(self) -> str:
        """All that is to be said about how it was prepared."""
        return "; ".join(note for note in (self.note, *self.notes) if note)


def sample(name: str, path: str = "", size: tuple[int, int] | None = None, crop: tuple[int, int, int, int] | None = None) -> Sample:
    """What a window shows of a sample: where it lies, never its values."""
    return {"name": name, "path": path, "size": list(size) if size else None, "crop": list(crop) if crop else None}


__all__ = ["Named", "Part", "Sample", "Value", "sample"]
