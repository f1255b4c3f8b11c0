"""How much a file may ask of us before we say no.

Measured on honest files: 100,000 tensors take 3.2 to 4.5 million opcodes, 0.9 million objects and 0.4 million memo entries;
the numbers below leave a factor of four or more. They bound what a hostile file can cost: no more than some 10 s and 1 GB.
"""

from __future__ import annotations

from ptinspect.frozen import frozen


@frozen
class Limits:
    """A value that is passed in; every message of a LimitExceeded names the field."""

    opcodes: int = 20_000_000
    objects: int = 6_000_000
    stack: int = 4_000_000
    memo: int = 8_000_000
    string_bytes: int = 256 << 20
    integer_bytes: int = 1_024
    seconds: float = 8.0
    zip_entries: int = 1_000_000
    header_bytes: int = 512 << 20
    inflate_ratio: int = 200
    inflate_bytes: int = 256 << 20
    pickles: int = 100_000
    nesting: int = 8
    findings: int = 200
    name_chars: int = 1_024


DEFAULT = Limits()
