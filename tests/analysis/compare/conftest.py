from __future__ import annotations

from pathlib import Path

import pytest

from tests.analysis.compare.networks import Pairs


@pytest.fixture
def pairs(tmp_path: Path) -> Pairs:
    return Pairs(tmp_path)
