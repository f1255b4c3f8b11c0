"""The item models under Qt's own tester, filtered and whole."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QModelIndex
from PySide6.QtTest import QAbstractItemModelTester

from ptinspect import resources
from ptinspect.checkpoint.layer_tree import layer_tree
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.session.filters import Listing, narrow
from ptinspect.session.rows import Facts, RowTable
from ptinspect.session.safety_page import safety_page
from ptinspect.ui.models.layers import LayerModel
from ptinspect.ui.models.names import NameModel

FATAL = QAbstractItemModelTester.FailureReportingMode.Fatal


@pytest.fixture(scope="module")
def tree():
    checkpoint = open_checkpoint(resources.path("samples/checkpoint.pt"))
    return layer_tree(checkpoint)


def counted(model: LayerModel, parent: QModelIndex | None = None) -> int:
    parent = parent or QModelIndex()
    rows = range(model.rowCount(parent))
    return len(rows) + sum(counted(model, model.index(row, 0, parent)) for row in rows)


def test_that_the_layer_model_passes_qts_tester_and_holds_every_row(qtbot, tree) -> None:
    table = RowTable(tree, Facts(tree))
    model = LayerModel(table)
    tester = QAbstractItemModelTester(model, FATAL)
    assert counted(model) == sum(1 for _ in table.walk()) == len(Listing(tree).paths)
    kept = narrow(Listing(tree), "bias").kept
    model.set_table(RowTable(tree, Facts(tree), kept))
    assert counted(model) == len(kept)
    tester.deleteLater()


def test_that_the_model_of_names_passes_qts_tester(qtbot) -> None:
    model = NameModel()
    tester = QAbstractItemModelTester(model, FATAL)
    model.set_lines(safety_page(open_checkpoint(resources.path("samples/model.pt"))).names)
    assert model.rowCount() == 14
    model.set_lines(())
    tester.deleteLater()
