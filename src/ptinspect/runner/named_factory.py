"""A function of the user's that builds a model, as they name it: `path/to/file.py:make_model`, `package.module:Class(width=64)`.

Arguments are literals; nothing in the text is evaluated. The file is read here, once: the bytes that are hashed for the consent are the
bytes that run, whatever happens to the file in between.

What a consent covers is the text and that one file. It cannot cover what the file imports, nor an installed package: where a module is
not found in the folders of `--path`, it is the environment's own, which the user put there, and only its name counts.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import struct
from typing import Any

from ptinspect.errors import ArchitectureUnknown, FileProblem
from ptinspect.formats.source import FileSource
from ptinspect.frozen import frozen

HINT = "Write FILE.py:FUNCTION, or PACKAGE.MODULE:CLASS(argument=1); arguments are plain numbers, texts, lists."
_FILE = re.compile(r"(?P<place>.+\.py):(?P<call>.+?)", re.DOTALL)
_MODULE = re.compile(r"(?P<place>[^\W\d]\w*(?:\.[^\W\d]\w*)*):(?P<call>.+?)", re.DOTALL)
_DOMAIN = b"ptinspect consent 1\x00factory\x00"
_LONGEST = 10_000
_LONGEST_FILE = 64 << 20


@frozen
class Factory:
    """What is to be called, and with what. `path` and `source` are its file and the bytes in it; None for an installed module."""

    text: str
    module: str
    call: str
    attribute: tuple[str, ...]
    args: tuple[Any, ...] | None
    kwargs: dict[str, Any]
    path: str | None
    source: bytes | None

    @property
    def is_file(self) -> bool:
        """Whether the text names a file."""
        return not self.module

    @property
    def digest(self) -> str:
        """The SHA-256 of what is agreed to, in hex."""
        whole = hashlib.sha256(_DOMAIN)
        for part in (self.module.encode(), self.call.encode("utf-8", "surrogatepass"), self.source):
            whole.update(b"\x00" if part is None else b"\x01" + struct.pack("<Q", len(part)) + part)
        return whole.hexdigest()


def factory_digest(text: str, paths: tuple[str, ...] = ()) -> str:
    """What somebody who lets this function run agrees to."""
    return named(text, paths).digest


def anchored(text: str) -> str:
    """The same text with the file's whole path, for a process that works in another folder; every other text as it is."""
    found = _FILE.fullmatch(text.strip())
    return text if found is None else f"{os.path.abspath(os.path.expanduser(found['place']))}:{found['call']}"


def named(text: str, paths: tuple[str, ...] = ()) -> Factory:
    """The function that a text names, its file read. Raises ArchitectureUnknown where the text or the file is none."""
    text = text.strip()
    found = _FILE.fullmatch(text) or _MODULE.fullmatch(text)
    if found is None or len(text) > _LONGEST:
        raise ArchitectureUnknown(f"{text[:200]!r} names no function that builds a model", HINT)
    place = found["place"]
    call = _call(found["call"].strip(), text)
    if place.endswith(".py"):
        path = os.path.abspath(os.path.expanduser(place))
        return Factory(text, "", *call, path, _source(path, place))
    path_found = _in_folders(place, paths)
    source = None if path_found is None else _source(path_found, path_found)
    return Factory(text, place, *call, path_found, source)


def _call(text: str, whole: str) -> tuple[str, tuple[str, ...], tuple[Any, ...] | None, dict[str, Any]]:
    """`name`, `Class.name` or either with literal arguments in parentheses, spelled one way; args is None without parentheses."""
    try:
        node = ast.parse(text, mode="eval").body
        spelled = ast.unparse(node)
        if not isinstance(node, ast.Call):
            return spelled, _names(node), None, {}
        args = tuple(ast.literal_eval(argument) for argument in node.args)  # a star is no literal
        named_ones = {_keyword(word): ast.literal_eval(word.value) for word in node.keywords}
        return spelled, _names(node.func), args, named_ones
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise ArchitectureUnknown(f"{whole[:200]!r} is no name with plain arguments", HINT) from None


def _keyword(word: ast.keyword) -> str:
    if word.arg is None:
        raise ValueError("two stars")
    return word.arg


def _names(node: ast.expr) -> tuple[str, ...]:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise TypeError("no name")
    return (node.id, *reversed(names))


def _source(path: str, shown: str) -> bytes:
    try:
        with FileSource(path) as file:
            if file.size > _LONGEST_FILE:
                raise ArchitectureUnknown(f"{shown} is too long for a program", "Check the path.")
            return file.read(0, file.size)
    except FileProblem as problem:
        raise ArchitectureUnknown(f"{shown}: {problem.message}", "Check the path and the spelling.") from None


def _in_folders(module: str, paths: tuple[str, ...]) -> str | None:
    """The file of a module below these folders, found without importing anything; None where it is none of theirs."""
    relative = os.path.join(*module.split("."))
    for folder in map(os.path.abspath, paths):
        for place in (os.path.join(folder, relative, "__init__.py"), os.path.join(folder, f"{relative}.py")):
            if os.path.isfile(place):
                return place
    return None


__all__ = ["HINT", "Factory", "anchored", "factory_digest", "named"]
