"""Stored, wasted and shared bytes, against `untyped_storage().nbytes()` of what torch holds."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.opening import open_checkpoint
from tests.checkpoint.saved import saved
from tests.formats.opened import edited, members, written

LEGACY = {"_use_new_zipfile_serialization": False}
FORMS = pytest.mark.parametrize("options", [{}, LEGACY], ids=["zip", "legacy"])


def stored(*tensors: torch.Tensor) -> int:
    """The bytes of the distinct storages, by torch."""
    return sum({tensor.untyped_storage()._cdata: tensor.untyped_storage().nbytes() for tensor in tensors}.values())


def bytes_of(found: Checkpoint) -> tuple[int, int]:
    return found.totals.stored, found.totals.wasted


BIG = torch.arange(10_000.0)  # 40,000 bytes
CASES = {
    "whole": (lambda: [BIG], 0),
    "the beginning": (lambda: [BIG[:100]], 39_600),
    "the end": (lambda: [BIG[9_900:]], 39_600),
    "the middle": (lambda: [BIG[4_000:4_100]], 39_600),
    "two that are apart count by their hull": (lambda: [BIG[100:200], BIG[300:400]], 40_000 - 1_200),
    "two that overlap": (lambda: [BIG[:600], BIG[400:1_000]], 36_000),
    "every second": (lambda: [BIG[::2]], 4),
    "a column of a matrix": (lambda: [BIG.view(100, 100)[:, 3]], 40_000 - 4 * 9_901),
    "a transpose": (lambda: [BIG.view(100, 100).t()], 0),
    "the same bytes in two shapes": (lambda: [BIG.view(100, 100), BIG.view(10, 1_000)], 0),
    "one element everywhere": (lambda: [torch.ones(1).expand(1_000)], 0),
    "one element of a big one everywhere": (lambda: [BIG[5:6].expand(1_000)], 39_996),
    "nothing": (lambda: [torch.ones(0)], 0),
    "nothing of something": (lambda: [BIG[:0]], 40_000),
    "nothing of something that others use": (lambda: [BIG[:0], BIG[:100]], 39_600),
    "the last element alone": (lambda: [BIG[9_999]], 39_996),
    "no dimensions": (lambda: [torch.tensor(1.0)], 0),
    "a bool": (lambda: [torch.ones(9, dtype=torch.bool)[2:5]], 6),
    "halves": (lambda: [torch.ones(10).to(torch.bfloat16)[5:]], 10),
    "float8": (lambda: [torch.ones(10).to(torch.float8_e5m2)[5:]], 5),
    "unsigned": (lambda: [torch.ones(10, dtype=torch.uint64)[5:]], 40),
    "complex": (lambda: [torch.ones(10, dtype=torch.complex128)[5:]], 80),
    "two storages": (lambda: [BIG, BIG.clone()], 0),
    "one storage twice": (lambda: [BIG, BIG], 0),
}


@FORMS
@pytest.mark.parametrize("case", CASES)
def test_that_stored_and_wasted_bytes_are_those_of_torch(tmp_path: Path, case: str, options) -> None:
    """F-06, S-22, S-33: slices, expanded and empty tensors, many views of one storage."""
    make, wasted = CASES[case]
    tensors = make()
    assert bytes_of(saved(tmp_path, tensors, **options)) == (stored(*tensors), wasted)


def test_that_ten_thousand_views_of_one_storage_count_it_once(tmp_path: Path) -> None:
    """S-33."""
    found = saved(tmp_path, [BIG[at : at + 1] for at in range(0, 10_000, 5)])
    assert bytes_of(found) == (40_000, 16)


def test_that_the_parts_of_a_sparse_tensor_are_its_storage(tmp_path: Path) -> None:
    """F-12."""
    coo = torch.eye(5).to_sparse()
    csr = torch.sparse_csr_tensor(torch.tensor([0, 1, 2]), torch.tensor([0, 1]), torch.ones(2))
    parts = [coo.indices(), coo.values(), csr.crow_indices(), csr.col_indices(), csr.values()]
    assert bytes_of(saved(tmp_path, [coo, csr])) == (stored(*parts), 0)


def test_that_a_meta_tensor_stores_nothing(tmp_path: Path) -> None:
    found = saved(tmp_path, {"a.w": torch.empty(1_000, device="meta"), "a.b": torch.ones(2)})
    assert bytes_of(found) == (8, 0)
    assert found.totals.shared == ()


def test_that_scales_of_quantized_tensors_count(tmp_path: Path) -> None:
    scales, zeros = torch.ones(4, dtype=torch.float64), torch.zeros(4, dtype=torch.int64)
    tensor = torch.quantize_per_channel(torch.ones(4, 3), scales, zeros, 0, torch.qint8)
    assert bytes_of(saved(tmp_path, [tensor])) == (12 + stored(scales, zeros), 0)


def test_that_one_storage_of_two_dtypes_counts_once(tmp_path: Path) -> None:
    """Only dtypes without a storage class of their own can share one by its untyped key."""
    whole = torch.ones(100).to(torch.uint16)
    found = saved(tmp_path, [whole[:50], whole.view(torch.uint32)[25:40]])
    assert bytes_of(found) == (200, 40)


def test_that_compression_changes_none_of_it(tmp_path: Path) -> None:
    """F-07: storage bytes count before compression."""
    found = saved(tmp_path, {"a.w": BIG[:100]})
    path = written(tmp_path / "small.pt", members(tmp_path / "file.pt"), method=zipfile.ZIP_DEFLATED)
    packed = open_checkpoint(path)
    assert path.stat().st_size < 40_000
    assert bytes_of(packed) == bytes_of(found) == (40_000, 39_600)


def test_that_a_record_which_no_tensor_names_is_waste_and_told(tmp_path: Path) -> None:
    torch.save({"a.w": torch.ones(2)}, tmp_path / "file.pt")
    path = edited(tmp_path / "file.pt", lambda content: content.update({"data/7": b"x" * 1_000, "data/8": b"y" * 24}))
    found = open_checkpoint(path)
    assert bytes_of(found) == (8, 1_024)
    finding = next(finding for finding in found.findings if "no tensor names" in finding.title)
    assert finding.severity == "notice"
    assert "1,024 bytes" in finding.detail
    assert finding.where == "made/data/7, made/data/8"


def test_that_a_saved_slice_names_its_tensor_and_the_remedy(tmp_path: Path) -> None:
    found = saved(tmp_path, {"model": {"embed.weight": BIG[:100], "fc.weight": torch.ones(2)}, "note": "x"})
    assert bytes_of(found) == (40_008, 39_600)
    finding = next(finding for finding in found.findings if "reached by no tensor" in finding.title)
    assert finding.where == "model.embed.weight"
    assert "39,600 of 40,000 bytes" in finding.title
    assert ".clone()" in finding.detail


@pytest.mark.parametrize("tensor", [BIG[::2], BIG[:9_000], torch.ones(100)[:1]], ids=["steps", "nearly all", "too small to matter"])
def test_that_ordinary_views_are_no_finding(tmp_path: Path, tensor: torch.Tensor) -> None:
    assert not [finding for finding in saved(tmp_path, {"a.w": tensor}).findings if "reached by no tensor" in finding.title]


def test_that_names_on_the_same_bytes_are_listed_together(tmp_path: Path) -> None:
    weight = torch.ones(4, 4)
    content = {"enc.w": weight, "dec.w": weight, "enc.t": weight.t(), "enc.row": weight[0], "other": weight.clone(), "none": weight[:0]}
    assert saved(tmp_path, content).totals.shared == (("enc.w", "dec.w", "enc.t"),)


def test_that_tied_and_shared_modules_are_listed_by_every_name(tmp_path: Path) -> None:
    """F-16."""
    layer = nn.Linear(2, 2)
    shared = saved(tmp_path, nn.Sequential(layer, nn.ReLU(), layer)).totals.shared
    assert shared == (("0.weight", "2.weight"), ("0.bias", "2.bias"))
    assert saved(tmp_path, {"net": nn.Sequential(layer, layer), "x": "y"}).totals.shared[0] == ("net.0.weight", "net.1.weight")


def test_that_tensors_beside_the_weights_do_not_hide_what_is_tied(tmp_path: Path) -> None:
    """As many tensors as names in all, and yet two names for one: an optimizer's step, a random state, a plain attribute."""
    layer = nn.Linear(2, 2)
    content = {"net": nn.Sequential(layer, layer), "rng": [torch.ones(1), torch.ones(2), torch.ones(3)]}
    assert saved(tmp_path, content).totals.shared == (("net.0.weight", "net.1.weight"), ("net.0.bias", "net.1.bias"))


def test_that_an_lstm_shares_nothing_with_itself(tmp_path: Path) -> None:
    """A pickled one holds each parameter twice: by name, and in its list of flat weights."""
    assert saved(tmp_path, nn.LSTM(3, 4)).totals.shared == ()


def test_that_weights_used_by_an_average_too_are_listed_across_sets(tmp_path: Path) -> None:
    weight = torch.ones(3)
    found = saved(tmp_path, {"model": {"fc.w": weight}, "ema": {"fc.w": weight}, "extra": [weight]})
    assert found.totals.shared == (("model.fc.w", "ema.fc.w", "extra.0"),)
    assert bytes_of(found) == (12, 0)
