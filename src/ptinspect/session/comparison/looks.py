"""A look at one pair."""

from __future__ import annotations

from ptinspect.frozen import frozen


@frozen
class PairLook:
    """What a look found."""
