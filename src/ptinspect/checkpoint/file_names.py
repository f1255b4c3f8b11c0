"""What a file's name says about the training: `epoch=9-step=630.ckpt`, `model_e3_loss0.41.pt`, `checkpoint_model_12_0.31_0.92.pt`.

Always inferred, and kept apart from what the file stores. A number counts only where a word beside it says what it is, or in
the one habit without words: a count and then two or more fractions at the end. Hashes, versions and widths (`mobilenet_0.25`,
`v1.2`, `resnet50-0676ba61`) say nothing about training.
"""

from __future__ import annotations

import re
from typing import Any

from ptinspect.frozen import field, frozen

_EPOCH = ("epoch", "epochs", "ep")
_STEP = ("global_step", "step", "steps", "iter", "iters", "iteration", "it", "updates")
_METRIC = (
    "loss acc accuracy prec precision recall f1 auc auroc map ap iou miou dice psnr ssim fid bleu rouge wer cer ppl mae mse rmse"
    " err error top1 top5 score metric fitness r2 kappa mcc nll"
).split()
_ENDINGS = re.compile(r"(\.(pt|pth|pth\.tar|ckpt|bin|th|pkl|pickle|tar|model|safetensors|weights))+$", re.IGNORECASE)
_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_WORD = r"[A-Za-z][A-Za-z0-9@/]*(?:_[A-Za-z][A-Za-z0-9@]*)*"
_GIVEN = re.compile(rf"({_WORD})=({_NUMBER})")
_BESIDE = re.compile(r"(?:^|[^A-Za-z0-9])((?:[A-Za-z]+[_-])*[A-Za-z]+[15]?)[_:-]?(\d+(?:\.\d+)?)(?![\d.]*[A-Za-z])")
_BARE = re.compile(r"(?:^|[_-])(\d{1,7})((?:[_-]\d+\.\d+){2,})$")


@frozen
class FromName:
    """What a file's name seems to say; `values` are fractions without a word."""

    name: str
    epoch: int | None = None
    step: int | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    values: tuple[float, ...] = ()

    def fields(self) -> dict[str, Any]:
        """As JSON."""
        return {"epoch": self.epoch, "step": self.step, "metrics": self.metrics, "values": list(self.values), "certainty": "inferred"}

    def all_metrics(self) -> dict[str, float]:
        """Named metrics, and those without a word under their place in the name."""
        return {**self.metrics, **{f"name_{index}": value for index, value in enumerate(self.values, 1)}}


def from_name(file_name: str) -> FromName | None:
    """What a name says, None where it says nothing."""
    stem = _ENDINGS.sub("", file_name[-512:])
    bare = _BARE.search(stem)
    if bare is not None:
        values = tuple(float(part) for part in re.split("[_-]", bare[2]) if part)
        return FromName(file_name, epoch=int(bare[1]), values=values)
    counts: dict[str, int] = {}
    metrics: dict[str, float] = {}
    for word, text in _GIVEN.findall(stem) or _BESIDE.findall(stem):
        kind, name = _kind(word)
        if kind in ("epoch", "short epoch", "step"):
            if text.isdigit() and len(text) <= 12:
                counts.setdefault(kind, int(text))
        elif kind == "metric" or ("=" in stem and not text.isdigit()):
            metrics.setdefault(name, float(text))
    alone = not metrics and "step" not in counts  # yolov7-e6 is a model, not its sixth epoch
    epoch = counts.get("epoch", None if alone else counts.get("short epoch"))
    if epoch is None and not metrics and not counts.get("step"):
        return None
    return FromName(file_name, epoch, counts.get("step"), metrics)


def _kind(word: str) -> tuple[str, str]:
    """What a word says its number is: by its last part, `val_loss` as much as `loss`."""
    parts = [part for part in re.split("[_-]", word.lower()) if part]
    last = parts[-1] if parts else ""
    if last in _EPOCH:
        return "epoch", word
    if last == "e":
        return "short epoch", word
    if last in _STEP:
        return "step", word
    if last in _METRIC:
        front = parts[-2] if len(parts) > 1 and parts[-2] in ("val", "valid", "train", "test", "best", "avg", "eval") else ""
        return "metric", f"{front}_{last}" if front else last
    return "", word
