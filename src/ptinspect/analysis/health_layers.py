"""What several tensors say together: statistics of a BatchNorm, weights of one name in repeated blocks, a whole set that looks new."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from statistics import median

from ptinspect.analysis.health_subjects import Subject
from ptinspect.analysis.health_symptoms import Kind, Symptom, short
from ptinspect.frozen import frozen

FRESH = Kind("weights that no training has touched", "Fine for a start; if this should be a trained network, the wrong file was saved.")
NEGATIVE_VARIANCE = Kind("a running variance below zero", "Its root is NaN: in eval mode every output of the channel is NaN.")
ZERO_VARIANCE = Kind(
    "channels without variance",
    "Nothing but one value ever reached these channels; any other is blown up some 300 times in eval mode.",
    together=True,
)
NEVER_UPDATED = Kind(
    "BatchNorm without statistics",
    "The layers around it were trained, but in eval mode this one does not normalize: it never ran in train mode, or its"
    " statistics were lost.",
)
UNUSED_NORM = Kind(
    "BatchNorm that never ran", "Other layers of the network have seen batches, this one none: an unused branch.", together=True
)
ALL_WITHOUT = Kind(
    "BatchNorm without statistics", "In eval mode none of them normalizes: run some batches in train mode first.", together=True
)
NORM_APART = Kind("weights far larger or smaller than in the other blocks", "A block that exploded, collapsed, or was never trained.")

_SIBLINGS = 5
_MOST_MADS, _LEAST_FACTOR, _ALARMING = 8.0, 10.0, 100.0
_NUMBER = re.compile(r"\d+")


@frozen
class Norm:
    """One BatchNorm: its statistics and its own parameters."""

    mean: Subject
    variance: Subject
    batches: Subject | None
    weight: Subject | None
    bias: Subject | None

    @property
    def is_updated(self) -> bool:
        """Whether a batch went through it in train mode; inferred from the values that it begins with."""
        if self.batches is not None and self.batches.found.count and self.batches.found.low:
            return True
        mean, variance = self.mean.found, self.variance.found
        return not (mean.count and mean.low == mean.high == 0 and variance.count and variance.low == variance.high == 1)

    @property
    def is_untrained(self) -> bool:
        """Whether its own parameters, if it has any, are those that it begins with."""
        return all(one is None or one.found.low == one.found.high for one in (self.weight, self.bias))


def norms_of(subjects: Sequence[Subject]) -> list[Norm]:
    """Every layer with running statistics."""
    layers: dict[str, dict[str, Subject]] = {}
    for subject in subjects:
        if subject.weights is not None and not subject.found.problem:
            layers.setdefault(subject.layer, {})[subject.leaf] = subject
    return [
        Norm(own["running_mean"], own["running_var"], own.get("num_batches_tracked"), own.get("weight"), own.get("bias"))
        for own in layers.values()
        if "running_mean" in own and "running_var" in own
    ]


def fresh_sets(subjects: Sequence[Subject], norms: Sequence[Norm]) -> dict[str, str]:
    """Weight sets that look as they are made, with the reason: every vector of a norm has one value, no batch was counted."""
    vectors: dict[str, list[bool]] = {}
    updated = {norm.mean.weights for norm in norms if norm.is_updated}
    for one in subjects:
        if one.weights is not None and one.is_norm_weight:
            vectors.setdefault(one.weights, []).append(one.is_constant)
    because = "inferred: the {} vectors that scale its norms all have one value each, as layers are made"
    return {path: because.format(f"{len(all_):,}") for path, all_ in vectors.items() if all(all_) and path not in updated}


def symptoms_of_layers(subjects: Sequence[Subject], norms: Sequence[Norm], fresh: dict[str, str]) -> Iterator[Symptom]:
    """Every condition that takes more than one tensor to see."""
    first = {one.weights: one for one in reversed(subjects) if one.role == "parameter"}
    for path, because in fresh.items():
        yield Symptom(FRESH, "info", path or first[path].path, because)
    yield from _variances(norms)
    yield from _updates([norm for norm in norms if norm.mean.weights not in fresh])
    yield from _apart(subjects)


def _variances(norms: Sequence[Norm]) -> Iterator[Symptom]:
    for norm in norms:
        found, path = norm.variance.found, norm.variance.path
        if found.count and found.low is not None and found.low < 0:
            yield Symptom(NEGATIVE_VARIANCE, "danger", path, f"its lowest value is {found.low:.6g} (confirmed)")
        if found.zeros:
            told = f"{found.zeros:,} of {found.count:,} are 0 (confirmed)"
            yield Symptom(ZERO_VARIANCE, "warning" if found.zeros * 2 >= found.count else "notice", path, told)


def _updates(norms: Sequence[Norm]) -> Iterator[Symptom]:
    """A norm without statistics is told by its company: all are so, or its own parameters were trained, or it stands alone."""
    untouched = [norm for norm in norms if not norm.is_updated]
    ran = {norm.mean.weights for norm in norms if norm.is_updated}
    for norm in untouched:
        counted = "num_batches_tracked 0, " if norm.batches is not None else ""
        told = f"it has {counted}running_mean all 0 and running_var all 1 (inferred: so it begins)"
        where = norm.mean.layer or norm.mean.path
        if norm.mean.weights not in ran:
            yield Symptom(ALL_WITHOUT, "info" if norm.is_untrained else "notice", where, told)
        elif norm.is_untrained:
            yield Symptom(UNUSED_NORM, "notice", where, told)
        else:
            yield Symptom(NEVER_UPDATED, "warning", where, told)


def _apart(subjects: Sequence[Subject]) -> Iterator[Symptom]:
    """Matrices of one name and shape in repeated blocks; a vector's size says little, and another shape begins with another one."""
    blocks: dict[tuple[object, ...], list[tuple[Subject, float]]] = {}
    for one in subjects:
        size = _size(one)
        if size is not None:
            blocks.setdefault((one.weights, pattern(one.path), one.tensor.shape), []).append((one, size))
    for (_, name, _), members in blocks.items():
        if len(members) >= _SIBLINGS:
            yield from _outliers(str(name), members)


def _size(one: Subject) -> float | None:
    """The logarithm of the root of the mean square."""
    found = one.found
    if not one.is_weight or not one.is_matrix or not found.count or not found.l2 or math.isinf(found.l2):
        return None
    return math.log(found.l2) - math.log(found.count) / 2


def _outliers(name: str, members: Sequence[tuple[Subject, float]]) -> Iterator[Symptom]:
    sizes = [size for _, size in members]
    middle = median(sizes)
    spread = 1.4826 * median(abs(size - middle) for size in sizes)
    for one, size in members:
        factor = math.exp(min(abs(size - middle), 700))
        if factor >= _LEAST_FACTOR and abs(size - middle) > _MOST_MADS * spread:
            told = (
                f"its values are {factor:,.3g} times as {'large' if size > middle else 'small'} as the median of the {len(members):,}"
                f" tensors `{short(name)}` (inferred from their root mean squares{_alone(one)})"
            )
            yield Symptom(NORM_APART, "warning" if factor >= _ALARMING else "notice", one.path, told)


def _alone(one: Subject) -> str:
    """Whether a single value makes it so."""
    found = one.found
    largest = max(abs(found.low or 0), abs(found.high or 0))
    return f"; one value of {largest:.4g} makes up most of it" if found.l2 and largest > 0.7 * found.l2 else ""


def pattern(path: str) -> str:
    """A name with the numbers of blocks left open; those of the layer itself, as in `fc1.weight`, stay."""
    *above, layer, leaf = ("", *path.split("."))[-400:] if "." in path else ("", "", path)
    opened = [_NUMBER.sub("*", step) for step in above]
    return ".".join([step for step in opened if step] + [layer, leaf]).lstrip(".")


__all__ = ["Norm", "fresh_sets", "norms_of", "pattern", "symptoms_of_layers"]
