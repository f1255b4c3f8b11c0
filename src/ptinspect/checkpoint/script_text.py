"""What stands inside the parentheses of a TorchScript module: its class text holds as constants what Python keeps as attributes.

`kernel_size : Final[Tuple[int, int]] = (3, 3)` of the text becomes the attribute that torch prints from. Only plain literals are
read, each of a few characters; everything else is left out.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import Any

from ptinspect.checkpoint.module_text import extra_of
from ptinspect.checkpoint.modules import Module
from ptinspect.frozen import replace
from ptinspect.pickles.values import Call, Dict, entries, pairs_of

_LONGEST = 200
_TORCHS_OWN = "torch.nn.modules."
_NOTHING = object()


def scripted_extra(module: Module) -> str | None:
    """What torch would print of the module that was scripted, as far as its class text tells."""
    state = Dict()
    kept = [] if module.class_name.startswith(_TORCHS_OWN) else list(entries(pairs_of(module.state) or []))
    constants = [(name, literal(text)) for name, text in module.constants.items()]
    state.pairs = [(key, value) for key, value in kept if type(value) is not Call]
    state.pairs += [(name, value) for name, value in constants if value is not _NOTHING]
    if "bias" not in module.constants and any(key == "bias" for key, _ in module.parameters if type(key) is str):
        state.pairs.append(("bias", True))
    return extra_of(replace(module, state=state))


@lru_cache(4_096)
def literal(text: str) -> Any:
    """The value of a number, a text, a tuple of such, as TorchScript writes them."""
    if len(text) > _LONGEST or "\\" in text:
        return _NOTHING
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return _NOTHING


__all__ = ["scripted_extra"]
