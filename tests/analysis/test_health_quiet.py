"""No false alarm: fresh networks of every family, optimizers after real steps, random states, tables, and other people's files."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ptinspect.analysis.health import health
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.runner import factories
from tests.analysis.examined import alarms, examined, measured, one, titles
from tests.corpus import Row, each, needs_corpus

FAST = (
    "efficientnet_b0", "lraspp_mobilenet_v3_large", "mnasnet0_5", "mobilenet_v3_small", "raft_small",
    "regnet_y_400mf", "resnet18", "shufflenet_v2_x0_5", "squeezenet1_1",
)  # fmt: skip
LARGEST = 150_000_000


def torchvision_names() -> list[str]:
    try:
        return factories.names("torchvision")
    except ImportError:
        return []


def fresh_findings(name: str, folder: Path) -> tuple[str, ...]:
    torch.manual_seed(0)
    model = factories.build("torchvision", name, device="cpu")
    if sum(parameter.numel() for parameter in model.parameters()) > LARGEST:
        pytest.skip("it takes long to fill")
    found = examined(folder, model.state_dict())
    assert {finding.severity for finding in found} <= {"info"}, found
    (folder / "file.pt").unlink()
    return tuple(titles(found))


@pytest.mark.parametrize("name", FAST)
def test_that_a_fresh_network_of_each_family_gives_no_more_than_an_info(name: str, tmp_path: Path) -> None:
    if not torchvision_names():
        pytest.skip("torchvision is not installed")
    fresh_findings(name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", torchvision_names())
def test_that_every_fresh_network_of_torchvision_gives_no_more_than_an_info(name: str, tmp_path: Path) -> None:
    fresh_findings(name, tmp_path)


def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Embedding(50, 16), nn.Linear(16, 32), nn.LayerNorm(32), nn.ReLU(), nn.Linear(32, 24), nn.ReLU(), nn.Linear(24, 4)
    )


OPTIMIZERS: dict[str, Callable[[object], torch.optim.Optimizer]] = {
    "Adam": torch.optim.Adam,
    "AdamW with amsgrad": lambda parameters: torch.optim.AdamW(parameters, amsgrad=True),
    "SGD with momentum": lambda parameters: torch.optim.SGD(parameters, lr=0.01, momentum=0.9),
    "Adagrad": torch.optim.Adagrad,
    "Adadelta": torch.optim.Adadelta,
    "Adamax": torch.optim.Adamax,
    "RMSprop": lambda parameters: torch.optim.RMSprop(parameters, centered=True, momentum=0.9),
    "Rprop": torch.optim.Rprop,
    "ASGD": torch.optim.ASGD,
    "NAdam": torch.optim.NAdam,
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_that_optimizers_after_real_steps_are_quiet(name: str, tmp_path: Path) -> None:
    model = small()
    steps = OPTIMIZERS[name](model.parameters())
    for _ in range(5):  # most rows of the embedding are never met: their state stays zero
        steps.zero_grad()
        model(torch.randint(0, 10, (8, 3))).square().mean().backward()
        steps.step()
    value = {"model": model.state_dict(), "optimizer": steps.state_dict(), "epoch": 1}
    found = examined(tmp_path, value)
    assert titles(found, "notice", "warning", "danger") == []
    assert not any((finding.where or "").startswith("optimizer") for finding in found)
    assert alarms(examined(tmp_path, steps.state_dict())) == []


def test_that_the_state_of_a_sparse_embedding_is_quiet(tmp_path: Path) -> None:
    embedding = nn.Embedding(1_000, 16, sparse=True)
    steps = torch.optim.SparseAdam(embedding.parameters())
    embedding(torch.tensor([1, 2])).sum().backward()
    steps.step()
    assert examined(tmp_path, {"model": nn.Sequential(embedding).state_dict(), "optimizer": steps.state_dict()}) == ()


def test_that_random_states_scalers_and_counters_are_quiet(tmp_path: Path) -> None:
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**24)
    scaler.scale(torch.ones(1))
    value = {
        "rng": torch.get_rng_state(),
        "cuda_rng": [torch.zeros(16, dtype=torch.uint8)],
        "scaler": scaler.state_dict(),
        "scale": scaler._scale,
        "seen": torch.zeros(10_000, dtype=torch.int64),
        "mask": torch.zeros(64, 64, dtype=torch.bool),
        "model": small().state_dict(),
    }
    found = examined(tmp_path, value)
    assert titles(found) == ["weights that no training has touched"]


class Tables(nn.Module):
    """What attention keeps beside its weights."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(32, 32)
        self.register_buffer("inv_freq", 1e4 ** (-torch.arange(0, 64, 2) / 64))
        self.register_buffer("relative_position_index", torch.zeros(49, 49, dtype=torch.long))
        self.register_buffer("position_ids", torch.arange(512).expand(1, -1))
        self.register_buffer("masked_bias", torch.tensor(-1e9))
        self.register_buffer("attn_mask", torch.full((64, 64), -100.0).triu(1))
        self.register_buffer("causal", torch.full((64, 64), torch.finfo(torch.float32).min).triu(1))
        self.register_buffer("window", torch.full((64, 64), float("-inf")).triu(1))
        places = torch.arange(128)[:, None] * torch.exp(torch.arange(0, 32, 2) * (-math.log(1e4) / 32))
        self.register_buffer("pe", torch.stack((places.sin(), places.cos()), -1).flatten(1))
        self.register_buffer("filters", torch.from_numpy(np.eye(80, 201, dtype=np.float32)))


@pytest.mark.parametrize("form", ["model", "state_dict"])
def test_that_tables_and_masks_are_quiet(form: str, tmp_path: Path) -> None:
    model = Tables()
    assert titles(examined(tmp_path, model if form == "model" else model.state_dict()), "notice", "warning", "danger") == []


def test_that_quantized_whole_numbers_are_quiet(tmp_path: Path) -> None:
    torch.manual_seed(0)
    value = {
        "q_proj.qweight": torch.randint(-(2**31), 2**31 - 1, (512, 64), dtype=torch.int32),
        "q_proj.weight": torch.randint(-128, 128, (64, 64), dtype=torch.int8),
        "q_proj.qzeros": torch.zeros(4, 8, dtype=torch.int32),
        "q_proj.scales": torch.rand(4, 64).half() / 100,
        "q_proj.SCB": torch.rand(64),
    }
    assert alarms(examined(tmp_path, value)) == []


TRULY = {
    "elixir-nx+bumblebee/state_dict_base.zip.pt": ["all values are the same"],  # a convolution of ones
    "elixir-nx+bumblebee/state_dict_full.zip.pt": ["all values are the same"],
    "tracel-ai+burn/src/pytorch/tests/reader/test_data/special_values.pt": ["values that are not finite"],
}
"""Files of the corpus that have such values, each looked at."""


@needs_corpus
@each(lambda row: row.hostile == "no")
def test_that_other_peoples_files_alarm_only_where_it_is_so(row: Row) -> None:
    checkpoint = open_checkpoint(row.path)
    found = alarms(health(checkpoint, measured(checkpoint)))
    assert [finding.title for finding in found] == TRULY.get(row.id, [])


@needs_corpus
@each(lambda row: row.id.endswith("SO3Net-ANI-1x-Subset-PES/state.pt"))
def test_that_a_channel_that_decay_has_worn_away_in_a_published_model_is_found(row: Row) -> None:
    checkpoint = open_checkpoint(row.path)
    found = one(health(checkpoint, measured(checkpoint)), "dead output channels")
    assert found.where == "model.final_layer.gated.gates.4.weight"
    assert "1 of 64 channels, 2 %: 44 (inferred" in found.detail
