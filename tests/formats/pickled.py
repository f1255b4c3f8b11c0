"""Pickles in memory, read as files."""

from __future__ import annotations

from ptinspect.formats import pickle_file
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.document import Document
from ptinspect.formats.reading import read
from ptinspect.limits import DEFAULT, Limits
from ptinspect.pickles.window import Memory


def document_of(data: bytes, limits: Limits = DEFAULT) -> Document:
    return read(Memory(data), "made.pkl", limits)


def is_taken(data: bytes) -> bool:
    return pickle_file.offers(Candidate(Memory(data), DEFAULT))


def titles(document: Document) -> list[str]:
    return [finding.title for finding in document.findings]


def globals_of(document: Document) -> set[str]:
    return {name for found in document.pickles for name in found.stream.globals}
