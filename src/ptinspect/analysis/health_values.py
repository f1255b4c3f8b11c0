"""What the statistics of a single tensor say about its health, without another look at its values."""

from __future__ import annotations

from collections.abc import Iterator

from ptinspect.analysis.health_subjects import Subject
from ptinspect.analysis.health_symptoms import Kind, Symptom, share
from ptinspect.findings import Severity

NOT_FINITE = Kind(
    "values that are not finite",
    "One is enough to make every output behind it NaN: as a rule the training diverged, or a value overflowed as it was cast.",
)
NOT_FINITE_STATE = Kind("optimizer state that is not finite", "Training that goes on from here makes the parameters NaN at the first step.")
NOT_FINITE_OTHER = Kind("values that are not finite, beside the weights", "They may mark what is missing; as weights they would spread.")
NO_RANGE = Kind("observers that have seen nothing", "Their ends are still infinite: quantize only after calibration.", together=True)
ZERO = Kind("all values are zero", "The layer gives its bias or nothing, whatever comes in: never trained, lost, or set so on purpose.")
ZERO_START = Kind(
    "layers that start at zero",
    "They do nothing yet: made so that training starts without them (residual branches, adapters, heads), and not trained since.",
    together=True,
)
CONSTANT = Kind("all values are the same", "Every output of the layer is the same then: it was never trained, or overwritten.")
SAME = Kind("a table of one value", "As a weight it would be one that was never trained, or overwritten; the names do not say what it is.")
VECTORS = Kind(
    "vectors of one value", "So most layers begin: what stands there still was frozen, or no gradient ever came to it.", together=True
)
HALF_LARGE = Kind("too large for float16", "Cast to half precision they become infinite; bfloat16 keeps them.")
HALF_SMALL = Kind("too small for float16", "Cast to half precision they become zero; bfloat16 keeps them.")
HALF_FAINT = Kind(
    "imprecise in float16", "Below 6.1e-5 half precision has fewer bits the smaller a value is; bfloat16 does not.", together=True
)
SUBNORMAL = Kind(
    "subnormal numbers", "Below 1.2e-38 many processors take a hundred times as long; as weights they could as well be zero.", together=True
)
SPARSE = Kind(
    "many exact zeros",
    "A weight like this was pruned: its zeros are stored and multiplied all the same unless a sparse layout is used.",
    together=True,
)
SATURATED = Kind("many values at the ends of their type", "They were cut off as they were cast: a larger scale would have kept them.")

_CASTABLE = frozenset({"float32", "float64", "bfloat16"})
_STATISTICS = ("running_mean", "running_var")
_ZERO_STARTS = ("lora_b", "lora_up", "zero", "adaln", "head", "classifier")
_MANY_FAINT, _MANY_VANISH, _PRUNED, _MOSTLY_PRUNED, _CUT_OFF = 0.1, 0.01, 0.3, 0.9, 0.01
_LARGEST = {"float8_e4m3fn": 448.0, "float8_e5m2": 57344.0, "float8_e4m3fnuz": 240.0, "float8_e5m2fnuz": 57344.0}


def symptoms_of(subject: Subject, is_fresh: bool) -> Iterator[Symptom]:
    """Every condition of one tensor. `is_fresh` says that its weight set looks as no training has touched it."""
    if subject.found.problem:
        return
    if subject.found.nans or subject.found.infs:
        yield from _not_finite(subject)
    if subject.is_weight:
        yield from _one_value(subject, is_fresh)
        yield from _sparse(subject)
        yield from _at_the_ends(subject)
    if subject.is_weight or subject.leaf in _STATISTICS:
        yield from _narrowed(subject, is_fresh)


def _not_finite(subject: Subject) -> Iterator[Symptom]:
    found = subject.found
    counts = [f"{count:,} {word}" for count, word in ((found.nans, "NaN"), (found.infs, "infinite")) if count]
    told = f"{' and '.join(counts)} among {found.count + found.nans + found.infs:,} values (confirmed: counted)"
    if subject.leaf in ("min_val", "max_val") and not found.nans and not found.count:
        yield Symptom(NO_RANGE, "info", subject.path, told)
    elif subject.role == "optimizer":
        yield Symptom(NOT_FINITE_STATE, "warning", subject.path, told)
    elif subject.role == "parameter" or subject.leaf in _STATISTICS:
        if not subject.is_mask:
            yield Symptom(NOT_FINITE, "danger" if subject.is_network else "warning", subject.path, told)
    elif found.nans and subject.role == "buffer":
        yield Symptom(NOT_FINITE, "warning", subject.path, told)
    elif found.nans and found.count + found.nans > 1:  # a single one is a score that has not been set
        yield Symptom(NOT_FINITE_OTHER, "notice", subject.path, told)


def _one_value(subject: Subject, is_fresh: bool) -> Iterator[Symptom]:
    if not subject.is_constant:
        return
    found, matrix = subject.found, subject.is_matrix
    if found.low != 0:
        if matrix:
            told = f"all {found.count:,} are {found.low:.6g} (confirmed: lowest and highest are equal)"
            known = subject.has_outputs
            yield Symptom(CONSTANT if known else SAME, "info" if is_fresh else "warning" if known else "notice", subject.path, told)
        elif found.count >= 4 and not is_fresh:
            yield Symptom(VECTORS, "info", subject.path, f"{found.count:,} values, all {found.low:.6g}")
    elif matrix:
        told = f"all {found.count:,} (confirmed: lowest and highest are 0)"
        if is_fresh:
            yield Symptom(ZERO_START, "info", subject.path, told)
        elif any(word in subject.path.lower() for word in _ZERO_STARTS):
            yield Symptom(ZERO_START, "notice", subject.path, f"{told}; inferred from its name")
        else:
            known = subject.has_outputs
            yield Symptom(ZERO if known else SAME, "warning" if known else "notice", subject.path, told)
    elif subject.leaf == "weight" and found.count >= 4:  # of a norm: its layer gives its bias; zeros as biases are as good as any
        yield Symptom(ZERO_START, "info", subject.path, f"all {found.count:,}")


def _narrowed(subject: Subject, is_fresh: bool) -> Iterator[Symptom]:
    """Casting to float16, and numbers below what float32 keeps whole."""
    found, extremes = subject.found, subject.found.extremes
    others = found.count - found.zeros
    single = found.count == 1 and not subject.is_confirmed  # the number that a mask puts in, as often as a parameter
    if subject.tensor.dtype.name not in _CASTABLE or not others or single:
        return
    if extremes.overflowing:
        largest = max(abs(found.low or 0), abs(found.high or 0))
        told = f"at least {extremes.overflowing:,} of {found.count:,} values lie beyond 65504, up to {largest:.4g} (confirmed)"
        yield Symptom(HALF_LARGE, "notice", subject.path, told)
    if extremes.vanishing >= max(_MANY_VANISH * others, 2) and _multiplies(subject):
        told = f"{extremes.vanishing:,} values, {share(extremes.vanishing, others)} of those that are not zero, are below 3e-8 (confirmed)"
        yield Symptom(HALF_SMALL, "info" if is_fresh else "notice", subject.path, told)
    elif extremes.faint >= max(_MANY_FAINT * others, 2) and _multiplies(subject):
        yield Symptom(HALF_FAINT, "info", subject.path, f"{share(extremes.faint, others)} of its values")
    if extremes.subnormal:
        severity: Severity = "notice" if extremes.subnormal >= max(_MANY_VANISH * others, 2) else "info"
        yield Symptom(SUBNORMAL, severity, subject.path, f"{extremes.subnormal:,} of {found.count:,} values")


def _multiplies(subject: Subject) -> bool:
    """What is added to values of ordinary size may be lost without a difference."""
    return subject.is_matrix or not ("bias" in subject.leaf or subject.leaf == "running_mean")


def _sparse(subject: Subject) -> Iterator[Symptom]:
    """Exact zeros where every value was drawn or trained: not in vectors, and not where the layout says so itself."""
    found = subject.found
    if subject.is_matrix and subject.tensor.layout == "strided" and _PRUNED * found.count < found.zeros < found.count:
        severity: Severity = "notice" if found.zeros >= _MOSTLY_PRUNED * found.count and subject.has_outputs else "info"
        yield Symptom(SPARSE, severity, subject.path, f"{share(found.zeros, found.count)} of {found.count:,} values")


def _at_the_ends(subject: Subject) -> Iterator[Symptom]:
    """Float types of eight bits, scaled so that the largest value just fits: more than a few there were cut off."""
    largest, shares = _LARGEST.get(subject.tensor.dtype.name), subject.found.quantiles
    if largest is None or shares is None or subject.found.count < 100:
        return
    ends = [word for word, value in ((f"{-largest:g}", shares[0] == -largest), (f"{largest:g}", shares[-1] == largest)) if value]
    if ends:
        told = f"{share(1, 100)} or more of {subject.found.count:,} values are {' and as many are '.join(ends)} (confirmed)"
        yield Symptom(SATURATED, "notice", subject.path, told)


__all__ = ["SATURATED", "SPARSE", "symptoms_of"]
