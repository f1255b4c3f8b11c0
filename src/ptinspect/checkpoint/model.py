"""The domain's types: what a checkpoint is, and how sure we are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ptinspect.checkpoint.safety import Safety
from ptinspect.findings import Finding
from ptinspect.formats.document import Document
from ptinspect.formats.source import FileSource, Identity
from ptinspect.frozen import frozen
from ptinspect.pickles.values import Value
from ptinspect.tensors import TensorInfo

if TYPE_CHECKING:
    from ptinspect.checkpoint.architectures import Architecture
    from ptinspect.checkpoint.training import Training

Kind = Literal["state_dict", "model", "checkpoint", "torchscript", "exported_program", "optimizer", "tensors", "other"]
Certainty = Literal["confirmed", "inferred"]
Role = Literal["parameter", "buffer"]


@frozen
class Evidence:
    """A claim, how sure it is, and what it rests on."""

    claim: str
    certainty: Certainty
    because: str


@frozen
class Entry:
    """One name of a weight set: what `state_dict()` of that module would return under it."""

    name: str
    tensor: TensorInfo
    role: Role


@frozen
class WeightSet:
    """One set of weights in the file, relative to which its names are written."""

    path: str
    form: Literal["state_dict", "model"]
    class_name: str | None
    wrapped_in: tuple[str, ...]
    prefix: str | None
    entries: tuple[Entry, ...]
    split: Certainty
    value: Value
    elements: tuple[int, int]
    role: Literal["main", "ema", "other"] = "other"
    depth: int = 0  # steps from the root; a key may hold dots of its own

    @property
    def parameters(self) -> int:
        """Elements of parameters, tied ones counted once."""
        return self.elements[0]

    @property
    def buffers(self) -> int:
        """Elements of buffers, tied ones counted once."""
        return self.elements[1]


def count_elements(entries: tuple[Entry, ...]) -> tuple[int, int]:
    """Elements of parameters and of buffers, tied ones once."""
    seen: set[object] = set()
    counts = {"parameter": 0, "buffer": 0}
    for entry in entries:
        tensor = entry.tensor
        key = memory_of(tensor)
        if key not in seen:
            seen.add(key)
            counts[entry.role] += tensor.elements
    return counts["parameter"], counts["buffer"]


def memory_of(tensor: TensorInfo) -> object:
    """What two names of one tensor have in common: its bytes, or itself where it has none."""
    storage = tensor.storage
    if storage is None or storage.location == "meta" or tensor.span == (0, 0):
        return id(tensor)
    return (storage.key, tensor.span)


@frozen
class StorageTotals:
    """Bytes on disk before compression, bytes no tensor can reach, and tensors that share theirs."""

    stored: int
    wasted: int
    shared: tuple[tuple[str, ...], ...]


@frozen
class Checkpoint:
    """A file and all that its headers say about it. `source` opens it again, for the values of its tensors and its texts."""

    path: str
    source: FileSource
    document: Document
    kind: Kind
    evidence: tuple[Evidence, ...]
    weights: tuple[WeightSet, ...]
    totals: StorageTotals
    training: Training | None
    architecture: Architecture | None
    safety: Safety
    findings: tuple[Finding, ...]

    @property
    def identity(self) -> Identity:
        """The file on disk that was read."""
        return self.source.identity

    @property
    def main(self) -> WeightSet | None:
        """The main weights, if the file has any."""
        return next((weights for weights in self.weights if weights.role == "main"), None)
