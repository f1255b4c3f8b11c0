"""The layer tables of the shipped samples, and of a small file with what the samples lack, at 100 columns."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from torch import nn

from ptinspect import resources

GOLDENS = Path(__file__).resolve().parent
ROOT = GOLDENS.parents[1]


class Tiny(nn.Module):
    """A language model in small: tied weights, a recurrent layer, a buffer that is not saved with the state."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(50, 8)
        self.memory = nn.LSTM(8, 8, bidirectional=True)
        self.blocks = nn.ModuleList([nn.Sequential(nn.Linear(8, 8), nn.GELU()), nn.Sequential(nn.Linear(8, 8), nn.GELU())])
        self.blocks[1] = self.blocks[0]
        self.decoder = nn.Linear(8, 50)
        self.decoder.weight = self.embed.weight
        self.register_buffer("mask", torch.ones(4, 4, dtype=torch.bool), persistent=False)
        self.embed.requires_grad_(requires_grad=False)
        self.a_name_that_is_much_too_long_for_its_column_and_then_some = nn.LayerNorm(8)


def tiny(path):
    """A checkpoint with a whole module, and values of several kinds."""
    torch.save(
        {"epoch": 7, "classes": ["cat", "dog\x1b[31m"], "model": Tiny(), "views": {"wide": torch.zeros(1, 1, 1, 1000, 2000, 0)}}, path
    )


def table(path, *arguments, columns=100):
    """What the command prints."""
    env = os.environ | {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": str(columns), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-m", "ptinspect", "tree", str(path), *arguments], env=env, capture_output=True, check=True)
    return done.stdout.decode("utf-8")


def texts():
    """Every golden by its file's name."""
    found = {f"tree-{path.stem}.txt": table(path) for path in sorted(resources.path("samples").glob("*.pt"))}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiny.pt"
        tiny(path)
        found["tree-tiny.txt"] = table(path)
        found["tree-tiny-depth-2.txt"] = table(path, "--depth", "2")
        found["tree-tiny-match.txt"] = table(path, "--match", "*.weight,*mask")
    return found
