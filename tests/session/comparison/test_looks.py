"""A look at one pair: quick for large tensors, and honest about what it has seen."""

from __future__ import annotations

import pytest
import torch

from ptinspect.session.comparison.browsing import found_since
from ptinspect.session.comparison.looks import Known, look
from ptinspect.session.comparison.pair_page import seen_text
from ptinspect.session.tasks import Context
from tests.session.comparison.pairs import compared, saved


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> list[str]:
    """A pair of more values than a look reads at once, with one far out that no sample comes upon."""
    torch.manual_seed(3)
    left = torch.randn(1_500, 1_000)
    right = left + 0.01 * torch.randn(1_500, 1_000)
    left[703, 500] = 75.0
    return saved(tmp_path_factory.mktemp("large"), left={"emb.weight": left}, right={"emb.weight": right})


@pytest.mark.parametrize("is_coming", [False, True])
def test_that_a_large_pair_is_shown_from_a_sample_that_says_so_and_then_whole(large, is_coming: bool) -> None:
    session = compared(*large)
    aligned, parts = session.app.state.comparison.aligned, []
    pair = aligned.pairs[0] if not is_coming else aligned.outline.pairs[0]
    histograms = session.app.state.comparison.histograms.get(0)
    context = Context(lambda *_: None, parts.append)
    found = look(aligned.outline, pair, context, Known(None if is_coming else histograms, is_coming))
    assert [part.is_whole for part in parts] == [False]
    assert parts[0].left.statistics.high < 10
    assert seen_text(parts[0]).startswith("Sample of ")
    assert found.left.statistics.high == 75.0
    assert seen_text(found) == "All values"
    assert found.is_whole is not is_coming
    assert found.left.statistics.count == 1_500_000
    later = found_since(session.app.state.comparison, 0, found)
    assert later.is_whole
    assert later.pair.difference.histograms.left.counts.sum() > 1_400_000
