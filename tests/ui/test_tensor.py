"""The tensor page as a person uses it: select, look, switch, hover, copy, save, cancel, close while busy."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QSpinBox

from ptinspect.session import number_work
from ptinspect.session.values_table import Blocks, Grid
from ptinspect.ui import plots
from ptinspect.ui.models.values import ValuesModel
from ptinspect.ui.panels.tensor import TensorPage
from ptinspect.ui.widgets.text import Text

LONG = 30_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    path = tmp_path / "net.pt"
    broken = torch.randn(6, 40)
    broken[1, 2], broken[3, 3] = float("nan"), float("inf")
    torch.save(
        {
            "conv1.weight": torch.randn(64, 3, 7, 7) * 0.1,
            "conv1.bias": torch.randn(64),
            "deep.weight": torch.randn(4, 5, 6, 7),
            "fc.weight": broken,
            "gone": torch.full((5, 5), float("nan")),
            "steps": torch.tensor([1, 1, 2, 3, 3, 3]),
            "mask": torch.tensor([True, False, True]),
            "one": torch.tensor(3.0),
            "none": torch.empty(0, 4),
            "coded": torch.quantize_per_tensor(torch.randn(12, 8), 0.1, 0, torch.qint8),
        },
        path,
    )
    return path


@pytest.fixture
def page(opened, qtbot, file: Path):
    window = opened(file)
    window.application.inspect("tensor")
    qtbot.waitUntil(plots.is_ready, timeout=LONG)
    found = window.document.stack.currentWidget()
    assert isinstance(found, TensorPage)
    found.window_ = window
    return found


def choose(page: TensorPage, qtbot, path: str, *also: str) -> None:
    """Select rows in the tree, as a click would, and wait until everything that follows is read."""
    application = page.window_.application
    application.show(path)
    if also:
        application.reading.choose(tuple(f"tensor:{one}" for one in (path, *also)))
    qtbot.waitUntil(lambda: not application.tasks.slots, timeout=LONG)
    qtbot.wait(30)


def told(widget) -> list[str]:
    return [text.text() for text in widget.findChildren(Text) if not text.isHidden()]


def test_that_selecting_a_tensor_shows_its_histogram_and_numbers(page, qtbot, file: Path) -> None:
    choose(page, qtbot, "conv1.weight")
    bars = page.distribution.plot.field.bars
    assert len(bars) == 1
    assert int(bars[0].counts.sum()) == 64 * 3 * 49
    truth = torch.load(file)["conv1.weight"]
    words = told(page.distribution)
    assert f"{truth.std(correction=0):.4f}" in words
    assert "0 / 0" in words
    assert page.distribution.note.whole == "9,408 values in 72 bins"


def test_that_skewness_and_kurtosis_are_read_for_the_tensor_that_is_looked_at(page, qtbot, file: Path) -> None:
    choose(page, qtbot, "conv1.weight")
    values = torch.load(file)["conv1.weight"].double()
    standard = (values - values.mean()) / values.std(correction=0)
    words = told(page.distribution.numbers)
    assert f"{standard.pow(3).mean():.3f}".replace("-", "−") in words
    assert f"{standard.pow(4).mean() - 3:.3f}".replace("-", "−") in words


def test_that_a_reading_that_was_cancelled_is_not_begun_again(page, qtbot) -> None:
    choose(page, qtbot, "conv1.weight")
    reading, slot = page.window_.application.reading, f"look moments tensor:fc.weight {page.window_.application.state.tab.id}"
    page.window_.application.show("fc.weight")
    reading.cancel(slot)
    qtbot.waitUntil(lambda: not page.window_.application.tasks.slots, timeout=LONG)
    assert "reading …" not in told(page.distribution.numbers)


def test_that_the_switch_makes_counts_logarithmic_and_back(page, qtbot) -> None:
    choose(page, qtbot, "conv1.weight")
    field, buttons = page.distribution.plot.field, page.distribution.scale._group.buttons()
    linear = field.box.viewRange()[1][1]
    qtbot.mouseClick(buttons[1], Qt.MouseButton.LeftButton)
    assert field.is_log
    assert field.box.viewRange()[1][1] == pytest.approx(np.log10(field.bars[0].counts.max()) * 1.04, rel=0.01)
    qtbot.mouseClick(buttons[0], Qt.MouseButton.LeftButton)
    assert field.box.viewRange()[1][1] == linear


def test_that_the_pointer_and_the_arrow_keys_read_bins(page, qtbot) -> None:
    choose(page, qtbot, "conv1.weight")
    field = page.distribution.plot.field
    at = int(field.bars[0].counts.argmax())
    point = field.mapFromScene(field.box.mapViewToScene(QPointF(field.middle(at), 1)))
    qtbot.mouseMove(field.viewport(), point)
    qtbot.waitUntil(field.readout.isVisible)
    assert field.at == at
    assert dict(field.readout.lines)["Values"] == f"{int(field.bars[0].counts[at]):,}"
    field.setFocus()
    qtbot.keyClick(field, Qt.Key.Key_Right)
    assert field.at == at + 1
    assert dict(field.readout.lines)["Values"] == f"{int(field.bars[0].counts[at + 1]):,}"


def test_that_the_plot_zooms_by_keys_and_shows_all_again(page, qtbot) -> None:
    choose(page, qtbot, "conv1.weight")
    field = page.distribution.plot.field
    whole = field.box.viewRange()[0]
    qtbot.keyClick(field, Qt.Key.Key_Plus)
    near = field.box.viewRange()[0]
    assert near[1] - near[0] < 0.9 * (whole[1] - whole[0])
    qtbot.keyClick(field, Qt.Key.Key_0)
    assert field.box.viewRange()[0] == pytest.approx(whole)


def test_that_the_picture_is_copied_and_saved(page, qtbot, tmp_path: Path) -> None:
    choose(page, qtbot, "conv1.weight")
    page.distribution.copy_picture()
    assert QGuiApplication.clipboard().image().width() == page.distribution.plot.width()
    page.distribution.save_picture(str(tmp_path / "x.png"))
    assert (tmp_path / "x.png").read_bytes()[:4] == b"\x89PNG"
    assert "Saved" in page.window_.messages.text.text()


def test_that_several_tensors_lie_over_each_other_with_a_legend(page, qtbot) -> None:
    choose(page, qtbot, "conv1.weight", "deep.weight", "conv1.bias")
    page.distribution._arrange("over")
    assert [bars.title for bars in page.distribution.plot.field.bars] == ["conv1.weight", "deep.weight", "conv1.bias"]
    assert not page.distribution.legend.isHidden()


def test_that_ctrl_click_in_the_tree_adds_a_tensor(page, qtbot) -> None:
    choose(page, qtbot, "conv1.weight")
    tree = page.window_.document.tree
    index = tree.indexBelow(tree.currentIndex())
    qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, tree.visualRect(index).center())
    qtbot.waitUntil(lambda: len(page.distribution.rows.lines) == 2)


def test_that_a_layer_shows_its_largest_tensors(page, qtbot) -> None:
    choose(page, qtbot, "conv1")
    assert [line.title for line in page.distribution.rows.lines] == ["weight", "bias"]
    assert page.views.isHidden()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("gone", "Every value is NaN or infinite."),
        ("none", "It holds no values."),
    ],
)
def test_that_a_tensor_without_numbers_says_so(page, qtbot, path: str, words: str) -> None:
    choose(page, qtbot, path)
    assert words in told(page.distribution)
    assert page.distribution.plot is None or page.distribution.plot.isHidden()


def test_that_nan_and_infinity_are_told_in_the_colour_of_danger(page, qtbot) -> None:
    choose(page, qtbot, "fc.weight")
    cell = next(text for text in page.distribution.findChildren(Text) if text.text() == "1 / 1")
    assert cell.tone == "danger"


@pytest.mark.parametrize(("path", "counts"), [("steps", [2, 1, 3]), ("mask", [1, 2])])
def test_that_whole_numbers_have_a_bin_each(page, qtbot, path: str, counts: list[int]) -> None:
    choose(page, qtbot, path)
    field = page.distribution.plot.field
    assert field.bars[0].counts.tolist() == counts
    field.show_at(len(counts) - 1)
    assert field.readout.title == {"steps": "3", "mask": "1"}[path]


@pytest.mark.parametrize("path", ["one", "coded", "conv1.bias"])
def test_that_odd_tensors_have_a_page(page, qtbot, path: str) -> None:
    choose(page, qtbot, path)
    assert len(page.distribution.plot.field.bars) == 1
    for name in page.views._names:
        page.views._picked(name)
        qtbot.waitUntil(lambda: not page.window_.application.tasks.slots, timeout=LONG)
    assert not page.window_.messages.isVisible()


def test_that_filters_are_told_under_the_pointer(page, qtbot, file: Path) -> None:
    choose(page, qtbot, "conv1.weight")
    assert page.views.name == "filters"
    view = page.views._widget
    qtbot.mouseMove(view.grid, QPoint(5, 5))
    qtbot.waitUntil(lambda: view.grid.at == 0)
    qtbot.keyClick(view.grid, Qt.Key.Key_Right)
    kernel = torch.load(file)["conv1.weight"][1]
    assert f"Filter 1     norm {kernel.norm():.3f}" in view.line.text()
    for button in view.switch._group.buttons():
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert view.mode == "norm"


def test_that_a_heat_map_shows_the_slice_that_is_chosen(page, qtbot, file: Path) -> None:
    choose(page, qtbot, "deep.weight")
    page.views._picked("heat")
    view = page.views._widget
    view.findChildren(QSpinBox)[0].setValue(3)
    view.findChildren(QSpinBox)[1].setValue(2)
    qtbot.waitUntil(lambda: not page.window_.application.tasks.slots, timeout=LONG)
    view.map.show_at((4, 5))
    value = torch.load(file)["deep.weight"][3, 2, 4, 5].item()
    assert float(view.map._readout.lines[0][1].replace("−", "-")) == pytest.approx(value, rel=1e-4)


def test_that_any_two_dimensions_can_be_drawn(page, qtbot, file: Path) -> None:
    choose(page, qtbot, "deep.weight")
    page.views._picked("heat")
    view = page.views._widget
    view.choice.setCurrentIndex(view.planes.index((0, 2)))
    fields = view.fields
    fields[0].setValue(4)
    fields[1].setValue(6)
    qtbot.waitUntil(lambda: not page.window_.application.tasks.slots, timeout=LONG)
    view.map.show_at((3, 5))
    value = torch.load(file)["deep.weight"][3, 4, 5, 6].item()
    assert float(view.map._readout.lines[0][1].replace("−", "-")) == pytest.approx(value, rel=1e-4)
    assert view.map._codes.shape == (4, 6)


def test_that_a_surface_shows_the_slice_that_is_chosen(page, qtbot, file: Path) -> None:
    choose(page, qtbot, "deep.weight")
    page.views._picked("surface")
    view = page.views._widget
    view.findChildren(QSpinBox)[0].setValue(3)
    qtbot.waitUntil(lambda: not page.window_.application.tasks.slots, timeout=LONG)
    view.surface.show_at((4, 5))
    value = torch.load(file)["deep.weight"][3, 0, 4, 5].item()
    assert float(view.surface._readout.lines[0][1].replace("−", "-")) == pytest.approx(value, rel=1e-4)


def test_that_a_view_that_is_chosen_is_scrolled_into_sight_and_a_tensor_begins_at_its_top(page, qtbot) -> None:
    page.window_.resize(1024, 640)
    choose(page, qtbot, "deep.weight")
    viewport, bar = page._area.viewport(), page._area.verticalScrollBar()
    assert bar.value() == 0
    page.views._picked("heat")
    qtbot.waitUntil(lambda: bar.value() > 0)
    qtbot.waitUntil(lambda: page.views.visibleRegion().boundingRect().bottom() == page.views.rect().bottom())
    assert page.views.mapTo(viewport, QPoint(0, 0)).y() >= 0
    choose(page, qtbot, "conv1.weight")
    assert bar.value() == 0


def test_that_the_table_reads_what_is_looked_at(page, qtbot, file: Path) -> None:
    choose(page, qtbot, "deep.weight")
    page.views._picked("table")
    table = page.views._widget.table
    truth = torch.load(file)["deep.weight"]
    qtbot.waitUntil(lambda: table.model.index(0, 0).data() not in ("…", None), timeout=LONG)
    table.go_to("3, 4, 5")
    index = table.model.index(table.view.currentIndex().row(), 6)
    qtbot.waitUntil(lambda: index.data() != "…", timeout=LONG)
    assert float(index.data().replace("−", "-")) == pytest.approx(truth[3, 4, 5, 6].item(), rel=1e-5)
    assert table.model.headerData(index.row(), Qt.Orientation.Vertical) == "3, 4, 5"


def test_that_the_model_of_values_passes_qts_tester_for_any_shape(qtbot, monkeypatch) -> None:
    monkeypatch.setattr("ptinspect.ui.models.values.MOST_ROWS", 60)
    monkeypatch.setattr("ptinspect.ui.models.values.MOST_COLUMNS", 20)
    model = ValuesModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    for shape in ((4, 5), (), (7,), (0, 3), (2, 3, 4, 5), (1_000_000_000,), (40_000, 50_000)):
        model.set_blocks(Blocks(Grid(shape)))
    blocks = Blocks(Grid((4, 5)))
    model.set_blocks(blocks)
    assert model.index(1, 1).data() == "…"
    blocks.put((0, 0), tuple(tuple(f"{row}{column}" for column in range(5)) for row in range(4)))
    model.refresh()
    assert model.index(1, 2).data() == "12"
    tester.deleteLater()


def test_that_a_page_of_a_thousand_million_values_is_as_large_as_any(qtbot) -> None:
    model = ValuesModel()
    model.set_blocks(Blocks(Grid((1_000_000_000,))), (999_900_000, 0))
    assert (model.rowCount(), model.columnCount()) == (100_000, 1)
    assert model.headerData(99_999, Qt.Orientation.Vertical) == "999999999"


def test_that_singular_values_come_at_the_push_of_a_button(page, qtbot, file: Path) -> None:
    choose(page, qtbot, "conv1.weight")
    page.views._picked("spectrum")
    view = page.views._widget
    qtbot.mouseClick(view.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: view.curve.count() == 64, timeout=LONG)
    truth = torch.linalg.svdvals(torch.load(file)["conv1.weight"].reshape(64, -1).double())
    stable = (truth.square().sum() / truth[0] ** 2).item()
    assert any(text.startswith(f"{stable:.1f}") for text in told(view.numbers))


def test_that_the_page_steps_from_tensor_to_tensor(page, qtbot) -> None:
    choose(page, qtbot, "conv1.weight")
    qtbot.mouseClick(page.title.after, Qt.MouseButton.LeftButton)
    assert page.window_.application.state.tab.selected == "tensor:conv1.bias"


def test_that_the_health_page_leads_to_the_tensor(opened, qtbot, file: Path) -> None:
    from PySide6.QtWidgets import QPushButton

    window = opened(file)
    window.application.inspect("health")
    health = window.document.stack.currentWidget()
    qtbot.waitUntil(lambda: any(button.text() == "fc.weight" for button in health.findChildren(QPushButton)), timeout=LONG)
    button = next(button for button in health.findChildren(QPushButton) if button.text() == "fc.weight")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert window.application.state.tab.selected == "tensor:fc.weight"


def test_that_counting_shows_its_progress_is_cancelled_and_can_be_begun_again(window, qtbot, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(number_work, "SMALL_BYTES", 0)
    path = tmp_path / "large.pt"
    torch.save({f"layer{at}.weight": torch.randn(1 << 20) for at in range(24)}, path)
    window.application.open([str(path)])
    qtbot.waitUntil(window.status.progress.isVisible, timeout=LONG)
    qtbot.mouseClick(window.status.progress.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window.status.progress.isVisible(), timeout=LONG)
    window.application.inspect("health")
    health = window.document.stack.currentWidget()
    assert "Counting was stopped by you." in told(health)
    health._again()
    qtbot.waitUntil(lambda: window.application.state.tab.numbers.findings is not None, timeout=LONG)


def test_that_closing_the_window_while_values_are_counted_leaves_no_child(window, qtbot, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(number_work, "SMALL_BYTES", 0)
    path = tmp_path / "large.pt"
    torch.save({f"layer{at}.weight": torch.randn(1 << 20) for at in range(8)}, path)
    window.application.open([str(path)])
    qtbot.waitUntil(window.status.progress.isVisible, timeout=LONG)
    window.application.close(window.application.state.tabs[0].id)

    def children() -> str:
        return subprocess.run(["ps", "-o", "args", "--ppid", str(os.getpid())], capture_output=True, text=True, check=False).stdout

    qtbot.waitUntil(lambda: "appraisal" not in children(), timeout=LONG)
