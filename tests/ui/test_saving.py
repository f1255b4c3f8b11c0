"""Saving what the tensor page shows: by the ending of the name, told where it went, and left alone where somebody thinks better of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ptinspect.checkpoint import extract
from ptinspect.ui import dialogs, plots
from ptinspect.ui.panels.tensor import TensorPage

LONG = 30_000


@pytest.fixture
def page(opened, qtbot, tmp_path: Path) -> TensorPage:
    torch.manual_seed(2)
    torch.save({"w": torch.randn(6, 4)}, tmp_path / "net.pt")
    window = opened(tmp_path / "net.pt")
    window.application.inspect("tensor")
    window.application.show("w")
    qtbot.waitUntil(plots.is_ready, timeout=LONG)
    found = window.document.stack.currentWidget()
    found.window_ = window
    qtbot.waitUntil(lambda: not window.application.tasks.slots, timeout=LONG)
    return found


def read(path: Path) -> np.ndarray:
    if path.suffix == ".npy":
        return np.load(path)
    if path.suffix == ".csv":
        return np.loadtxt(path, delimiter=",")
    return load_file(path)["w"].numpy()


@pytest.mark.parametrize("ending", [".npy", ".csv", ".safetensors"])
def test_that_values_are_saved_by_the_names_ending_and_told_where(page, qtbot, monkeypatch, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"saved{ending}"
    monkeypatch.setattr(dialogs, "choose_target", lambda *_: str(out))
    page._ask()
    qtbot.waitUntil(lambda: not page.window_.application.tasks.slots, timeout=LONG)
    assert np.allclose(read(out), torch.load(tmp_path / "net.pt")["w"].numpy(), rtol=1e-6)
    assert page.window_.messages.isVisible()
    assert f"Saved as {out}" in page.window_.messages.text.text()


def test_that_a_dialog_that_is_closed_saves_nothing(page, monkeypatch, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(dialogs, "choose_target", lambda *_: "")
    page._ask()
    assert not page.window_.application.tasks.slots
    assert sorted(tmp_path.iterdir()) == before


def test_that_a_saving_that_is_cancelled_leaves_no_file(page, qtbot, monkeypatch, tmp_path: Path) -> None:
    real, begun = extract.extract, []

    def slow(*args, progress, **named):
        def tell(done: int, total: int) -> None:
            begun.append(done)
            while True:
                progress(done, total)  # raises once it is cancelled

        return real(*args, progress=tell, **named)

    monkeypatch.setattr(extract, "extract", slow)
    page.save_to(str(tmp_path / "saved.npy"))
    qtbot.waitUntil(lambda: bool(begun), timeout=LONG)
    qtbot.waitUntil(page.window_.status.progress.isVisible, timeout=LONG)
    page.window_.status.progress.cancel.click()
    qtbot.waitUntil(lambda: not page.window_.application.tasks.slots and not page.window_.status.progress.isVisible(), timeout=LONG)
    qtbot.waitUntil(lambda: [path.name for path in tmp_path.iterdir()] == ["net.pt"], timeout=LONG)


def test_that_a_picture_of_what_is_shown_is_saved(page, tmp_path: Path) -> None:
    page.save_to(str(tmp_path / "w.png"))
    assert (tmp_path / "w.png").stat().st_size > 500
    assert "Saved as" in page.window_.messages.text.text()
