"""What a classifier says: the likeliest classes of each sample with their names, and how many are right where the labels are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from ptinspect.findings import Finding
from ptinspect.runner.hooks import first_tensor
from ptinspect.runner.operators import import_torchvision

if TYPE_CHECKING:
    from ptinspect.runner.batch import Run

TOP = 5
MOST_SAMPLES = 256


def tell_predictions(run: Run, given: object) -> None:
    """Tell them, where the output is one row of scores for each sample."""
    scores = first_tensor(given)
    if scores is None or scores.ndim != 2 or scores.shape[1] < 2 or len(scores) != run.samples or not scores.is_floating_point():
        return
    shares = as_shares(scores)
    names = class_names(run, scores.shape[1])
    best = shares.topk(min(TOP, scores.shape[1]))
    rows = [
        [_one(int(index), float(share), names) for index, share in zip(indexes, found, strict=True)]
        for indexes, found in zip(best.indices[:MOST_SAMPLES].tolist(), best.values[:MOST_SAMPLES].tolist(), strict=True)
    ]
    entropy = -(shares * shares.clamp(min=1e-30).log()).sum(1)
    run.tell("top", rows[0])
    run.tell("predictions", [{"top": row, "entropy": float(bits)} for row, bits in zip(rows, entropy.tolist(), strict=False)])
    labels = run.prepared.labels
    if labels is not None and any(label >= 0 for label in labels):
        run.tell("accuracy", _accuracy(shares, labels))
        run.found(*_doubts(labels, run.prepared.label_names, scores.shape[1]))


def as_shares(scores: torch.Tensor) -> torch.Tensor:
    """Probabilities: as they are where each row is one already, else by softmax."""
    values = scores.detach().float().cpu()
    is_share = bool((values >= 0).all()) and bool(((values.sum(1) - 1).abs() < 1e-3).all())
    return values if is_share else values.softmax(1)


def _one(index: int, share: float, names: Sequence[str] | None) -> dict[str, Any]:
    return {"label": names[index] if names is not None and index < len(names) else f"class {index}", "index": index, "probability": share}


def _accuracy(shares: torch.Tensor, labels: Sequence[int]) -> dict[str, Any]:
    """How many are right. A label below 0 says that the class of that sample is not known: it does not count."""
    told = torch.tensor(list(labels)[: len(shares)])
    is_known = told >= 0
    best = shares[: len(told)].topk(min(TOP, shares.shape[1])).indices[is_known]
    known = told[is_known]
    return {
        "right": int((best[:, 0] == known).sum()), "right_in_top_5": int((best == known[:, None]).any(1).sum()), "samples": len(known),
        "labels": told.tolist(),
    }  # fmt: skip


def _doubts(labels: Sequence[int], names: Sequence[str] | None, outputs: int) -> Iterator[Finding]:
    """Classes that are counted otherwise than the model counts them."""
    classes = len(names) if names is not None else max(labels) + 1
    if classes > outputs or (names is not None and classes != outputs):
        title = f"The samples tell of {classes:,} classes, and the model has {outputs:,}: its accuracy means little"
        detail = "The labels are numbered in the order of their names, which need not be the order that the model was trained in."
        yield Finding("notice", title, detail if names is not None else "Some of the labels are numbers that it never gives.")


def class_names(run: Run, count: int) -> Sequence[str] | None:
    """The names of the classes: the samples' own folders, or what torchvision's weights of this architecture were trained on."""
    own = run.prepared.label_names
    if own is not None and len(own) == count:
        return own
    library, _, name = (run.made.architecture or "").partition(":")
    try:
        models = import_torchvision().models
        weights = models.get_model_weights(name if library == "torchvision" else "resnet50")
        found = tuple(str(name) for name in weights.DEFAULT.meta.get("categories", ()))
    except (ImportError, ValueError, AttributeError):
        return None
    if library not in ("torchvision", "timm") or len(found) != count:
        return None
    return found


__all__ = ["as_shares", "class_names", "tell_predictions"]
