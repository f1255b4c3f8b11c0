"""Small networks like torchvision's, trained for real, and the files that torch writes of them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ptinspect.analysis.compare.comparison import Comparison, Reading, completed, concluded, outlined, results
from ptinspect.analysis.compare.model import side_of
from ptinspect.analysis.compare.rules import parsed_rules
from ptinspect.checkpoint.opening import open_checkpoint


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(x + self.bn2(self.conv2(y)))


class Net(nn.Module):
    """A residual network: stem, two layers of two blocks, a head."""

    def __init__(self, classes: int = 10, width: int = 40) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = nn.Sequential(Block(width), Block(width))
        self.layer2 = nn.Sequential(Block(width), Block(width))
        self.fc = nn.Linear(width, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        return self.fc(self.layer2(self.layer1(x)).mean((2, 3)))


class Mixer(nn.Module):
    """Linear layers wide enough for a test of rank."""

    def __init__(self, width: int = 96, layers: int = 4) -> None:
        super().__init__()
        self.embed = nn.Embedding(50, width)
        parts = (nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.Linear(2 * width, width)) for _ in range(layers))
        self.layers = nn.ModuleList(parts)
        self.head = nn.Linear(width, 50)


def network(kind: type[nn.Module] = Net, seed: int = 0, **options: Any) -> nn.Module:
    torch.manual_seed(seed)
    return kind(**options)


def trained(model: nn.Module, parameters: Iterable[nn.Parameter] | None = None, train: bool = True, lr: float = 0.05) -> nn.Module:
    """A copy after some steps of training, of all parameters or of some."""
    torch.manual_seed(1)
    names = None if parameters is None else {id(p) for p in parameters}
    chosen = [name for name, p in model.named_parameters() if names is None or id(p) in names]
    made = copy.deepcopy(model)
    moving = [p for name, p in made.named_parameters() if name in chosen]
    for p in made.parameters():
        p.requires_grad_(any(p is one for one in moving))
    optimizer = torch.optim.Adam(moving, lr)
    made.train(train)
    for _ in range(3):
        optimizer.zero_grad()
        images, labels = torch.randn(8, 3, 8, 8), torch.randint(0, 2, (8,))
        nn.functional.cross_entropy(made(images), labels).backward()
        optimizer.step()
    return made


class Pairs:
    """Saves two values and compares the files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str, value: object) -> Path:
        path = self.folder / f"{name}.pt"
        torch.save(value, path)
        return path

    def __call__(self, left: object, right: object, *rules: str, thorough: bool = False, **reading: Any) -> Comparison:
        left = left if isinstance(left, Path) else self.path("left", left)
        right = right if isinstance(right, Path) else self.path("right", right)
        return compared(left, right, *rules, thorough=thorough, **reading)


def compared(left: Path, right: Path, *rules: str, thorough: bool = False, sets: Any = (None, None), **reading: Any) -> Comparison:
    sides = []
    for path, chosen in zip((left, right), sets, strict=True):
        checkpoint = open_checkpoint(path)
        weights = next((one for one in checkpoint.weights if one.path == chosen), None)
        sides.append(side_of(checkpoint, weights))
    outline = completed(outlined(*sides, parsed_rules(rules)))
    pairs = list(outline.pairs)
    for place, pair in results(outline, Reading(**reading)):
        pairs[place] = pair
    return concluded(outline, pairs, thorough)


def mapped(state: dict[str, torch.Tensor], change: Callable[[torch.Tensor], torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: change(value) if value.is_floating_point() else value for name, value in state.items()}
