"""The fifth way to a model: the pickled model itself, by the one `torch.load(weights_only=False)` of this program.

It runs whatever the file names. It is reached when the user asked for this way and agreed to these bytes, and on no other path: the
file that comes in here is the one that `consent.consented` opened, and what it gives is what was hashed.
"""

from __future__ import annotations

import io
import pickle  # noqa: TID251 - after consent, for files that pickle.dump wrote
import re
import warnings
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from ptinspect.errors import ArchitectureUnknown, InspectError
from ptinspect.formats.document import Container
from ptinspect.formats.reach import key_text
from ptinspect.runner.foreign_errors import missing_module, sentence

_HINT = "Name a function that builds the model (--model FILE.py:FUNCTION), or a library's model (--model torchvision:NAME)."
_MOST = 100_000
_NOT_FOUND = re.compile(r"[Cc]an't get attribute '(?P<name>[^']+)' on <module '(?P<module>[^']+)'")


def unpickled(file: io.BufferedReader, container: Container, place: str, path: str) -> nn.Module:
    """The module at `place` in the file (empty for the root), or the only one there is. `path` is where the file lies, for advice."""
    if container == "torch-tar":
        raise ArchitectureUnknown("the pickled models of torch 0.1 (tar files) are not loaded", _HINT)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about sources that changed since: the user chose this file
            found = _loaded(file, container)
    except (InspectError, MemoryError, KeyboardInterrupt):
        raise
    except BaseException as error:  # the file's own code may raise anything, SystemExit too
        raise ArchitectureUnknown(f"the pickled model cannot be loaded: {sentence(error)}", _advice(error, path)) from error
    return _bare(_module_in(found, place))


def _loaded(file: io.BufferedReader, container: Container) -> Any:
    if container == "pickle":
        return pickle.load(file)  # noqa: S301 - agreed to
    return torch.load(file, map_location="cpu", weights_only=False)  # noqa: TID251 - the one and only, agreed to


def _advice(error: BaseException, path: str) -> str:
    """What is missing, and where it may be."""
    missing = missing_module(error, path)
    if missing:
        return missing
    lost = _NOT_FOUND.search(str(error))
    if lost is not None and lost["module"].rpartition(".")[2] == "__main__":
        name = lost["name"]
        return f"The class {name} was defined in the script that saved the file: build it from there, --model SCRIPT.py:{name}."
    if lost is not None:
        return f"Its module {lost['module']} was found and has no {lost['name']}: point --path to the version that the file was saved with."
    return _HINT


def _module_in(found: Any, place: str) -> nn.Module:
    """The module that the file's weight set is, or the nearest to the root."""
    there = _at(found, place)
    if isinstance(there, nn.Module):
        return there
    todo, seen = deque([found]), set[int]()
    while todo and len(seen) < _MOST:
        value = todo.popleft()
        if isinstance(value, nn.Module):
            return value
        if id(value) not in seen:
            seen.add(id(value))
            todo.extend(item for _, item in _steps(value))
    if isinstance(found, Mapping) and found and all(isinstance(value, torch.Tensor) for value in found.values()):
        raise ArchitectureUnknown("the file holds a state_dict: weights by name, and no model to run", _HINT)
    raise ArchitectureUnknown(f"the file holds a {type(found).__name__}, and no torch.nn.Module in it", _HINT)


def _at(value: Any, place: str) -> Any:
    """What lies at a path; its keys may hold dots of their own."""
    if not place or isinstance(value, nn.Module):
        return value
    for key, item in _steps(value):
        if place == key:
            return item
        if place.startswith(f"{key}."):
            inner = _at(item, place[len(key) + 1 :])
            if inner is not None:
                return inner
    return None


def _steps(value: Any) -> Iterator[tuple[str, Any]]:
    """Everything one step below, in containers and in objects of classes that are nobody's builtin."""
    if isinstance(value, Mapping):
        yield from ((key_text(key), item) for key, item in value.items())
    elif isinstance(value, (list, tuple)):
        yield from ((str(index), item) for index, item in enumerate(value))
    elif not isinstance(value, (type, torch.Tensor)):
        yield from getattr(value, "__dict__", {}).items()


def _bare(module: nn.Module) -> nn.Module:
    """Without what spreads it over several GPUs, which need not be here."""
    while isinstance(module, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        module = module.module
    return module


__all__ = ["unpickled"]
