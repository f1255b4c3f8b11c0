"""Rows in the order of a column: by its own value, siblings among themselves, with nothing read for it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ptinspect.checkpoint.layer_tree import layer_tree
from ptinspect.checkpoint.layers import TensorRow
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.session.columns import COLUMNS, ColumnChoice
from ptinspect.session.rows import Facts, RowTable
from ptinspect.session.shelf import pack
from ptinspect.session.sorting import Order, after_click, counted, order_of
from tests.session.working import Session


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sorting") / "model.pt"
    shapes = {
        "block.10.weight": (4, 3), "block.2.weight": (9, 3), "block.2.bias": (9,), "block.1.weight": (4, 2, 5), "block.1.bias": (4,),
        "head.weight": (2, 9), "head.bias": (2,), "head.scale": (),
    }  # fmt: skip
    tensors = {name: torch.full(shape, float(len(name))) for name, shape in shapes.items()}
    torch.save({"model": {**tensors, "head.half": torch.ones(3, dtype=torch.float16)}, "epoch": 3}, made)
    return made


def sorted_(path: Path, column: str, is_descending: bool = False) -> RowTable:
    tree = layer_tree(open_checkpoint(path))
    return RowTable(tree, Facts(tree, "model"), None, Order(column, is_descending))


def below(table: RowTable, key: str) -> list[str]:
    row = table.find(key)
    assert row is not None
    assert [one.at for one in row.below] == list(range(len(row.below)))
    return [one.name for one in row.below]


@pytest.mark.parametrize(
    ("column", "is_descending", "layer", "expected"),
    [
        ("layer", False, "model.block", ["1", "2", "10"]),
        ("layer", True, "model.block", ["10", "2", "1"]),
        ("layer", False, "model.head", ["bias", "half", "scale", "weight"]),
        ("params", False, "model.head", ["scale", "bias", "half", "weight"]),
        ("params", True, "model.block", ["1", "2", "10"]),
        ("shape", False, "model.head", ["scale", "bias", "weight", "half"]),
        ("shape", False, "model.block", ["1", "10", "2"]),
        ("dtype", False, "model.head", ["half", "weight", "bias", "scale"]),
        ("bytes", True, "model.head", ["weight", "bias", "half", "scale"]),
        ("mean", True, "model.head", ["weight", "bias", "scale", "half"]),  # nothing is known yet
    ],
)
def test_that_siblings_stand_in_the_order_of_a_columns_own_value(
    path: Path, column: str, is_descending: bool, layer: str, expected: list[str]
) -> None:
    assert below(sorted_(path, column, is_descending), f"layer:{layer}") == expected


def test_that_what_has_no_value_stands_last_whichever_way_it_is_sorted(path: Path) -> None:
    for is_descending in (False, True):
        assert below(sorted_(path, "params", is_descending), "layer:") == ["model", "epoch"]


@pytest.mark.parametrize("column", [column.name for column in COLUMNS])
def test_that_every_column_sorts_and_keeps_every_row(path: Path, column: str) -> None:
    tree = layer_tree(open_checkpoint(path))
    plain = {row.key for row, _ in RowTable(tree, Facts(tree, "model")).walk()}
    for is_descending in (False, True):
        assert {row.key for row, _ in sorted_(path, column, is_descending).walk()} == plain


def test_that_statistics_sort_what_is_known_and_the_rest_follows(path: Path) -> None:
    table = sorted_(path, "mean", is_descending=True)
    head = next(node for node in table.root.source.walk() if node.path == "model.head")
    for row, mean in zip(head.tensors, (1.0, 3.0, None), strict=False):
        table.facts.shelf.put(row, pack({"mean": mean, "std": 0.0, "min": 0, "max": 10**400}), b"")
    names = [row.name for row in head.tensors]
    assert below(table, "layer:model.head") == [names[1], names[0], names[2], names[3]]


def test_that_a_click_goes_up_then_down_then_back_to_the_files_order() -> None:
    choice = ColumnChoice()
    seen = []
    for _ in range(3):
        order = after_click(choice, "params")
        seen.append(order)
        choice = ColumnChoice(sorted_by=order.column if order else "", is_descending=bool(order and order.is_descending))
    assert seen == [Order("params"), Order("params", True), None]
    assert after_click(ColumnChoice(sorted_by="params", is_descending=True), "layer") == Order("layer")
    assert order_of(ColumnChoice(sorted_by="no such column")) is None


@given(st.lists(st.text(max_size=12)))
def test_that_any_names_have_an_order(names: list[str]) -> None:
    assert len(sorted(names, key=counted)) == len(names)


def test_that_sorting_keeps_selection_and_what_is_open_and_is_remembered(path: Path, tmp_path: Path) -> None:
    session = Session(tmp_path / "settings").open(path)
    session.app.show("model.head.weight")
    before = session.app.view.page
    session.app.sort("layer")
    session.settle()
    page = session.app.view.page
    assert (page.selected, page.expanded) == (before.selected, before.expanded)
    assert below(page.table, "layer:model.head") == ["bias", "half", "scale", "weight"]
    session.app.save()
    session.settle()
    again = Session(tmp_path / "settings")
    again.app.open([str(path)])
    again.settle()
    assert below(again.app.view.page.table, "layer:model.head") == ["bias", "half", "scale", "weight"]
    again.app.sort("layer")
    again.app.sort("layer")
    again.settle()
    assert again.app.view.page.table is again.tab.opened.table


@pytest.mark.slow
def test_that_a_filter_keeps_the_order_and_an_order_keeps_the_filter(path: Path) -> None:
    session = Session().open(path)
    session.app.sort("layer")
    session.app.filter("head")
    session.settle()
    assert below(session.app.view.page.table, "layer:model.head") == ["bias", "half", "scale", "weight"]
    session.app.sort("layer")
    session.settle()
    assert below(session.app.view.page.table, "layer:model.head") == ["weight", "scale", "half", "bias"]
    assert session.app.view.page.table.find("layer:model.block") is None
    session.app.filter("")
    session.settle()
    assert below(session.app.view.page.table, "layer:model") == ["head", "block"]


def test_that_a_column_that_is_hidden_no_longer_sorts(path: Path) -> None:
    session = Session().open(path)
    session.app.sort("params")
    choice = session.app.state.settings.columns
    session.app.set_columns(ColumnChoice(choice.order, ("layer", "type"), choice.widths, choice.sorted_by))
    session.settle()
    assert session.app.order is None
    assert session.app.view.page.table is session.tab.opened.table


def test_that_a_tab_follows_the_order_when_it_comes_to_the_front(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pt"
    other.write_bytes(path.read_bytes())
    session = Session().open(path, other)
    session.app.sort("layer")
    session.settle()
    session.app.activate(session.app.state.tabs[0].id)
    session.settle()
    assert below(session.app.view.page.table, "layer:model") == ["block", "head"]
    assert session.app.view.page.table.order == Order("layer")


def test_that_rows_are_not_sorted_anew_until_somebody_asks_and_then_only_if_they_differ(path: Path) -> None:
    session = Session()
    session.app.open([str(path)])
    session.settle()
    session.app.expand_to(3)
    session.app.set_columns(ColumnChoice(shown=tuple(column.name for column in COLUMNS)))
    session.app.sort("mean")
    session.app.sort("mean")
    session.settle()
    first = session.app.view.page
    assert not first.is_behind
    assert below(first.table, "layer:model.head") == ["weight", "bias", "scale", "half"]
    session.app.describe(session.tab.id)
    session.settle()
    assert session.app.view.page.is_behind
    assert session.app.view.page.table is first.table
    session.app.refresh(session.tab.id)
    session.settle()
    second = session.app.view.page
    assert not second.is_behind
    assert below(second.table, "layer:model.head") == ["weight", "scale", "bias", "half"]
    session.app.refresh(session.tab.id)
    session.settle()
    assert session.app.view.page.table is second.table


@pytest.mark.slow
def test_that_a_hundred_thousand_siblings_are_sorted_without_holding_the_window_up(tmp_path: Path) -> None:
    shared = torch.zeros(2)
    torch.save({f"t{at * 7919 % 100_003}": shared for at in range(100_000)}, tmp_path / "many.pt")
    tree = layer_tree(open_checkpoint(tmp_path / "many.pt"))
    facts = Facts(tree)
    assert all(isinstance(row, TensorRow) for row in tree.tensors)
    taken = []
    for column in ("layer", "params", "shape"):
        start = time.process_time()
        assert len(RowTable(tree, facts, None, Order(column)).root.below) == 100_000
        taken.append(time.process_time() - start)
    assert max(taken) < 1.5
