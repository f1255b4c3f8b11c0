"""What a comparison is made of: two sides, pairs of their tensors, and what is known of each pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ptinspect.checkpoint.model import Checkpoint, Entry, Role, WeightSet
from ptinspect.frozen import frozen

if TYPE_CHECKING:
    from ptinspect.analysis.compare.difference import Difference

PairedBy = Literal["name", "prefix", "bytes", "shape", "rule"]
Status = Literal["same", "changed", "left_only", "right_only", "shape_changed", "dtype_changed"]
EqualBy = Literal["place", "checksum", "bytes"]
Verdict = Literal[
    "identical",
    "cast only",
    "renamed only",
    "statistics only",
    "head only",
    "low rank",
    "different architecture",
    "fully fine-tuned",
    "partly fine-tuned",
]

STATUSES: tuple[Status, ...] = ("same", "changed", "left_only", "right_only", "shape_changed", "dtype_changed")


@frozen
class Side:
    """One weight set of one file. Without a set of its own, a file's tensors stand under their paths."""

    checkpoint: Checkpoint
    weights: WeightSet | None
    entries: tuple[Entry, ...]

    @property
    def path(self) -> str | None:
        """Where the weight set stands in its file."""
        return None if self.weights is None else self.weights.path


def side_of(checkpoint: Checkpoint, weights: WeightSet | None = None) -> Side:
    """The main weights, or those that are asked for; every tensor where the file has no weights."""
    chosen = weights or checkpoint.main
    if chosen is not None:
        return Side(checkpoint, chosen, chosen.entries)
    places = checkpoint.document.places
    return Side(checkpoint, None, tuple(Entry(place.path, place.tensor, "parameter") for place in places))


@frozen
class Match:
    """A tensor of the left and one of the right that belong together, or one that stands alone."""

    left: Entry | None
    right: Entry | None
    paired_by: PairedBy | None = None

    @property
    def role(self) -> Role:
        """What it is: a buffer only where no side says otherwise."""
        roles = [entry.role for entry in (self.left, self.right) if entry is not None]
        return "buffer" if all(role == "buffer" for role in roles) else "parameter"

    @property
    def name(self) -> str:
        """The left name, or the right one where there is none."""
        entry = self.left or self.right
        return "" if entry is None else entry.name

    @property
    def both(self) -> tuple[Entry, Entry] | None:
        """The two entries, None where one is missing."""
        return None if self.left is None or self.right is None else (self.left, self.right)

    @property
    def is_renamed(self) -> bool:
        """Whether the names are two, for another reason than a prefix."""
        return self.paired_by in ("bytes", "shape", "rule") and self.both is not None and self.both[0].name != self.both[1].name


@frozen
class Pair:
    """A match and what was found out about it. `status` is None as long as nobody knows whether the bytes are the same."""

    match: Match
    status: Status | None
    equal_by: EqualBy | None = None
    difference: Difference | None = None
    problem: str | None = None

    @property
    def is_near(self) -> bool:
        """The same, or the same up to the rounding of the narrower type."""
        return self.status == "same" or (self.difference is not None and self.difference.within_rounding is True)

    @property
    def is_cast(self) -> bool:
        """The same, or in another type the same up to its rounding: what a fine-tuning would not have left so."""
        return self.status == "same" or (self.status == "dtype_changed" and self.is_near)


def status_of(match: Match, same: bool | None) -> Status | None:
    """The contract's word for a match, once it is known whether the bytes are the same."""
    if match.both is None:
        return "right_only" if match.left is None else "left_only"
    left, right = (entry.tensor for entry in match.both)
    if left.shape != right.shape:
        return "shape_changed"
    if left.dtype.name != right.dtype.name:
        return "dtype_changed"
    return None if same is None else "same" if same else "changed"
