"""How large the batch is that both sides run. A module of its own, since neither side may import the other's torch."""

from __future__ import annotations

BATCH, PASSES = 1, 20
