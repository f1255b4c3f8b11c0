"""The comparison tab as a person uses it: open, look, toggle, go on, swap, accept, save, stop, close."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication, QPushButton

from ptinspect.session.comparison import work
from ptinspect.session.comparison.rows import PairTable, kept_of
from ptinspect.session.settings import Recent, Settings
from ptinspect.ui import comparing, dialogs
from ptinspect.ui.models.changes import ChangeModel
from ptinspect.ui.models.pairs import PairModel
from ptinspect.ui.panels.comparison import ComparisonPanel
from ptinspect.ui.panels.comparison_changes import ChangesPage
from ptinspect.ui.panels.comparison_difference import DifferencePage
from ptinspect.ui.panels.comparison_report import ReportPanel
from ptinspect.ui.panels.trouble import TroublePage
from ptinspect.ui.panels.welcome import Welcome
from ptinspect.ui.widgets.text import Elided, Text
from tests import corpus
from tests.attacks.payloads import SYSTEM
from tests.session.comparison.pairs import finetuned, saved, state

FATAL = QAbstractItemModelTester.FailureReportingMode.Fatal


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> list[str]:
    left = state()
    return saved(tmp_path_factory.mktemp("pair"), imagenet=left, flowers={"epoch": 3, "model_state_dict": finetuned(left)})


@pytest.fixture
def compare(window, qtbot) -> Callable[..., ComparisonPanel]:
    def compare_(left: str, right: str) -> ComparisonPanel:
        window.application.compare(left, right)
        qtbot.waitUntil(lambda: window.application.state.comparison.busy is None, timeout=20_000)
        qtbot.waitUntil(lambda: window.comparison is not None and not window.application.tasks.slots, timeout=20_000)
        qtbot.waitUntil(lambda: window.comparison.stack.currentWidget() is not None)
        qtbot.waitUntil(lambda: not window.application.tasks.slots, timeout=20_000)
        return window.comparison

    return compare_


@pytest.fixture
def panel(compare, paths) -> ComparisonPanel:
    return compare(*paths)


def names(tree) -> list[str]:
    """The rows as they stand on the screen."""
    index, found = tree.model().index(0, 0), []
    while index.isValid():
        found.append(index.data())
        index = tree.indexBelow(index)
    return found


def texts(widget) -> list[str]:
    labels = [label for label in widget.findChildren(Text) if label.isVisibleTo(widget)]
    return [label.whole if isinstance(label, Elided) else label.text() for label in labels]


def page(panel: ComparisonPanel, kind: type):
    found = panel.stack.currentWidget()
    assert isinstance(found, kind)
    return found


def pressed(widget, text: str) -> QPushButton:
    return next(one for one in widget.findChildren(QPushButton) if one.text().strip() == text and one.isVisibleTo(widget))


def test_that_the_tab_opens_with_the_verdict_the_tree_and_the_largest_change(panel, window, qtbot) -> None:
    assert panel.verdict.verdict.text() == "Head only:"
    assert panel.verdict.rest.whole == "backbone weights frozen (3 of 4 layers identical), fc replaced 10 → 7"
    assert names(panel.tree)[:3] == ["conv", "layer1", "layer2"]
    assert window.windowTitle() == "imagenet.pt ↔ flowers.pt — ptinspect"
    assert window.tabline.tabs.tabText(0) == "imagenet ↔ flowers"
    assert window.bar.compare.isChecked()
    assert window.status.text.whole.startswith("Compared 13 tensors by name and value in ")
    assert panel.toggles.place.text().endswith(" of 4")


def test_that_keys_go_from_difference_to_difference(panel, window, qtbot) -> None:
    window.commands.apply(window.application.view)
    window.application.comparing.show_rank(0)
    seen = []
    for _ in range(3):
        qtbot.keyClick(window, Qt.Key.Key_Down, Qt.KeyboardModifier.ControlModifier)
        seen.append(panel.tree.currentIndex().data())
    assert seen == ["running_var", "num_batches_tracked", "weight"]
    assert panel.toggles.place.text() == "3 of 4"
    qtbot.keyClick(window, Qt.Key.Key_Up, Qt.KeyboardModifier.ControlModifier)
    assert panel.tree.currentIndex().data() == "num_batches_tracked"


def test_that_the_switch_of_a_kind_hides_its_rows(panel, qtbot) -> None:
    button = panel.toggles.buttons["same"]
    assert button.text() == "Same 9"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "conv" not in names(panel.tree))
    assert "layer2" in names(panel.tree)
    assert not button.isChecked()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "conv" in names(panel.tree))


def test_that_the_filter_field_narrows_the_tree_and_escape_brings_it_back(panel, window, qtbot) -> None:
    qtbot.keyClicks(window.bar.field, "fc")
    qtbot.waitUntil(lambda: names(panel.tree) == ["fc", "weight", "bias"])
    qtbot.keyClick(window.bar.field, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: "conv" in names(panel.tree))


def test_that_a_click_on_a_head_sorts_and_a_click_on_the_strip_jumps(panel, qtbot, window) -> None:
    head = panel.tree.head
    x = head.sectionViewportPosition(4) + 20
    qtbot.mouseClick(head.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, 10))
    qtbot.waitUntil(lambda: names(panel.tree)[0] == "layer2")
    assert len(panel.strip.stripes()) == 13
    QTest.mouseClick(panel.strip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(9, panel.strip.height() - 12))
    assert window.application.state.comparison.selected == "tensor:fc.bias"
    QTest.mouseClick(panel.strip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(9, 10))
    assert window.application.state.comparison.selected == "tensor:conv.weight"


def test_that_the_difference_page_draws_both_sides_and_tells_its_numbers(panel, window, qtbot) -> None:
    window.application.comparing.show_rank(names_of(window).index("layer2.bn.running_var"))
    found = page(panel, DifferencePage)
    qtbot.waitUntil(lambda: found.overlaid is not None and found.overlaid.isVisible(), timeout=20_000)
    assert found.overlaid.field.count() > 0
    assert found.apart.words.accessibleName() == "100 % smaller on the right"
    said = texts(found)
    assert "every value moved, 20 % smaller on average" in said
    assert "8 of 8" in said
    assert found.trio.cells[2].max() < 0
    found.overlaid.field.show_at(found.overlaid.field.count() // 2)
    assert [name for name, _ in found.overlaid.field.readout.lines] == ["Left", "Right"]
    found.scale.chosen.emit("log")
    assert found.overlaid.field.is_log


def names_of(window) -> list[str]:
    return [leaf.path for leaf in window.application.state.comparison.aligned.leaves]


def test_that_each_page_shows_its_part_of_the_pair(panel, window, qtbot) -> None:
    window.application.comparing.show_rank(names_of(window).index("fc.weight"))
    for at, wanted in ((1, "imagenet.pt"), (2, "flowers.pt")):
        panel.tabs.setCurrentIndex(at)
        qtbot.waitUntil(lambda: not window.application.tasks.slots, timeout=20_000)
        side = panel.stack.currentWidget()
        assert any(wanted in value for _, _, value in side._facts.lines)
        assert side.distribution.isVisibleTo(side)
    assert ("Name in the file", "model_state_dict.fc.weight") in [(name, value) for _, name, value in side._facts.lines]


def test_that_the_table_of_all_changes_leads_to_the_row(panel, window, qtbot) -> None:
    panel.tabs.setCurrentIndex(3)
    found = page(panel, ChangesPage)
    listed = [found.model.index(row, 0).data() for row in range(found.model.rowCount())]
    assert set(listed) == {"fc.weight", "fc.bias", "layer2.bn.running_var", "layer2.bn.num_batches_tracked"}
    found.table.selectRow(listed.index("layer2.bn.running_var"))
    assert window.application.state.comparison.selected == "tensor:layer2.bn.running_var"
    assert panel.tree.currentIndex().data() == "running_var"
    found.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    assert found.model.index(0, 0).data() == "fc.bias"


def test_that_the_report_is_shown_saved_and_copied(panel, window, qtbot, tmp_path: Path, monkeypatch) -> None:
    panel.tabs.setCurrentIndex(4)
    found = page(panel, ReportPanel)
    assert "Head only" in texts(found)
    assert "The left weights would not load into the model of the right as they are" in texts(found)
    monkeypatch.setattr(dialogs, "choose_target", lambda *_: str(tmp_path / "report.html"))
    qtbot.mouseClick(found.save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.application.state.message is not None)
    assert "<svg" in (tmp_path / "report.html").read_text()
    qtbot.mouseClick(pressed(found, "Copy as Markdown"), Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text().startswith("### `")


def test_that_the_sides_are_swapped_by_the_button(panel, window, qtbot) -> None:
    qtbot.mouseClick(panel.verdict.swap, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.verdict.rest.whole.endswith("fc replaced 7 → 10"), timeout=20_000)
    assert window.tabline.tabs.tabText(0) == "flowers ↔ imagenet"


def test_that_a_proposed_pair_is_accepted_and_its_rule_taken_back(compare, window, qtbot, tmp_path: Path) -> None:
    left = state()
    right = {name.replace("conv.", "stem."): value + 1 if name == "conv.weight" else value for name, value in left.items()}
    panel = compare(*saved(tmp_path, left=left, right=right))
    panel.tabs.setCurrentIndex(3)
    found = page(panel, ChangesPage)
    assert {"conv.weight", "stem.weight"} <= set(texts(found.pairs))
    qtbot.mouseClick(pressed(found.pairs, "Accept"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "conv.weight=stem.weight" in texts(found.pairs), timeout=20_000)
    qtbot.waitUntil(lambda: window.application.state.comparison.busy is None, timeout=20_000)
    assert found.model.rowCount() == 1
    qtbot.mouseClick(pressed(found.pairs, "Copy for the command line"), Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "--rename conv.weight=stem.weight"
    found.rule_removed.emit(0)
    qtbot.waitUntil(lambda: window.application.state.comparison.request.rules == ())
    qtbot.waitUntil(lambda: window.application.state.comparison.busy is None, timeout=20_000)
    assert found.model.rowCount() == 2


def test_that_cancel_stops_and_the_tab_offers_to_go_on(window, qtbot, paths, monkeypatch) -> None:
    def forever(aligned, request, context) -> None:
        while True:
            time.sleep(0.01)
            context.raise_if_cancelled()

    monkeypatch.setattr(work, "_read", forever)
    window.application.compare(*paths)
    qtbot.waitUntil(lambda: window.comparison is not None, timeout=20_000)
    assert window.status.progress.isVisible()
    assert window.comparison.verdict.verdict.text() == "Comparing:"
    qtbot.mouseClick(window.status.progress.cancel, Qt.MouseButton.LeftButton)
    assert window.status.text.whole == "Not compared to the end: stopped by you"
    assert window.comparison.verdict.again.isVisible()
    monkeypatch.undo()
    qtbot.mouseClick(window.comparison.verdict.again, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.application.state.comparison.report is not None, timeout=20_000)
    assert not window.comparison.verdict.again.isVisible()


def test_that_a_tab_that_is_busy_closes_at_once(window, qtbot, paths, monkeypatch) -> None:
    monkeypatch.setattr(work, "SMALL_BYTES", 0)
    window.application.compare(*paths)
    qtbot.waitUntil(lambda: window.comparison is not None, timeout=20_000)
    window.application.close(window.application.state.active)
    assert window.comparison is None
    qtbot.waitUntil(lambda: not window.application.tasks.slots, timeout=20_000)


def drop(window, *paths: str) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(path) for path in paths])
    action, button, keys = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(400, 400), action, data, button, keys)
    QApplication.sendEvent(window, enter)
    QApplication.sendEvent(window, QDropEvent(QPointF(400, 400), action, data, button, keys))


@pytest.mark.parametrize("together", [True, False])
def test_that_a_second_file_that_is_dropped_is_offered_to_be_compared(window, qtbot, paths, opened, together: bool) -> None:
    if not together:
        opened(paths[0])
    drop(window, *(paths if together else paths[1:]))
    qtbot.waitUntil(window.offer.isVisible)
    assert window.offer.text.whole == "Compare imagenet.pt with flowers.pt, side by side?"
    qtbot.mouseClick(window.offer.compare, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.comparison is not None, timeout=20_000)
    assert not window.offer.isVisible()
    qtbot.waitUntil(lambda: not window.application.tasks.slots, timeout=20_000)


def test_that_two_recent_files_are_chosen_on_the_start_page(window, qtbot, paths) -> None:
    application = window.application
    settings = Settings(theme="light", recent=tuple(Recent(path, "Bare weights", 10, 1.0) for path in paths))
    application._set(type(application.state)(settings=settings))
    welcome = window.stack.currentWidget()
    assert isinstance(welcome, Welcome)
    for line in welcome._lines:
        qtbot.mouseClick(line, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier)
    qtbot.mouseClick(welcome.compare, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.comparison is not None, timeout=20_000)
    qtbot.waitUntil(lambda: not application.tasks.slots, timeout=20_000)


def test_that_the_menu_compares_the_file_in_front_with_another_or_with_itself(window, qtbot, opened, tmp_path: Path, paths) -> None:
    live = state()
    path = saved(tmp_path, sets={"model": live, "ema": {name: value + 0.5 for name, value in live.items()}})[0]
    opened(paths[0], path)
    menu = comparing.compare_menu(window)
    lines = [action.text() for action in menu.actions() if action.text()]
    assert lines[0] == "With another file…"
    assert {"model with ema", "imagenet.pt"} <= set(lines)
    next(action for action in menu.actions() if action.text() == "model with ema").trigger()
    qtbot.waitUntil(lambda: window.comparison is not None and not window.application.tasks.slots, timeout=20_000)
    assert window.tabline.tabs.tabText(2) == "model ↔ ema"
    sides = comparing.sides_menu(window)
    chosen = [one.text() for one in sides.actions()]
    assert {"Left weights", "Right weights", "Swap sides"} <= set(chosen)
    menu.deleteLater()
    sides.deleteLater()


def test_that_a_row_its_path_and_the_table_are_copied(panel, window, qtbot) -> None:
    window.commands.apply(window.application.view)
    qtbot.keyClick(window, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: QGuiApplication.clipboard().text().startswith("Layer "))
    window.application.comparing.select("tensor:layer2.bn.running_var")
    window.commands.copy_path.trigger()
    assert QGuiApplication.clipboard().text() == "layer2.bn.running_var"
    window.commands.copy_row.trigger()
    assert QGuiApplication.clipboard().text() == "layer2.bn.running_var\tChanged\t8\t8\t20.0"


def test_that_the_models_pass_qts_tester_whole_narrowed_and_sorted(qtbot, panel, window) -> None:
    aligned = window.application.state.comparison.aligned
    pairs, changes = PairModel(PairTable(aligned)), ChangeModel()
    testers = [QAbstractItemModelTester(model, FATAL) for model in (pairs, changes)]
    kept, _ = kept_of(aligned, frozenset(("same",)), None)
    pairs.set_table(PairTable(aligned, kept))
    assert pairs.rowCount() == 2
    changes.set_places(aligned, range(len(aligned.pairs)))
    changes.sort(2, Qt.SortOrder.DescendingOrder)
    assert changes.index(0, 2).data() in ("100.0", "20.0")
    changes.sort(-1)
    for tester in testers:
        tester.deleteLater()


@pytest.mark.parametrize("side", [0, 1])
def test_that_a_file_that_would_run_code_is_compared_as_data(compare, window, paths, tmp_path: Path, side: int) -> None:
    torch.save(state(), tmp_path / "honest.pt")
    hostile = tmp_path / "hostile.pt"
    hostile.write_bytes(SYSTEM)
    both = [str(hostile), paths[1]] if side == 0 else [paths[0], str(hostile)]
    panel = compare(*both)
    assert panel.verdict.chips[-1].text().startswith("Would run code")
    assert not (tmp_path / "marker").exists()
    assert window.application.state.message is None


@corpus.needs_corpus
@pytest.mark.slow
@pytest.mark.parametrize("row", [row for row in corpus.rows() if row.hostile][::15], ids=lambda row: row.id)
@pytest.mark.parametrize("side", [0, 1])
def test_that_hostile_files_on_either_side_are_shown_or_explained(window, qtbot, paths, row: corpus.Row, side: int) -> None:
    both = [str(row.path), paths[1]] if side == 0 else [paths[0], str(row.path)]
    window.application.compare(*both)
    tab = window.application.state.comparison.id
    qtbot.waitUntil(lambda: window.application.state.at(tab).busy is None, timeout=20_000)
    qtbot.waitUntil(lambda: not window.application.tasks.slots, timeout=20_000)
    shown = window.stack.currentWidget()
    assert isinstance(shown, ComparisonPanel | TroublePage)
    if isinstance(shown, ComparisonPanel):
        for at in range(5):
            shown.tabs.setCurrentIndex(at)
            qtbot.waitUntil(lambda: not window.application.tasks.slots, timeout=20_000)
    assert not window.grab().isNull()
    assert window.application.state.message is None
