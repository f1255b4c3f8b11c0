"""The verbs of a comparison, and what the window would show of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

from ptinspect.analysis.compare.rules import Rule
from ptinspect.session.comparison import cells, work
from ptinspect.session.comparison.pair_page import headline_of
from ptinspect.session.comparison.pairing import pairing_of
from ptinspect.session.comparison.report_page import report_of
from ptinspect.session.comparison.request import ComparisonRequest
from ptinspect.session.settings import Settings
from ptinspect.session.views import ComparisonView, OpeningView, TroubleView
from tests.session.comparison.pairs import compared, finetuned, names, saved, state
from tests.session.working import Session


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> list[str]:
    left = state()
    return saved(tmp_path_factory.mktemp("pair"), left=left, right={"epoch": 3, "model_state_dict": finetuned(left)})


@pytest.fixture
def session(paths) -> Session:
    return compared(*paths)


def row(session: Session, path: str, kind: str = "tensor"):
    return session.app.view.page.table.find(f"{kind}:{path}")


def test_that_the_aligned_tree_has_both_sides_in_one_order(session: Session) -> None:
    page = session.app.view.page
    assert isinstance(page, ComparisonView)
    assert names(page.table.root) == ["conv", "layer1", "layer2", "fc"]
    said = [(cells.state_text(one), cells.side_text(one, "left"), cells.side_text(one, "right")) for one in page.table.root.below]
    assert said[0] == ("Same", "8\u2009×\u20093\u2009×\u20093\u2009×\u20093", "8\u2009×\u20093\u2009×\u20093\u2009×\u20093")
    assert [state for state, _, _ in said] == ["Same", "Same", "Changed", "Shape"]
    assert said[3][1:] == ("10\u2009×\u20098", "7\u2009×\u20098")


def test_that_the_banner_says_the_verdict_first_and_what_is_also_true(session: Session) -> None:
    banner = session.app.view.page.banner
    assert (banner.verdict, banner.rest) == ("Head only:", "backbone weights frozen (3 of 4 layers identical), fc replaced 10 → 7")
    assert [chip.text for chip in banner.chips] == ["Running statistics drifted in layer2"]
    assert (banner.safety.text, banner.safety.tone) == ("Data only", "good")
    assert [(os.path.basename(one.path), one.what) for one in session.app.state.settings.recent] == [
        ("left.pt", "Bare weights"), ("right.pt", "Training checkpoint"),
    ]  # fmt: skip
    assert session.app.view.status.text.startswith("Compared 13 tensors by name and value in ")


def test_that_a_counter_shows_its_numbers_and_no_share(session: Session) -> None:
    found = row(session, "layer2.bn.num_batches_tracked")
    assert (cells.side_text(found, "left"), cells.side_text(found, "right")) == ("450,360", "3,128")
    assert cells.change_text(found) == "—"


def test_that_the_steps_go_from_difference_to_difference_and_around(session: Session) -> None:
    seen = []
    for _ in range(5):
        session.app.comparing.step(1)
        page = session.app.view.page
        seen.append((page.state.selected.partition(":")[2], page.place, page.differences))
    assert [name for name, _, _ in seen[:4]] == ["fc.bias", "layer2.bn.running_var", "layer2.bn.num_batches_tracked", "fc.weight"]
    assert [place for _, place, _ in seen[:4]] == [4, 1, 2, 3]
    session.app.comparing.step(-1)
    assert session.app.view.page.state.selected == "tensor:fc.weight"
    assert "layer:layer2.bn" in session.app.view.page.expanded


def test_that_identical_rows_can_be_hidden_and_come_back(session: Session) -> None:
    session.app.comparing.toggle("same")
    session.settle()
    page = session.app.view.page
    assert names(page.table.root) == ["layer2", "fc"]
    assert [toggle.is_shown for toggle in page.toggles] == [False, True, True, True, True]
    assert [toggle.count for toggle in page.toggles] == [9, 2, 0, 0, 2]
    session.app.comparing.toggle("same")
    session.settle()
    assert names(session.app.view.page.table.root) == ["conv", "layer1", "layer2", "fc"]


def test_that_the_filter_of_the_bar_narrows_the_aligned_tree(session: Session) -> None:
    session.app.filter("running dtype:float32")
    session.settle()
    page = session.app.view.page
    assert names(page.table.root) == ["layer1", "layer2"]
    assert session.app.view.filter_note == "4 hits"
    session.app.comparing.step(1)
    assert session.app.view.page.state.selected == "tensor:layer2.bn.running_var"
    assert session.app.view.page.differences == 1
    session.app.filter("")
    session.settle()
    assert len(session.app.view.page.table.root.below) == 4


def test_that_a_column_sorts_neighbours_down_up_and_as_the_file_has_them(session: Session) -> None:
    orders = []
    for _ in range(3):
        session.app.comparing.sort("change")
        session.settle()
        orders.append(names(session.app.view.page.table.root))
    assert orders[0][0] == "layer2"
    assert orders[1][-1] == "layer2"
    assert orders[2] == ["conv", "layer1", "layer2", "fc"]


def test_that_the_selected_pair_is_looked_at(session: Session) -> None:
    session.app.comparing.select("tensor:layer2.bn.running_var")
    tab = session.app.state.comparison
    place = tab.aligned.places[id(row(session, "layer2.bn.running_var").source)]
    session.app.comparing.look(place)
    session.settle()
    look = session.app.state.comparison.look(place)
    assert look.pair.difference.relative_l2 == pytest.approx(0.2)
    assert look.left.statistics.mean * 0.8 == pytest.approx(look.right.statistics.mean)
    assert (look.shares.smaller, look.shares.larger, look.shares.is_all) == (1.0, 0.0, True)
    assert look.pictures.left.shape == look.pictures.apart.shape


def test_that_swapping_turns_everything_around(session: Session) -> None:
    session.app.swap()
    session.settle()
    page = session.app.view.page
    assert session.app.view.tabs[0].title == "right ↔ left"
    found = page.table.find("tensor:fc.weight")
    assert (cells.side_text(found, "left"), cells.side_text(found, "right")) == ("7\u2009×\u20098", "10\u2009×\u20098")


def test_that_the_report_answers_whether_it_would_load(session: Session) -> None:
    page = report_of(session.app.state.comparison.report.comparison)
    assert not page.load.is_strict
    assert page.load.obstacles[0].startswith("Size mismatch: fc.weight (10")
    assert "load_state_dict" in page.load.code
    lines = {line.name: (line.left, line.right) for section in page.sections for line in section.lines}
    assert lines["epoch"] == ("–", "3")
    assert lines["Weights"] == ("the whole file, 13 tensors", "model_state_dict, 13 tensors")


@pytest.mark.parametrize(("ending", "begins"), [(".json", '{"schema": 1'), (".md", "### `"), (".html", "<!doctype html>")])
def test_that_the_report_is_saved_as_the_command_line_writes_it(session: Session, tmp_path: Path, ending: str, begins: str) -> None:
    session.app.comparing.save(str(tmp_path / f"report{ending}"))
    session.settle()
    text = (tmp_path / f"report{ending}").read_text()
    assert text.startswith(begins)
    assert session.app.state.message.text.startswith("Saved as ")
    if ending == ".json":
        found = json.loads(text)
        moved = next(pair for pair in found["pairs"] if pair["left"] == "layer2.bn.running_var")
        assert (found["verdict"], sum(moved["histograms"]["left"]["counts"])) == ("head only", 8)


def test_that_a_report_that_cannot_be_written_says_so(session: Session, tmp_path: Path) -> None:
    session.app.comparing.save(str(tmp_path / "missing" / "report.md"))
    session.settle()
    assert session.app.state.message.text.startswith("the report cannot be written")
    assert not session.app.state.comparison.is_stale


def test_that_a_process_of_its_own_says_the_same(paths, monkeypatch) -> None:
    monkeypatch.setattr(work, "SMALL_BYTES", 0)
    session = compared(*paths)
    tab = session.app.state.comparison
    assert tab.report.comparison.verdict == "head only"
    assert session.app.view.page.banner.chips[0].text == "Running statistics drifted in layer2"
    assert tab.aligned.counts["changed"] == 2
    assert len(tab.histograms) == 2


def test_that_equal_bytes_under_another_name_join_two_rows(tmp_path: Path, monkeypatch) -> None:
    left = state()
    right = {name.replace("conv.", "stem."): value for name, value in left.items()}
    for most in (work.SMALL_BYTES, 0):
        monkeypatch.setattr(work, "SMALL_BYTES", most)
        session = compared(*saved(tmp_path, left=left, right=right))
        page = session.app.view.page
        assert page.banner.verdict == "Renamed only:"
        found = page.table.find("tensor:conv.weight")
        assert cells.name_text(found) == "weight → stem.weight"
        assert page.table.find("tensor:stem.weight") is None


def test_that_a_prefix_does_not_part_the_rows(tmp_path: Path) -> None:
    session = compared(*saved(tmp_path, left=state(lead="module."), right=state()))
    page = session.app.view.page
    assert names(page.table.root) == ["conv", "layer1", "layer2", "fc"]
    assert page.banner.verdict == "Identical:"
    assert page.differences == 0


def test_that_a_proposal_is_accepted_as_a_rule_refused_and_remembered(tmp_path: Path) -> None:
    left = state()
    right = {name.replace("conv.", "stem."): value for name, value in left.items()}
    right["stem.weight"] = right["stem.weight"] + 1
    paths = saved(tmp_path, left=left, right=right)
    session = Session(tmp_path / "settings")
    compared(*paths, session)
    assert pairing_of(session.app.state.comparison).proposed == (("conv.weight", "stem.weight"),)
    session.app.refuse(("conv.weight", "stem.weight"))
    session.settle()
    assert pairing_of(session.app.state.comparison).proposed == ()
    session.app.close(1)
    compared(*paths, session)
    assert pairing_of(session.app.state.comparison).proposed == ()
    session.app.accept((("conv.weight", "stem.weight"),))
    session.settle()
    found = pairing_of(session.app.state.comparison)
    assert found.rules == (("conv.weight=stem.weight", "1 pair"),)
    assert found.arguments == "--rename conv.weight=stem.weight"
    assert session.app.view.page.table.find("tensor:conv.weight").status == "changed"
    again = Session(tmp_path / "settings")
    compared(paths[1], paths[0], again)
    assert again.app.state.comparison.request.rules == (Rule("stem.weight", "conv.weight"),)
    again.app.remove_rule(0)
    again.settle()
    assert again.app.view.page.table.find("tensor:conv.weight").status == "right_only"


def test_that_a_slip_in_a_rule_is_told_and_changes_nothing(session: Session) -> None:
    session.app.add_rule("encoder.*")
    assert "is no rule" in session.app.state.message.text
    assert session.app.state.comparison.request.rules == ()


def test_that_two_weight_sets_of_one_file_are_compared_and_others_chosen(tmp_path: Path) -> None:
    live = state()
    ema = {name: value * 2 if value.is_floating_point() else value for name, value in live.items()}
    path, other = saved(tmp_path, both={"model": live, "ema": ema}, other=live)
    session = compared(path, path, weights=("model", "ema"))
    assert session.app.view.tabs[0].title == "model ↔ ema"
    assert session.app.view.page.differences == 10
    session.app.choose_weights("right", "model")
    session.settle()
    assert session.app.view.page.banner.verdict == "Identical:"
    compared(path, other, session)
    assert session.app.view.page.banner.verdict == "Identical:"


@pytest.mark.parametrize("side", [0, 1])
def test_that_a_file_that_is_missing_is_explained_and_read_once_it_arrives(tmp_path: Path, paths, side: int) -> None:
    late = str(tmp_path / "late.pt")
    both = [late, paths[1]] if side == 0 else [paths[0], late]
    session = compared(*both)
    page = session.app.view.page
    assert isinstance(page, TroubleView)
    assert page.path == late
    assert page.banner[0].text == f"The {'left' if side == 0 else 'right'} file"
    torch.save(state(), late)
    session.app.look_for_changes()
    session.settle()
    assert isinstance(session.app.view.page, ComparisonView)


def test_that_a_file_that_changes_is_offered_to_be_compared_again(tmp_path: Path) -> None:
    paths = saved(tmp_path, left=state(), right=state(seed=1))
    session = compared(*paths)
    torch.save(state(), paths[1])
    os.utime(paths[1], ns=(1, 1))
    session.app.look_for_changes()
    session.settle()
    assert session.app.state.comparison.is_stale
    session.app.reload(session.app.state.comparison.id)
    session.settle()
    assert not session.app.state.comparison.is_stale
    assert session.app.view.page.banner.verdict == "Identical:"


def test_that_a_file_that_changes_while_it_is_compared_keeps_what_was_known(tmp_path: Path, monkeypatch) -> None:
    paths = saved(tmp_path, left=state(), right=state(seed=1))
    types = work._types

    def meanwhile(aligned):
        torch.save({**state(), "more.weight": torch.rand(3)}, paths[1])
        return types(aligned)

    monkeypatch.setattr(work, "_types", meanwhile)
    session = compared(*paths)
    tab = session.app.state.comparison
    assert tab.report is None
    assert tab.is_stale
    assert tab.stopped.startswith("the right file, right.pt: ")
    assert session.app.view.status.text.startswith("Not compared to the end: the right file")
    assert isinstance(session.app.view.page, ComparisonView)


def test_that_a_comparison_can_be_stopped_and_begun_again(paths) -> None:
    session = Session()
    session.app.compare(*paths)
    view = session.app.view
    assert isinstance(view.page, OpeningView)
    assert view.status.is_busy
    session.app.cancel(view.status.slot)
    session.settle()
    page = session.app.view.page
    assert isinstance(page, TroubleView)
    assert page.trouble.title == "The comparison was stopped by you"
    session.app.reload(session.app.state.comparison.id)
    session.settle()
    assert session.app.state.comparison.report is not None


def test_that_closing_while_it_works_leaves_nothing_behind(paths, monkeypatch) -> None:
    monkeypatch.setattr(work, "SMALL_BYTES", 0)
    session = Session()
    session.app.compare(*paths)
    session.app.close(session.app.state.active)
    session.settle()
    assert session.app.state.tabs == ()


def test_that_a_comparison_is_opened_once(session: Session, paths) -> None:
    session.app.open([paths[0]])
    session.app.compare(*paths)
    session.settle()
    assert [tab.title for tab in session.app.view.tabs] == ["left ↔ right", "left.pt"]
    assert session.app.state.comparison is not None


def test_that_a_restart_brings_comparisons_back_in_their_place(tmp_path: Path, paths) -> None:
    first = Session(tmp_path)
    compared(*paths, first)
    first.open(paths[0])
    first.app.activate(1)
    first.app.quit()
    second = Session(tmp_path)
    second.app.restore()
    second.settle()
    assert [tab.title for tab in second.app.view.tabs] == ["left ↔ right", "left.pt"]
    assert second.app.state.comparison.report is not None


def test_that_a_comparison_behind_waits_until_it_is_looked_at(tmp_path: Path, paths) -> None:
    first = Session(tmp_path)
    compared(*paths, first)
    first.open(paths[0])
    first.app.quit()
    second = Session(tmp_path)
    second.app.restore()
    second.settle()
    assert second.app.state.tab.path == paths[0]
    waiting = second.app.state.tabs[0]
    assert waiting.aligned is None
    second.app.activate(waiting.id)
    second.settle()
    assert second.app.state.comparison.report is not None


def test_that_strange_settings_bring_no_comparison(tmp_path: Path) -> None:
    strange = ("{", "[]", '{"left": ["a", null]}', json.dumps({"left": [1, 2], "right": ["/x", None], "rules": [], "refused": []}))
    session = Session(None, Settings(comparisons=strange, pairings=strange))
    session.app.restore()
    assert session.app.state.tabs == ()


def test_that_an_offer_is_taken_or_left(paths) -> None:
    session = Session()
    session.app.offer(paths[0], paths[0])
    assert session.app.view.offer is None
    session.app.offer(*paths)
    session.app.dismiss_offer()
    assert session.app.view.offer is None
    session.app.offer(*paths)
    session.app.take_offer()
    session.settle()
    assert session.app.view.offer is None
    assert session.app.state.comparison.report is not None


@pytest.mark.parametrize(
    ("left", "right", "said"),
    [
        (torch.zeros(0), torch.zeros(0), "it holds no values"),
        (torch.tensor(3), torch.tensor(5), "3 → 5"),
        (torch.ones(4), torch.tensor([1.0, 1.0, 1.0, float("nan")]), "25 % of its values moved, 1 became NaN"),
        (torch.full((9,), float("nan")), torch.full((9,), float("nan")), "the same to the byte"),
        (torch.ones(4), torch.ones(4, dtype=torch.float16), "a cast: nothing changed by more than rounding"),
        (torch.ones(2, 3), torch.ones(2, 4), "another shape: no value has a partner"),
    ],
)
def test_that_what_happened_to_a_pair_is_said_in_words(tmp_path: Path, left, right, said: str) -> None:
    session = compared(*saved(tmp_path, left={"a.weight": left}, right={"a.weight": right}))
    session.app.comparing.look(0)
    session.settle()
    look = session.app.state.comparison.look(0)
    assert headline_of(row(session, "a.weight"), look)[1].startswith(said)


def test_that_other_rules_for_an_open_comparison_are_taken(session: Session) -> None:
    request = session.app.state.comparison.request
    session.app.show_comparison(ComparisonRequest(request.left, request.right, (Rule("conv.*", "stem.*"),)))
    session.settle()
    assert len(session.app.state.tabs) == 1
    assert pairing_of(session.app.state.comparison).rules == (("conv.*=stem.*", "pairs nothing"),)
