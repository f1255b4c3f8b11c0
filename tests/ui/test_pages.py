"""The pages beside the tree: what is long is folded, broken or shown in full, and never scrolls inside something that scrolls."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QApplication, QTableView

from ptinspect import resources
from ptinspect.ui.panels.tensor import TensorPage
from ptinspect.ui.widgets.code_block import CodeBlock
from ptinspect.ui.widgets.focus_ring import FocusRing
from ptinspect.ui.widgets.heat_map import HeatMap

SAMPLES = resources.path("samples")
LONG = 20_000


def shown(opened, qtbot, path: Path, name: str):
    """A page of a file, drawn."""
    window = opened(path)
    window.application.inspect(name)
    qtbot.waitUntil(lambda: getattr(window.document.stack.currentWidget(), "_shown", None) is not None, timeout=LONG)
    qtbot.wait(20)
    return window.document.stack.currentWidget()


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A pickle that names thirty modules; none of them is there."""
    path = tmp_path / "many.pkl"
    path.write_bytes(b"\x80\x02]q\x00(" + b"".join(b"cmodule%d\nName\n" % at for at in range(30)) + b"e.")
    return path


def test_that_many_imported_names_are_folded_until_all_are_wanted(opened, qtbot, many: Path) -> None:
    page = shown(opened, qtbot, many, "safety")
    table = page.findChild(QTableView)
    assert page.names.rowCount() == 12
    assert page.all.text() == "Show all 30"
    qtbot.mouseClick(page.all, Qt.MouseButton.LeftButton)
    assert page.names.rowCount() == 30
    assert not page.all.isVisible()
    assert table.verticalScrollBar().maximum() == 0


def test_that_the_code_page_opens_at_the_program_and_keeps_the_lines_that_load_it(opened, qtbot, tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(torch.nn.Linear(3, 2)), tmp_path / "program.pt")
    page = shown(opened, qtbot, tmp_path / "program.pt", "code")
    assert "def forward(" in page.view.toPlainText()
    page.choice.setCurrentIndex(0)
    assert "torch.jit.load(" in page.view.toPlainText()


def test_that_a_long_path_is_broken_into_lines_and_copied_whole(opened, qtbot, tmp_path: Path) -> None:
    folder = tmp_path / ("long_" * 30) / ("name_" * 10)
    folder.mkdir(parents=True)
    path = folder / "weights.pt"
    path.write_bytes((SAMPLES / "weights.pt").read_bytes())
    page = shown(opened, qtbot, path, "overview")
    block = page.findChild(CodeBlock)
    bars = (block.view.horizontalScrollBar(), block.view.verticalScrollBar())
    qtbot.waitUntil(lambda: [bar.maximum() for bar in bars] == [0, 0])
    assert str(path) in block.view.toPlainText()


def test_that_the_page_of_a_dangerous_file_says_so_once(opened, qtbot, tmp_path: Path) -> None:
    (tmp_path / "x.pkl").write_bytes(b"\x80\x02cbuiltins\neval\nX\x01\x00\x00\x001\x85R.")
    page = shown(opened, qtbot, tmp_path / "x.pkl", "safety")
    assert page._shown.verdict == "dangerous"
    assert page._shown.findings == ()


def test_that_a_file_without_tensors_says_so_where_they_would_be(opened, qtbot, many: Path) -> None:
    window = opened(many)
    window.application.inspect("tensor")
    qtbot.waitUntil(lambda: isinstance(window.document.stack.currentWidget(), TensorPage), timeout=LONG)
    assert window.document.stack.currentWidget().head.text() == "No tensors in this file"


def test_that_a_ring_shows_what_the_keyboard_has_reached_and_nothing_else(qtbot) -> None:
    widget = HeatMap()
    qtbot.addWidget(widget)
    widget.show()
    qtbot.waitExposed(widget)
    ring = widget.findChild(FocusRing)
    for kind, reason, is_seen in (
        (QEvent.Type.FocusIn, Qt.FocusReason.MouseFocusReason, False),
        (QEvent.Type.FocusIn, Qt.FocusReason.TabFocusReason, True),
        (QEvent.Type.FocusOut, Qt.FocusReason.TabFocusReason, False),
    ):
        QApplication.sendEvent(widget, QFocusEvent(kind, reason))
        assert ring.isVisible() is is_seen
    assert ring.geometry() == widget.rect()
