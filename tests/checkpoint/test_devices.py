"""Tensors that lay on a device, and bytes in the other order."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.opening import open_checkpoint
from tests.checkpoint.saved import saved


def rewritten(path: Path, changes: dict[str, Callable[[bytes], bytes]]) -> Path:
    """The same archive with some of its records changed."""
    reader = torch._C.PyTorchFileReader(str(path))
    records = {name: reader.get_record(name) for name in reader.get_all_records() if not name.startswith(".data/") and name != "version"}
    writer = torch._C.PyTorchFileWriter(str(path))
    for name, record in records.items():
        new = changes.get(name, bytes)(record)
        writer.write_record(name, new, len(new))
    writer.write_end_of_file()
    return path


def on_device(folder: Path, value: object, device: str, *, legacy: bool = False) -> Checkpoint:
    """A file whose storages say that they lay on a device, which need not be there."""
    path = folder / "file.pt"
    torch.save(value, path, _use_new_zipfile_serialization=not legacy)

    def moved(data: bytes) -> bytes:
        return data.replace(b"X\x03\x00\x00\x00cpu", b"X" + struct.pack("<I", len(device)) + device.encode())

    if legacy:
        path.write_bytes(moved(path.read_bytes()))
    else:
        rewritten(path, {"data.pkl": moved})
    return open_checkpoint(path)


def told(checkpoint: Checkpoint) -> list[tuple[str, str, str]]:
    return [(one.severity, one.title, one.detail) for one in checkpoint.findings if "saved on" in one.title]


@pytest.mark.parametrize("legacy", [False, True])
def test_that_tensors_of_a_gpu_are_told_with_how_to_load_them_elsewhere(legacy, tmp_path):
    (found,) = told(on_device(tmp_path, nn.Linear(3, 2).state_dict(), "cuda:0", legacy=legacy))
    assert found[:2] == ("info", "every tensor was saved on cuda:0")
    assert 'map_location="cpu"' in found[2]


def test_that_several_devices_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:1" if storage.nbytes() == 1 else "cuda:0")
    tensors = {name: torch.ones(size, dtype=torch.uint8) for name, size in (("a", 1), ("b", 3), ("c", 4))}
    (found,) = told(saved(tmp_path, tensors))
    assert found[1] == "every tensor was saved on cuda:1 and cuda:0"
    assert found[2].startswith("By device: cuda:1 1, cuda:0 2. A machine without them")


def test_that_torch_refuses_such_a_file_without_the_device_as_the_finding_says(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is such a device")
    path = on_device(tmp_path, nn.Linear(3, 2).state_dict(), "cuda:0").path
    with pytest.raises(RuntimeError, match="map_location"):
        torch.load(path)
    assert set(torch.load(path, map_location="cpu")) == {"weight", "bias"}


def test_that_tensors_of_the_cpu_are_no_finding(tmp_path):
    assert told(saved(tmp_path, nn.Linear(3, 2).state_dict())) == []


def test_that_meta_tensors_lie_on_no_device(tmp_path):
    assert told(saved(tmp_path, {"a": torch.ones(2, device="meta"), "b": torch.ones(3)})) == []


def test_that_a_sparse_tensor_counts_where_its_parts_lie(tmp_path):
    (found,) = told(on_device(tmp_path, {"x": torch.eye(3).to_sparse()}, "cuda:1"))
    assert found[1] == "every tensor was saved on cuda:1"


def test_that_big_endian_numbers_are_told(tmp_path):
    little = saved(tmp_path, {"a.b": torch.ones(2)})
    path = rewritten(Path(little.path), {"byteorder": lambda _: b"big"})
    big = "the numbers are stored big-endian"
    assert big in [one.title for one in open_checkpoint(path).findings]
    assert big not in [one.title for one in little.findings]
