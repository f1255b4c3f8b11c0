"""Which reader reads a file. The choice is made by content, never by name; a new reader is one file and three lines here.

A reader is imported when a file may be its own: most files need one of the nine.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ptinspect.errors import FileProblem
from ptinspect.findings import Finding
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.document import Document
from ptinspect.formats.source import Source
from ptinspect.formats.zip_end import hanging
from ptinspect.limits import DEFAULT, Limits


class Reader(Protocol):
    """What a reader's module offers."""

    def offers(self, candidate: Candidate) -> bool:
        """Whether the file is of its kind."""

    def read(self, candidate: Candidate) -> Document:
        """The document in the file."""


_STREAMS = frozenset({"torch-legacy", "torch-tar", "pickle"})


def read(source: Source, name: str = "", limits: Limits = DEFAULT) -> Document:
    """The document in a source, or a FileProblem that names what it is instead."""
    candidate = Candidate(source, limits, name)
    problem = candidate.zip_problem
    if candidate.directory is not None or problem is None:
        return _with_polyglot(_read(candidate), candidate)
    from ptinspect.formats.torch_zip_salvage import mark, recover, told  # few archives are damaged

    salvage = recover(candidate)
    if salvage is None:
        return _with_polyglot(_read(candidate), candidate)
    try:
        return mark(_read(candidate), salvage, problem)
    except FileProblem:
        raise told(salvage, problem) from None


def _with_polyglot(document: Document, candidate: Candidate) -> Document:
    """The first bytes decide, for torch.load and here; torch.jit.load and unzip look at the end, and may find another content (S-20)."""
    if candidate.directory is None and document.container in _STREAMS and (place := hanging(candidate.source)) is not None:
        detail = f"torch.load reads what stands before byte {place:,}; torch.jit.load and unzip would read the archive."
        document.findings.append(Finding("warning", "a zip archive hangs at the end of this file", detail))
    return document


def _with_shadowed(document: Document, candidate: Candidate) -> Document:
    """Pickles whose name a later record took: torch does not see them, other loaders may (S-18)."""
    directory = candidate.directory
    if directory is not None and directory.shadowed and not document.only_members:
        from ptinspect.formats.members import Search  # few archives hold a name twice

        search = Search(candidate.limits)
        search.through(directory, directory.shadowed)
        document.pickles += search.pickles
    return document


def _read(candidate: Candidate) -> Document:
    for reader in _zip_readers(candidate) if candidate.directory is not None else _stream_readers():
        if reader.offers(candidate):
            return _with_shadowed(reader.read(candidate), candidate)
    from ptinspect.formats.diagnosis import diagnose  # most files are checkpoints

    raise diagnose(candidate)


def _zip_readers(candidate: Candidate) -> Iterator[Reader]:
    """Those whose records are named in it, most particular first."""
    names = candidate.listing
    if ".data/extern_modules" in names:
        from ptinspect.formats import torch_package

        yield torch_package
    if "archive_format" in names or "serialized_exported_program.json" in names:
        from ptinspect.formats import torch_export

        yield torch_export
    if any(name in names for name in ("constants.pkl", "bytecode.pkl", "code/", "model.json")):
        from ptinspect.formats import torchscript

        yield torchscript
    if "data.pkl" in names:
        from ptinspect.formats import torch_zip

        yield torch_zip
    from ptinspect.formats import other_zip

    yield other_zip


def _stream_readers() -> Iterator[Reader]:
    """Those of files that are no zip."""
    from ptinspect.formats import safetensors

    yield safetensors
    from ptinspect.formats import torch_legacy

    yield torch_legacy
    from ptinspect.formats import torch_tar

    yield torch_tar
    from ptinspect.formats import pickle_file  # after torch_legacy, which is pickles too

    yield pickle_file
