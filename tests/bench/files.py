"""Makes the files that are measured, each by torch itself: `python -m tests.bench.files KIND FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch.serialization import skip_data

from ptinspect.runner.operators import declare_missing

TENSORS = 201
VALUES = 66 * 4096 * 4096


def weights(path: Path, elements: int) -> None:
    """A float32 state_dict of 201 tensors. Its data are a hole in the file: torch reserves the place and writes nothing."""
    each, rest = divmod(elements, TENSORS)
    sizes = [each] * (TENSORS - 1) + [each + rest]
    with skip_data():
        torch.save({f"layers.{i}.weight": torch.empty(size) for i, size in enumerate(sizes)}, path)


def many(path: Path, count: int) -> None:
    """Small tensors, each with a storage of its own, named as in a deep model."""
    torch.save({f"encoder.layers.{i // 10}.block.{i % 10}.weight": torch.full((4, 2), float(i)) for i in range(count)}, path)


def values(path: Path, dtype: torch.dtype) -> None:
    """1.1 billion weights as a trained model's: 66 matrices of normal numbers, seeded."""
    source = torch.Generator().manual_seed(0)
    block = torch.randn(4096, 4096, generator=source) * 0.02
    state = {f"layers.{i}.mlp.weight": (block * (1 + i / 100)).roll(i, 0).to(dtype) for i in range(VALUES // block.numel())}
    torch.save(state, path)


def tuned(path: Path) -> None:
    """The same weights after some training: each a twentieth of its size away."""
    noise = torch.randn(4096, 4096, generator=torch.Generator().manual_seed(1)) * 1e-3
    base = torch.load(path.with_name("values.pt"), weights_only=True)
    torch.save({name: tensor + noise.roll(i, 1) for i, (name, tensor) in enumerate(base.items())}, path)


def classifier(path: Path) -> None:
    """A ResNet-50 with seeded weights."""
    declare_missing()
    from torchvision.models import resnet50

    torch.manual_seed(0)
    torch.save(resnet50(weights=None).state_dict(), path)


MAKERS = {
    "big": lambda path: weights(path, 1_100_000_000),
    "small": lambda path: weights(path, 11_000_000),
    "values": lambda path: values(path, torch.float32),
    "values16": lambda path: values(path, torch.bfloat16),
    "copied": lambda path: values(path, torch.float32),
    "tuned": tuned,
    "classifier": classifier,
    "many": lambda path: many(path, 100_000),
    "quarter": lambda path: many(path, 25_000),
}

if __name__ == "__main__":
    MAKERS[sys.argv[1]](Path(sys.argv[2]) / f"{sys.argv[1]}.pt")
