"""How much changed: of a tensor, of all that is below a layer, and what the page says of a layer."""

from __future__ import annotations

import pytest
import torch

from ptinspect.analysis.compare.difference import SAME
from ptinspect.frozen import replace
from ptinspect.session.comparison import cells
from ptinspect.session.comparison.aligned import Aligned
from ptinspect.session.comparison.pair_page import furthest_below, headline_of
from ptinspect.session.comparison.rows import PairTable
from tests.session.comparison.pairs import compared, finetuned, saved, state
from tests.session.working import Session


@pytest.fixture
def session(tmp_path) -> Session:
    left = state()
    return compared(*saved(tmp_path, left=left, right=finetuned(left)))


def row(session: Session, path: str, kind: str = "tensor"):
    return session.app.view.page.table.find(f"{kind}:{path}")


def whole_share() -> float:
    """How far the second layer moved: what stayed the same is part of it."""
    whole = torch.cat([value for name, value in state().items() if name.startswith("layer2") and value.is_floating_point()])
    return float(20 * state()["layer2.bn.running_var"].norm() / whole.norm())


def test_that_a_layer_whose_same_tensors_are_not_measured_moved_by_at_most_so_much(session: Session) -> None:
    pairs = session.app.state.comparison.report.comparison.pairs
    aligned = Aligned(session.app.state.comparison.aligned.outline)
    aligned.take((at, replace(pair, difference=SAME) if pair.status == "same" else pair) for at, pair in enumerate(pairs))
    found = PairTable(aligned).find("layer:layer2")
    assert cells.change_text(found) == "≤\u200920.0"
    assert cells.moved_text(found) == "moved by at most 20.0 % of its norm"


def test_that_the_amount_of_change_is_told_in_per_cent_and_as_heat(session: Session) -> None:
    found = row(session, "layer2.bn.running_var")
    assert cells.change_text(found) == "20.0"
    assert cells.heat_of(found) == pytest.approx(1.0)
    assert cells.change_text(row(session, "layer2", "layer")) == f"{whole_share():.1f}"
    assert cells.heat_of(row(session, "conv.weight")) is None


def test_that_the_layer_tells_what_differs_below_it(session: Session) -> None:
    found = row(session, "layer2", "layer")
    assert headline_of(found, None) == ("5 tensors: 3 same, 2 changed", f"moved by {whole_share():.1f} % of its norm")
    assert furthest_below(found) == (("bn.running_var", "20.0 %"), ("bn.num_batches_tracked", "Changed"))


def test_that_what_moved_from_zero_is_part_of_how_far_its_layer_moved(tmp_path) -> None:
    left = {"bn.mean": torch.zeros(4), "bn.var": torch.ones(4), "gate.scale": torch.zeros(4)}
    session = compared(*saved(tmp_path, left=left, right={name: value + 1 for name, value in left.items()}))
    assert cells.change_text(row(session, "bn", "layer")) == "141.4"
    assert cells.change_text(row(session, "bn.mean")) == "from 0"
    assert cells.change_text(row(session, "gate", "layer")) == "from 0"


def test_that_a_network_with_adapters_beside_its_layers_is_told_at_a_glance(tmp_path) -> None:
    left = {f"layers.{at}.q.weight": torch.randn(8, 8) for at in range(3)}
    added = {f"layers.{at}.q.{name}.weight": torch.zeros(2, 8) for at in range(3) for name in ("lora_A", "lora_B")}
    moved = {name.replace(".weight", ".base_layer.weight"): value for name, value in left.items()}
    session = compared(*saved(tmp_path, left=left, right={**moved, **added}))
    assert session.app.view.page.banner.chips[0].text == "All of the left is in the right"
    found = row(session, "layers.0.q", "layer")
    assert (cells.side_text(found, "left"), cells.change_text(found)) == ("Linear", "—")
