"""Makes the files that are measured, each by torch itself: `python -m tests.bench.files KIND FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch.serialization import skip_data

TENSORS = 201


def weights(path: Path, elements: int) -> None:
    """A float32 state_dict of 201 tensors. Its data are a hole in the file: torch reserves the place and writes nothing."""
    each, rest = divmod(elements, TENSORS)
    sizes = [each] * (TENSORS - 1) + [each + rest]
    with skip_data():
        torch.save({f"layers.{i}.weight": torch.empty(size) for i, size in enumerate(sizes)}, path)


def many(path: Path, count: int) -> None:
    """Small tensors, each with a storage of its own, named as in a deep model."""
    torch.save({f"encoder.layers.{i // 10}.block.{i % 10}.weight": torch.full((4, 2), float(i)) for i in range(count)}, path)


MAKERS = {
    "big": lambda path: weights(path, 1_100_000_000),
    "small": lambda path: weights(path, 11_000_000),
    "many": lambda path: many(path, 100_000),
    "quarter": lambda path: many(path, 25_000),
}

if __name__ == "__main__":
    MAKERS[sys.argv[1]](Path(sys.argv[2]) / f"{sys.argv[1]}.pt")
