"""How far a training was: epoch, step, loss, metrics, versions, from the single numbers that lie beside the weights.

Names are compared in lower case with underscores. The shallowest place wins, then the order of names below, then the file's
order. Values are handed on as stored: an epoch that is a text stays one, and nothing is counted from one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ptinspect.checkpoint.scalars import Scalar, Scalars
from ptinspect.checkpoint.survey import Path
from ptinspect.checkpoint.weight_sets import EMA_WORDS
from ptinspect.frozen import field, slotted
from ptinspect.pickles.values import Value

_SPLIT = re.compile(r"[^a-z0-9]+")
_EPOCH = "epoch current_epoch cur_epoch epoch_number epoch_num epoch_idx n_epoch epochs_completed epochs start_epoch ep last_epoch".split()
_STEP = (
    "global_step global_steps step steps iteration iterations iter iters it num_updates n_iter i_iter current_step cur_step current_iter"
    " cur_iter global_iter train_step training_step total_steps num_steps step_count num_iterations completed_steps"
).split()
_LOSS = "loss train_loss training_loss loss_train avg_loss mean_loss epoch_loss last_loss current_loss running_loss total_loss".split()
_AVERAGES = frozenset(EMA_WORDS)
_FIELDS = {"epoch": _EPOCH, "step": _STEP, "loss": _LOSS}
_METRIC_WORDS = frozenset(
    "loss losses acc accuracy accuracies prec prec1 prec5 precision recall f1 auc auroc auprc map map50 ap iou miou dice psnr ssim lpips"
    " fid bleu rouge wer cer perplexity ppl mae mse rmse r2 err error errors top1 top5 acc1 acc5 metric score fitness kappa mcc"
    " nll elbo reward return returns specificity sensitivity corr pearson spearman bpb bpc bpd".split()
)
_METRIC_HOLDERS = frozenset(
    "metrics metric results result scores score metric_tracker best_metrics train_metrics val_metrics test_metrics valid_metrics"
    " eval_metrics best_epoch_metrics train_results validation_metrics training_metrics logs stats best losses"
    " performance evaluation meter meters".split()
)
_DROPPED = frozenset({"metrics", "metric", "results", "scores"})
_COUNTS = frozenset("epoch epochs step steps iter iters iteration iterations count patience counter seed size lr time".split())
_LOSS_HOLDERS = _DROPPED | {"logs", "stats", "performance"}
_MOST = 500
_STORED = 64
_LONGEST = 500
_NUMBERS = (int, float)


@slotted
class Progress:
    """What was found. `where` holds the path of each of epoch, step and loss; `stored` every other single value at the root."""

    epoch: Scalar | None = None
    step: Scalar | None = None
    loss: Scalar | None = None
    metrics: dict[str, Scalar] = field(default_factory=dict)
    versions: dict[str, Scalar] = field(default_factory=dict)
    stored: dict[str, Scalar] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)


def progress_of(found: Sequence[tuple[Path, Value]], scalars: Scalars) -> Progress:
    """Sort the single values of a file by their names."""
    progress = Progress()
    ranked: dict[str, tuple[tuple[int, int], Path, Value]] = {}
    rest: list[tuple[Path, Value]] = []
    for path, value in found:
        name = normal(path[-1])
        known = next((one for one, names in _FIELDS.items() if name in names), None)
        measured = len(path) > 1 and normal(path[-2]) in _METRIC_HOLDERS
        if known is not None and any(not _AVERAGES.isdisjoint(normal(step).split("_")) for step in path[:-1]):
            known = None  # an average counts its own updates
        if known is None or measured:
            rest.append((path, value))
        if known is None or (measured and (known != "loss" or normal(path[-2]) not in _LOSS_HOLDERS)):
            continue
        order = (len(path), _FIELDS[known].index(name))
        if known not in ranked or order < ranked[known][0]:
            rest += [ranked[known][1:]] if known in ranked else []
            ranked[known] = (order, path, value)
        elif not measured:
            rest.append((path, value))
    for field_name, (_, path, value) in ranked.items():
        setattr(progress, field_name, scalars.of(value))
        progress.where[field_name] = ".".join(path)
    _sort(rest, scalars, progress)
    return progress


def _sort(rest: Sequence[tuple[Path, Value]], scalars: Scalars, progress: Progress) -> None:
    """Metrics, versions, and what is neither."""
    for path, value in rest:
        name = normal(path[-1])
        if name == "version" or name.endswith("_version") or "versions" in path[:-1]:
            _put(progress.versions, ".".join(path), scalars.of(value), _STORED)
        elif is_metric(path):
            number = scalars.of(value)
            name = metric_name(path)
            name = ".".join(path) if name in progress.metrics else name
            _put(progress.metrics, name, number if type(number) in _NUMBERS else None, _MOST)
        elif len(path) == 1:
            _put(progress.stored, path[0], scalars.of(value), _STORED)


def _put(into: dict[str, Scalar], name: str, value: Scalar | None, most: int) -> None:
    if value is not None and len(into) < most and len(str(value)[: _LONGEST + 1]) <= _LONGEST:
        into.setdefault(name, value)


def normal(name: str) -> str:
    """A name in lower case, its words joined by underscores."""
    return _SPLIT.sub("_", name.lower()).strip("_").removeprefix("ss_")


def tells(name: str) -> bool:
    """Whether a name alone says that its value is an epoch, a step, a loss or a metric; for notes of other kinds beside it."""
    return any(normal(name) in names for names in _FIELDS.values()) or is_metric((name,))


def is_metric(path: Path) -> bool:
    """Whether a value's name, or that of a mapping around it, is that of a measurement."""
    name = normal(path[-1])
    words = name.split("_")
    if any(normal(step) in _METRIC_HOLDERS for step in path[:-1]):
        return _COUNTS.isdisjoint(words)
    return name in _METRIC_HOLDERS or not _METRIC_WORDS.isdisjoint(words)


def metric_name(path: Path) -> str:
    """Dots between keys from the mapping of measurements on; one that is just called `metrics` adds nothing."""
    begin = next((at for at, step in enumerate(path[:-1]) if normal(step) in _METRIC_HOLDERS), len(path) - 1)
    if begin < len(path) - 1 and normal(path[begin]) in _DROPPED:
        begin += 1
    return ".".join(path[begin:])
