"""The verbs: what each makes of the state, and what the window would show."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ptinspect.formats import source
from ptinspect.session import application, opening
from ptinspect.session.opening import open_document
from ptinspect.session.rows import form_text
from ptinspect.session.settings import Settings
from ptinspect.session.state import Opened
from ptinspect.session.tasks import Context
from ptinspect.session.views import DocumentView, OpeningView, TroubleView, WelcomeView
from tests.session.working import CHECKPOINT, SAMPLES, Session


@pytest.fixture
def session() -> Session:
    return Session().open(CHECKPOINT)


def copied(session: Session, form: str) -> str:
    texts: list[str] = []
    session.app.copy_table(form, texts.append)
    session.settle()
    return texts[0]


def test_that_the_summary_is_the_layer_table_of_the_whole_file_with_its_totals(session: Session) -> None:
    texts: list[str] = []
    session.app.filter("head")
    session.app.copy_summary(texts.append)
    session.settle()
    lines = texts[0].splitlines()
    assert lines[0].split() == ["Layer", "Type", "Shape", "Parameters", "Share", "Note"]
    assert any("backbone" in line for line in lines)
    assert any(line.startswith("Parameters  1,250") for line in lines)


def keys(row) -> list[str]:
    return [below.key for below in row.below]


def test_that_without_files_there_is_a_start_page_with_samples() -> None:
    page = Session().app.view.page
    assert isinstance(page, WelcomeView)
    assert next(os.path.basename(path) for path, *_ in page.samples) == "checkpoint.pt"


def test_that_a_file_is_first_being_read_and_then_open() -> None:
    session = Session()
    session.app.open([CHECKPOINT])
    assert isinstance(session.app.view.page, OpeningView)
    assert session.app.view.status.is_busy
    session.settle()
    page = session.app.view.page
    assert isinstance(page, DocumentView)
    assert keys(page.table.root) == [
        "layer:model_state_dict", "layer:optimizer_state_dict", "layer:scheduler_state_dict", "value:epoch", "value:loss",
    ]  # fmt: skip


def test_that_the_banner_says_what_it_is_and_that_nothing_was_run(session: Session) -> None:
    page = session.app.view.page
    assert [chip.text for chip in page.banner][:4] == ["Training checkpoint", "3", "0.41", "Adam"]
    assert (page.safety.text, page.safety.tone) == ("Data only", "good")


def test_that_the_way_to_the_main_weights_is_open_at_first(session: Session) -> None:
    assert session.app.view.page.expanded == {"layer:model_state_dict"}


def test_that_a_file_is_opened_once(session: Session) -> None:
    session.open(SAMPLES / "model.pt", CHECKPOINT)
    assert [tab.title for tab in session.app.view.tabs] == ["checkpoint.pt", "model.pt"]
    assert session.tab.path == CHECKPOINT


def test_that_files_of_one_name_show_their_folders(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        torch.save({"weight": torch.zeros(2)}, tmp_path / name / "model.pt")
    session = Session().open(tmp_path / "a" / "model.pt", tmp_path / "b" / "model.pt")
    assert [tab.title for tab in session.app.view.tabs] == ["a/model.pt", "b/model.pt"]


def test_that_closing_goes_to_the_neighbour_and_at_last_to_the_start_page(session: Session) -> None:
    session.open(SAMPLES / "model.pt", SAMPLES / "weights.pt")
    first, second, third = (tab.id for tab in session.app.state.tabs)
    session.app.close(third)
    assert session.app.state.active == second
    session.app.activate(first)
    session.app.close(first)
    assert session.app.state.active == second
    session.app.close(second)
    assert isinstance(session.app.view.page, WelcomeView)


def test_that_a_tab_closed_while_it_is_read_stays_closed() -> None:
    session = Session()
    session.app.open([CHECKPOINT])
    session.app.close(session.app.state.tabs[0].id)
    session.settle()
    assert session.app.state.tabs == ()


@pytest.fixture
def halfway(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Every file is read up to the half until this is set."""
    gate = threading.Event()

    def slow(path: str, context: Context) -> Opened:
        context.progress(0.5)
        gate.wait(20)
        return open_document(path, context)

    monkeypatch.setattr(application, "open_document", slow)
    yield gate
    gate.set()


def deliver(session: Session) -> None:
    """Wait for the next call and let it happen."""
    while not session.mailbox.calls:
        time.sleep(0.001)
    session.mailbox.calls.popleft()()


def test_that_the_status_line_says_how_far_a_file_was_read_and_offers_to_leave_it(halfway: threading.Event) -> None:
    session = Session()
    session.app.open([CHECKPOINT])
    deliver(session)
    status = session.app.view.status
    assert (status.text, status.share) == ("Reading checkpoint.pt", 0.5)
    session.app.cancel(status.slot)
    assert session.app.state.tabs == ()


def test_that_a_file_that_was_read_has_no_share(halfway: threading.Event) -> None:
    session = Session()
    session.app.open([CHECKPOINT])
    deliver(session)
    halfway.set()
    session.settle()
    assert session.app.view.status.share is None
    assert isinstance(session.app.view.page, DocumentView)


def test_that_a_reading_anew_that_is_left_keeps_what_was_read_and_is_offered_again(halfway: threading.Event, tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    torch.save({"a.weight": torch.zeros(2)}, path)
    halfway.set()
    session = Session().open(path)
    before = session.app.view.page.table
    halfway.clear()
    torch.save({"a.weight": torch.zeros(3), "b.weight": torch.zeros(3)}, path)
    session.app.reload(session.tab.id)
    deliver(session)
    session.app.cancel(session.app.view.status.slot)
    assert session.app.view.page.table is before
    assert session.app.view.status.share is None
    session.app.look_for_changes()
    session.settle()
    assert session.tab.is_stale


def test_that_what_takes_long_is_told_from_the_pickle_to_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []
    monkeypatch.setattr(opening, "SOON", -1.0)
    monkeypatch.setattr(opening, "OFTEN", -1.0)
    monkeypatch.setattr(source, "LONG", 0)
    open_document(CHECKPOINT, Context(lambda share, _: told.append(share)))
    assert told[0] < 0.1
    assert told[-1] > 0.9
    assert len(told) >= 3
    assert told == sorted(told)


def test_that_a_file_problem_is_a_page_that_explains_it(tmp_path: Path) -> None:
    pointer = tmp_path / "resnet50.pth"
    pointer.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0676ba61\nsize 102530333\n")
    page = Session().open(pointer).app.view.page
    assert isinstance(page, TroubleView)
    assert page.trouble.kind == "Not a checkpoint"
    assert "Git LFS" in page.trouble.title
    assert ("The real file", "102.5 MB") in page.trouble.facts
    assert page.trouble.excerpt[0] == "version https://git-lfs.github.com/spec/v1"
    assert any("git lfs pull" in command for _, command in page.trouble.commands)


def test_that_a_file_that_is_not_there_is_a_page_too(tmp_path: Path) -> None:
    page = Session().open(tmp_path / "gone.pt").app.view.page
    assert isinstance(page, TroubleView)
    assert page.trouble.hint


def test_that_a_row_is_selected_by_its_path_and_the_way_to_it_opened(session: Session) -> None:
    session.app.expand_to(0)
    session.app.show("model_state_dict.backbone.0.weight")
    page = session.app.view.page
    assert page.selected == "tensor:model_state_dict.backbone.0.weight"
    assert page.expanded == {"layer:model_state_dict", "layer:model_state_dict.backbone", "layer:model_state_dict.backbone.0"}


def test_that_so_many_levels_are_opened_and_no_more(session: Session) -> None:
    session.app.expand_to(2)
    assert "layer:model_state_dict.backbone" in session.app.view.page.expanded
    assert "layer:model_state_dict.backbone.0" not in session.app.view.page.expanded
    session.app.expand_to(0)
    assert session.app.view.page.expanded == frozenset()


def test_that_a_filter_keeps_hits_with_what_leads_to_them_and_an_empty_one_everything(session: Session) -> None:
    session.app.filter("head.bias")
    session.settle()
    view = session.app.view
    assert view.filter_note == "1 hit"
    [root] = view.page.table.root.below
    [head] = root.below
    assert keys(head) == ["tensor:model_state_dict.head.bias"]
    assert root.key in view.page.expanded
    session.app.filter("")
    assert len(session.app.view.page.table.root.below) == 5


def test_that_a_filter_that_cannot_be_read_says_why_and_hides_nothing(session: Session) -> None:
    session.app.filter("/(/")
    session.settle()
    assert "no regular expression" in session.app.view.filter_note
    assert len(session.app.view.page.table.root.below) == 5


def test_that_an_offer_to_compare_stands_beside_its_files_alone(tmp_path: Path) -> None:
    session = Session().open(CHECKPOINT, SAMPLES / "model.pt", SAMPLES / "weights.pt")
    session.app.offer(CHECKPOINT, str(SAMPLES / "model.pt"))
    assert session.app.view.offer is None
    for tab in session.app.state.tabs[:2]:
        session.app.activate(tab.id)
        assert session.app.view.offer is not None


def test_that_the_weight_or_the_largest_of_a_few_tensors_stands_for_a_layer(tmp_path: Path) -> None:
    few = {"step": torch.tensor(1), "exp_avg": torch.zeros(7, 5), "exp_avg_sq": torch.zeros(7, 5)}
    many = {f"bias_{at}": torch.zeros(at) for at in range(1, 30)}
    torch.save({"a": {"state": few, "many": many, "norm": {"scale": torch.zeros(90), "weight": torch.zeros(2)}}}, tmp_path / "x.pt")
    table = Session().open(tmp_path / "x.pt").app.view.page.table
    assert [form_text(table.find(f"layer:a.{name}")) for name in ("state", "many", "norm")] == ["7\u2009×\u20095", "29 tensors", "2"]


def test_that_reloading_keeps_selection_expansion_and_filter(tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    torch.save({"net": {"conv.weight": torch.zeros(2, 3)}, "epoch": 1}, path)
    session = Session().open(path)
    session.app.show("net.conv.weight")
    before = session.app.view.page
    torch.save({"net": {"conv.weight": torch.zeros(2, 3), "fc.weight": torch.zeros(4)}, "epoch": 2}, path)
    session.app.reload(session.tab.id)
    session.settle()
    after = session.app.view.page
    assert (after.selected, after.expanded) == (before.selected, before.expanded)
    assert after.banner[1].text == "2"
    assert after.table is not before.table


def test_that_a_rewritten_file_is_offered_and_a_missing_one_opens_when_it_comes(tmp_path: Path) -> None:
    there, missing = tmp_path / "there.pt", tmp_path / "missing.pt"
    torch.save({"a.weight": torch.zeros(2)}, there)
    session = Session().open(there, missing)
    session.app.look_for_changes()
    session.settle()
    assert not any(tab.is_stale for tab in session.app.state.tabs)
    torch.save({"a.weight": torch.zeros(3), "b.weight": torch.zeros(3)}, there)
    torch.save({"a.weight": torch.zeros(2)}, missing)
    session.app.look_for_changes()
    session.settle()
    first, second = session.app.state.tabs
    assert first.is_stale
    assert second.trouble is None
    assert second.opened is not None


def test_that_recent_files_are_remembered_with_what_they_were(tmp_path: Path) -> None:
    Session(tmp_path).open(CHECKPOINT, SAMPLES / "model.pt").app.quit()
    recent = Session(tmp_path).app.state.settings.recent
    assert {os.path.basename(one.path) for one in recent} == {"checkpoint.pt", "model.pt"}
    assert "checkpoint" in next(one.what for one in recent if one.path == CHECKPOINT)


def test_that_what_was_open_is_kept_for_the_next_start(tmp_path: Path) -> None:
    session = Session(tmp_path).open(CHECKPOINT, SAMPLES / "model.pt")
    session.app.activate(session.app.state.tabs[0].id)
    session.app.quit()
    kept = Session(tmp_path).app.state.settings
    assert [os.path.basename(path) for path in kept.session] == ["checkpoint.pt", "model.pt"]
    assert kept.active == 0


@pytest.mark.parametrize("page", ["overview", "safety", "training", "code", "tensor", "health"])
def test_that_each_page_can_be_in_front_and_is_shown_again_when_hidden(session: Session, page: str) -> None:
    session.app.set_inspector(is_shown=False)
    session.app.inspect(page)
    assert session.app.view.page.inspector == page
    assert session.app.view.page.is_inspector_shown


def test_that_the_table_is_copied_as_text_markdown_and_csv(session: Session) -> None:
    text, markdown, csv = (copied(session, form) for form in ("text", "markdown", "csv"))
    assert "model_state_dict" in text.splitlines()[2]
    assert markdown.startswith("| Layer | Type |")
    head, *rows = csv.splitlines()
    assert head == "path,type,shape,params,share,trained,dtype,values"
    assert "model_state_dict.backbone.0.weight,,8×3×3×3,216," in "\n".join(rows)


def test_that_a_filtered_table_is_copied_as_it_is_shown(session: Session) -> None:
    session.app.filter("head.bias")
    session.settle()
    assert copied(session, "csv").count("\n") == 4


def test_that_a_name_cannot_become_a_formula_where_it_is_pasted(tmp_path: Path) -> None:
    path = tmp_path / "odd.pt"
    torch.save({"=cmd|' /C calc'!A0": torch.zeros(2)}, path)
    lines = copied(Session().open(path), "csv").splitlines()
    assert lines[1].lstrip('"').startswith("'=cmd")


def test_that_a_theme_is_kept(tmp_path: Path) -> None:
    session = Session(tmp_path)
    session.app.set_theme("dark")
    session.settle()
    assert Session(tmp_path).app.view.theme == "dark"


def test_that_views_are_equal_when_nothing_changed(session: Session) -> None:
    assert session.app.view == session.app.view
    assert Session(settings=Settings(theme="dark")).app.view != Session(settings=Settings(theme="light")).app.view


def test_that_a_layer_of_thousands_is_not_opened_unasked(tmp_path: Path) -> None:
    path = tmp_path / "many.pt"
    torch.save({f"model.layers.{at}.weight": torch.zeros(1) for at in range(600)}, path)
    assert Session().open(path).app.view.page.expanded == {"layer:model"}


@pytest.mark.slow
def test_that_a_filter_opens_no_more_than_can_be_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "many.pt"
    torch.save({f"layers.{at}.weight": torch.zeros(1) for at in range(3_000)}, path)
    session = Session().open(path)
    session.app.filter("weight")
    session.settle()
    assert session.app.view.filter_note == "3,000 hits"
    assert session.app.view.page.expanded == frozenset()
    session.app.filter("layers.29.")
    session.settle()
    assert session.app.view.page.expanded == {"layer:layers", "layer:layers.29"}


def test_that_a_line_above_the_rows_says_what_a_filter_lacks(session: Session) -> None:
    session.app.filter("/[/")
    session.settle()
    notice = session.app.view.page.notice
    assert "no regular expression" in notice.text
    assert (notice.tone, notice.can_count) == ("warn", False)
    session.app.filter("")
    session.settle()
    assert session.app.view.page.notice is None


def test_that_the_status_line_counts_what_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "half.safetensors"
    save_file({"a": torch.ones(100), "b": torch.ones(100)}, file)
    file.write_bytes(file.read_bytes()[:-40])
    session = Session().open(file)
    assert session.app.view.status.text == "Values read, 1 tensor cannot be read"
    assert Session().open(CHECKPOINT).app.view.status.text == "All values read"


def test_that_the_status_line_of_a_file_that_breaks_off_is_no_good_news(tmp_path: Path) -> None:
    file = tmp_path / "cut.pt"
    torch.save({"epoch": 3, "names": [f"name {at}" for at in range(200)]}, file, _use_new_zipfile_serialization=False)
    file.write_bytes(file.read_bytes()[:900])
    status = Session().open(file).app.view.status
    assert status.tone == "warn"
    assert status.text.startswith("Incomplete: the file ends after 900 bytes")
