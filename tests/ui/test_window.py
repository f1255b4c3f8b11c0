"""The window as a person uses it: open, look, filter, select, switch, copy, close."""

from __future__ import annotations

from pathlib import Path

import pytest
import shiboken6
import torch
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from ptinspect import resources
from ptinspect.session.columns import COLUMNS
from ptinspect.ui.panels.trouble import TroublePage
from ptinspect.ui.panels.welcome import Welcome
from ptinspect.ui.widgets.chip import ChipButton
from ptinspect.ui.widgets.text import Elided, Text
from tests import corpus

SAMPLES = resources.path("samples")


def names(tree) -> list[str]:
    """The rows as they stand on the screen."""
    index, found = tree.model().index(0, 0), []
    while index.isValid():
        found.append(index.data())
        index = tree.indexBelow(index)
    return found


def texts(widget) -> list[str]:
    return [label.whole if isinstance(label, Elided) else label.text() for label in widget.findChildren(Text)]


def test_that_an_empty_window_shows_the_start_page(window) -> None:
    assert isinstance(window.stack.currentWidget(), Welcome)
    assert not window.bar.field.isEnabled()


def test_that_a_file_shows_its_layers_its_banner_and_its_overview(opened, qtbot) -> None:
    window = opened(SAMPLES / "checkpoint.pt")
    document = window.document
    assert names(document.tree)[:3] == ["model_state_dict", "backbone", "head"]
    assert [chip.text() for chip in document.banner.findChildren(ChipButton)][:2] == ["Training checkpoint", "Epoch 3"]
    qtbot.waitUntil(lambda: "A training checkpoint" in texts(document))
    assert window.windowTitle() == "checkpoint.pt — ptinspect"


def test_that_typing_a_filter_leaves_the_hits_and_escape_brings_the_rest_back(opened, qtbot) -> None:
    window = opened(SAMPLES / "checkpoint.pt")
    before = names(window.document.tree)
    qtbot.keyClicks(window.bar.field, "head.b")
    qtbot.waitUntil(lambda: names(window.document.tree) == ["model_state_dict", "head", "bias"])
    assert window.bar.field.note.whole == "1 hit"
    qtbot.keyClick(window.bar.field, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: names(window.document.tree) == before)
    assert window.bar.field.text() == ""


def test_that_the_keyboard_opens_layers_and_selects_rows(opened, qtbot) -> None:
    window = opened(SAMPLES / "checkpoint.pt")
    tree = window.document.tree
    tree.setFocus()
    tree.setCurrentIndex(tree.model().index(0, 0))
    qtbot.keyClick(tree, Qt.Key.Key_Down)
    qtbot.keyClick(tree, Qt.Key.Key_Right)
    assert window.application.state.tab.selected == "layer:model_state_dict.backbone"
    assert "layer:model_state_dict.backbone" in window.application.state.tab.expanded
    assert "0" in names(tree)
    qtbot.keyClick(tree, Qt.Key.Key_Left)
    assert "0" not in names(tree)


def test_that_the_tensor_page_is_made_before_somebody_asks_for_it(opened, qtbot) -> None:
    document = opened(SAMPLES / "checkpoint.pt").document
    qtbot.waitUntil(lambda: document.stack.count() == 2, timeout=30_000)
    assert type(document.stack.widget(1)).__name__ == "TensorPage"
    assert document.stack.currentIndex() == 0


def test_that_the_tensor_page_tells_of_the_row_that_is_selected(opened, qtbot) -> None:
    window = opened(SAMPLES / "checkpoint.pt")
    window.application.inspect("tensor")
    window.application.show("model_state_dict.head.bias")
    qtbot.waitUntil(lambda: "bias" in texts(window.document.stack.currentWidget()))
    assert "float32" in " ".join(texts(window.document.stack.currentWidget()))


@pytest.mark.parametrize("page", ["overview", "tensor", "training", "health", "safety", "code"])
@pytest.mark.parametrize("sample", ["checkpoint.pt", "model.pt", "scripted.pt", "weights.pt"])
def test_that_every_page_of_every_sample_opens(opened, qtbot, page: str, sample: str) -> None:
    window = opened(SAMPLES / sample)
    qtbot.waitUntil(lambda: window.document.stack.count() > 0)
    window.application.inspect(page)
    assert window.document.stack.currentWidget() is not None
    assert not window.grab().isNull()


def test_that_a_broken_file_is_a_page_that_explains_it(opened, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(b"<!DOCTYPE html><html><body>404</body></html>")
    window = opened(path)
    page = window.stack.currentWidget()
    assert isinstance(page, TroublePage)
    assert "What to do" in texts(page)


def test_that_tabs_switch_and_close(opened, qtbot) -> None:
    window = opened(SAMPLES / "checkpoint.pt", SAMPLES / "model.pt")
    assert window.tabline.tabs.currentIndex() == 1
    qtbot.mouseClick(window.tabline.tabs, Qt.MouseButton.LeftButton, pos=window.tabline.tabs.tabRect(0).center())
    assert window.windowTitle().startswith("checkpoint.pt")
    qtbot.mouseClick(window.tabline.tabs, Qt.MouseButton.MiddleButton, pos=window.tabline.tabs.tabRect(0).center())
    assert [window.tabline.tabs.tabText(at) for at in range(window.tabline.tabs.count())] == ["model.pt"]


def test_that_a_name_that_looks_like_markup_is_shown_as_it_is(opened, qtbot, tmp_path: Path) -> None:
    path, name = tmp_path / "odd.pt", "<img src=x>&amp;\u202e"
    torch.save({name: torch.zeros(2), "b.weight": torch.zeros(2)}, path)
    window = opened(path)
    assert "<img src=x>&amp;\\u202e" in names(window.document.tree)
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in window.findChildren(Text))


def test_that_rows_paths_and_tables_go_to_the_clipboard(opened, qtbot) -> None:
    window = opened(SAMPLES / "checkpoint.pt")
    window.application.show("model_state_dict.head.bias")
    window.commands.copy_path.trigger()
    assert QGuiApplication.clipboard().text() == "model_state_dict.head.bias"
    window.commands.copy_csv.trigger()
    qtbot.waitUntil(lambda: QGuiApplication.clipboard().text().startswith("path,type"))


def test_that_a_theme_is_switched_and_everything_is_drawn_again(opened, qtbot) -> None:
    window = opened(SAMPLES / "model.pt")
    light = window.grab().toImage().pixelColor(30, 400)
    window.application.set_theme("dark")
    dark = window.grab().toImage().pixelColor(30, 400)
    assert (light.name(), dark.name()) == ("#ffffff", "#1a1c20")


def test_that_a_tab_is_closed_while_its_file_is_read(window, qtbot) -> None:
    window.application.open([str(SAMPLES / "checkpoint.pt")])
    window.application.close(window.application.state.tabs[0].id)
    qtbot.wait(50)
    assert isinstance(window.stack.currentWidget(), Welcome)


def test_that_a_tab_is_closed_between_its_first_rows_and_its_pages(opened, qtbot) -> None:
    window = opened(SAMPLES / "checkpoint.pt")
    document = window.document
    document._painted()
    window.application.close(window.application.state.tabs[0].id)
    shiboken6.delete(document)  # as the event loop does, once it comes to it
    qtbot.wait(20)
    assert isinstance(window.stack.currentWidget(), Welcome)


@corpus.needs_corpus
def test_that_a_program_without_a_single_row_still_has_its_pages(opened, qtbot) -> None:
    window = opened(next(row.path for row in corpus.rows() if row.id.endswith("foo4.pt")))
    assert window.document.tree.model().rowCount() == 0
    qtbot.waitUntil(lambda: "A TorchScript program, Foo4" in texts(window.document.stack.currentWidget()))


def test_that_a_tree_of_plain_values_gives_their_texts_the_room_of_the_numbers(opened, tmp_path: Path) -> None:
    torch.save({"data_file": "a/very/long/path/to/some/data.txt", "steps": 3}, tmp_path / "settings.pt")
    header = opened(tmp_path / "settings.pt").document.tree.header()
    shown = [column.name for at, column in enumerate(COLUMNS) if not header.isSectionHidden(at)]
    assert shown == ["layer", "type", "shape"]
    assert header.sectionSize(2) > COLUMNS[2].width
