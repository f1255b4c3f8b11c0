"""Sizes, numbers and how many of something, as people say them: one rounding for the terminal and the window."""

from __future__ import annotations


def size_text(count: int) -> str:
    """Bytes: 134 bytes, 36.8 KB, 4.40 GB."""
    if count < 1_000:
        return plural(count, "byte")
    for unit, factor, digits in (("PB", 10**15, 2), ("TB", 10**12, 2), ("GB", 10**9, 2), ("MB", 10**6, 1)):
        if count >= factor * 0.9995:
            return f"{count / factor:,.{digits}f} {unit}"
    return f"{count / 1_000:.1f} KB"


def count_text(count: int) -> str:
    """Elements: 25.6 M."""
    if count < 1_000:
        return str(count)
    for unit, factor in (("T", 10**12), ("B", 10**9), ("M", 10**6)):
        if count >= factor * 0.9995:
            return f"{count / factor:,.1f} {unit}"
    return f"{count / 1_000:.1f} K"


def plural(count: int, noun: str) -> str:
    """`1 tensor`, `2 tensors`, `2 entries`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun[:-1]}ies" if noun.endswith("ry") else f"{count:,} {noun}s"
