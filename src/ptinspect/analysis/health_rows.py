"""What only the rows of a weight show: output channels that do nothing, and channels that are copies of another.

This reads every matrix and convolution once more, in blocks; `health` does it last, and only where it is asked to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ptinspect.analysis.health_codes import at_the_ends
from ptinspect.analysis.health_subjects import Subject
from ptinspect.analysis.health_symptoms import Kind, Symptom, numbers, share
from ptinspect.analysis.row_facts import MOST_ROWS, RowFacts, copies, row_facts
from ptinspect.analysis.rows import turned
from ptinspect.analysis.stream import identity_of, nbytes_of
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.storage_bytes import StorageBytes
from ptinspect.errors import ChangedOnDisk, FileProblem
from ptinspect.findings import Severity

DEAD = Kind("dead output channels", "They give their bias whatever comes in: capacity that is stored and computed for nothing.")
EMPTY_ROWS = Kind(
    "empty rows of an embedding", "Padding, or entries that never occurred: they cannot be told from each other.", together=True
)
ZERO_ROWS = Kind("rows of zeros", "Whether these are outputs or inputs, the names do not say; either way they do nothing.", together=True)
COPIES = Kind("duplicate rows", "Channels that begin alike stay alike: they do the work of one.")
COPIED_ROWS = Kind("duplicate rows of an embedding", "As a vocabulary is filled up, or entries that were never trained.", together=True)

_TINY = 1e-5  # of what a row of the upper half has: what is left where weight decay has worn a channel away
_MANY_DEAD, _MANY_COPIES = 0.1, 0.5
_OUTPUT_SECOND = ("ConvTranspose", "Conv1D")

Progress = Callable[[int, int], None]


def symptoms_of_rows(
    checkpoint: Checkpoint, subjects: Sequence[Subject], fresh: Sequence[str], progress: Progress | None = None
) -> Iterator[Symptom]:
    """Every condition of rows. Tied names are read once; a tensor that cannot be read is left to its statistics."""
    wanted = list({identity_of(one.tensor): one for one in reversed(subjects) if _is_wanted(one)}.values())[::-1]
    total, done = sum(nbytes_of(one.tensor) for one in wanted), 0
    with StorageBytes(checkpoint) as storages:
        for one in wanted:
            before, size = done, one.tensor.dtype.itemsize

            def told(count: int, size: int = size) -> None:
                nonlocal done
                done += count * size
                if progress is not None:
                    progress(min(done, total), total)

            try:
                yield from _examined(storages, one, one.weights in fresh, told)
            except ChangedOnDisk:
                raise
            except FileProblem:
                continue
            finally:
                done = before + nbytes_of(one.tensor)


def _is_wanted(one: Subject) -> bool:
    tensor, found = one.tensor, one.found
    if one.role != "parameter" or found.problem or not found.count or not one.is_matrix or tensor.layout != "strided" or tensor.problem:
        return False
    if tensor.dtype.family == "quantized":
        return True
    expanded = any(size > 1 and not stride for size, stride in zip(tensor.shape, tensor.strides, strict=True))
    return one.is_weight and not one.is_constant and not expanded and max(tensor.shape[:2]) <= MOST_ROWS


def _examined(storages: StorageBytes, one: Subject, is_fresh: bool, told: Callable[[int], None]) -> Iterator[Symptom]:
    if one.tensor.dtype.family == "quantized":
        yield from at_the_ends(storages, one, told)
        return
    axis = output_axis(one)
    tensor = turned(one.tensor, axis) if axis else one.tensor
    if tensor.shape[0] < 2:
        return
    facts = row_facts(storages, tensor, told)
    is_embedding = one.type.startswith("Embedding")
    yield from _idle(one, facts, is_embedding, is_fresh)
    groups, is_all = copies(storages, tensor, facts, told)
    if groups:
        yield _copied(one, groups, is_all, facts.is_zero.size, is_fresh)


def output_axis(one: Subject) -> int:
    """The dimension of its outputs: the second for transposed convolutions and the layers of GPT-2."""
    tensor = one.tensor
    second = one.type.startswith(_OUTPUT_SECOND) and tensor.dtype.per_item == 1 and tensor.shape[1] > 1
    return 1 if second else 0


def _idle(one: Subject, facts: RowFacts, is_embedding: bool, is_fresh: bool) -> Iterator[Symptom]:
    zero = np.flatnonzero(facts.is_zero).tolist()
    count = facts.is_zero.size
    if is_embedding:
        if len(zero) > 1:  # one is the padding
            yield Symptom(EMPTY_ROWS, "info", one.path, f"{len(zero):,} of {count:,} rows are 0: {numbers(zero)} (confirmed)")
        return
    tiny = _tiny(facts) if one.has_outputs else []
    if not zero and not tiny:
        return
    if not one.has_outputs and zero in ([0], [count - 1]):
        return  # the padding of an embedding that no name gives away
    if not one.has_outputs:
        yield Symptom(ZERO_ROWS, "info", one.path, f"{len(zero):,} of {count:,} rows are 0: {numbers(zero)} (confirmed)")
        return
    parts = [f"{numbers(zero)} (confirmed: every weight is 0)"] if zero else []
    parts += [f"{numbers(tiny)} (inferred: less than 1e-5 of what the others have)"] if tiny else []
    dead = len(zero) + len(tiny)
    severity: Severity = "info" if is_fresh else "warning" if dead >= _MANY_DEAD * count else "notice"
    yield Symptom(DEAD, severity, one.path, f"{dead:,} of {count:,} channels, {share(dead, count)}: {' and '.join(parts)}")


def _tiny(facts: RowFacts) -> list[int]:
    with np.errstate(invalid="ignore"):
        there = facts.squares[np.isfinite(facts.squares) & ~facts.is_zero]
        if not there.size:
            return []
        usual = float(np.quantile(there, 0.75))
        found: list[int] = np.flatnonzero(~facts.is_zero & (facts.squares < _TINY * _TINY * usual)).tolist()
    return found


def _copied(one: Subject, groups: Sequence[Sequence[int]], is_all: bool, count: int, is_fresh: bool) -> Symptom:
    extra = sum(len(group) - 1 for group in groups)
    least = "" if is_all else "at least "
    copied = f"{least}{extra:,} of {count:,} rows {'is a copy' if extra == 1 else 'are copies'}"
    shown = "; ".join(" = ".join(str(row) for row in group[:4]) + " = …" * (len(group) > 4) for group in groups[:4])
    text = f"{copied}: {shown}{'; …' * (len(groups) > 4)} (confirmed byte for byte)"
    if one.type.startswith("Embedding"):
        return Symptom(COPIED_ROWS, "info", one.path, text)
    severity: Severity = "warning" if extra >= _MANY_COPIES * count else "notice"
    return Symptom(COPIES, "info" if is_fresh or not one.has_outputs else severity, one.path, text)


__all__ = ["output_axis", "symptoms_of_rows"]
