"""The stages of a batch, in this process."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.errors import Cancelled, InputDoesNotFit, OutOfMemory, RunProblem
from ptinspect.runner import batch
from ptinspect.runner.batch import run_batch
from ptinspect.runner.consent import digest_of
from tests.runner.runs import INPUT, Ear, asked, model, run, saved


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(model(), tmp_path_factory.mktemp("models") / "small.pt")


def test_that_a_run_tells_all_that_the_contract_names(small: Path) -> None:
    found = run(small, batch=3)
    assert found["device"]["type"] == "cpu"
    assert found["torch"] == torch.__version__
    assert (found["model"]["source"], found["model"]["trusted"]) == ("torchvision:shufflenet_v2_x0_5", False)
    assert [one["shape"] for one in found["input"]] == [[3, 3, 32, 32]]
    output = found["output"][0]
    assert (output["shape"], output["dtype"], output["nans"]) == ([3, 1000], "float32", 0)
    assert len(found["top"]) == 5
    assert all(found["latency_ms"][name] > 0 for name in ("first", "median", "p95"))
    assert found["throughput_per_s"] > 0
    assert found["peak_memory_bytes"] > 1 << 20
    own = sum(value.numel() for value in model().parameters())
    assert found["totals"]["parameters"] == found["totals"]["trainable"] == own
    assert found["load"] == {"missing": [], "unexpected": [], "mismatched": []}


def test_that_the_table_adds_up_to_the_totals(small: Path) -> None:
    found = run(small)
    leaves = [layer for layer in found["layers"] if not layer["container"]]
    assert sum(layer["parameters"] for layer in found["layers"]) == found["totals"]["parameters"]
    assert sum(layer["mult_adds"] for layer in leaves) == found["totals"]["mult_adds"]
    assert all(layer["time_ms"] is not None for layer in found["layers"])


def test_that_what_comes_out_is_what_the_model_gives(small: Path) -> None:
    found = run(small, batch=2, seed=7)
    ear = Ear()
    run_batch(asked(small, batch=2, seed=7), ear)
    assert found["output"] == ear.result.fields()["output"]
    assert found["output"] != run(small, batch=2, seed=8)["output"]


def test_that_the_classes_have_the_names_of_imagenet(small: Path) -> None:
    assert all(not best["label"].startswith("class ") for best in run(small)["top"])


def test_that_a_model_in_half_precision_runs_in_it(tmp_path: Path) -> None:
    found = run(saved(model().to(torch.bfloat16), tmp_path / "a.pt"))
    assert (found["input"][0]["dtype"], found["output"][0]["dtype"]) == ("float32", "bfloat16")
    assert run(tmp_path / "a.pt", dtype="float32")["output"][0]["dtype"] == "float32"


def test_that_the_layer_where_values_end_is_named(tmp_path: Path) -> None:
    module = model()
    with torch.no_grad():
        module.stage3[1].branch2[0].weight[0] = float("nan")
    found = run(saved(module, tmp_path / "a.pt"), batch=2)
    danger = next(finding for finding in found["findings"] if finding["severity"] == "danger")
    assert danger["where"] == "stage3.1.branch2.0"
    assert "NaN first appears in stage3.1.branch2.0" in danger["title"]
    assert "2 of 2 samples" in danger["detail"]


def test_that_a_wrong_input_is_told_by_the_layer_that_refused_it(small: Path) -> None:
    with pytest.raises(InputDoesNotFit, match=r"conv1\.0 \(Conv2d\) failed on an input of 1 × 4 × 32 × 32") as caught:
        run(small, inputs=("random:4x32x32",))
    assert caught.value.where == "conv1.0"


@pytest.mark.parametrize("stage", ["model", "input", "first pass", "layers", "warm-up", "timing", "graph", "backward", "sweep"])
def test_that_a_run_can_be_stopped_at_every_stage(small: Path, stage: str) -> None:
    ear = Ear(stage)
    with pytest.raises(Cancelled):
        run_batch(asked(small, graph=True, backward=True, sweep=True), ear)
    assert getattr(ear.events[-1], "stage", stage) == stage or stage == "layers"
    assert not ear.result.fields()["findings"]


def test_that_memory_that_ends_is_one_sentence_and_what_was_measured_stays(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(_: batch.Run) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(batch, "_repeated", no_room)
    ear = Ear()
    with pytest.raises(OutOfMemory, match="not enough memory") as caught:
        run_batch(asked(small, batch=2), ear)
    assert "smaller batch than 2" in caught.value.hint
    assert ear.result.fields()["layers"]


def test_that_a_batch_larger_than_memory_is_told_as_such(small: Path) -> None:
    with pytest.raises(OutOfMemory, match="has not enough memory"):
        run(small, batch=10**9)


def test_that_layers_of_a_compiled_model_are_those_of_the_model(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda module: lambda *args: compiled.append(1) or module(*args))
    found = run(small, compiled=True, graph=True)
    assert len(compiled) == 1 + 1 + 2  # the first pass, the warm-up, the timed ones
    assert "conv1.0" in {layer["path"] for layer in found["layers"]}
    assert found["graph"]["from"] == "torch.fx"


def test_that_a_compiler_that_is_missing_is_told(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("InvalidCxxCompiler: No working C++ compiler found")

    monkeypatch.setattr(torch, "compile", lambda _: fails)
    with pytest.raises(RunProblem, match="compile failed: InvalidCxxCompiler") as caught:
        run(small, compiled=True)
    assert "C++ compiler" in caught.value.hint


def test_that_a_keyword_stands_once(small: Path) -> None:
    with pytest.raises(InputDoesNotFit, match="given twice"):
        run(small, inputs=(f"x={INPUT}", f"x={INPUT}"))
    assert run(small, inputs=(f"x={INPUT}",))["output"]


def test_that_a_precision_that_is_none_is_told(small: Path) -> None:
    with pytest.raises(RunProblem, match="no precision"):
        run(small, dtype="float12")


def test_that_autocast_computes_in_another_type_and_keeps_the_weights(small: Path) -> None:
    found = run(small, dtype="bfloat16", autocast=True)
    assert found["output"][0]["dtype"] == "bfloat16"


def test_that_autocast_alone_takes_torchs_own_type_and_long_types_are_doubted(small: Path) -> None:
    found = run(small, autocast=True)
    assert (found["output"][0]["dtype"], found["findings"]) == ("bfloat16", [])
    found = run(small, autocast=True, dtype="float32")
    assert [finding["title"] for finding in found["findings"]] == ["Autocast has nothing to do in float32"]


def test_that_channels_last_gives_the_same(small: Path) -> None:
    plain, turned = run(small)["output"][0], run(small, channels_last=True)["output"][0]
    assert plain["mean"] == pytest.approx(turned["mean"], rel=1e-3)


def test_that_shared_parameters_count_once_whatever_torchinfo_says(tmp_path: Path) -> None:
    torchinfo = pytest.importorskip("torchinfo")
    shared = nn.Linear(8, 8)
    torch.save(nn.Sequential(nn.Flatten(), nn.Linear(4, 8), shared, nn.ReLU(), nn.Sequential(shared)), tmp_path / "a.pt")
    found = run(tmp_path / "a.pt", inputs=("random:4",))
    assert found["totals"]["parameters"] == 40 + 72
    assert found["totals"]["torchinfo"]["parameters"] in (40 + 72, 40 + 144)
    assert torchinfo.__version__ != "1.8.0" or any("torchinfo counts" in finding["title"] for finding in found["findings"])


def consent_for(path: Path) -> str:
    checkpoint = open_checkpoint(path)
    with checkpoint.source as source:
        return digest_of(source, checkpoint)


def test_that_a_program_runs_as_a_whole_and_says_so(tmp_path: Path) -> None:
    script = torch.jit.script(nn.Sequential(nn.Linear(4, 3), nn.ReLU()))
    torch.jit.save(script, tmp_path / "a.pt")
    trust = consent_for(tmp_path / "a.pt")
    found = run(tmp_path / "a.pt", inputs=("random:4",), trust=trust, backward=True, agreement="bfloat16", graph=True)
    assert found["model"]["source"] == "torchscript"
    assert [(row["path"], row["type"], row["input_shape"], row["output_shape"]) for row in found["layers"]] == [
        ("", "Sequential", [1, 4], [1, 3])
    ]
    assert found["layers"][0]["time_ms"] > 0
    assert found["output"][0]["shape"] == [1, 3]
    assert found["totals"]["parameters"] == 15
    assert "A program runs as a whole" in {finding["title"] for finding in found["findings"]}


def test_that_an_exported_program_runs_though_it_takes_no_mode(tmp_path: Path) -> None:
    torch.manual_seed(1)
    module = nn.Sequential(nn.Linear(4, 3), nn.ReLU()).eval()
    torch.export.save(torch.export.export(module, (torch.ones(2, 4),)), tmp_path / "a.pt2")
    found = run(tmp_path / "a.pt2", inputs=(), trust=consent_for(tmp_path / "a.pt2"), agreement="bfloat16")
    assert found["model"]["source"] == "exported"
    assert found["input"][0]["shape"] == [2, 4]
    assert found["output"][0]["shape"] == [2, 3]
    assert found["totals"]["parameters"] == 15
    assert found["agreement"]["parts_at"] is None
    assert [(row["path"], row["type"], row["parameters"], row["mult_adds"]) for row in found["layers"]][1:] == [
        ("0", "Linear", 15, 24), ("1", "ReLU", 0, 0)
    ]  # fmt: skip
    assert all(row["time_ms"] > 0 for row in found["layers"])


class TestExtras:
    def test_that_the_same_model_agrees_with_itself(self, small: Path) -> None:
        found = run(small, batch=2, agreement="cpu:float32")["agreement"]
        assert (found["parts_at"], found["same_top"], found["samples"]) == (None, 2, 2)
        assert found["largest_gap"] == 0
        assert all(row["relative_l2"] == 0 and row["means"][0] == row["means"][1] for row in found["layers"])

    def test_that_half_precision_is_off_by_its_rounding(self, small: Path) -> None:
        found = run(small, agreement="bfloat16")["agreement"]
        assert 0 < max(row["relative_l2"] for row in found["layers"]) < 0.2

    def test_that_two_files_part_where_their_weights_do(self, small: Path, tmp_path: Path) -> None:
        other = model()
        with torch.no_grad():
            other.stage4[0].branch1[0].weight.mul_(2)
        second = asked(saved(other, tmp_path / "b.pt")).file
        found = run(small, other=second)["parting"]
        assert found["parts_at"] == "stage4.0.branch1.0"
        row = next(row for row in found["layers"] if row["path"] == "stage4.0.branch1.0")
        assert row["relative_l2"] == pytest.approx(1, rel=1e-4)

    def test_that_a_sweep_doubles_the_batch_until_more_is_no_faster(self, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from ptinspect.runner import sweep

        monkeypatch.setattr(sweep, "LARGEST", 4)
        monkeypatch.setattr(sweep, "LEAST", 0.0)
        found = run(small, sweep=True)["sweep"]
        sizes = [row["batch"] for row in found["sizes"]]
        assert sizes == [1, 2, 4][: len(sizes)]
        assert found["end"]
        assert all(row["throughput_per_s"] == pytest.approx(row["batch"] / row["latency_ms"] * 1e3) for row in found["sizes"])

    def test_that_gradients_are_those_of_autograd(self, small: Path) -> None:
        found = run(small, backward=True, seed=3)["backward"]
        rows = {row["path"]: row for row in found["layers"]}
        module = model()
        torch.manual_seed(3)
        from ptinspect.runner.inputs.batch import prepared
        from ptinspect.runner.inputs.spec import parse

        given = module(*prepared([parse(INPUT)], module, None, 1, 3).args)
        given.square().mean().backward()
        weights = torch.cat([value.grad.reshape(-1) for value in module.fc.parameters()])
        assert rows["fc"]["norm"] == pytest.approx(float(weights.norm()), rel=1e-4)
        assert rows["fc"]["status"] == "trained"
        assert rows["maxpool"]["status"] is None

    def test_that_a_trace_is_written_where_the_process_runs(self, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        assert run(small, trace=True)["trace"]["bytes"] == (tmp_path / "trace.json").stat().st_size > 1_000

    def test_that_the_graph_has_every_layer_and_the_sums_between_them(self, small: Path) -> None:
        found = run(small, graph=True)["graph"]
        assert found["from"] == "torch.fx"
        paths = {node["path"] for node in found["nodes"]}
        leaves = {path for path, one in model().named_modules() if not (list(one.children()) or isinstance(one, nn.Sequential))}
        assert leaves <= paths
        assert "cat" in {node["label"] for node in found["nodes"]}
        names = {node["id"] for node in found["nodes"]}
        assert all(source in names and target in names for source, target in found["edges"])
        assert next(node for node in found["nodes"] if node["path"] == "fc")["shape"] == [1, 1000]

    def test_that_a_model_that_cannot_be_traced_is_followed_by_its_tensors(self) -> None:
        from ptinspect.runner import graph

        class Branches(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.a, self.b = nn.Linear(2, 2), nn.Linear(2, 2)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return self.b(self.a(x)) if x.sum() > 0 else self.a(x)

        class Bare:
            module, args, kwargs, layers = Branches(), (torch.ones(1, 2),), {}, []

            def layered(self) -> object:
                return self.module(*self.args)

        assert graph._traced(Bare.module) is None
        found = graph._followed(Bare())  # type: ignore[arg-type]
        assert found["edges"] == [["input", "a"], ["a", "b"]]

    def test_that_an_extra_that_fails_leaves_the_rest(self, small: Path) -> None:
        found = run(small, agreement="moon")
        assert any("says neither a device nor a type" in finding["title"] for finding in found["findings"])
        assert found["latency_ms"]["median"] is not None

    def test_that_one_whose_own_code_fails_leaves_the_rest(self, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fails(_: object, __: object) -> None:
            raise RuntimeError("cudnn RNN backward can only be called in training mode")

        monkeypatch.setattr("ptinspect.runner.backward._loss", fails)
        found = run(small, backward=True, agreement="bf16")
        assert any("cudnn RNN backward" in finding["title"] for finding in found["findings"])
        assert found["agreement"]["layers"]

    def test_that_the_other_file_is_named_where_it_cannot_be_run(self, small: Path, tmp_path: Path) -> None:
        other = asked(saved(nn.Linear(2, 2), tmp_path / "b.pt")).file
        assert any("The other file, b.pt: no known architecture" in finding["title"] for finding in run(small, other=other)["findings"])


def test_that_half_a_torchvision_is_told(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> None:
        raise RuntimeError("Couldn't load custom C++ ops. This can happen if your PyTorch and torchvision versions are incompatible")

    monkeypatch.setattr(batch.Run, "forward", fails)
    with pytest.raises(RunProblem, match="compiled half of this torchvision") as caught:
        run(small)
    assert "pip install" in caught.value.hint

    def test_that_a_run_keeps_its_precision_after_another_was_compared_with_it(self, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from ptinspect.runner import sweep

        seen: list[bool] = []
        monkeypatch.setattr(sweep, "tell_sweep", lambda run: (run.forward(), seen.append(torch.backends.cuda.matmul.allow_tf32)))
        run(small, dtype="tf32", agreement="float32", sweep=True)
        assert seen == [True]
        run(small)
        assert not torch.backends.cuda.matmul.allow_tf32
