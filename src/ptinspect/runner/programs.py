"""The third way to a model: TorchScript and torch.export archives, which are programs. Only for a file that somebody agreed to run.

The loader gets the open file of the consent, never a path.
"""

from __future__ import annotations

import io
import warnings
from contextlib import suppress

import torch
from torch import nn

from ptinspect.errors import ArchitectureUnknown, InspectError
from ptinspect.formats.document import Container
from ptinspect.runner.foreign_errors import sentence

_NAMES = {"torchscript": "TorchScript program", "torch-export": "exported program"}


def program(file: io.BufferedReader, container: Container) -> nn.Module:
    """The module of a program, from a file that `consent.consented` opened."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that TorchScript is old, which the user of an old file knows
            return _loaded(file, container)
    except (InspectError, MemoryError):
        raise
    except Exception as error:  # torch raises whatever its parsers do
        message = f"torch {torch.__version__} cannot load this {_NAMES.get(container, 'program')}: {sentence(error)}"
        raise ArchitectureUnknown(message, "It may need the torch that wrote it, or a newer one: --python.") from error


def _loaded(file: io.BufferedReader, container: Container) -> nn.Module:
    if container == "torchscript":
        made = torch.jit.load(file, map_location="cpu")  # type: ignore[no-untyped-call,unused-ignore]  # noqa: TID251 - a program, agreed to
    elif container == "torch-export":
        made = torch.export.load(file).module()  # type: ignore[arg-type,unused-ignore]
    else:
        raise ArchitectureUnknown(f"a {container} file holds no program", "Leave --model away.")
    if not isinstance(made, nn.Module):
        raise ArchitectureUnknown("the program is no module", "Name a function that builds the model: --model FILE.py:FUNCTION.")
    return made


def in_eval_mode(module: nn.Module) -> nn.Module:
    """The same module. An exported program stays in the mode that it was exported in, and refuses to be asked for another."""
    with suppress(NotImplementedError):
        module.eval()
    return module


__all__ = ["in_eval_mode", "program"]
