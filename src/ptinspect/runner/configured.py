"""A model of transformers, told by the `config.json` beside its weights. The library's own classes only: code that a folder brings
along (`auto_map`) is never imported."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any

from torch import nn

from ptinspect.errors import ArchitectureUnknown
from ptinspect.runner.operators import import_torchvision

_LARGEST = 4 << 20
_INSTALL = "Install it: pip install transformers. Or choose a Python that has it: --python."


def class_beside(path: str) -> str | None:
    """The class that the config beside a file names, None where there is no such config."""
    told = _config(path)
    names = told.get("architectures") if told else None
    return str(names[0]) if isinstance(names, list) and names and isinstance(names[0], str) else None


def _config(path: str) -> dict[str, Any] | None:
    try:
        with open(os.path.join(os.path.dirname(os.path.abspath(path)), "config.json"), encoding="utf-8") as file:
            told = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) and isinstance(told.get("model_type"), str) else None


def configured(path: str, name: str) -> nn.Module:
    """A fresh model of that class as the config says. Raises ArchitectureUnknown."""
    with suppress(ImportError):
        import_torchvision()  # transformers imports it where it is
    try:
        import transformers  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415
    except ImportError:
        raise ArchitectureUnknown(f"this is transformers' {name}, and transformers is not installed in this Python", _INSTALL) from None
    kind = None
    if name.isidentifier() and not name.startswith("_"):
        with suppress(ImportError):  # a class is imported when it is asked for
            kind = getattr(transformers, name, None)
    if not (isinstance(kind, type) and issubclass(kind, transformers.PreTrainedModel)):
        raise ArchitectureUnknown(
            f"transformers {transformers.__version__} has no model {name!r}", "Name a function that builds it: --model FILE.py:FUNCTION."
        )
    folder = os.path.dirname(os.path.abspath(path))
    try:
        config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        made: nn.Module = kind(config)
    except (ValueError, OSError, KeyError, TypeError, AttributeError) as error:
        raise ArchitectureUnknown(
            f"config.json beside the file cannot be used: {error}", "Name a function that builds the model: --model FILE.py:FUNCTION."
        ) from error
    return made


__all__ = ["class_beside", "configured"]
