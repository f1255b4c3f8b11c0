"""Pairs of small files that a fine-tuning, a renaming or a cast leaves behind."""

from __future__ import annotations

from pathlib import Path

import torch

from tests.session.working import Session


def state(classes: int = 10, seed: int = 0, lead: str = "") -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    found = {"conv.weight": torch.randn(8, 3, 3, 3)}
    for name in ("layer1.bn", "layer2.bn"):
        found |= {f"{name}.weight": torch.rand(8), f"{name}.bias": torch.rand(8)}
        found |= {f"{name}.running_mean": torch.rand(8), f"{name}.running_var": torch.rand(8) + 1}
        found |= {f"{name}.num_batches_tracked": torch.tensor(450_360)}
    found |= {"fc.weight": torch.randn(classes, 8), "fc.bias": torch.zeros(classes)}
    return {lead + name: value for name, value in found.items()}


def finetuned(left: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A new head, and running statistics that drifted in one block."""
    right = {name: value.clone() for name, value in left.items() if not name.startswith("fc.")}
    right["layer2.bn.running_var"] *= 0.8
    right["layer2.bn.num_batches_tracked"].fill_(3_128)
    torch.manual_seed(5)
    return {**right, "fc.weight": torch.randn(7, 8), "fc.bias": torch.zeros(7)}


def saved(folder: Path, **files: object) -> list[str]:
    paths = []
    for name, value in files.items():
        path = folder / f"{name}.pt"
        torch.save(value, path)
        paths.append(str(path))
    return paths


def compared(left: str, right: str, session: Session | None = None, **options: object) -> Session:
    session = session or Session()
    session.app.compare(left, right, **options)
    session.settle()
    return session


def names(row) -> list[str]:
    return [below.name for below in row.below]
