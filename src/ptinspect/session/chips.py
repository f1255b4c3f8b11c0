"""The banner: what a file is and whether it is harmless, in chips that lead to their evidence."""

from __future__ import annotations

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.packed_counts import packed_count
from ptinspect.findings import Severity
from ptinspect.frozen import frozen
from ptinspect.session.inspectors import Inspector
from ptinspect.session.naming import architecture_name, progress_of
from ptinspect.session.troubles import Tone
from ptinspect.session.words import count_text, number_text, plain, plural

KINDS = {
    "state_dict": ("Bare weights", "layers"),
    "model": ("Whole model, pickled", "package"),
    "checkpoint": ("Training checkpoint", "file-box"),
    "torchscript": ("TorchScript program", "file-code"),
    "exported_program": ("Exported program", "file-code"),
    "optimizer": ("Optimizer state", "sliders"),
    "tensors": ("Tensors", "layers"),
    "other": ("No tensors", "file-question"),
}
BADGES: dict[Severity, Tone] = {"danger": "danger", "warning": "warn"}


@frozen
class Chip:
    """One fact of the banner; a click goes to the page that tells more."""

    text: str
    before: str = ""
    after: str = ""
    icon: str = ""
    tone: Tone = "plain"
    tip: str = ""
    goes_to: Inspector | None = None


def banner_of(checkpoint: Checkpoint, dtype: str) -> tuple[Chip, ...]:
    """What the file is, in chips; each leads to its evidence."""
    text, icon = KINDS[checkpoint.kind]
    chips = [Chip(text, icon=icon, goes_to="overview", tip=_because(checkpoint, 0))]
    for name, value in progress_of(checkpoint):
        chips.append(Chip(number_text(value), before=name.capitalize(), goes_to="training", tip=f"The file stores its {name}"))
    optimizer = checkpoint.training.optimizer if checkpoint.training else None
    if optimizer is not None and optimizer.class_name:
        chips.append(
            Chip(
                plain(optimizer.class_name, 40),
                goes_to="training",
                tip=f"Optimizer, {optimizer.certainty}: {plain(optimizer.because, 200)}",
            )
        )
    found = checkpoint.architecture
    if found is not None:
        match = {"exact": "exact match", "subset": "part of it"}.get(found.match, found.match)
        tip = f"Inferred: {plain(found.because, 300)}"
        chips.append(
            Chip(
                architecture_name(checkpoint),
                after=f"{plain(found.library, 30)}, {match}",
                icon="circle-dashed",
                goes_to="overview",
                tip=tip,
            )
        )
    elif checkpoint.main is not None and checkpoint.main.class_name:
        name = plain(checkpoint.main.class_name.rpartition(".")[2], 40)
        chips.append(Chip(name, after="not imported", icon="circle-check", goes_to="safety", tip=plain(checkpoint.main.class_name, 300)))
    return (*chips, *_size_chips(checkpoint, dtype))


def _size_chips(checkpoint: Checkpoint, dtype: str) -> tuple[Chip, ...]:
    if checkpoint.main is None:
        tensors = len(checkpoint.document.tensors)
        return (Chip(f"{tensors:,}", after="tensor" if tensors == 1 else "tensors", goes_to="overview"),) if tensors else ()
    unpacked = packed_count(checkpoint.main)
    count = unpacked.parameters if unpacked else checkpoint.main.parameters
    chips = [
        Chip(
            count_text(count),
            after=f"parameter{'' if count == 1 else 's'}{', packed' if unpacked else ''}",
            tip=plural(count, "parameter"),
            goes_to="overview",
        )
    ]
    if dtype and dtype not in ("mixed", "float32"):
        chips.append(Chip(dtype, goes_to="overview"))
    return tuple(chips)


def _because(checkpoint: Checkpoint, at: int) -> str:
    evidence = checkpoint.evidence[at] if at < len(checkpoint.evidence) else None
    return f"{evidence.certainty.capitalize()}: {plain(evidence.because, 300)}" if evidence else ""


def safety_of(checkpoint: Checkpoint) -> Chip:
    """Whether it is harmless, in one chip."""
    verdict = checkpoint.safety.verdict
    if verdict == "dangerous":
        return Chip("Would run code", after="— blocked, nothing was run", icon="shield-alert", tone="danger", goes_to="safety")
    if verdict == "code":
        program = checkpoint.document.container in ("torchscript", "torch-export", "torch-package")
        text = "A program" if program else "Names code"
        return Chip(
            text,
            after="— nothing was run",
            icon="shield",
            tone="warn",
            goes_to="safety",
            tip="Loading it would import code; ptinspect does not",
        )
    return Chip("Data only", after="— nothing was run", icon="shield-check", tone="good", goes_to="safety")


def badges_of(checkpoint: Checkpoint) -> tuple[tuple[Inspector, int, Tone], ...]:
    """Which pages have something to look at, and how much of it."""
    bad = sum(found.verdict == "dangerous" for found in checkpoint.safety.globals)
    loud = [BADGES[finding.severity] for finding in checkpoint.findings if finding.severity in BADGES]
    badges: list[tuple[Inspector, int, Tone]] = []
    if loud:
        badges.append(("overview", len(loud), "danger" if "danger" in loud else "warn"))
    if bad:
        badges.append(("safety", bad, "danger"))
    return tuple(badges)
