"""What a hostile child may say, and what becomes of it."""

from __future__ import annotations

import math

import pytest

from ptinspect.frozen import replace
from ptinspect.runner.protocol import Measured, Started
from ptinspect.session.batch import heard, network
from ptinspect.session.batch.charts import charts_of
from ptinspect.session.batch.choices import Choices
from ptinspect.session.batch.details import layer_of, sample_of
from ptinspect.session.batch.figures import cards_of, warned_of
from ptinspect.session.batch.record import Record, part_of
from ptinspect.session.batch.rows import COLUMNS, LayerTable, text_of
from ptinspect.session.batch.view import page_of, status_of
from ptinspect.session.batch.writing import json_text, summary
from ptinspect.session.settings import Settings
from ptinspect.session.state import BatchTab
from tests.session.batch.events import CPU, GRAPH, layer

ODD = (None, True, -1, 1.5, "text", [], {}, [[]], [None], {"a": 1}, 10**400, -(10**400), math.nan, math.inf, [10**400], "x" * 20_000)
SECTIONS = ("load", "samples", "predictions", "accuracy", "latency_ms", "throughput_per_s", "peak_memory_bytes", "totals", "findings",
            "sweep", "agreement", "parting", "backward", "graph", "devices", "output", "top")  # fmt: skip


@pytest.fixture
def bench() -> BatchTab:
    return BatchTab(1, "/models/net.pt", Choices())


@pytest.mark.parametrize("name", SECTIONS)
def test_that_whatever_stands_for_a_section_is_taken_or_left_out(name: str, bench: BatchTab) -> None:
    for odd in ODD:
        for told in (
            odd,
            {"samples": odd, "layers": [odd], "nodes": odd, "all": odd, "sizes": odd, "devices": odd, "median": odd, "specs": [odd]},
            {"samples": [{"size": odd, "crop": [odd] * 4, "path": odd}], "layers": [{"path": "a", "norm": odd, "relative_l2": odd}]},
            {"sizes": [{"batch": odd, "latency_ms": odd, "throughput_per_s": odd}], "nodes": [{"id": odd, "shape": odd}], "edges": [odd]},
            [odd, {"top": odd, "title": odd, "path": odd, "label": odd, "shape": odd, "mean": odd, "nans": odd}],
        ):
            record = Record(Choices())
            record.take(part_of(layer("a")))
            record.take(part_of(Measured(name, told)))
            tab = replace(bench, record=record)
            cards_of(tab), warned_of(tab), sample_of(tab), layer_of(replace(tab, selected="layer:a")), charts_of(record)
            page_of(tab, Settings()), status_of(tab), "\n".join(summary(record)), json_text(record, "x")


@pytest.mark.parametrize("field", [name for name in layer("x").layer if name not in ("path", "type")])
def test_that_a_layer_with_an_odd_field_has_cells_all_the_same(field: str) -> None:
    for odd in ODD:
        table = LayerTable()
        table.put(heard.layer_of(layer("a.b", **{field: odd}).layer))
        row = table.find("layer:a.b")
        assert row is not None
        assert all(len(text_of(row, column)) < 400 for column in COLUMNS)


def test_that_a_long_or_deep_path_is_cut() -> None:
    table = LayerTable()
    table.put(heard.layer_of(layer("a." * 5_000 + "a").layer))
    rows = list(table.walk())
    assert len(rows) <= heard.DEEPEST
    assert max(len(row.path) for row in rows) <= heard.LONGEST_PATH


def test_that_no_more_layers_than_the_bound_have_rows_and_the_rest_is_counted(monkeypatch) -> None:
    monkeypatch.setattr("ptinspect.session.batch.rows.MOST_LAYERS", 10)
    table = LayerTable()
    for at in range(25):
        table.put(heard.layer_of(layer(f"layer{at}").layer))
    assert (table.count, table.more) == (10, 15)


def test_that_text_of_the_child_is_spelled_out() -> None:
    record = Record(Choices())
    record.take(part_of(Started(CPU | {"name": "GPU\u202e\n"}, "2\x1b[0m", {"source": "x\u200b"})))
    assert record.device is not None
    assert (record.device.name, record.torch, record.source) == ("GPU\\u202e\\n", "2\\x1b[0m", "x\\u200b")


def test_that_a_graph_is_laid_out_from_the_top_without_circles() -> None:
    found = network.network_of(GRAPH | {"edges": [*GRAPH["edges"], ["head", "x"], ["x", "x"], ["x", "nowhere"], ["x"], None]})
    assert [node.y for node in found.nodes] == [0.0, network.STEP_Y, 2 * network.STEP_Y, 3 * network.STEP_Y]
    assert found.edges == ((0, 1), (1, 2), (0, 2), (2, 3))


def test_that_a_graph_ends_where_it_would_be_too_large() -> None:
    nodes = [{"id": str(at), "path": f"l{at}", "label": "Linear", "kind": "call_module"} for at in range(network.MOST_NODES + 7)]
    found = network.network_of({"nodes": nodes, "edges": [[str(at), str(at + 1)] for at in range(len(nodes))]})
    assert (len(found.nodes), found.more) == (network.MOST_NODES, 7)


def test_that_nodes_of_one_rank_stand_side_by_side() -> None:
    nodes = [{"id": name, "path": name, "label": "Linear", "kind": "call_module"} for name in "abcd"]
    found = network.network_of({"nodes": nodes, "edges": [["a", "b"], ["a", "c"], ["b", "d"], ["c", "d"]]})
    assert abs(found.nodes[1].x - found.nodes[2].x) >= network.STEP_X
    assert found.nodes[1].y == found.nodes[2].y


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (math.nan, "NaN"), (-math.inf, "−Inf"), (0.0, "0.000"), (-0.0371, "−0.037"), (12345.6, "12,346"), (2e-6, "2.0e-06")],
)
def test_that_a_number_is_as_long_as_it_has_to_be(value: float | None, text: str) -> None:
    assert heard.figure(value) == text


def test_that_a_sample_of_no_known_class_is_given_none() -> None:
    heard_part = part_of(Measured("accuracy", {"right": 1, "right_in_top_5": 1, "samples": 1, "labels": [3, -1]}))
    assert heard_part.value[3] == (3, None)
