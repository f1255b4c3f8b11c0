"""What a file that no reader took really is, told by its content, with the next step.

torch.load answers most of these with `Unsupported operand 118`. The order below goes from what is certain (a magic number) to
what is likely (a structure, a text). A file that was cut is Truncated where that can be known, a kind of PyTorch file that
this version cannot open is Unsupported, everything else is NotACheckpoint.
"""

from __future__ import annotations

import re

from ptinspect.errors import Corrupt, FileProblem, NotACheckpoint, Truncated
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.packed import by_packing
from ptinspect.formats.plain_text import by_text
from ptinspect.formats.signatures import by_signature, by_structure
from ptinspect.formats.source import Source
from ptinspect.formats.zip_end import hanging
from ptinspect.pickles.machine import run
from ptinspect.pickles.window import Window

READ_ZEROS = 64 << 20
STEP = 1 << 20
TINY = 16
NAMED_CHARS = 200

_PLAIN_NAME = re.compile(r"\w+(\.\w+)+", re.ASCII)


def diagnose(candidate: Candidate) -> FileProblem:
    """The problem of a file that no reader took."""
    source, head = candidate.source, candidate.head
    if not source.size:
        return NotACheckpoint("this file is empty: 0 bytes", "The download or the save did not finish: get the file again from its source.")
    if not any(head):
        return _zeros(source)
    found = by_signature(head) or by_packing(candidate) or _payload(candidate) or by_text(candidate) or by_structure(head, source.size)
    return found or _hanging_zip(source) or _broken_pickle(head) or _unknown(source, head)


def _zeros(source: Source) -> FileProblem:
    """A file system that ran full, or a download that reserved its room first, leaves zeros."""
    at = 0
    while at < min(source.size, READ_ZEROS):
        chunk = source.read(at, STEP)
        rest = chunk.lstrip(b"\x00")
        if rest or not chunk:
            return _begins_with_zeros(at + len(chunk) - len(rest), source.size)
        at += len(chunk)
    middle = (source.size // 4 * part for part in (1, 2, 3))
    if any(any(source.read(place, 4_096)) for place in (*middle, source.size - 4_096)):
        return _begins_with_zeros(at, source.size)
    looked = "only zeros" if source.size <= READ_ZEROS else "zeros wherever it was looked at"
    hint = "The disk was full or the download reserved room and never filled it: get the file again from its source."
    return NotACheckpoint(f"this file holds {looked}: {source.size:,} bytes", hint)


def _begins_with_zeros(count: int, size: int) -> FileProblem:
    hint = "Its beginning was never written: download or copy the file again."
    return Corrupt(f"the first {count:,} of {size:,} bytes of this file are zero", hint)


def _hanging_zip(source: Source) -> FileProblem | None:
    """A zip behind foreign bytes: torch.load goes by the first bytes and refuses it."""
    before = hanging(source)
    if before is None:
        return None
    hint = f"Cut off the first {before:,} bytes, or get the file again." if before else "Its beginning was overwritten: get it again."
    return NotACheckpoint("this file ends with a zip archive and begins with something else; torch.load refuses it", hint)


def _payload(candidate: Candidate) -> FileProblem | None:
    """A stream that breaks off after it named something: what comes first has run by the time that loading fails (S-05)."""
    if candidate.head[:1] not in (b"\x80", b"c", b"(", b"}", b"]"):
        return None
    stream = run(Window(candidate.source), candidate.limits)
    names = [name for name in stream.globals if _PLAIN_NAME.fullmatch(name)]
    if stream.problem is None or not names:
        return None
    named = ", ".join(names[:4])[:NAMED_CHARS]
    hint = "Do not load it: what stands before the break would run all the same."
    return Corrupt(f"this is a pickle that breaks off after it named {named}", hint)


def _broken_pickle(head: bytes) -> FileProblem | None:
    if head[:1] == b"\x80" and len(head) < TINY:
        return Truncated("a pickle ends almost where it begins", "Download or copy the file again.")
    if head[:1] == b"\x80" and head[1:2] in b"\x01\x02\x03\x04\x05":
        return Corrupt("this begins like a pickle and cannot be read as one", "Get the file again from its source.")
    return None


def _unknown(source: Source, head: bytes) -> FileProblem:
    if source.size < TINY:
        return NotACheckpoint(f"these {source.size} bytes are no checkpoint", "Get the file again from its source.")
    shown = head[:8].hex(" ")
    hint = "Open a file that torch.save, torch.jit.save, torch.export.save or safetensors wrote."
    return NotACheckpoint(f"this is no checkpoint, and no other kind of file that ptinspect knows (it begins {shown})", hint)
