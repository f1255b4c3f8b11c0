"""A comparison as JSON, field by field as the contract names them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ptinspect.analysis.compare.broadcast import histogram_fields
from ptinspect.analysis.compare.comparison import Comparison, within
from ptinspect.analysis.compare.difference import Difference
from ptinspect.analysis.compare.model import Pair
from ptinspect.plain_json import SCHEMA, dumps

_NUMBERS = ("max_abs", "mean_abs", "relative_l2", "cosine", "changed_fraction", "within_rounding")
_MORE = ("sign_flips", "nans_gained", "nans_lost", "infinities", "left_l2", "right_l2", "l2")


def pieces(found: Comparison, names: tuple[str, str], tolerance: float | None) -> Iterator[str]:
    """The document, pair by pair: 100,000 of them with their histograms as one nest would take a gigabyte."""
    head = dumps({"schema": SCHEMA, "path": names[0], **_fields(found, names)})
    yield f'{head[:-1]}, "pairs": ['
    before = ""
    for pair in found.pairs:
        yield before + dumps(pair_fields(pair, tolerance))
        before = ", "
    yield "]}\n"


def _fields(found: Comparison, names: tuple[str, str]) -> dict[str, Any]:
    alignment, load = found.outline.alignment, found.would_load
    return {
        "files": list(names),
        "identical": found.verdict == "identical",
        "verdict": found.verdict,
        "also": list(found.also),
        "sentence": found.sentence,
        "buffers_moved": found.buffers_moved,
        "quick": found.verdict is None,
        "summary": found.summary,
        "alignment": {
            "left_prefix": alignment.left_prefix,
            "right_prefix": alignment.right_prefix,
            "left_weights": found.outline.left.path,
            "right_weights": found.outline.right.path,
            "rules": [{"rule": rule.text, "pairs": count} for rule, count in alignment.used],
        },
        "proposed": [{**_names(one), "shape": list(one.both[0].tensor.shape)} for one in found.proposed if one.both is not None],
        "low_rank": {
            "tested": [
                {"name": one.name, "shape": list(one.shape), "rank": one.rank, "energy": one.energy} for one in found.low_rank.tested
            ],
            "changed_matrices": found.low_rank.candidates,
        },
        "would_load": {
            "strict": load.strict,
            "missing": list(load.missing),
            "unexpected": list(load.unexpected),
            "mismatched": [{"name": m.name, "file": list(m.file), "expected": list(m.expected)} for m in load.mismatched],
            "lines": "\n".join(load.lines),
        },
        "training": [{"path": one.path, "left": one.left, "right": one.right} for one in found.outside],
    }


def _names(match: Any) -> dict[str, Any]:
    return {"left": match.left.name if match.left else None, "right": match.right.name if match.right else None}


def pair_fields(pair: Pair, tolerance: float | None) -> dict[str, Any]:
    """One pair; figures are null where nothing can be compared."""
    match = pair.match
    shapes = {f"{side}_shape": list(entry.tensor.shape) if entry else None for side, entry in _sides(pair)}
    dtypes = {f"{side}_dtype": entry.tensor.dtype.name if entry else None for side, entry in _sides(pair)}
    head = {**_names(match), "paired_by": match.paired_by, "status": pair.status, **shapes, **dtypes}
    difference = pair.difference
    numbers = {name: None if difference is None else getattr(difference, name) for name in _NUMBERS}
    near = within(pair, tolerance) if tolerance is not None and match.both is not None else None
    more: dict[str, Any] = {"within_tolerance": near, "role": match.role, "equal_by": pair.equal_by}
    if pair.problem is not None:
        more["problem"] = pair.problem
    return {**head, **numbers, **more, **_details(difference)}


def _sides(pair: Pair) -> tuple[tuple[str, Any], ...]:
    return ("left", pair.match.left), ("right", pair.match.right)


def _details(difference: Difference | None) -> dict[str, Any]:
    """What only a changed pair has to tell."""
    if difference is None or difference.left_l2 is None:
        return {}
    found = {name: getattr(difference, name) for name in _MORE}
    return {**found, "histograms": histogram_fields(difference.histograms) if difference.histograms else None}
