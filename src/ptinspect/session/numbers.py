"""What a tab knows of its file's values, as one frozen value that changes whenever more is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptinspect.findings import Finding
from ptinspect.frozen import frozen

if TYPE_CHECKING:
    from ptinspect.session.tensor_looks import Look


@frozen
class Busy:
    """Something that goes on: its slot, by which it is cancelled, what it does and how much of it is done."""

    slot: str
    text: str
    share: float | None = None


@frozen
class Numbers:
    """`revision` counts what came into the shelf. `findings` is None until the values have been through."""

    revision: int = 0
    busy: tuple[Busy, ...] = ()
    findings: tuple[Finding, ...] | None = None
    stopped: str = ""  # why the counting did not come to its end
    also: tuple[str, ...] = ()  # rows that are selected beside the one that was selected last
    looks: tuple[tuple[str, Look], ...] = ()  # what was read of single tensors, the newest last
    blocks: int = 0  # counts what came into the table of values

    @property
    def stamp(self) -> object:
        """Other than it was whenever more is known."""
        return self.revision, self.findings is None

    def look(self, name: str) -> Look | None:
        """What was read under a name."""
        return next((look for key, look in self.looks if key == name), None)

    def is_busy(self, slot: str) -> bool:
        """Whether something goes on there."""
        return any(busy.slot == slot for busy in self.busy)
