"""What only a GPU can show: device choice, times by events, peak memory, memory that ends, agreement with the CPU, throughput.

`python -m pytest -m cuda -n 0 tests/cuda` runs them; each prints what it measured with `-s`.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch

from ptinspect.errors import OutOfMemory
from ptinspect.runner.batch import run_batch
from ptinspect.runner.devices import available, chosen
from tests.runner.runs import Ear, asked, model, run, saved

pytestmark = [pytest.mark.cuda, pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU, or a torch without CUDA")]
LARGE = ("random:3x224x224",)


@pytest.fixture(scope="module")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(model("resnet50"), tmp_path_factory.mktemp("models") / "resnet50.pt")


def test_that_the_gpu_is_chosen_where_there_is_one(resnet: Path) -> None:
    assert next(available()).type == "cuda"
    found = run(resnet, device="auto", inputs=LARGE)
    assert found["device"]["type"] == "cuda"
    assert found["device"]["name"] == torch.cuda.get_device_properties(0).name
    assert chosen(f"cuda:{torch.cuda.device_count() - 1}").type == "cuda"


def test_that_layers_are_timed_by_events_and_add_up(resnet: Path) -> None:
    found = run(resnet, device="cuda", inputs=LARGE, batch=64)
    rows = {layer["path"]: layer["time_ms"] for layer in found["layers"]}
    parts = sum(rows[name] for name in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool", "fc"))
    print(f"\nwhole {rows['']:.2f} ms, its parts {parts:.2f} ms, the batch without hooks {found['latency_ms']['median']:.2f} ms")
    assert parts == pytest.approx(rows[""], rel=0.15)
    assert rows[""] >= 0.8 * found["latency_ms"]["median"]


def test_that_peak_memory_is_what_torch_had_in_use(resnet: Path) -> None:
    small, large = (run(resnet, device="cuda", inputs=LARGE, batch=size)["peak_memory_bytes"] for size in (1, 64))
    weights = sum(value.numel() * 4 for value in model("resnet50").parameters())
    print(f"\n{small / 2**20:.0f} MB at 1, {large / 2**20:.0f} MB at 64, weights {weights / 2**20:.0f} MB")
    assert weights < small < large < torch.cuda.get_device_properties(0).total_memory


def test_that_memory_that_ends_is_a_sentence_and_the_device_lives(resnet: Path) -> None:
    torch.cuda.set_per_process_memory_fraction(0.02)
    try:
        with pytest.raises(OutOfMemory) as caught:
            run_batch(asked(resnet, device="cuda", inputs=LARGE, batch=512), Ear())
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.empty_cache()
    print(f"\n{caught.value.message} | {caught.value.hint}")
    assert run(resnet, device="cuda", inputs=LARGE)["latency_ms"]["median"] > 0


@pytest.mark.parametrize(("kind", "limit"), [("float32", 1e-3), ("float16", 2e-2), ("bfloat16", 1e-1)])
def test_that_each_precision_agrees_with_the_cpu(resnet: Path, kind: str, limit: float) -> None:
    found = run(resnet, device="cuda", inputs=LARGE, batch=4, dtype=kind, agreement="cpu:float32")["agreement"]
    worst = max(row["relative_l2"] for row in found["layers"] if row["relative_l2"] is not None)
    print(f"\n{kind}: worst layer {worst:.2e}, same top {found['same_top']} of {found['samples']}, largest gap {found['largest_gap']:.2e}")
    assert worst < limit


def test_that_throughput_is_that_of_a_script_by_hand(resnet: Path) -> None:
    found = run(resnet, device="cuda", inputs=LARGE, batch=64, repeats=50, warmup=10)
    by_hand = model("resnet50").cuda()
    batch = torch.rand(64, 3, 224, 224, device="cuda")
    spent = []
    with torch.no_grad():
        for _ in range(60):
            torch.cuda.synchronize()
            began = time.perf_counter()
            by_hand(batch)
            torch.cuda.synchronize()
            spent.append(time.perf_counter() - began)
    ours, theirs = found["latency_ms"]["median"], sorted(spent[10:])[25] * 1e3
    print(f"\n{ours:.3f} ms here, {theirs:.3f} ms by hand: {ours / theirs:.3f}x")
    assert ours == pytest.approx(theirs, rel=0.03)


def test_that_weights_reach_the_gpu_in_one_more_copy(resnet: Path) -> None:
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    run(resnet, device="cuda", inputs=LARGE, repeats=1, warmup=0)
    weights = sum(value.numel() * 4 for value in model("resnet50").parameters())
    assert torch.cuda.max_memory_allocated() - before < 2.5 * weights


def test_that_a_sweep_ends_where_memory_does(resnet: Path) -> None:
    torch.cuda.set_per_process_memory_fraction(0.05)
    try:
        found = run(resnet, device="cuda", inputs=LARGE, sweep=True)["sweep"]
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.empty_cache()
    print(
        "\n"
        + "\n".join(
            f"{row['batch']:>5} {row['throughput_per_s']:>10.0f}/s {row['peak_memory_bytes'] / 2**20:>8.0f} MB" for row in found["sizes"]
        )
    )
    assert found["end"]


@pytest.mark.parametrize(
    "fields", [{"channels_last": True, "dtype": "float16"}, {"dtype": "tf32"}, {"dtype": "bfloat16", "autocast": True}, {"backward": True}]
)
def test_that_every_way_to_compute_runs(resnet: Path, fields: dict[str, object]) -> None:
    found = run(resnet, device="cuda", inputs=LARGE, batch=8, **fields)
    print(f"\n{fields}: {found['latency_ms']['median']:.2f} ms")
    assert not [finding for finding in found["findings"] if finding["severity"] == "danger"]


def test_that_float16_that_overflows_is_told_by_its_layer(tmp_path: Path) -> None:
    module = model("resnet18")
    with torch.no_grad():
        module.layer2[0].bn1.weight.fill_(60_000)
    found = run(saved(module, tmp_path / "a.pt"), device="cuda", inputs=LARGE, dtype="float16", batch=4)
    danger = next(finding for finding in found["findings"] if finding["severity"] == "danger")
    print(f"\n{danger['title']}: {danger['detail']}")
    assert danger["where"].startswith("layer2.0")
    assert "65,504" in danger["detail"]
