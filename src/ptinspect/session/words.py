"""Numbers, sizes and names of a file as people read them in the window."""

from __future__ import annotations

from ptinspect import spelled

TIMES = "\u2009×\u2009"
LONGEST = 2_000


def plain(text: str, longest: int = LONGEST) -> str:
    """Text of a file on one line: control, direction and invisible characters are spelled out, so that nothing poses as something."""
    if len(text) > longest:
        text = f"{text[: longest - 1]}…"
    return spelled.plain(text)


def count_parts(count: int) -> tuple[str, str]:
    """A number and its unit, told apart because they stand in columns of their own: 9,408 | 215.8 K | 25.56 M."""
    if count < 10_000:
        return f"{count:,}", ""
    for unit, factor, digits in (("T", 10**12, 2), ("B", 10**9, 2), ("M", 10**6, 2), ("K", 10**3, 1)):
        if count >= factor * 0.99995:
            return f"{count / factor:,.{digits}f}", unit
    return f"{count:,}", ""


def count_text(count: int) -> str:
    """A number of elements in a sentence: 25.6 M."""
    if count < 1_000:
        return str(count)
    for unit, factor in (("T", 10**12), ("B", 10**9), ("M", 10**6)):
        if count >= factor * 0.9995:
            return f"{count / factor:,.1f} {unit}"
    return f"{count / 1_000:.1f} K"


def parameters_text(count: int) -> str:
    """`1 parameter`, `25.6 M parameters`."""
    return f"{count_text(count)} parameter{'' if count == 1 else 's'}"


def size_text(count: int) -> str:
    """Bytes as people say them: 134 bytes, 36.8 KB, 4.40 GB."""
    if count < 1_000:
        return plural(count, "byte")
    for unit, factor, digits in (("PB", 10**15, 2), ("TB", 10**12, 2), ("GB", 10**9, 2), ("MB", 10**6, 1)):
        if count >= factor * 0.9995:
            return f"{count / factor:,.{digits}f} {unit}"
    return f"{count / 1_000:.1f} KB"


def plural(count: int, noun: str) -> str:
    """`1 tensor`, `2 tensors`, `2 entries`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun[:-1]}ies" if noun.endswith("ry") else f"{count:,} {noun}s"


def article(name: str) -> str:
    """`an Adam`, `a Lion`, `an SGD`: a letter that is spelled out is spoken, and then more of them begin with a vowel."""
    spelled = name[:2].isupper()
    return f"an {name}" if name[:1] in ("AEFHILMNORSX" if spelled else "AEIO") else f"a {name}"


def share_text(share: float) -> str:
    """A share in per cent without its sign, as the column's head has it: 100.0, 8.0, <0.1."""
    return "<0.1" if 0 < share < 0.0005 else f"{100 * share:.1f}"


def shape_text(shape: tuple[int, ...]) -> str:
    """`64 × 3 × 7 × 7`; a tensor without dimensions is a single number."""
    if not shape:
        return "scalar"
    text = TIMES.join(map(str, shape[:12]))
    return text if len(shape) <= 12 else f"{text}{TIMES}…"


def number_text(value: object) -> str:
    """A stored number or word, short enough for a chip."""
    if isinstance(value, float):
        return signed(f"{value:.4g}")
    return signed(str(value)) if isinstance(value, int) else plain(str(value), 40)


def signed(text: str) -> str:
    """A number with a true minus before it; an exponent keeps what can be pasted."""
    return f"−{text[1:]}" if text.startswith("-") else text
