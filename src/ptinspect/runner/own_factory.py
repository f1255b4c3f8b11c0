"""The fourth way to a model: a function of the user's builds it. Their code runs, after they agreed to exactly these bytes.

The file that they named is compiled from the bytes that were hashed, never through the import system, which might take a `.pyc`
that lies beside it. Whatever goes wrong in their code is one sentence with the file and the line.
"""

from __future__ import annotations

import difflib
import importlib.util
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from torch import nn

from ptinspect.errors import ArchitectureUnknown
from ptinspect.runner.consent import refuse_unless
from ptinspect.runner.foreign_errors import missing_module, sentence, where_in
from ptinspect.runner.named_factory import Factory, named

_HINT = "Mend it there, then run the batch again."
_MOST_NAMES = 8


def made_by(text: str, agreed: str | None, paths: tuple[str, ...] = ()) -> nn.Module:
    """The module that the named function returns. Raises NotTrusted before anything of the file has run."""
    factory = named(text, paths)
    refuse_unless(factory.digest, agreed, factory.text, "Read it first. If you trust it, and what it imports: --trust.")
    folders = (os.path.dirname(factory.path),) if factory.is_file and factory.path is not None else ()
    add_to_path((*folders, *paths))
    module = _run_file(factory) if factory.is_file else _imported(factory, paths)
    return _called(factory, _found(factory, module))


def add_to_path(folders: tuple[str, ...]) -> None:
    """Modules are found in these folders first, from now on: a model may import when it is run."""
    for folder in reversed(folders):
        place = os.path.abspath(folder)
        if place not in sys.path:
            sys.path.insert(0, place)


def _shown(factory: Factory) -> str:
    return os.path.basename(factory.path) if factory.is_file and factory.path is not None else factory.module


def _run_file(factory: Factory) -> ModuleType:
    """The file as a module, under a name that hides no other."""
    name = os.path.splitext(os.path.basename(factory.path or ""))[0]
    name = f"factory_{name}" if name in sys.modules or name in sys.stdlib_module_names else name
    spec = importlib.util.spec_from_file_location(name, factory.path)
    return _filled(factory, ModuleType(name) if spec is None else importlib.util.module_from_spec(spec))


def _filled(factory: Factory, module: ModuleType) -> ModuleType:
    """Run the bytes that were hashed."""
    try:
        code = compile(factory.source or b"", factory.path or factory.module, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = f" in line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        words = error.msg if isinstance(error, SyntaxError) else str(error)
        raise ArchitectureUnknown(f"{_shown(factory)} has a syntax error{line}: {words}", _HINT) from None
    sys.modules[module.__name__] = module
    _guarded(factory, lambda: exec(code, vars(module)), "")  # noqa: S102 - the user's own file, after they agreed to it
    return module


def _imported(factory: Factory, paths: tuple[str, ...]) -> ModuleType:
    """A module by its name: its packages are imported, and itself run from what was hashed where it lies in a folder of `--path`."""
    parts = factory.module.split(".")
    found: ModuleType | None = None
    for count in range(1, len(parts) + 1):
        name = ".".join(parts[:count])
        is_hashed = count == len(parts) and factory.source is not None
        if name in sys.modules and not is_hashed:
            found = sys.modules[name]
            continue
        found = _one(factory, name, found, paths)
    assert found is not None  # noqa: S101 - a name has at least one part
    return found


def _is_below(place: object, folders: tuple[str, ...]) -> bool:
    begins = tuple(os.path.join(os.path.abspath(folder), "") for folder in folders)
    return isinstance(place, str) and os.path.abspath(place).startswith(begins)


def _one(factory: Factory, name: str, above: ModuleType | None, paths: tuple[str, ...]) -> ModuleType:
    is_last = name == factory.module
    is_hashed = is_last and factory.source is not None
    spec = _guarded(factory, lambda: importlib.util.find_spec(name), "")
    if spec is None or spec.loader is None:
        if spec is not None and not is_hashed:
            return _attached(importlib.util.module_from_spec(spec), above)  # a folder without __init__.py
        raise ArchitectureUnknown(f"there is no module {name}", "Point to the folder that holds it: --path DIR.")
    if is_last and not is_hashed and _is_below(spec.origin, paths):
        raise ArchitectureUnknown(f"{name} is no .py file", "What lies in a folder of --path is read before it runs.")
    module, loader = importlib.util.module_from_spec(spec), spec.loader
    if is_hashed:
        _filled(factory, module)
    else:
        sys.modules[name] = module
        _guarded(factory, lambda: loader.exec_module(module), "")
    return _attached(sys.modules.get(name, module), above)


def _attached(module: ModuleType, above: ModuleType | None) -> ModuleType:
    sys.modules.setdefault(module.__name__, module)
    if above is not None:
        setattr(above, module.__name__.rpartition(".")[2], module)
    return module


def _found(factory: Factory, module: ModuleType) -> Any:
    """What the text names in the module."""
    found: Any = module
    for name in factory.attribute:
        held = found
        found = _guarded(factory, lambda held=held, name=name: getattr(held, name, None), name)  # type: ignore[misc]
        if found is None:
            raise ArchitectureUnknown(f"{_shown(factory)} has no {name}", _names_in(held, name))
    return found


def _names_in(module: Any, wanted: str) -> str:
    """What there is instead, the nearest first."""
    held = getattr(module, "__dict__", {})
    own = [name for name, value in held.items() if callable(value) and not name.startswith("_")]
    near = difflib.get_close_matches(wanted, own, 3)
    shown = [*near, *(name for name in own if name not in near)][:_MOST_NAMES]
    return f"It has {', '.join(shown)}." if shown else "It has no function or class of its own."


def _called(factory: Factory, found: Any) -> nn.Module:
    name = ".".join(factory.attribute)
    if isinstance(found, nn.Module) and factory.args is None:
        return found
    if not callable(found) or isinstance(found, nn.Module):
        message = f"{name} in {_shown(factory)} cannot be called: it is a {type(found).__name__}"
        raise ArchitectureUnknown(message, "Name a function or a class.")
    made = _guarded(factory, lambda: found(*(factory.args or ()), **factory.kwargs), name)
    if isinstance(made, nn.Module):
        return made
    what = f"the class {made.__name__}" if isinstance(made, type) else f"a {type(made).__name__}"
    message = f"{name} in {_shown(factory)} returns {what}, and no torch.nn.Module"
    raise ArchitectureUnknown(message, "Name a function that returns the model.")


def _guarded(factory: Factory, run: Callable[[], Any], name: str) -> Any:
    """Run code of theirs. What it raises becomes a sentence; only a wish to stop goes through."""
    try:
        return run()
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:  # foreign code may raise anything, SystemExit too
        at = where_in(error, factory.path)
        did = f"{name} in {_shown(factory)}" if name else _shown(factory)
        hint = missing_module(error, factory.path or "") or _HINT
        raise ArchitectureUnknown(f"{did} failed{at}: {sentence(error)}", hint) from error


__all__ = ["add_to_path", "made_by"]
