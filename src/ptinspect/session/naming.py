"""What a checkpoint and its parts are called, wherever they are spoken of."""

from __future__ import annotations

from collections.abc import Iterator

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.session.words import plain

CONTAINERS = {
    "torch-zip": "PyTorch zip",
    "torch-legacy": "PyTorch before 1.6",
    "torch-tar": "PyTorch tar",
    "torchscript": "TorchScript zip",
    "torch-export": "torch.export archive",
    "torch-package": "torch.package",
    "safetensors": "safetensors",
    "pickle": "plain pickle",
    "sharded": "sharded",
    "distributed": "distributed",
}


def architecture_name(checkpoint: Checkpoint) -> str:
    """The known model that the weights fit, as people write it."""
    found = checkpoint.architecture
    return plain(found.name, 60) if found else ""


def progress_of(checkpoint: Checkpoint) -> Iterator[tuple[str, object]]:
    """Epoch, step and loss, where the file stores them."""
    training = checkpoint.training
    if training is not None:
        for name, value in (("epoch", training.epoch), ("step", training.step), ("loss", training.loss)):
            if value is not None:
                yield name, value
