"""From the file's bytes to torch's tensors, against torch's own loading."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest
import torch

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.checkpoint.storage_bytes import StorageBytes
from ptinspect.runner.filling import filled

BASE = torch.arange(60, dtype=torch.float32).reshape(6, 10)
TENSORS = {
    "plain.weight": torch.randn(3, 4, generator=torch.Generator().manual_seed(1)),
    "half.weight": torch.randn(5).to(torch.bfloat16),
    "double.weight": torch.randn(2, 2, dtype=torch.float64),
    "long.count": torch.tensor([1, 2, 1 << 40]),
    "flag.on": torch.tensor([True, False]),
    "complex.weight": torch.randn(4, dtype=torch.complex64),
    "conj.weight": torch.randn(4, dtype=torch.complex64).conj(),
    "part.weight": BASE[2:5, 1:7],
    "turned.weight": BASE.t(),
    "expanded.weight": torch.ones(1, 3).expand(4, 3),
    "empty.weight": torch.empty(0, 5),
    "scalar.count": torch.tensor(7),
    "float8.weight": torch.randn(6).to(torch.float8_e4m3fn),
    "sparse.weight": torch.eye(4).to_sparse(),
    "rows.weight": torch.eye(4).to_sparse_csr(),
}


def loaded(checkpoint: Checkpoint) -> dict[str, torch.Tensor]:
    assert checkpoint.main is not None
    with StorageBytes(checkpoint) as storages:
        found, problems = filled(storages, checkpoint.main.entries)
    assert not problems
    return found


def same(found: torch.Tensor, wanted: torch.Tensor) -> bool:
    if wanted.layout != torch.strided:
        found, wanted = found.to_dense(), wanted.to_dense()
    if wanted.dtype == torch.float8_e4m3fn:
        found, wanted = found.view(torch.uint8), wanted.view(torch.uint8)
    return found.dtype == wanted.dtype and torch.equal(found, wanted)


@pytest.mark.parametrize("legacy", [False, True])
def test_that_every_kind_of_tensor_is_what_torch_saved(tmp_path: Path, legacy: bool) -> None:
    torch.save(TENSORS, tmp_path / "a.pt", _use_new_zipfile_serialization=not legacy)
    found = loaded(open_checkpoint(tmp_path / "a.pt"))
    assert found.keys() == TENSORS.keys()
    assert [name for name, tensor in TENSORS.items() if not same(found[name], tensor)] == []


def test_that_strides_and_shared_memory_are_kept(tmp_path: Path) -> None:
    torch.save({"a.weight": BASE, "b.weight": BASE.t(), "c.weight": BASE[1:]}, tmp_path / "a.pt")
    found = loaded(open_checkpoint(tmp_path / "a.pt"))
    found["a.weight"][1, 0] = -5
    assert found["b.weight"][0, 1] == -5
    assert found["c.weight"][0, 0] == -5
    assert found["b.weight"].stride() == (1, 10)


def test_that_only_the_stretch_that_is_used_is_read(tmp_path: Path) -> None:
    torch.save({"a.weight": torch.arange(1_000_000.0)[500_003:500_007]}, tmp_path / "a.pt")
    found = loaded(open_checkpoint(tmp_path / "a.pt"))["a.weight"]
    assert found.tolist() == [500_003, 500_004, 500_005, 500_006]
    assert found.untyped_storage().nbytes() < 100


def test_that_numbers_of_the_other_byte_order_are_turned(tmp_path: Path) -> None:
    other = "big" if sys.byteorder == "little" else "little"
    path = tmp_path / "a.pt"
    torch.save({"a.weight": torch.tensor([1.0, 2.0]), "b.weight": torch.tensor([3], dtype=torch.int16)}, path)
    turned = tmp_path / "b.pt"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(turned, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith("byteorder"):
                data = other.encode()
            elif name.endswith("data/0"):
                data = b"".join(data[at : at + 4][::-1] for at in (0, 4))
            elif name.endswith("data/1"):
                data = data[::-1]
            target.writestr(name, data)
    found = loaded(open_checkpoint(turned))
    assert found["a.weight"].tolist() == [1.0, 2.0]
    assert found["b.weight"].tolist() == [3]


def test_that_a_tensor_without_values_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    torch.save({"a.weight": torch.ones(2), "b.weight": torch.empty(3, device="meta")}, tmp_path / "a.pt")
    checkpoint = open_checkpoint(tmp_path / "a.pt")
    assert checkpoint.main is not None
    with StorageBytes(checkpoint) as storages:
        found, problems = filled(storages, checkpoint.main.entries)
    assert list(found) == ["a.weight"]
    assert "meta device" in problems["b.weight"]
