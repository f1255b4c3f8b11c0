"""The test batch as a person uses it: open, choose, run, look, stop, agree or not, export, close."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QPushButton
from torch import nn

from ptinspect.session.batch.heard import layer_of
from ptinspect.session.batch.rows import LayerTable
from ptinspect.ui import dialogs
from ptinspect.ui.consent import ConsentDialog, ConsentList
from ptinspect.ui.models.batch_layers import BatchLayerModel
from ptinspect.ui.panels.batch import BatchPanel
from ptinspect.ui.panels.batch_chart import ChartPage
from ptinspect.ui.panels.batch_graph import GraphPage
from ptinspect.ui.widgets.photo import picture
from tests.session.batch.events import GRAPH, Child, beginning, crashed, failed, layer, layers, rest, spoiled, whole

FATAL = QAbstractItemModelTester.FailureReportingMode.Fatal


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("PTINSPECT_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> str:
    torch.manual_seed(3)
    place = tmp_path_factory.mktemp("batch") / "net.pt"
    torch.save(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)), place)
    return str(place)


@pytest.fixture
def begun(opened, path, window, qtbot) -> Callable[[Child], BatchPanel]:
    """Presses the button in the bar, with a child of our own."""

    def begin(child: Child) -> BatchPanel:
        opened(path)
        window.application.testing.runs = child
        window.commands.apply(window.application.view)
        qtbot.mouseClick(window.bar.batch, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: window.batch is not None and window.application.state.batch.around is not None, timeout=20_000)
        return window.batch

    return begin


@pytest.fixture
def ran(begun, window, qtbot) -> Callable[[Child], BatchPanel]:
    def run(child: Child) -> BatchPanel:
        panel = begun(child)
        qtbot.mouseClick(panel.form.run, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: not window.application.tasks.slots, timeout=20_000)
        return panel

    return run


def names(tree) -> list[str]:
    index, found = tree.model().index(0, 0), []
    while index.isValid():
        found.append(index.data())
        index = tree.indexBelow(index)
    return found


def press(qtbot, widget) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def test_that_the_button_opens_a_tab_that_says_what_run_will_do(begun, window) -> None:
    panel = begun(Child(gpu=True))
    assert window.bar.batch.isChecked()
    assert window.windowTitle() == "Test batch — net.pt — ptinspect"
    assert panel.form.model.list.currentText() == "Rebuilt: Sequential"
    assert [row.text() for row in panel.form.devices.rows] == ["NVIDIA H100", "CPU, 2 cores"]
    assert panel.form.devices.rows[0].isChecked()
    assert panel.form.run.isEnabled()
    assert not panel.form.stop.isEnabled()


def test_that_rows_come_while_it_runs_and_stop_keeps_them(begun, window, qtbot) -> None:
    child = Child([*beginning(), *layers()], hangs=True)
    panel = begun(child)
    press(qtbot, panel.form.run)
    qtbot.waitUntil(lambda: names(panel.tree) == ["stem", "blocks", "head"], timeout=20_000)
    assert panel.form.running.isVisible()
    assert panel.form.run.isHidden()
    assert window.status.progress.isVisible()
    assert not child.ended.is_set()
    window.application.activate(window.application.state.documents[0].id)
    assert window.document is not None
    window.application.activate(window.application.state.tabs[1].id)
    press(qtbot, window.status.progress.cancel)
    qtbot.waitUntil(child.ended.is_set, timeout=20_000)
    assert names(panel.tree) == ["stem", "blocks", "head"]
    assert panel.form.run.isEnabled()


def test_that_what_is_chosen_in_the_form_is_asked_of_the_child(begun, window, qtbot) -> None:
    child = Child(whole(), gpu=True)
    panel = begun(child)
    form = panel.form
    form.inputs.lines[0].setFocus()
    qtbot.keyClicks(form.inputs.lines[0], "random:4")
    press(qtbot, form.devices.rows[1])
    press(qtbot, next(one for one in form.precision.findChildren(QPushButton) if one.text() == "bf16"))
    press(qtbot, next(one for one in form.sizes.findChildren(QPushButton) if one.text() == "64"))
    form.repeats.setFocus()
    form.repeats.selectAll()
    qtbot.keyClicks(form.repeats, "7")
    press(qtbot, form.fold)
    press(qtbot, form.more.switches["sweep"])
    form.more.agreement.activated.emit(form.more.agreement.findData("cpu"))
    qtbot.keyClick(window, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: bool(child.requests) and not window.application.tasks.slots, timeout=20_000)
    asked = child.requests[0]
    assert (asked.inputs, asked.device, asked.dtype, asked.batch, asked.repeats) == (("random:4",), "cpu", "bfloat16", 64, 7)
    assert (asked.sweep, asked.agreement, asked.backward) == (True, "cpu", False)
    assert form.batch.text() == "64"


def test_that_an_input_that_is_none_is_explained_before_anything_starts(begun, window, qtbot) -> None:
    child = Child(whole())
    panel = begun(child)
    qtbot.keyClicks(panel.form.inputs.lines[0], "3x224x224")
    press(qtbot, panel.form.run)
    qtbot.waitUntil(panel.problem.isVisible, timeout=20_000)
    assert "is no input" in panel.problem.title.text()
    assert "random:3x224x224" in panel.problem.hint.text()
    assert child.requests == []


def test_that_the_trouble_leads_to_its_layer_and_its_action_runs_again(ran, window, qtbot) -> None:
    child = Child(spoiled(), whole())
    panel = ran(child)
    assert panel.problem.title.text() == "Inf first appears in blocks.0.norm"
    assert "norm" in names(panel.tree)
    press(qtbot, panel.problem.place)
    assert panel.tree.currentIndex().data() == "norm"
    assert panel.side.title.whole == "norm"
    press(qtbot, panel.problem.action)
    qtbot.waitUntil(lambda: len(child.requests) == 2 and not window.application.tasks.slots, timeout=20_000)
    assert child.requests[1].dtype == "bfloat16"
    assert panel.problem.isHidden()


def test_that_a_failure_is_one_sentence_with_the_output_folded_as_plain_text(ran, qtbot) -> None:
    panel = ran(Child(failed()))
    assert panel.problem.title.text() == "Stem failed on an input of 4 × 7"
    assert panel.problem.output is None
    press(qtbot, panel.problem.fold)
    assert panel.problem.output.toPlainText() == "Traceback\n<b>x"
    press(qtbot, panel.problem.fold)
    assert panel.problem.output.isHidden()


def test_that_the_window_lives_after_a_crash_and_runs_again(ran, window, qtbot) -> None:
    panel = ran(Child(crashed(), whole()))
    assert panel.problem.title.text() == "The process was killed"
    assert names(panel.tree) == ["stem", "blocks", "head"]
    press(qtbot, panel.form.run)
    qtbot.waitUntil(lambda: panel.problem.isHidden() and not window.application.tasks.slots, timeout=20_000)
    assert window.status.text.whole.startswith("Measured 7 layers")


def test_that_keys_walk_the_layers_and_escape_brings_the_sample_back(ran, window, qtbot) -> None:
    panel = ran(Child(whole()))
    assert panel.side.title.whole == "Sample 1 of 4"
    panel.tree.setFocus()
    qtbot.keyClick(panel.tree, Qt.Key.Key_Down)
    qtbot.keyClick(panel.tree, Qt.Key.Key_Down)
    qtbot.keyClick(panel.tree, Qt.Key.Key_Right)
    qtbot.keyClick(panel.tree, Qt.Key.Key_Down)
    assert panel.side.name.whole == "blocks.0"
    assert "layer:blocks" in window.application.state.batch.expanded
    panel.side.spread._show_at(2)
    assert panel.side.spread.readout.lines[0] == ("Values", "9")
    qtbot.keyClick(panel.tree, Qt.Key.Key_Escape)
    assert panel.side.title.whole == "Sample 1 of 4"
    press(qtbot, panel.side.after)
    assert panel.side.title.whole == "Sample 2 of 4"


def test_that_charts_and_graph_select_layers(ran, window, qtbot) -> None:
    sizes = [{"batch": size, "latency_ms": 1.0 + size, "throughput_per_s": 500.0 + size} for size in (1, 2)]
    sweep = {"sizes": sizes, "end": "memory ended at 4 samples"}
    panel = ran(Child(whole(sweep=sweep, graph=GRAPH)))
    panel.switch.chosen.emit("chart")
    chart = panel.pages.currentWidget()
    assert isinstance(chart, ChartPage)
    qtbot.waitUntil(lambda: chart.times is not None and chart.sweep is not None, timeout=20_000)
    chart.times._choose(chart.times.paths.index("head"))
    assert panel.side.title.whole == "head"
    chart.sweep.show_at(1)
    assert chart.sweep.readout.title == "Batch of 2"
    panel.switch.chosen.emit("graph")
    graph = panel.pages.currentWidget()
    assert isinstance(graph, GraphPage)
    assert [item.is_selected for item in graph.view.nodes] == [False, False, False, True]
    stem = graph.view.mapFromScene(graph.view.nodes[1].pos())
    qtbot.mouseClick(graph.view.viewport(), Qt.MouseButton.LeftButton, pos=stem)
    assert panel.side.title.whole == "stem"
    before = graph.view.transform().m11()
    qtbot.keyClick(graph.view, Qt.Key.Key_Plus)
    assert graph.view.transform().m11() > before


def test_that_a_layer_is_shown_in_the_file_and_found_again_in_the_batch(ran, window, qtbot) -> None:
    panel = ran(Child([*beginning(), layer("0"), layer("2"), *rest()]))
    panel.tree.setCurrentIndex(panel.tree.model().index(1, 0))
    press(qtbot, panel.side.reveal)
    assert window.document is not None
    assert window.application.state.tab.selected == "layer:2"
    window.application.show("0.weight")
    qtbot.keyClick(window, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert window.batch is panel
    assert panel.tree.currentIndex().data() == "0"


@pytest.fixture
def asked(begun, window, qtbot) -> tuple[Child, ConsentDialog]:
    """Where somebody chose the pickled model and pressed Run."""
    child = Child([*beginning(source="pickled", trusted=True), *layers(), *rest()])
    panel = begun(child)
    panel.form.model.list.activated.emit(panel.form.model.list.findData("pickled"))
    assert panel.chips.chips[-1].text().startswith("Would run code")
    press(qtbot, panel.form.run)
    qtbot.waitUntil(lambda: bool(window.findChildren(ConsentDialog)), timeout=20_000)
    return child, window.findChildren(ConsentDialog)[0]


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Space, Qt.Key.Key_Escape])
def test_that_the_keys_at_hand_refuse_and_a_refusal_leaves_no_trace(asked, window, qtbot, folder: Path, key) -> None:
    child, dialog = asked
    assert [dialog.names.index(row, 0).data() for row in range(3)][:1] == ["torch.nn.modules.linear.Linear"]
    qtbot.waitUntil(dialog.cancel.hasFocus, timeout=20_000)
    qtbot.keyClick(dialog.cancel, key)
    qtbot.waitUntil(lambda: window.application.state.batch.asking is None and not window.application.tasks.slots, timeout=20_000)
    assert child.requests == []
    assert not folder.exists()


def test_that_consent_runs_it_and_can_be_seen_and_taken_back(asked, window, qtbot) -> None:
    child, dialog = asked
    press(qtbot, dialog.run)
    qtbot.waitUntil(lambda: bool(child.requests) and not window.application.tasks.slots, timeout=20_000)
    assert child.requests[0].file.trust
    assert window.batch.chips.chips[-1].text() == "Code was run — as agreed"
    press(qtbot, window.batch.form.more.consents)
    listed = window.findChildren(ConsentList)[0]
    assert len(listed.buttons) == 1
    press(qtbot, listed.buttons[0])
    assert listed.buttons == []
    listed.reject()
    press(qtbot, window.batch.form.run)
    qtbot.waitUntil(lambda: window.application.state.batch.asking is not None, timeout=20_000)
    assert len(child.requests) == 1


def test_that_the_result_is_exported(ran, window, qtbot, tmp_path: Path, monkeypatch) -> None:
    panel = ran(Child(whole()))
    monkeypatch.setattr(dialogs, "choose_target", lambda *_: str(tmp_path / "result.json"))
    press(qtbot, panel.export)
    qtbot.waitUntil(lambda: window.application.state.message is not None, timeout=20_000)
    assert json.loads((tmp_path / "result.json").read_text())["throughput_per_s"] == 2_000.0


def photo(place: Path, wide: int = 40, high: int = 20) -> str:
    image = QImage(wide, high, QImage.Format.Format_RGB32)
    image.fill(QColor("#336699"))
    assert image.save(str(place))
    return str(place)


def test_that_the_picture_that_was_chosen_is_drawn_with_what_the_model_sees(begun, window, qtbot, tmp_path: Path, monkeypatch) -> None:
    path = photo(tmp_path / "cat.png")
    sample = {"name": "cat.png", "path": path, "size": [40, 20], "crop": [10, 0, 20, 20]}
    panel = begun(Child(whole(samples={"note": "ImageNet", "specs": [f"image:{path}"], "samples": [sample]})))
    monkeypatch.setattr(dialogs, "choose_file", lambda *_: path)
    press(qtbot, panel.form.inputs.file)
    press(qtbot, panel.form.run)
    qtbot.waitUntil(lambda: panel.side.sight.photo.image is not None, timeout=20_000)
    drawn = panel.side.sight.grab().toImage()
    middle = drawn.height() // 2
    assert drawn.pixelColor(drawn.width() // 2, middle).lightness() > drawn.pixelColor(12, middle).lightness()
    assert panel.form.inputs.note.whole == "1 picture"


def test_that_a_file_that_is_no_picture_or_too_large_is_not_drawn(qapp, tmp_path: Path) -> None:
    svg = tmp_path / "x.png"
    svg.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    bomb = tmp_path / "bomb.ppm"
    bomb.write_bytes(b"P6 60000 60000 255\n" + b"0" * 1_000)
    assert [picture(str(one), 100) for one in (svg, bomb, tmp_path, tmp_path / "none")] == [None] * 4
    found = picture(photo(tmp_path / "wide.png", 4_000, 1_000), 100)
    assert (found.width(), found.height()) == (100, 25)


def test_that_the_model_holds_while_a_table_grows(qapp) -> None:
    model, table = BatchLayerModel(), LayerTable()
    QAbstractItemModelTester(model, FATAL)
    for step in range(6):
        table.put(layer_of(layer(f"a.{step}.b").layer))
        table.put(layer_of(layer(f"c{step}").layer))
        if step % 2:
            model.show_table(table)
            assert model.rowCount() == len(table.root.below)
    table.put(layer_of(layer("a.0.b", mean=9.0).layer))
    assert not model.show_table(table)
    assert model.index_of(table.find("layer:a.0.b"), 4).data() == "9.000"
    model.show_table(LayerTable())
    assert model.rowCount() == 0


def test_that_columns_go_before_names_do(ran, window, qtbot) -> None:
    panel = ran(Child(whole()))
    window.resize(1_024, 640)
    qtbot.waitUntil(lambda: panel.tree.viewport().width() < 500, timeout=20_000)
    shown = [panel.tree.model().headerData(at, Qt.Orientation.Horizontal) for at in range(9) if not panel.tree.isColumnHidden(at)]
    assert shown == ["Layer", "Output", "Time, ms", "Values"]
    qtbot.keyClick(window, Qt.Key.Key_F9)
    qtbot.waitUntil(lambda: not panel.tree.isColumnHidden(4), timeout=20_000)
    assert panel.side.isHidden()


def test_that_text_of_the_child_is_never_markup(ran, qtbot) -> None:
    odd = "<b>bold</b><img src=x>"
    panel = ran(Child([*beginning(source=odd), layer(odd, odd), *rest(findings=[{"severity": "danger", "title": odd, "detail": odd}])]))
    assert panel.problem.title.text() == odd
    assert panel.problem.title.textFormat() == Qt.TextFormat.PlainText
    assert names(panel.tree) == [odd]
    assert "&lt;b&gt;" in panel.chips.chips[-1].toolTip()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_that_a_real_child_is_gone_when_its_tab_is_closed(opened, path, window, qtbot) -> None:
    opened(path)
    application = window.application
    application.test_batch()
    number = application.state.batch.id
    application.testing.choose(number, repeats=100_000, seconds=120)
    application.testing.run(number)
    qtbot.waitUntil(lambda: bool(children()), timeout=60_000)
    qtbot.waitUntil(lambda: window.batch.tree.model().rowCount() == 3, timeout=60_000)
    application.close(number)
    qtbot.waitUntil(lambda: not children(), timeout=10_000)


def children() -> list[str]:
    """The runner's processes that this one has started."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            above = Path("/proc", name, "stat").read_text().rpartition(")")[2].split()[1]
            if int(above) == os.getpid() and "ptinspect.runner.child" in Path("/proc", name, "cmdline").read_text():
                found.append(name)
        except OSError:
            continue
    return found


def test_that_a_click_on_the_arrow_opens_a_layer(ran, window, qtbot) -> None:
    panel = ran(Child(whole()))
    box = panel.tree.visualRect(panel.tree.model().index(1, 0))
    qtbot.mouseClick(panel.tree.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(box.left() - 4, box.center().y()))
    assert "layer:blocks" in window.application.state.batch.expanded
    assert names(panel.tree)[2:4] == ["0", "1"]
