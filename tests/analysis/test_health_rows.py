"""Conditions of rows, planted in one channel among thousands."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from ptinspect.analysis import row_facts
from ptinspect.analysis.health import health
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.errors import Cancelled
from tests.analysis.examined import alarms, examined, measured, one, titles

pytestmark = pytest.mark.filterwarnings("ignore:torch.quantize_per")

DEAD, COPIES = "dead output channels", "duplicate rows"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_that_one_dead_row_among_thousands_is_found(dtype: torch.dtype, tmp_path: Path) -> None:
    layer = nn.Linear(48, 4_000).to(dtype)
    layer.weight.data[2_718] = 0
    found = one(examined(tmp_path, {"up.weight": layer.weight.data, "up.bias": layer.bias.data}), DEAD)
    assert (found.severity, found.where) == ("notice", "up.weight")
    assert found.detail.startswith("1 of 4,000 channels, 0.025 %: 2718 (confirmed: every weight is 0)")


def test_that_many_dead_rows_are_a_warning_and_the_first_few_are_named(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(3, 64, 3), nn.ReLU(), nn.Conv2d(64, 32, 3))
    model[0].weight.data[10:40] = 0
    found = one(examined(tmp_path, model), DEAD)
    assert found.severity == "warning"
    assert "30 of 64 channels, 47 %: 10 to 39 (confirmed" in found.detail


def test_that_a_row_worn_away_by_decay_is_inferred(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(3, 64, 3), nn.ReLU(), nn.Conv2d(64, 32, 3))
    model[2].weight.data[5] *= 1e-12
    model[2].weight.data[6] *= 1e-36
    assert "5, 6 (inferred: less than 1e-5" in one(examined(tmp_path, model), DEAD).detail


@pytest.mark.parametrize("form", ["model", "state_dict"])
def test_that_transposed_convolutions_have_their_outputs_second(form: str, tmp_path: Path) -> None:
    model = nn.Sequential(nn.ConvTranspose2d(96, 40, 4), nn.BatchNorm2d(40), nn.ReLU(), nn.Conv2d(40, 3, 3))
    with torch.no_grad():
        model[0].weight[:, 33] = 0
        model[0].weight[7] = 0  # an input that is not used
        model[1].running_mean += torch.randn(40)
    found = one(examined(tmp_path, model if form == "model" else model.state_dict()), DEAD)
    assert found.detail.startswith("1 of 40 channels, 2 %: 33 (confirmed")


def test_that_the_layers_of_gpt2_have_their_outputs_second(tmp_path: Path) -> None:
    torch.manual_seed(0)
    weight = torch.randn(64, 192)
    weight[:, 100] = 0
    value = {"h.0.attn.c_attn.weight": weight, "h.0.attn.c_attn.bias": torch.randn(192)}
    assert one(examined(tmp_path, value), DEAD).detail.startswith("1 of 192 channels, 0.52 %: 100")


def test_that_rows_of_what_has_no_type_are_only_told(tmp_path: Path) -> None:
    table = torch.randn(100, 32)
    table[50] = 0
    found = examined(tmp_path, {"encoder.queries": table, "encoder.more": torch.randn(3, 3)})
    assert [(finding.severity, finding.title) for finding in found] == [("info", "rows of zeros")]


def test_that_a_padding_row_is_none_and_more_empty_rows_of_an_embedding_are_an_info(tmp_path: Path) -> None:
    embedding = nn.Embedding(500, 32, padding_idx=0)
    assert examined(tmp_path, nn.Sequential(embedding)) == ()
    assert examined(tmp_path, nn.Sequential(embedding).state_dict()) == ()
    embedding.weight.data[490:] = 0
    found = one(examined(tmp_path, nn.Sequential(embedding)), "empty rows of an embedding")
    assert found.severity == "info"
    assert found.detail.startswith("11 of 500 rows are 0: 0, 490 to 499 (confirmed)")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("width", [32, 33])
def test_that_two_equal_rows_among_thousands_are_found(dtype: torch.dtype, width: int, tmp_path: Path) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(width, 3_000).to(dtype)
    layer.weight.data[2_000] = layer.weight.data[17]
    found = one(examined(tmp_path, nn.Sequential(layer)), COPIES)
    assert (found.severity, found.where) == ("notice", "0.weight")
    assert found.detail.startswith("1 of 3,000 rows is a copy: 17 = 2000 (confirmed byte for byte)")


def test_that_equal_filters_of_a_transposed_convolution_are_found(tmp_path: Path) -> None:
    layer = nn.ConvTranspose2d(64, 48, 4)
    layer.weight.data[:, 40] = layer.weight.data[:, 2]
    assert "2 = 40" in one(examined(tmp_path, nn.Sequential(layer)), COPIES).detail


def test_that_rows_longer_than_a_block_are_compared(tmp_path: Path) -> None:
    torch.manual_seed(0)
    weight = torch.randn(6, 300_001)
    weight[5] = weight[1]
    weight[3] = 0
    value = {"fc.weight": weight, "fc.bias": torch.randn(6)}
    found = examined(tmp_path, value)
    assert "1 = 5" in one(found, COPIES).detail
    assert "17 %: 3 (confirmed" in one(found, DEAD).detail


def test_that_rows_of_turned_tensors_are_read_in_their_own_order(tmp_path: Path) -> None:
    weight = torch.randn(70, 900)
    weight[:, 55] = 0
    assert ": 55 (confirmed" in one(examined(tmp_path, {"fc.weight": weight.t(), "fc.bias": torch.randn(900)}), DEAD).detail


def test_that_equal_keys_alone_are_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_facts, "_factors", lambda nbytes: torch.zeros(nbytes // 8, dtype=torch.int64).numpy().astype("uint64"))
    layer = nn.Linear(32, 200)
    assert examined(tmp_path, nn.Sequential(layer)) == ()
    layer.weight.data[150] = layer.weight.data[0]
    assert "0 = 150" in one(examined(tmp_path, nn.Sequential(layer)), COPIES).detail


def test_that_short_and_plain_rows_are_no_copies(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(64, 64, 3, groups=64), nn.Conv2d(64, 64, 1, groups=64), nn.Linear(4, 4_000).bfloat16())
    model.append(nn.Linear(64, 64))
    nn.init.eye_(model[3].weight)
    assert titles(examined(tmp_path, model)) == ["many exact zeros"]


def test_that_equal_rows_of_an_embedding_are_an_info(tmp_path: Path) -> None:
    embedding = nn.Embedding(400, 32)
    embedding.weight.data[300:] = embedding.weight.data[:300].mean(0)
    found = one(examined(tmp_path, nn.Sequential(embedding)), "duplicate rows of an embedding")
    assert found.severity == "info"
    assert found.detail.startswith("99 of 400 rows are copies: 300 = 301 = 302 = 303 = …")


def test_that_tied_weights_are_told_once(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(32, 100), nn.Linear(32, 100))
    model[1].weight = model[0].weight
    model[0].weight.data[7] = 0
    assert titles(examined(tmp_path, model)) == [DEAD]


def test_that_without_rows_nothing_is_read_again(tmp_path: Path) -> None:
    layer = nn.Linear(32, 100)
    layer.weight.data[7] = 0
    assert examined(tmp_path, nn.Sequential(layer), rows=False) == ()


def test_that_reading_rows_tells_how_far_it_is_and_can_be_stopped(tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []

    def stopping(done: int, total: int) -> None:
        heard.append((done, total))
        if done > total / 2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        examined(tmp_path, nn.Sequential(nn.Linear(1_024, 3_000)), progress=stopping)
    assert heard == sorted(heard)
    assert {total for _, total in heard} == {1_024 * 3_000 * 4}


def quantized(weight: torch.Tensor, scale: float) -> torch.Tensor:
    return torch.quantize_per_tensor(weight, scale, 0, torch.qint8)


def test_that_quantized_weights_that_were_cut_off_are_told_and_others_are_not(tmp_path: Path) -> None:
    torch.manual_seed(0)
    weight = torch.randn(64, 64)
    fits = {"fc.weight": quantized(weight, float(weight.abs().max()) / 127)}
    assert examined(tmp_path, fits) == ()
    found = examined(tmp_path, {"fc.weight": quantized(weight, 1.5 / 127)})
    assert [(finding.severity, finding.where) for finding in found] == [("notice", "fc.weight")]
    assert "of 4,096 codes, 13 %, are -128 or 127" in found[0].detail


def test_that_a_scale_for_each_small_channel_is_no_cut(tmp_path: Path) -> None:
    torch.manual_seed(0)
    weight = torch.randn(256, 1, 3, 3)
    scales = weight.abs().amax(dim=(1, 2, 3)) / 127
    value = {"conv.weight": torch.quantize_per_channel(weight, scales, torch.zeros(256, dtype=torch.long), 0, torch.qint8)}
    assert alarms(examined(tmp_path, value)) == []
    assert examined(tmp_path, value) == ()


def test_that_thousands_of_equal_rows_are_told_by_a_lower_bound(tmp_path: Path) -> None:
    embedding = nn.Embedding(6_000, 32)
    embedding.weight.data[1_000:] = embedding.weight.data[0]
    found = one(examined(tmp_path, nn.Sequential(embedding)), "duplicate rows of an embedding")
    assert found.detail.startswith("At least 2,047 of 6,000 rows are copies: 0 = 1000 = 1001")


def test_that_rows_behind_what_is_deflated_are_compared_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = nn.Linear(64, 300)
    layer.weight.data[100:] = layer.weight.data[7]
    torch.save({"fc.weight": layer.weight.data, "fc.bias": layer.bias.data}, tmp_path / "stored.pt")
    with (
        zipfile.ZipFile(tmp_path / "stored.pt") as stored,
        zipfile.ZipFile(tmp_path / "deflated.pt", "w", zipfile.ZIP_DEFLATED) as deflated,
    ):
        for name in stored.namelist():
            deflated.writestr(name, stored.read(name))
    checkpoint = open_checkpoint(tmp_path / "deflated.pt")
    assert "200 of 300 rows are copies: 7 = 100" in one(health(checkpoint, measured(checkpoint)), COPIES).detail
    monkeypatch.setattr(row_facts, "MOST_READ_AGAIN", 64 * 300 * 4 * 10)
    assert "At least 9 of 300 rows are copies: 7 = 100" in one(health(checkpoint, measured(checkpoint)), COPIES).detail
