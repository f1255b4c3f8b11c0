"""The code page: program texts that lie in the file, shown and never run, and the lines that load it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping

from ptinspect.checkpoint.load import load_lines
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.errors import ChangedOnDisk, FileProblem
from ptinspect.formats.reading import read
from ptinspect.formats.source import FileSource
from ptinspect.frozen import frozen
from ptinspect.limits import DEFAULT
from ptinspect.session.words import plain

MOST_FILES, MOST_TEXT, LARGEST = 400, 8_000_000, 400_000
FEW_LINES = 2


@frozen
class CodeFile:
    """One text, by the name it has in the file."""

    name: str
    text: str


@frozen
class CodePage:
    """Every text; the first is ours: how to load the file."""

    files: tuple[CodeFile, ...]
    more: int = 0


def code_page(checkpoint: Checkpoint) -> CodePage:
    """The page of one checkpoint. Only files with program texts are opened again: the file was closed when its headers were read."""
    files = [CodeFile("How to load it", load_lines(checkpoint))]
    if not checkpoint.document.code:
        return CodePage(tuple(files))
    with FileSource(checkpoint.path) as source:
        if source.identity != checkpoint.identity:
            raise ChangedOnDisk("the file changed since it was opened", "Reload it.")
        files += _texts(read(source, os.path.basename(source.path), DEFAULT).code)
    return CodePage(tuple(files), max(0, len(checkpoint.document.code) - len(files) + 1))


def _texts(code: Mapping[str, Callable[[], str]]) -> Iterator[CodeFile]:
    """Each text, up to a bound; one that cannot be read says why in its place."""
    spare = MOST_TEXT
    for name, text_of in list(code.items())[:MOST_FILES]:
        try:
            text = text_of()
        except FileProblem as problem:
            text = f"# This text cannot be read: {problem.message}."
        yield CodeFile(plain(name, 300), _visible(in_lines(name, text)))
        spare -= len(text)
        if spare <= 0:
            return


def in_lines(name: str, text: str) -> str:
    """JSON that stands on one line as people read it; anything else as it is."""
    if not name.endswith(".json") or len(text) > LARGEST or text.count("\n") > FEW_LINES:
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _visible(text: str) -> str:
    """Program text with its lines, and with everything spelled out that would hide or reorder some of it."""
    cut = text[:LARGEST]
    lines = [plain(line.replace("\t", "    "), 4_000) for line in cut.splitlines()]
    return "\n".join([*lines, *(["# … the rest is left out"] if len(text) > LARGEST else [])])
