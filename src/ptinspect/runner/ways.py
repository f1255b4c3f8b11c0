"""The five ways from a file to a model, by the word that asks for one; and which of them need somebody's consent.

The window, the command line and the child decide this by the same few lines.
"""

from __future__ import annotations

import re
from typing import Literal

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.errors import ArchitectureUnknown

Way = Literal["safe", "known", "rebuilt", "program", "pickled", "factory"]
"""`safe` is whichever of `known` and `rebuilt` leads to a model."""

LIBRARIES = ("torchvision:", "timm:", "transformers:")
PROGRAMS = {"torchscript": "torchscript", "torch-export": "exported"}
WITH_CONSENT: frozenset[Way] = frozenset({"program", "pickled", "factory"})
_WORDS: dict[str, Way] = {
    "recognised": "known", "rebuilt": "rebuilt", "torchscript": "program", "exported": "program", "pickled": "pickled",
}  # fmt: skip
_FACTORY = re.compile(r".+\.py:\w+.*|[\w.]+:\w+.*", re.DOTALL)


def way_of(model: str, checkpoint: Checkpoint) -> Way:
    """The way that a word asks for. Raises ArchitectureUnknown for a word that is none, or none for this file."""
    program = PROGRAMS.get(checkpoint.document.container)
    if model == "auto":
        return "program" if program else "safe"
    way = _WORDS.get(model) or ("known" if model.startswith(LIBRARIES) else None)
    if way is None and _FACTORY.fullmatch(model):
        way = "factory"
    if way is None:
        hint = f"Use torchvision:NAME, timm:NAME, FILE.py:FUNCTION, auto, {', '.join(_WORDS)}."
        raise ArchitectureUnknown(f"{model!r} names no model", hint)
    if way == "program" and model != program:
        raise ArchitectureUnknown(f"the file is no {model} program, but {checkpoint.document.container}", "Leave --model away.")
    return way


__all__ = ["LIBRARIES", "PROGRAMS", "WITH_CONSENT", "Way", "way_of"]
