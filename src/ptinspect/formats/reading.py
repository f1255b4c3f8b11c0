"""Which reader reads a file. The choice is made by content, never by name; a new reader is one file and one line here."""

from __future__ import annotations

from typing import Protocol

from ptinspect.errors import FileProblem
from ptinspect.findings import Finding
from ptinspect.formats import (
    other_zip,
    pickle_file,
    safetensors,
    torch_export,
    torch_legacy,
    torch_package,
    torch_tar,
    torch_zip,
    torchscript,
)
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.diagnosis import diagnose
from ptinspect.formats.document import Document
from ptinspect.formats.members import Search
from ptinspect.formats.source import Source
from ptinspect.formats.torch_zip_salvage import mark, recover, told
from ptinspect.formats.zip_end import hanging
from ptinspect.limits import DEFAULT, Limits


class Reader(Protocol):
    """What a reader's module offers."""

    def offers(self, candidate: Candidate) -> bool:
        """Whether the file is of its kind."""

    def read(self, candidate: Candidate) -> Document:
        """The document in the file."""


READERS: tuple[Reader, ...] = (
    torch_package,
    torch_export,
    torchscript,
    torch_zip,
    other_zip,  # after every other reader of zips
    safetensors,
    torch_legacy,
    torch_tar,
    pickle_file,  # after torch_legacy, which is pickles too
)


_STREAMS = frozenset({"torch-legacy", "torch-tar", "pickle"})


def read(source: Source, name: str = "", limits: Limits = DEFAULT) -> Document:
    """The document in a source, or a FileProblem that names what it is instead."""
    candidate = Candidate(source, limits, name)
    salvage = recover(candidate)
    if salvage is None or candidate.zip_problem is None:
        return _with_polyglot(_read(candidate), candidate)
    try:
        return mark(_read(candidate), salvage, candidate.zip_problem)
    except FileProblem:
        raise told(salvage, candidate.zip_problem) from None


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
        search = Search(candidate.limits)
        search.through(directory, directory.shadowed)
        document.pickles += search.pickles
    return document


def _read(candidate: Candidate) -> Document:
    for reader in READERS:
        if reader.offers(candidate):
            return _with_shadowed(reader.read(candidate), candidate)
    raise diagnose(candidate)
