"""The layer tree as a person uses it: sort by a click, look for broken values, type a name, copy rows, choose columns."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication

from ptinspect.session.columns import COLUMNS
from ptinspect.session.reading import Reading
from ptinspect.session.rows import RowTable
from ptinspect.session.sorting import Order
from ptinspect.ui.models.layers import LayerModel
from tests.ui.test_window import names

PLACES = {column.name: at for at, column in enumerate(COLUMNS)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    tensors = {
        "stem.weight": torch.zeros(8, 3),
        "block.10.weight": torch.ones(4, 3),
        "block.2.weight": torch.full((9, 3), 2.0),
        "block.2.bias": torch.tensor([1.0, float("nan")]),
        "fc.weight": torch.tensor([float("inf"), 1.0]),
    }
    torch.save({"model": tensors, "epoch": 3}, tmp_path / "model.pt")
    return tmp_path / "model.pt"


def click(qtbot, tree, column: str) -> None:
    """Press the head of a column."""
    head, at = tree.head, PLACES[column]
    spot = QPoint(head.sectionViewportPosition(at) + head.sectionSize(at) // 2, head.height() // 2)
    qtbot.mouseClick(head.viewport(), Qt.MouseButton.LeftButton, pos=spot)


def test_that_clicks_on_a_head_sort_up_then_down_then_back(opened, qtbot, path: Path) -> None:
    window = opened(path)
    window.application.expand_to(2)
    tree, before = window.document.tree, names(window.document.tree)
    assert before == ["model", "stem", "weight", "block", "10", "2", "fc", "weight", "epoch"]
    tree.setCurrentIndex(tree.model().index(0, 0, tree.model().index(0, 0)))
    assert window.application.state.tab.selected == "layer:model.stem"
    click(qtbot, tree, "layer")
    qtbot.waitUntil(lambda: names(tree) == ["epoch", "model", "block", "2", "10", "fc", "weight", "stem", "weight"])
    assert tree.currentIndex().data() == "stem"
    assert tree.selectionModel().isSelected(tree.currentIndex())
    click(qtbot, tree, "layer")
    qtbot.waitUntil(lambda: names(tree)[0] == "model")
    assert names(tree)[1] == "stem"
    click(qtbot, tree, "params")
    qtbot.waitUntil(lambda: names(tree)[1] == "fc")
    click(qtbot, tree, "params")
    click(qtbot, tree, "params")
    qtbot.waitUntil(lambda: names(tree) == before)
    assert tree.currentIndex().data() == "stem"


def test_that_several_rows_stay_selected_when_they_are_sorted(opened, qtbot, path: Path) -> None:
    window = opened(path)
    window.application.expand_to(1)
    tree = window.document.tree
    tree.setFocus()
    tree.setCurrentIndex(tree.model().index(0, 0, tree.model().index(0, 0)))
    qtbot.keyClick(tree, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    chosen = set(tree.selected_keys())
    assert chosen == {"layer:model.stem", "layer:model.block"}
    click(qtbot, tree, "layer")
    qtbot.waitUntil(lambda: names(tree)[0] == "epoch")
    assert set(tree.selected_keys()) == chosen


def test_that_of_several_rows_the_one_that_is_pressed_or_left_is_shown(opened, qtbot, path: Path) -> None:
    window = opened(path)
    window.application.expand_to(1)
    tree, model = window.document.tree, window.document.tree.model()
    first, second = (model.index(at, 0, model.index(0, 0)) for at in (0, 1))
    left, ctrl, viewport = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, tree.viewport()
    qtbot.mouseClick(viewport, left, pos=tree.visualRect(first).center())
    qtbot.mouseClick(viewport, left, ctrl, tree.visualRect(second).center())
    assert window.application.state.tab.selected == "layer:model.block"
    qtbot.mouseClick(viewport, left, ctrl, tree.visualRect(second).center())
    assert window.application.state.tab.selected == "layer:model.stem"
    qtbot.mouseClick(viewport, left, ctrl, tree.visualRect(second).center())
    qtbot.mouseClick(viewport, left, pos=tree.visualRect(first).center())
    assert tree.selected_keys() == ("layer:model.stem",)
    assert window.application.state.tab.selected == "layer:model.stem"


def test_that_escape_brings_every_row_back_from_among_the_hits_too(opened, qtbot, path: Path) -> None:
    window = opened(path)
    tree = window.document.tree
    window.application.filter("block")
    qtbot.waitUntil(lambda: "epoch" not in names(tree))
    tree.setFocus()
    qtbot.keyClick(tree, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: "epoch" in names(tree))
    assert window.application.view.filter == ""


def test_that_the_menu_of_the_head_sorts_and_shows_columns_by_the_keyboard(opened, qtbot, path: Path) -> None:
    window = opened(path)
    window.commands.columns.trigger()
    popup = QApplication.activePopupWidget()
    assert popup is not None
    popup.close()
    menu = window.document.tree.head.menu()
    texts = {action.text(): action for action in menu.actions()}
    assert {"Sort by Layer, ascending", "Sort by Layer, descending", "The file's order", "Bytes", "Std dev", "As at first"} <= set(texts)
    assert texts["The file's order"].isChecked()
    texts["Sort by Layer, descending"].trigger()
    assert window.application.order == Order("layer", True)
    texts["Bytes"].trigger()
    head = window.document.tree.head
    assert any("no room" in action.text() for action in head.menu().actions())
    qtbot.waitUntil(lambda: "bytes" in window.application.state.settings.columns.shown)
    assert not head.isSectionHidden(PLACES["bytes"]) or head.width() < 600
    assert window.application.order == Order("layer", True)


def test_that_a_double_click_beside_a_head_shows_its_cells_whole(opened, qtbot, path: Path) -> None:
    window = opened(path)
    window.application.inspect("tensor")
    tree, at = window.document.tree, PLACES["type"]
    tree.head.resizeSection(at, 200)
    edge = QPoint(tree.head.sectionViewportPosition(at) + 199, 10)
    qtbot.mouseDClick(tree.head.viewport(), Qt.MouseButton.LeftButton, pos=edge)
    assert 36 <= tree.head.sectionSize(at) < 150
    assert dict(window.application.state.settings.columns.widths)["type"] == tree.head.sectionSize(at)


def test_that_nan_finds_broken_tensors_and_offers_to_count_those_it_does_not_know(opened, qtbot, path: Path) -> None:
    window = opened(path)
    qtbot.waitUntil(lambda: window.application.state.tab.numbers.findings is not None, timeout=20_000)
    qtbot.keyClicks(window.bar.field, "nan:")
    tree = window.document.tree
    qtbot.waitUntil(lambda: names(tree) == ["model", "block", "2", "bias", "fc", "weight"], timeout=20_000)
    assert window.bar.field.note.whole == "2 hits"
    assert not window.document.notice.isVisible()


def test_that_a_filter_for_values_counts_them_at_one_press(opened, qtbot, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    counting = {"is_allowed": False}
    count = Reading.count
    monkeypatch.setattr(Reading, "count", lambda self, id_, again=False: count(self, id_, again) if counting["is_allowed"] else None)
    window = opened(path)
    qtbot.keyClicks(window.bar.field, "nan:")
    notice, tree = window.document.notice, window.document.tree
    qtbot.waitUntil(notice.isVisible)
    assert notice.text.whole == "5 tensors not counted yet"
    assert window.bar.field.note.whole == "no hit"
    counting["is_allowed"] = True
    monkeypatch.setattr("ptinspect.ui.panels.layer_tree.CALM", 50)
    qtbot.mouseClick(notice.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: names(tree) == ["model", "block", "2", "bias", "fc", "weight"], timeout=20_000)
    qtbot.waitUntil(lambda: not notice.isVisible())


def test_that_a_pattern_that_is_broken_is_told_above_the_rows(opened, qtbot, path: Path) -> None:
    window = opened(path)
    qtbot.keyClicks(window.bar.field, "/(/")
    qtbot.waitUntil(window.document.notice.isVisible)
    assert "no regular expression" in window.document.notice.text.whole
    assert names(window.document.tree)[0] == "model"
    window.bar.field.clear()
    window.bar.filter_changed.emit("")
    qtbot.waitUntil(lambda: not window.document.notice.isVisible())


def test_that_letters_lead_to_the_next_row_that_begins_so(opened, qtbot, path: Path) -> None:
    window = opened(path)
    window.application.expand_to(3)
    tree = window.document.tree
    tree.setFocus()
    tree.setCurrentIndex(tree.model().index(0, 0))
    qtbot.keyClicks(tree, "we")
    assert window.application.state.tab.selected == "tensor:model.stem.weight"
    tree._typed._last = 0.0  # a while later
    qtbot.keyClicks(tree, "w")
    assert window.application.state.tab.selected == "tensor:model.block.10.weight"
    qtbot.keyClicks(tree, "w")
    assert window.application.state.tab.selected == "tensor:model.block.2.weight"
    tree._typed._last = 0.0
    qtbot.keyClicks(tree, "B")
    assert window.application.state.tab.selected == "tensor:model.block.2.bias"


def test_that_rows_that_are_selected_are_copied_in_every_form(opened, qtbot, path: Path) -> None:
    window = opened(path)
    window.application.expand_to(1)
    tree = window.document.tree
    tree.selectAll()
    commands, clipboard = window.commands, QGuiApplication.clipboard()
    for action, begin in ((commands.copy_row, "Layer"), (commands.rows_markdown, "| Layer"), (commands.rows_csv, "path,type")):
        action.trigger()
        qtbot.waitUntil(lambda begin=begin: clipboard.text().startswith(begin))
        assert "block" in clipboard.text()
        assert "epoch" in clipboard.text()


def test_that_a_star_opens_all_below_and_the_menu_closes_it(opened, qtbot, path: Path) -> None:
    window = opened(path)
    tree = window.document.tree
    tree.setFocus()
    tree.setCurrentIndex(tree.model().index(0, 0))
    qtbot.keyClick(tree, Qt.Key.Key_Asterisk)
    assert names(tree) == ["model", "stem", "weight", "block", "10", "weight", "2", "weight", "bias", "fc", "weight", "epoch"]
    window.commands.close_below.trigger()
    assert names(tree) == ["model", "epoch"]


@pytest.mark.parametrize("order", [Order("layer", True), Order("mean")])
def test_that_the_model_passes_qts_tester_sorted_filtered_and_both(opened, path: Path, order: Order) -> None:
    window = opened(path)
    opened_ = window.application.state.tab.opened
    whole = {row.key for row, _ in opened_.table.walk()}
    model = LayerModel(RowTable(opened_.tree, opened_.facts, None, order))
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    assert {row.key for row, _ in model.table.walk()} == whole
    model.set_table(RowTable(opened_.tree, opened_.facts, frozenset(map(id, opened_.tree.children)), order))
    assert model.rowCount() == 1
    model.set_table(opened_.table)
    tester.deleteLater()
