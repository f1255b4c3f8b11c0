"""The real classes behind the names that may be rebuilt, and which attributes their instances hold.

A name is looked up in our own list first; the library's module is asked for a class only by a name that stands there, in its own
dictionary and no other way, so no name of a file reaches an import, a `getattr` or a lookup. What an instance may hold is read from
the class itself: the names that its methods, and those of its bases below `nn.Module`, store into. Nothing is built to find out.
"""

from __future__ import annotations

import dis
import inspect
import sys
from collections.abc import Callable, Iterator
from functools import cache
from types import CodeType, FunctionType
from typing import Any

import torch
from torch import nn

from ptinspect.errors import ArchitectureUnknown
from ptinspect.runner.operators import import_torchvision
from ptinspect.runner.rebuilt_names import MODULES, MOVED, OBJECTS

HINT = "Name the model (--model torchvision:NAME, or FILE.py:FUNCTION). If you trust the file, `--model pickled --trust` runs its own code."
_QUANTIZED = frozenset({"quantized", "qat", "intrinsic", "quantization"})
_BASES = frozenset({object, nn.Module})


def module_class(name: str) -> type[nn.Module]:
    """The class of that full name. Raises ArchitectureUnknown for every name that is not on the list."""
    place = MODULES.get(MOVED.get(name, name))
    if place is None:
        raise unknown(_why_not(name))
    found = _found(*place)
    if found is None or not issubclass(found, nn.Module):
        raise unknown(f"this Python's {place[0].partition('.')[0]} has no class {name}")
    return found


def object_class(name: str) -> type | None:
    """The class of one of the plain objects that detectors hold; None for every other name."""
    place = OBJECTS.get(name)
    return None if place is None else _found(*place)


def _found(module: str, name: str) -> type | None:
    if module.startswith("torchvision."):
        _have_torchvision()
    found = vars(sys.modules.get(module, sys)).get(name)
    is_it = isinstance(found, type) and (found.__module__, found.__qualname__) == (module, name)
    return found if is_it else None


@cache
def _have_torchvision() -> None:
    try:
        import_torchvision()
    except ImportError:
        raise unknown("it is built of torchvision's layers, and torchvision is not installed in this Python") from None


def _why_not(name: str) -> str:
    shown = name[:200] or "something without a name"
    if not _QUANTIZED.isdisjoint(name.split(".")):
        return f"{shown} is a quantized layer: its weights are packed, and only its own code can unpack them"
    if name.startswith("torch.nn.") and name.rpartition(".")[2].startswith("Lazy"):
        return f"{shown} is not built yet: it takes its shape from the first input, by hooks"
    return f"its class {shown} is none of torch's or torchvision's layers, so its code is not known here"


def unknown(message: str) -> ArchitectureUnknown:
    """The refusal, with what is left to do."""
    return ArchitectureUnknown(message, HINT)


def attributes_of(kind: type) -> frozenset[str]:
    """The names that instances of a class hold: stored by its methods, or told as constants, and shadowing nothing of the class."""
    return _stored(kind)


@cache
def _stored(kind: type) -> frozenset[str]:
    names: set[str] = set()
    for base in kind.__mro__:
        if base not in _BASES:
            names.update(map(str, getattr(base, "__constants__", ())))
            for code in _codes(base):
                names |= {step.argval for step in dis.get_instructions(code) if step.opname == "STORE_ATTR"}
    return frozenset(name for name in names if not is_shadowing(kind, name))


def _codes(kind: type) -> Iterator[CodeType]:
    """The code of every method, and of the functions inside."""
    functions = [getattr(value, "__func__", value) for value in vars(kind).values()]
    todo = [inspect.unwrap(function).__code__ for function in functions if isinstance(function, FunctionType)]
    while todo:
        code = todo.pop()
        yield code
        todo += [inner for inner in code.co_consts if isinstance(inner, CodeType)]


def is_shadowing(kind: type, name: str) -> bool:
    """Whether an attribute of that name would hide a method, a property, or anything of Python's own."""
    if name.startswith("__") or not name:
        return True
    held = inspect.getattr_static(kind, name, None)
    return callable(held) or hasattr(type(held), "__get__")


def functions() -> dict[str, Callable[..., Any]]:
    """The functions that a layer may hold, by the names that pickles have for them."""
    own = nn.functional
    found: dict[str, Callable[..., Any]] = {
        f"torch.nn.functional.{name}": getattr(own, name) for name in ("relu", "gelu", "silu", "leaky_relu", "elu", "mish")
    }
    found |= {"torch._C._nn.gelu": own.gelu, "torch._C._VariableFunctionsClass.relu": torch.relu}
    for module, name in (("torchvision.ops.boxes", "box_iou"), ("torchvision.models.optical_flow.raft", "_pass_through_h")):
        held = vars(sys.modules.get(module, sys)).get(name)
        if isinstance(held, FunctionType):
            found[f"{module}.{name}"] = held
    return found


__all__ = ["HINT", "attributes_of", "functions", "is_shadowing", "module_class", "object_class", "unknown"]
