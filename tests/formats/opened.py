"""Open a file for a test, and take a zip apart to put it together otherwise."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ptinspect.formats.document import Document
from ptinspect.formats.reading import read
from ptinspect.formats.source import FileSource
from ptinspect.tensors import TensorInfo


def opened(path: Path) -> Document:
    """The document in a file."""
    with FileSource(path) as source:
        return read(source, str(path))


@contextmanager
def held_open(path: Path) -> Iterator[Document]:
    """The document while its file is open, as texts need it."""
    with FileSource(path) as source:
        yield read(source, str(path))


def by_name(document: Document) -> dict[str, TensorInfo]:
    """Every name that reaches a tensor."""
    return {place.path: place.tensor for place in document.places}


def members(path: Path) -> dict[str, bytes]:
    """A zip's members by their names without the top folder."""
    with zipfile.ZipFile(path) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def written(path: Path, content: dict[str, bytes], folder: str = "made/", method: int = zipfile.ZIP_STORED) -> Path:
    """A zip of those members in a folder."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in content.items():
            archive.writestr(folder + name, data)
    return path


def edited(path: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    """A copy of a zip with its members changed."""
    content = members(path)
    change(content)
    return written(path.with_name(f"edited-{path.name}"), content)
