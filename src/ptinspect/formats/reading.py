"""Which reader reads a file. The choice is made by content, never by name; a new reader is one file and one line here."""

from __future__ import annotations

from typing import Protocol

from ptinspect.errors import NotACheckpoint
from ptinspect.formats import safetensors, torch_zip
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.document import Document
from ptinspect.formats.source import Source
from ptinspect.limits import DEFAULT, Limits


class Reader(Protocol):
    """What a reader's module offers."""

    def offers(self, candidate: Candidate) -> bool:
        """Whether the file is of its kind."""

    def read(self, candidate: Candidate) -> Document:
        """The document in the file."""


READERS: tuple[Reader, ...] = (
    torch_zip,
    safetensors,
)


def read(source: Source, name: str = "", limits: Limits = DEFAULT) -> Document:
    """The document in a source, or a FileProblem that names what it is instead."""
    candidate = Candidate(source, limits, name)
    for reader in READERS:
        if reader.offers(candidate):
            return reader.read(candidate)
    raise NotACheckpoint("this is no checkpoint", "Open a file that torch.save or safetensors wrote.")
