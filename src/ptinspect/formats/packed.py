"""Compressed files and tar archives: a first look inside, bounded, so that the hint can say what will come out."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable

from ptinspect.errors import FileProblem, NotACheckpoint
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.source import Memory, Source

PEEK = 1 << 18
BLOCK = 512
LISTED = 6
MEMBERS = 1_000
NAME_CHARS = 80

Peek = Callable[[bytes], bytes]

_KINDS: tuple[tuple[bytes, str, str, Peek], ...] = (
    (b"\x1f\x8b", "gzip", "gunzip", lambda packed: zlib.decompressobj(31).decompress(packed, PEEK)),
    (b"BZh", "bzip2", "bunzip2", lambda packed: bz2.BZ2Decompressor().decompress(packed, PEEK)),
    (b"\xfd7zXZ\x00", "xz", "unxz", lambda packed: lzma.LZMADecompressor(memlimit=256 << 20).decompress(packed, PEEK)),
    (b"x\x01", "zlib", "zlib", lambda packed: zlib.decompressobj().decompress(packed, PEEK)),
    (b"x\x9c", "zlib", "zlib", lambda packed: zlib.decompressobj().decompress(packed, PEEK)),
    (b"x\xda", "zlib", "zlib", lambda packed: zlib.decompressobj().decompress(packed, PEEK)),
)


def by_packing(candidate: Candidate) -> FileProblem | None:
    """What a compressed file or a tar archive holds, as far as its first kilobytes tell."""
    for magic, name, tool, peek in _KINDS:
        if candidate.head.startswith(magic):
            inside = _peek(candidate, peek)
            if inside or (inside is not None and name != "zlib"):  # two bytes alone do not make a zlib stream
                return _compressed(name, tool, inside)
    names = tar_names(candidate.source) if is_tar(candidate.head) else []
    return _archive("a tar archive", names) if names else None


def _peek(candidate: Candidate, peek: Peek) -> bytes | None:
    try:
        return peek(candidate.source.read(0, PEEK))
    except (zlib.error, OSError, ValueError, EOFError, lzma.LZMAError, MemoryError):
        return b"" if candidate.head[:1] != b"x" else None


def _compressed(name: str, tool: str, inside: bytes) -> FileProblem:
    if is_tar(inside):
        return _archive(f"a tar archive compressed with {name}", tar_names(Memory(inside)))
    what = _INSIDE.get(inside[:2]) or _INSIDE.get(inside[:1])
    if name == "zlib":
        hint = "joblib and others write such files; load it with the program that made it and save it with torch.save."
    else:
        hint = f"Decompress it ({tool}) and open what comes out" + (f": {what}." if what else ".")
    return NotACheckpoint(f"this is a file compressed with {name}, not a checkpoint", hint)


_INSIDE = {
    b"PK": "a zip archive",
    b"\x80": "a pickle",
    b"\x89H": "an HDF5 file",
    b"\x93N": "a numpy array",
    b"{": "a JSON text",
    b"<": "a web page",
}


def _archive(what: str, names: list[str]) -> FileProblem:
    named = ", ".join(repr(name[:NAME_CHARS]) for name in names[:LISTED])
    more = " and more" if len(names) > LISTED else ""
    hint = f"Unpack it and open the checkpoint in it. It holds {named}{more}." if names else "Unpack it and open the checkpoint in it."
    return NotACheckpoint(f"this is {what}, not a checkpoint", hint)


def is_tar(head: bytes) -> bool:
    """The mark of POSIX and GNU, or a header whose checksum fits (Unix version 7 had no mark)."""
    if len(head) < BLOCK or not head[0]:
        return False
    if head[257:262] == b"ustar":
        return True
    written = _octal(head[148:156])
    return written is not None and written == sum(head[:148]) + sum(head[156:BLOCK]) + 8 * 32


def _octal(field: bytes) -> int | None:
    digits = field.strip(b" \x00")
    return int(digits, 8) if digits and all(byte in b"01234567" for byte in digits) else None


def tar_names(source: Source) -> list[str]:
    """The names of the files in a tar archive, checkpoints first, as far as its headers can be followed."""
    names, at = [], 0
    for _ in range(MEMBERS):
        header = source.read(at, BLOCK)
        size = _octal(header[124:136])
        if not is_tar(header) or size is None:
            break
        name = header[:100].split(b"\x00")[0].decode("utf-8", "replace")
        if header[156:157] in (b"0", b"\x00", b""):
            names.append(name)
        at += BLOCK + (size + BLOCK - 1) // BLOCK * BLOCK
    return sorted(names, key=lambda name: not name.lower().endswith((".pt", ".pth", ".th", ".bin", ".ckpt", ".safetensors", ".pkl")))
