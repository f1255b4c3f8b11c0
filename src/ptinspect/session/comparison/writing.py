"""Writes a comparison to a file, in the background: the same text that the command line prints."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ptinspect.analysis.compare.comparison import Comparison
from ptinspect.analysis.compare.model import Pair
from ptinspect.errors import InspectError
from ptinspect.frozen import replace
from ptinspect.session.comparison.packing import unpacked

FORMS = {".json": "JSON", ".md": "Markdown", ".html": "HTML"}


def text_of(found: Comparison, ending: str, histograms: dict[int, bytes], tolerance: float | None = None) -> Iterator[str]:
    """The report in a form, piece by piece."""
    names = found.outline.left.checkpoint.path, found.outline.right.checkpoint.path
    if ending == ".md":
        from ptinspect.analysis.reports.markdown import lines  # noqa: PLC0415 - only who saves one

        return (f"{line}\n" for line in lines(found, names))
    found = replace(found, pairs=tuple(_whole(place, pair, histograms) for place, pair in enumerate(found.pairs)))
    if ending == ".html":
        from ptinspect.analysis.reports.html_page import page  # noqa: PLC0415

        return page(found, names)
    from ptinspect.analysis.reports.json_text import pieces  # noqa: PLC0415

    return pieces(found, names, tolerance)


def _whole(place: int, pair: Pair, histograms: dict[int, bytes]) -> Pair:
    """A pair with its histograms, which are kept packed beside it."""
    kept = histograms.get(place)
    if kept is None or pair.difference is None:
        return pair
    return replace(pair, difference=replace(pair.difference, histograms=unpacked(kept)))


def write(found: Comparison, path: str, histograms: dict[int, bytes], tolerance: float | None = None) -> None:
    """Whole or not at all: a report that breaks off would be taken for one that ends there."""
    ending = os.path.splitext(path)[1].lower()
    part = f"{path}.{os.getpid()}.part"
    try:
        with open(part, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(text_of(found, ending if ending in FORMS else ".json", histograms, tolerance))
        os.replace(part, path)
    except OSError as error:
        hint = "Choose another folder, or make room there."
        raise InspectError(f"the report cannot be written: {error.strerror or error}", hint) from None
    finally:
        if os.path.exists(part):
            os.remove(part)
