"""The real number of parameters of packed networks, as evidence."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from ptinspect.checkpoint.model import Evidence
from ptinspect.cli.info_text import sentence
from tests.checkpoint.saved import saved

INS, OUTS, GROUP = 128, 64, 32


def gptq(bits: int = 4) -> dict[str, torch.Tensor]:
    return {
        "qweight": torch.zeros(INS * bits // 32, OUTS, dtype=torch.int32),
        "qzeros": torch.zeros(INS // GROUP, OUTS * bits // 32, dtype=torch.int32),
        "scales": torch.ones(INS // GROUP, OUTS, dtype=torch.float16),
        "g_idx": torch.zeros(INS, dtype=torch.int32),
        "bias": torch.ones(OUTS, dtype=torch.float16),
    }


def awq(bits: int = 4) -> dict[str, torch.Tensor]:
    return {
        "qweight": torch.zeros(INS, OUTS * bits // 32, dtype=torch.int32),
        "qzeros": torch.zeros(INS // GROUP, OUTS * bits // 32, dtype=torch.int32),
        "scales": torch.ones(INS // GROUP, OUTS, dtype=torch.float16),
        "bias": torch.ones(OUTS, dtype=torch.float16),
    }


def four_bits() -> dict[str, torch.Tensor]:
    return {
        "weight": torch.zeros(INS * OUTS // 2, 1, dtype=torch.uint8),
        "weight.absmax": torch.ones(INS * OUTS // 64),
        "weight.quant_map": torch.ones(16),
        "weight.quant_state.bitsandbytes__nf4": torch.zeros(80, dtype=torch.uint8),
        "bias": torch.ones(OUTS),
    }


def eight_bits() -> dict[str, torch.Tensor]:
    return {
        "weight": torch.zeros(OUTS, INS, dtype=torch.int8),
        "SCB": torch.ones(OUTS),
        "weight_format": torch.tensor(0, dtype=torch.uint8),
        "bias": torch.ones(OUTS),
    }


def network(layer: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Two packed layers between an embedding and a norm that are not."""
    whole = {"embed.weight": torch.ones(10, INS)}
    for number in range(2):
        whole |= {f"layers.{number}.proj.{name}": tensor.clone() for name, tensor in layer.items()}
    return {**whole, "norm.weight": torch.ones(INS)}


def told(folder: Path, value: object) -> tuple[Evidence | None, str]:
    checkpoint = saved(folder, value)
    return next((one for one in checkpoint.evidence if "unpacked" in one.claim), None), sentence(checkpoint)


@pytest.mark.parametrize(
    ("layer", "kind"),
    [
        (gptq(), "2 x GPTQ, 4 bits, group size 32"),
        (gptq(8), "2 x GPTQ, 8 bits, group size 32"),
        (awq(), "2 x AWQ, 4 bits, group size 32"),
        (four_bits(), "2 x bitsandbytes, 4 bits nf4"),
        (eight_bits(), "2 x bitsandbytes, 8 bits"),
    ],
    ids=["gptq", "gptq, 8 bits", "awq", "bitsandbytes, 4 bits", "bitsandbytes, 8 bits"],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_that_the_real_count_is_that_of_the_layers_before_packing(layer, kind: str, wrapped: bool, tmp_path: Path) -> None:
    unpacked = nn.Sequential(nn.Embedding(10, INS), nn.Linear(INS, OUTS), nn.Linear(INS, OUTS), nn.RMSNorm(INS))
    real = sum(parameter.numel() for parameter in unpacked.parameters())
    found, text = told(tmp_path, {"epoch": 1, "model": network(layer)} if wrapped else network(layer))
    assert found is not None
    assert (found.certainty, found.claim) == ("inferred", f"{real:,} parameters once packed weights are unpacked")
    assert kind in found.because
    assert "parameters, packed into fewer bits" in text


def test_that_layers_of_unknown_packing_make_the_count_a_least_one(tmp_path: Path) -> None:
    odd = {"odd.W_q": torch.zeros(8, 8, dtype=torch.uint8), "odd.scale": torch.ones(8, 1), "odd.zero": torch.ones(8, 1)}
    found, text = told(tmp_path, {**network(gptq()), **odd})
    assert found is not None
    assert found.claim.startswith("at least ")
    assert "1 more do not tell" in found.because
    assert "with at least" in text


@pytest.mark.parametrize("names", [("scales",), ("a.scales", "b.weight"), ("l.qweight", "l.scales")])
def test_that_names_alone_are_no_packing(names: tuple[str, ...], tmp_path: Path) -> None:
    found, text = told(tmp_path, {name: torch.ones(3, 5) for name in names})
    assert found is None
    assert "packed" not in text
