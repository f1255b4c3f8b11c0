"""Values are read in the background: counted, looked at, tabled, saved, stopped."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from ptinspect.session import application, number_work
from ptinspect.session.tensor_looks import Failed, LookRequest
from tests.session.working import PATIENCE, Session


@pytest.fixture
def file(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "net.pt"
    broken = torch.randn(4, 6)
    broken[1, 2], broken[3, 3] = float("nan"), float("inf")
    weights = {"conv.weight": torch.randn(8, 3, 5, 5), "conv.bias": torch.randn(8), "fc.weight": broken, "steps": torch.arange(1000)}
    torch.save(weights, path)
    return path


def read(path: object) -> Session:
    session = Session().open(path)
    session.app.describe(session.tab.id)
    session.settle()
    return session


def deliver(session: Session, wanted: Callable[[], object]) -> None:
    """Draw what comes until something is so."""
    end = time.monotonic() + PATIENCE
    while not wanted():
        if session.tab is not None and session.tab.pages is None:
            session.app.describe(session.tab.id)
        while session.mailbox.calls and not wanted():
            session.mailbox.calls.popleft()()
        assert time.monotonic() < end
        time.sleep(0.001)


def children() -> list[str]:
    listed = subprocess.run(["ps", "-o", "pid,args", "--ppid", str(os.getpid())], capture_output=True, text=True, check=False).stdout
    return [line for line in listed.splitlines() if "appraisal" in line]


@pytest.mark.parametrize("is_small", [True, False])
def test_that_every_tensor_is_counted_whether_in_a_thread_or_in_a_process(file, is_small, monkeypatch) -> None:
    monkeypatch.setattr(number_work, "SMALL_COUNT", 2_000 if is_small else 0)
    session = read(file)
    shelf = session.tab.opened.facts.shelf
    assert len(shelf) == 4
    row = session.tab.opened.table.find("tensor:conv.weight")
    truth = torch.load(file)["conv.weight"].double()
    found = shelf.statistics(row.source)
    assert (found.mean, found.std) == pytest.approx((truth.mean().item(), truth.std(correction=0).item()), rel=1e-6)
    assert found.histogram.total == 600
    assert len(shelf.spark(row.source)) == len(shelf.spark(row.parent.source)) == 37
    assert next((one.severity, one.where) for one in session.tab.numbers.findings) == ("danger", "fc.weight")
    assert shelf.mark("fc.weight") == "danger"
    assert any(problem.key == "fc.weight" for problem in session.tab.pages.overview.problems)
    assert session.app.view.page.badges[-1][0] == "health"
    assert not session.tab.numbers.busy
    assert not children()


def test_that_counting_in_a_process_is_stopped_by_cancel_and_leaves_no_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(number_work, "SMALL_BYTES", 0)
    path = tmp_path / "large.pt"
    torch.save({f"layer{at}.weight": torch.randn(1 << 20) for at in range(24)}, path)
    session = Session()
    session.app.open([str(path)])
    deliver(session, lambda: session.tab.numbers.busy and session.tab.numbers.busy[0].share)
    slot = f"count {session.tab.id}"
    assert session.app.view.status.slot == slot
    session.app.reading.cancel(slot)
    assert session.app.view.status.slot == ""
    assert session.tab.numbers.stopped
    deliver(session, lambda: not children())
    session.settle()
    assert session.tab.numbers.findings is None
    session.app.reading.count(session.tab.id, again=True)
    session.settle()
    assert len(session.tab.opened.facts.shelf) == 24


def test_that_a_file_that_changed_is_not_counted(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(number_work, "SMALL_COUNT", 0)
    session = Session()
    session.app.open([str(file)])
    deliver(session, lambda: session.tab.opened)
    file.write_bytes(file.read_bytes() + b"more")
    deliver(session, lambda: session.tab.numbers.stopped)
    assert session.tab.numbers.findings is None
    assert "changed" in session.tab.numbers.stopped
    assert session.app.view.status.text.startswith("Not all values read: ")
    assert session.app.view.status.tone != "good"


def test_that_a_look_is_read_once_and_kept(file: Path) -> None:
    session = read(file)
    request = LookRequest("filters", "tensor:conv.weight")
    session.app.reading.look(request)
    session.settle()
    found = session.tab.numbers.look(request.name)
    assert np.array_equal(found.cells, torch.load(file)["conv.weight"].numpy())
    session.app.reading.look(request)
    assert not session.app.tasks.slots


def test_that_singular_values_and_channels_are_found_on_demand(file: Path) -> None:
    session = read(file)
    for kind in ("spectrum", "channels"):
        session.app.reading.look(LookRequest(kind, "tensor:conv.weight"))
    session.settle()
    truth = torch.load(file)["conv.weight"].double()
    spectrum = session.tab.numbers.look(LookRequest("spectrum", "tensor:conv.weight").name)
    assert spectrum.values == pytest.approx(torch.linalg.svdvals(truth.reshape(8, -1)).numpy(), rel=1e-5)
    channels = session.tab.numbers.look(LookRequest("channels", "tensor:conv.weight").name)
    assert channels.l2 == pytest.approx(truth.reshape(8, -1).norm(dim=1).numpy())


def test_that_what_cannot_be_looked_at_says_why(file: Path) -> None:
    session = read(file)
    request = LookRequest("spectrum", "tensor:steps")
    session.app.reading.look(request)
    session.settle()
    assert isinstance(session.tab.numbers.look(request.name), Failed)


def test_that_blocks_of_the_table_hold_the_values_of_the_tensor(file: Path) -> None:
    session = read(file)
    key = "tensor:conv.weight"
    session.app.reading.fill(key, ((0, 0),))
    session.settle()
    blocks, truth = session.app.reading.blocks(key), torch.load(file)["conv.weight"].reshape(-1, 5)
    assert (blocks.grid.rows, blocks.grid.columns) == (120, 5)
    for row in (0, 7, 119):
        shown = [float(blocks.text(row, column).replace("−", "-")) for column in range(5)]
        assert shown == pytest.approx(truth[row].tolist(), rel=1e-5)
    assert blocks.grid.row_text(119) == "7, 2, 4"


@pytest.mark.parametrize("ending", [".npy", ".csv", ".safetensors"])
def test_that_a_tensor_is_saved_and_the_user_told(file: Path, tmp_path: Path, ending: str) -> None:
    session = read(file)
    out = tmp_path / f"saved{ending}"
    session.app.reading.save("tensor:conv.bias", str(out))
    session.settle()
    assert out.stat().st_size > 30
    assert "Saved" in session.app.state.message.text
    assert session.app.state.message.is_good


def test_that_a_place_that_cannot_be_written_is_told(file: Path, tmp_path: Path) -> None:
    session = read(file)
    session.app.reading.save("tensor:conv.bias", str(tmp_path / "no" / "x.npy"))
    session.settle()
    assert "cannot be written" in session.app.state.message.text
    assert not session.app.state.message.is_good


def test_that_closing_a_tab_while_it_is_counted_ends_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(number_work, "SMALL_BYTES", 0)
    path = tmp_path / "large.pt"
    torch.save({f"layer{at}.weight": torch.randn(1 << 20) for at in range(8)}, path)
    session = Session()
    session.app.open([str(path)])
    deliver(session, lambda: any(slot.startswith("count") for slot in session.app.tasks.slots))
    session.app.close(session.tab.id)
    session.settle()
    deliver(session, lambda: not children())


def test_that_tabs_nobody_looked_at_are_counted_one_after_the_other_once_the_one_in_front_is(tmp_path: Path, monkeypatch) -> None:
    paths = []
    for at in range(4):
        paths.append(tmp_path / f"{at}.pt")
        torch.save({"w": torch.randn(4 if at != 2 else 40_000)}, paths[-1])
    monkeypatch.setattr(application, "UNSEEN", 100_000)
    session = Session()
    session.app.open([str(path) for path in paths])
    session.settle()
    assert not any(tab.pages for tab in session.app.state.documents)
    session.app.describe(session.tab.id)
    session.settle()
    assert [tab.numbers.findings is not None for tab in session.app.state.documents] == [True, True, False, True]
