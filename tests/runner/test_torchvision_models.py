"""Every model of torchvision, from its saved weights to an output, on the CPU and with the input that is guessed or a small one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ptinspect.runner import factories
from ptinspect.runner.batch import run_batch
from ptinspect.runner.operators import import_torchvision
from tests.runner.runs import Ear, asked, saved

QUICK = {"squeezenet1_0", "mnasnet0_5"}
HEAVY = 2e8  # parameters: their files alone take a gigabyte
DETECTORS = ("fasterrcnn", "maskrcnn", "keypointrcnn", "retinanet", "fcos", "ssd")
SMALL = {"raft_large": "random:3x128x128", "raft_small": "random:3x128x128"}


def names() -> list[object]:
    models = import_torchvision().models.list_models()
    return [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in models]


@pytest.mark.parametrize("name", names())
def test_that_a_model_builds_loads_and_runs(name: str, tmp_path: Path) -> None:
    if name.startswith(DETECTORS) and not torch._C._dispatch_has_kernel_for_dispatch_key("torchvision::nms", "CPU"):
        pytest.skip("torchvision's compiled operators do not load beside this torch")
    torch.manual_seed(0)
    module = factories.build("torchvision", name, device="cpu")
    count = sum(value.numel() for value in module.parameters())
    if count > HEAVY:
        module = module.half()
    path = saved(module, tmp_path / "a.pt")
    del module
    ear = Ear()
    inputs = (SMALL[name],) * 2 if name in SMALL else ("random:3x64x64",) if count > HEAVY and name.startswith("regnet") else ()
    model = f"torchvision:{name}" if name.startswith("quantized") else "auto"
    run_batch(asked(path, inputs=inputs, dtype="float32", repeats=1, warmup=0, model=model), ear)
    found = ear.result.fields()
    path.unlink()
    assert found["load"] == {"missing": [], "unexpected": [], "mismatched": []}
    assert found["output"]
    assert found["totals"]["parameters"] == count
    assert found["totals"]["mult_adds"]
    assert found["latency_ms"]["median"]
