"""What the test for low rank says, as values; the test itself wants numpy."""

from __future__ import annotations

from ptinspect.frozen import frozen

SHARE = 0.99


@frozen
class Tested:
    """One changed matrix: how much of the change's energy the rank holds, None where it cannot be read."""

    name: str
    shape: tuple[int, int]
    rank: int
    energy: float | None


@frozen
class LowRank:
    """What was tested, of how many changed matrices."""

    tested: tuple[Tested, ...] = ()
    candidates: int = 0

    @property
    def holds(self) -> bool:
        """Whether every tested change is of low rank, and any was tested."""
        return bool(self.tested) and all(one.energy is not None and one.energy >= SHARE for one in self.tested)
