"""Save with torch, open with ours."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.opening import open_checkpoint


def saved(folder: Path, value: object, **options: object) -> Checkpoint:
    """What a file says in which torch has saved a value."""
    path = folder / "file.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a legacy file stores the source of classes
        torch.save(value, path, **options)
    return open_checkpoint(path)
