"""Which reader reads a file. The choice is made by content, never by name; a new reader is one file and one line here."""

from __future__ import annotations

from typing import Protocol

from ptinspect.errors import FileProblem
from ptinspect.formats import other_zip, safetensors, torch_export, torch_package, torch_zip, torchscript
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.diagnosis import diagnose
from ptinspect.formats.document import Document
from ptinspect.formats.source import Source
from ptinspect.formats.torch_zip_salvage import mark, recover, told
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
)


def read(source: Source, name: str = "", limits: Limits = DEFAULT) -> Document:
    """The document in a source, or a FileProblem that names what it is instead."""
    candidate = Candidate(source, limits, name)
    salvage = recover(candidate)
    if salvage is None or candidate.zip_problem is None:
        return _read(candidate)
    try:
        return mark(_read(candidate), salvage, candidate.zip_problem)
    except FileProblem:
        raise told(salvage, candidate.zip_problem) from None


def _read(candidate: Candidate) -> Document:
    for reader in READERS:
        if reader.offers(candidate):
            return reader.read(candidate)
    raise diagnose(candidate)
