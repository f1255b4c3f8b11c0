"""A comparison of some tensors, or within a distance, as the command line asks for it."""

from __future__ import annotations

import json

import pytest

from ptinspect.frozen import replace
from ptinspect.session.comparison import work
from ptinspect.session.comparison.request import Chosen, ComparisonRequest, as_fields, of_fields
from tests.session.comparison.pairs import names, saved, state
from tests.session.working import Session


@pytest.fixture
def request_(tmp_path) -> ComparisonRequest:
    left = state()
    right = {**left, "layer1.bn.weight": left["layer1.bn.weight"] + 0.01, "conv.weight": left["conv.weight"] + 1}
    return ComparisonRequest(*(Chosen(path) for path in saved(tmp_path, left=left, right=right)))


def shown(request: ComparisonRequest) -> Session:
    session = Session()
    session.app.show_comparison(request)
    session.settle()
    return session


@pytest.mark.parametrize("is_small", [True, False])
def test_that_a_glob_leaves_the_others_out_of_the_verdict_too(request_, monkeypatch, is_small: bool) -> None:
    monkeypatch.setattr(work, "SMALL_BYTES", work.SMALL_BYTES if is_small else 0)
    session = shown(replace(request_, match="layer2.*"))
    page = session.app.view.page
    assert names(page.table.root) == ["layer2"]
    assert page.banner.verdict == "Identical:"
    assert "only layer2.*" in session.app.view.status.facts


@pytest.mark.parametrize(("tolerance", "text"), [(0.5, "1 tensor beyond 0.5"), (1.5, "All within 1.5")])
def test_that_a_tolerance_is_told_beside_the_truth_of_the_bytes(request_, tolerance: float, text: str) -> None:
    session = shown(replace(request_, tolerance=tolerance))
    assert session.app.view.page.banner.chips[0].text == text
    assert session.app.view.page.banner.verdict == "Partly fine-tuned:"
    assert f"tolerance {tolerance}" in session.app.view.status.facts


def test_that_the_same_files_asked_for_otherwise_are_compared_anew_in_their_tab(request_) -> None:
    session = shown(replace(request_, match="layer2.*"))
    session.app.show_comparison(request_)
    session.settle()
    assert len(session.app.state.tabs) == 1
    assert session.app.view.page.differences == 2


def test_that_what_is_asked_for_survives_a_restart_and_a_swap(request_) -> None:
    asked = replace(request_, match="fc*", tolerance=0.5, thorough=True)
    assert of_fields(json.loads(json.dumps(as_fields(asked)))) == asked
    assert asked.swapped().swapped() == asked
    assert asked.swapped().match == "fc*"
    assert of_fields({**as_fields(asked), "tolerance": -1}) is None
    assert of_fields({**as_fields(asked), "match": 3}) is None


def test_that_a_glob_that_nothing_fits_is_explained(request_) -> None:
    assert "no tensor of either side fits" in shown(replace(request_, match="nothing*")).app.view.page.trouble.title
