"""Histograms of pairs as they are kept: small, and nothing that a garbage collection has to look at."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

from ptinspect.analysis.compare.broadcast import histograms_of

if TYPE_CHECKING:
    from ptinspect.analysis.compare.difference import PairHistograms


def packed(fields: dict[str, Any]) -> bytes:
    """As `histogram_fields` has them."""
    return zlib.compress(json.dumps(fields).encode(), 1)


def unpacked(text: bytes) -> PairHistograms:
    """The same back again."""
    return histograms_of(json.loads(zlib.decompress(text)))
