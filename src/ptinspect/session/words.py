"""Numbers, sizes and names of a file as people read them in the window."""

from __future__ import annotations

from ptinspect import spelled
from ptinspect.errors import InspectError
from ptinspect.quantities import count_text, plural, size_text

TIMES = "\u2009×\u2009"
LONGEST = 2_000
MISTAKE, GOES_ON = "ptinspect made a mistake", "The window goes on. Copy the report and send it to the project."


def plain(text: str, longest: int = LONGEST) -> str:
    """Text of a file on one line: control, direction and invisible characters are spelled out, so that nothing poses as something."""
    if len(text) > longest:
        text = f"{text[: longest - 1]}…"
    return spelled.plain(text)


def told(error: Exception) -> tuple[str, str, str]:
    """What to say where something failed, what to do next, and a report: of a mistake of ours alone, for whoever mends it."""
    if isinstance(error, InspectError):
        return plain(error.message, 300), plain(error.hint or "", 300), ""
    import traceback  # noqa: PLC0415 - only a bug needs it

    return MISTAKE, GOES_ON, "".join(traceback.format_exception(error))


def count_parts(count: int) -> tuple[str, str]:
    """A number and its unit, told apart because they stand in columns of their own: 9,408 | 215.8 K | 25.56 M."""
    if count < 10_000:
        return f"{count:,}", ""
    for unit, factor, digits in (("T", 10**12, 2), ("B", 10**9, 2), ("M", 10**6, 2), ("K", 10**3, 1)):
        if count >= factor * 0.99995:
            return f"{count / factor:,.{digits}f}", unit
    return f"{count:,}", ""


def parameters_text(count: int) -> str:
    """`1 parameter`, `25.6 M parameters`."""
    return f"{count_text(count)} parameter{'' if count == 1 else 's'}"


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


__all__ = [
    "GOES_ON",
    "LONGEST",
    "MISTAKE",
    "TIMES",
    "article",
    "count_parts",
    "count_text",
    "number_text",
    "parameters_text",
    "plain",
    "plural",
    "shape_text",
    "share_text",
    "signed",
    "size_text",
    "told",
]
