"""Test batches without a screen: opened, chosen, run by a recorded child, stopped, agreed to, remembered, exported."""

from __future__ import annotations

import csv
import json
import os
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from ptinspect import resources
from ptinspect.errors import OutputProblem
from ptinspect.runner.consents import Consents
from ptinspect.session.batch.choices import Choices, as_fields, of_fields, specs_of
from ptinspect.session.batch.details import layer_of, sample_of
from ptinspect.session.batch.figures import cards_of, warned_of
from ptinspect.session.batch.rows import text_of
from ptinspect.session.settings import Settings
from ptinspect.session.views import BatchView
from tests.session.batch.events import Child, beginning, crashed, failed, layer, layers, rest, spoiled, whole
from tests.session.working import Session

SAMPLES = resources.path("samples")


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


class Bench(Session):
    """A session with a test batch in front, and a child of our own."""

    def begin(self, path: str, child: Child) -> Bench:
        self.open(path)
        self.app.testing.runs = child
        self.app.test_batch()
        self.settle()
        return self

    @property
    def batch(self):
        return self.app.state.batch

    @property
    def page(self) -> BatchView:
        return self.app.view.page

    def run(self, **choices: object) -> Bench:
        self.app.testing.choose(self.batch.id, **choices)
        self.app.testing.run(self.batch.id)
        self.settle()
        return self


def test_that_the_tab_knows_the_ways_to_a_model_and_the_devices_before_anything_runs(path) -> None:
    bench = Bench().begin(path, Child(gpu=True))
    assert [offer.word for offer in bench.batch.subject.offers] == ["auto", "own", "pickled"]
    assert [device.word for device in bench.batch.around.devices] == ["cuda:0", "cpu"]
    assert bench.app.view.title == "Test batch — net.pt — ptinspect"
    assert bench.page.safety.text == "Runs nothing of the file"
    assert bench.app.view.status.text == "Nothing was run yet"


def test_that_a_second_press_brings_the_same_tab_to_the_front(path) -> None:
    bench = Bench().begin(path, Child())
    bench.app.activate(bench.app.state.documents[0].id)
    bench.app.test_batch()
    assert len(bench.app.state.tabs) == 2
    assert bench.batch is not None


def test_that_a_run_fills_the_cards_the_rows_and_the_sample(path) -> None:
    bench = Bench().begin(path, Child(whole())).run()
    latency, throughput, memory = cards_of(bench.batch)
    assert (latency.value, latency.unit, latency.note) == ("2.0", "ms", "p95 3.00  ·  0.50 ms each")
    assert (throughput.value, throughput.unit) == ("2,000", "samples/s")
    assert memory.note == "of 25.00 GB  ·  the whole process"
    assert [row.path for row in bench.batch.record.table.walk()] == [
        "stem", "blocks", "blocks.0", "blocks.0.linear", "blocks.0.norm", "blocks.1", "blocks.1.linear", "head",
    ]  # fmt: skip
    assert bench.batch.record.table.find("layer:blocks").type == "2 blocks"
    found = sample_of(bench.batch)
    assert found.title == "Sample 1 of 4"
    assert found.top == (("tabby", 0.75), ("lynx", 0.25))
    assert bench.app.view.status.text == "Measured 7 layers in 1.2 s"
    assert bench.page.safety.text == "torchvision's own code"


def test_that_values_which_are_no_numbers_are_told_with_a_way_out(path) -> None:
    bench = Bench().begin(path, Child(spoiled(), whole())).run(dtype="float16")
    warned = warned_of(bench.batch)
    assert (warned.title, warned.where, warned.action) == ("Inf first appears in blocks.0.norm", "blocks.0.norm", "Use bf16")
    table = bench.batch.record.table
    assert table.first_bad.path == "blocks.0.norm"
    assert bench.batch.expanded >= {"layer:blocks", "layer:blocks.0"}
    bench.run(dtype=warned.act)
    assert warned_of(bench.batch) is None
    assert bench.app.testing.runs.requests[-1].dtype == "bfloat16"


def test_that_a_layer_tells_its_output_cost_gradients_and_distance(path) -> None:
    flow = {"path": "head", "type": "Linear", "status": "trained", "norm": 2.0, "mean_abs": 0.1, "max_abs": 1.0, "nans": 0, "infs": 0,
            "output_norm": 3.0}  # fmt: skip
    gap = {"path": "head", "type": "Linear", "leaf": True, "shape": [4, 8], "max_abs": 0.5, "relative_l2": 0.25, "cosine": 0.9}
    beside = {"with": "cpu float32", "source": "x", "layers": [gap], "parts_at": "head", "largest_gap": 0.5, "same_top": 3, "samples": 4}
    sections = {"backward": {"loss": 0.5, "note": "mean square", "layers": [flow]}, "agreement": beside}
    bench = Bench().begin(path, Child(whole(**sections))).run()
    bench.app.testing.select("layer:head")
    found = layer_of(bench.batch)
    facts = {title: {name: value for name, value, _ in rows} for title, rows in found.sections}
    assert facts["Gradients"]["Norm"] == "2.00000"
    assert facts["Check against CPU in float32"]["Relative distance"] == "25 %"
    assert facts["Cost"]["Time"] == "1.500 ms  ·  25 %"
    assert found.histogram.counts == (1, 4, 9, 4)


def test_that_what_was_measured_stays_after_a_crash_with_one_sentence_and_the_last_output(path) -> None:
    bench = Bench().begin(path, Child(crashed())).run()
    warned = warned_of(bench.batch)
    assert (warned.title, warned.text, warned.detail) == ("The process was killed", "Try a smaller batch.", "last words")
    assert bench.batch.record.table.count == 7
    assert bench.batch.busy is None


def test_that_a_failure_before_any_figure_leaves_those_of_the_last_run(path) -> None:
    refused = [beginning()[0], *failed()[-1:]]
    bench = Bench().begin(path, Child(whole(), refused)).run().run()
    warned = warned_of(bench.batch)
    assert warned.title == "Stem failed on an input of 4 × 7"
    assert warned.text == "Give it another input (Input)."
    assert warned.detail == "Traceback\n<b>x"
    assert cards_of(bench.batch)[0].value == "2.0"


def test_that_who_looks_at_something_else_is_told_in_the_message_bar(path) -> None:
    bench = Bench().begin(path, Child(failed()))
    bench.app.testing.run(bench.batch.id)
    bench.app.activate(bench.app.state.documents[0].id)
    bench.settle()
    assert bench.app.state.message.text == "Stem failed on an input of 4 × 7"


def test_that_stop_keeps_what_came_and_ends_the_child(path) -> None:
    child = Child([*beginning(), *layers()], hangs=True)
    bench = Bench().begin(path, child)
    bench.app.testing.run(bench.batch.id)
    end = time.monotonic() + 20
    while bench.batch.record is None or not bench.batch.record.table.count:
        while bench.mailbox.calls:
            bench.mailbox.calls.popleft()()
        assert time.monotonic() < end
        time.sleep(0.002)
    assert bench.app.view.status.slot == f"batch {bench.batch.id}"
    bench.app.cancel(bench.app.view.status.slot)
    assert child.ended.wait(10)
    bench.settle()
    assert bench.batch.record.table.count == 7
    assert bench.app.view.status.text.startswith("Stopped.")


@pytest.mark.parametrize("way", ["close", "quit"])
def test_that_the_child_ends_with_its_tab_and_with_the_window(path, way: str) -> None:
    child = Child(beginning(), hangs=True)
    bench = Bench().begin(path, child)
    bench.app.testing.run(bench.batch.id)
    bench.app.close(bench.batch.id) if way == "close" else bench.app.quit()
    assert child.ended.wait(10) or not child.requests


def test_that_code_is_asked_about_and_a_refusal_leaves_no_trace(path, folder: Path) -> None:
    child = Child(whole(source="pickled", trusted=True))
    bench = Bench().begin(path, child).run(model="pickled")
    assert bench.batch.asking.model == "pickled"
    bench.app.testing.refuse(bench.batch.id)
    bench.settle()
    assert child.requests == []
    assert bench.batch.asking is None
    assert not folder.exists()


def test_that_consent_is_remembered_by_content_and_asked_for_anew_once_forgotten(path, folder: Path) -> None:
    told = [*beginning(source="pickled", trusted=True), *layers(), *rest()]
    child = Child(list(told), list(told))
    bench = Bench().begin(path, child).run(model="pickled")
    digest = bench.batch.asking.digest
    bench.app.testing.agree(bench.batch.id)
    bench.settle()
    assert [request.file.trust for request in child.requests] == [digest]
    assert bench.page.safety.text == "Code was run"
    bench.run()
    assert len(child.requests) == 2
    Consents(folder).forget_all()
    bench.run()
    assert bench.batch.asking is not None
    assert len(child.requests) == 2


def test_that_choices_come_back_for_the_same_architecture_and_not_for_another(path, tmp_path: Path) -> None:
    bench = Bench().begin(path, Child())
    bench.app.testing.choose(bench.batch.id, batch=64, inputs=("random:4",), dtype="bfloat16", sweep=True)
    bench.app.close(bench.batch.id)
    bench.app.activate(bench.app.state.documents[0].id)
    bench.app.test_batch()
    assert (bench.batch.choices.batch, bench.batch.choices.inputs, bench.batch.choices.sweep) == (64, ("random:4",), True)
    other = tmp_path / "other.pt"
    torch.save({"x.weight": torch.zeros(2, 2)}, other)
    second = Bench(settings=bench.app.state.settings).begin(str(other), Child())
    assert second.batch.choices == Choices()


@pytest.mark.parametrize(
    "told", [None, [], {"batch": "64"}, {"batch": -1}, {"inputs": "x"}, {"model": 5, "sweep": "yes"}, {"seconds": 10**9}]
)
def test_that_choices_of_another_kind_fall_back_to_how_they_start(told: object) -> None:
    assert of_fields(told) == Choices()


def test_that_choices_survive_as_json() -> None:
    chosen = Choices(model="rebuilt", inputs=("random:3x8x8", "mask=ones:4"), batch=8, warmup=0, memory=512, paths=("/here",))
    assert of_fields(json.loads(json.dumps(as_fields(chosen)))) == chosen


def test_that_a_preparation_is_written_behind_a_picture_alone(tmp_path: Path) -> None:
    picture = tmp_path / "cat.png"
    picture.write_bytes(b"x")
    chosen = Choices(inputs=(f"image:{picture}", "random:3", ""), preparation="half")
    assert specs_of(chosen) == (f"image:{picture}:half", "random:3")


def test_that_a_picture_is_drawn_only_where_the_user_chose_it(path, tmp_path: Path) -> None:
    inside, outside = tmp_path / "pictures" / "cat.png", tmp_path / "secret.png"
    inside.parent.mkdir()
    for one in (inside, outside):
        one.write_bytes(b"x")
    places = (inside, outside, tmp_path / "pictures" / ".." / "secret.png")
    named = [{"name": "a", "path": str(one), "size": [8, 8], "crop": [0, 0, 4, 4]} for one in places]
    told = {"samples": {"note": "", "specs": ["image:x"], "samples": named}}
    bench = Bench().begin(path, Child(whole(**told))).run(inputs=(f"image:{inside.parent}",))
    pictures = []
    for _ in named:
        pictures.append(sample_of(bench.batch).picture)
        bench.app.testing.show_sample(1)
    assert pictures == [str(inside), "", ""]


def test_that_a_file_that_changed_is_read_again_and_then_runs(tmp_path: Path) -> None:
    place = tmp_path / "net.pt"
    torch.save(nn.Sequential(nn.Linear(4, 8)), place)
    child = Child(whole(), whole())
    bench = Bench().begin(str(place), child).run()
    torch.save(nn.Sequential(nn.Linear(4, 16)), place)
    os.utime(place, ns=(1, 1))
    bench.app.look_for_changes()
    bench.settle()
    assert warned_of(bench.batch).action == "Reload"
    bench.app.reload(bench.batch.id)
    bench.settle()
    assert warned_of(bench.batch) is None
    bench.run()
    assert child.requests[0].file.identity != child.requests[1].file.identity


def test_that_a_comparison_runs_both_files_on_one_batch_and_tells_where_they_part(path, tmp_path: Path) -> None:
    other = tmp_path / "other.pt"
    torch.save(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)), other)
    gap = {"path": "blocks.0.linear", "type": "Linear", "leaf": True, "max_abs": 1.0, "relative_l2": 0.5, "cosine": 0.8,
           "means": [0.5, 0.25], "stds": [1.0, 2.0]}  # fmt: skip
    parting = {"with": str(other), "source": "rebuilt", "layers": [gap], "parts_at": "blocks.0.linear", "largest_gap": 1.0}
    bench = Bench()
    bench.app.testing.runs = child = Child(whole(parting=parting))
    bench.app.compare(path, str(other))
    bench.settle()
    bench.app.test_batch()
    bench.settle()
    bench.run()
    assert child.requests[0].other.path == str(other)
    assert warned_of(bench.batch).title == "The two models part at blocks.0.linear"
    bench.app.testing.reveal("blocks.0.linear")
    beside = dict(layer_of(bench.batch).sections)["Beside the second file"]
    assert ("Relative distance", "50 %", "warn") in beside
    assert ("Means", "0.5000 and 0.2500", "plain") in beside
    assert text_of(bench.batch.record.table.find("layer:blocks.0.linear"), "apart") == "50"


def test_that_a_layer_is_found_in_the_file_and_back_in_the_batch(path) -> None:
    bench = Bench().begin(path, Child([*beginning(), layer("0"), layer("2"), *rest()])).run()
    bench.app.testing.select("layer:2")
    bench.app.show_in_file("2")
    assert bench.tab.selected == "layer:2"
    bench.app.show("0.weight")
    assert bench.app.show_in_batch()
    assert bench.batch.selected == "layer:0"


def test_that_a_filter_keeps_layers_by_name_type_and_values(path) -> None:
    bench = Bench().begin(path, Child(spoiled())).run()
    for text, kept in (("linear", ["linear", "linear"]), ("type:layernorm", ["norm"]), ("nan:", ["norm"]), ("/^head$/", ["head"])):
        bench.app.filter(text)
        assert [row.name for row in bench.batch.kept.walk() if not row.below] == kept
    assert bench.app.view.filter_note == "1 hit"
    bench.app.filter("shape:3")
    assert bench.batch.kept is None
    assert "nan:" in bench.app.view.filter_note
    bench.app.filter("")
    assert bench.app.view.filter_note == ""


def test_that_another_python_is_asked_for_its_devices_once(path) -> None:
    child = Child()
    bench = Bench().begin(path, child)
    bench.app.set_python("/elsewhere/python")
    bench.settle()
    bench.app.set_python("")
    bench.settle()
    assert child.pythons == [None, "/elsewhere/python"]


def test_that_a_result_is_written_as_json_csv_and_markdown(path, tmp_path: Path) -> None:
    spoilt = [*beginning(), layer("=cmd", "=x"), layer("a|b", mean=float("nan")), *rest()]
    bench = Bench().begin(path, Child(spoilt)).run()
    for ending in ("json", "csv", "md"):
        bench.app.testing.save(str(tmp_path / f"result.{ending}"))
        bench.settle()
    told = json.loads((tmp_path / "result.json").read_text())
    assert told["schema"] == 1
    assert [one["mean"] for one in told["layers"]] == [0.25, None]
    rows = list(csv.reader((tmp_path / "result.csv").open()))
    assert rows[1][:2] == ["'=cmd", "'=x"]
    assert "| a\\|b |" in (tmp_path / "result.md").read_text()
    assert bench.app.state.message.text.startswith("Saved as")


def test_that_a_place_that_cannot_be_written_is_told(path, tmp_path: Path) -> None:
    bench = Bench().begin(path, Child(whole())).run()
    bench.app.testing.save(str(tmp_path / "nowhere" / "result.json"))
    bench.settle()
    assert "cannot be written" in bench.app.state.message.text


def test_that_a_trace_that_cannot_be_written_costs_no_figure(path) -> None:
    child = Child(whole())

    def runs(request, is_cancelled, python=None, trace_to=None):
        yield from list(child(request, is_cancelled))[: None if request.probe else -1]
        if not request.probe:
            raise OutputProblem(f"{trace_to} cannot be written", "Choose another place for the trace.")

    bench = Bench().begin(path, runs).run(trace="/nowhere/trace.json")
    assert warned_of(bench.batch).title == "/nowhere/trace.json cannot be written"
    assert bench.batch.record.table.count == 7


def test_that_thousands_of_events_arrive_in_their_order(path) -> None:
    many = [layer(f"l{at}") for at in range(3_000)]
    bench = Bench().begin(path, Child([*beginning(), *many, *many, *rest()])).run()
    assert [row.path for row in bench.batch.record.table.walk()] == [one.layer["path"] for one in many]


@pytest.mark.slow
def test_that_a_real_child_runs_a_small_model(path) -> None:
    bench = Bench(settings=Settings())
    bench.open(path)
    bench.app.test_batch()
    bench.settle()
    bench.run(repeats=2, warmup=1, device="cpu")
    assert bench.batch.problem is None
    record = bench.batch.record
    assert record.source == "rebuilt"
    assert [row.path for row in record.table.walk()] == ["0", "1", "2"]
    assert record.parts["samples"].specs == ("random:4",)
    assert [node.path for node in record.parts["graph"].nodes] == ["", "0", "1", "2", ""]
    assert bench.batch.around.torch == torch.__version__
