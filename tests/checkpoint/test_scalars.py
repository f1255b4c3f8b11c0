"""Single numbers, however a file holds them, compared with what torch and numpy say they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ptinspect.checkpoint.scalars import Scalars, TensorScalars, numpy_scalar
from ptinspect.formats.reading import read
from ptinspect.formats.source import FileSource
from ptinspect.pickles.values import lookup
from tests.checkpoint.told import saved
from tests.formats.opened import opened

DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8]


def numbers(path: Path, most: int = 64) -> list[object]:
    with FileSource(path) as source:
        document = read(source, path.name)
        reader = TensorScalars(source, document, most=most)
        return [reader(tensor) for tensor in document.tensors]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_that_a_tensor_without_dimensions_reads_as_torch_reads_it(dtype: torch.dtype, tmp_path: Path) -> None:
    tensor = torch.tensor(37.25).to(dtype)
    torch.save({"loss": tensor}, tmp_path / "one.pt")
    assert numbers(tmp_path / "one.pt") == [tensor.item()]


def test_that_a_truth_value_and_the_ends_of_an_integer_are_exact(tmp_path: Path) -> None:
    torch.save([torch.tensor(True), torch.tensor(-(2**63)), torch.tensor(2**63 - 1)], tmp_path / "ends.pt")
    assert numbers(tmp_path / "ends.pt") == [True, -(2**63), 2**63 - 1]


def test_that_an_element_in_the_middle_of_a_shared_storage_is_found(tmp_path: Path) -> None:
    torch.save({"loss": torch.arange(10.0)[7]}, tmp_path / "view.pt")
    assert numbers(tmp_path / "view.pt") == [7.0]


def test_that_a_big_endian_file_is_read_in_its_own_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"loss": torch.tensor(0.5)}, tmp_path / "big.pt")
    document = opened(tmp_path / "big.pt")
    document.facts["byteorder"] = "big"
    with FileSource(tmp_path / "big.pt") as source:
        value = TensorScalars(source, document)(document.tensors[0])
    assert value == pytest.approx(np.array(0.5, "<f4").view(">f4").item())


def test_that_no_more_than_the_contract_allows_are_read(tmp_path: Path) -> None:
    torch.save([torch.tensor(float(index)) for index in range(70)], tmp_path / "many.pt")
    read_ones = [number for number in numbers(tmp_path / "many.pt") if number is not None]
    assert len(read_ones) == 64


def test_that_a_meta_tensor_and_one_with_dimensions_have_no_value(tmp_path: Path) -> None:
    torch.save([torch.tensor(1.0, device="meta"), torch.ones(1)], tmp_path / "none.pt")
    assert numbers(tmp_path / "none.pt") == [None, None]


def test_that_a_number_whose_sign_is_still_to_be_turned_is_not_told_wrongly(tmp_path: Path) -> None:
    torch.save([torch.tensor(1 + 2j).conj().imag], tmp_path / "lazy.pt")
    assert numbers(tmp_path / "lazy.pt") == [None]


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(
    "number", [np.float64(0.1), np.float32(0.25), np.float16(2), np.int64(-5), np.uint8(200), np.bool_(True), np.array(3.5, ">f8")[()]]
)
def test_that_a_numpy_scalar_is_decoded_without_numpy(number: np.generic, protocol: int, tmp_path: Path) -> None:
    torch.save({"acc": number}, tmp_path / "scalar.pt", pickle_protocol=protocol)
    value = lookup(opened(tmp_path / "scalar.pt").root, "acc")
    assert numpy_scalar(value) == number.item()
    assert Scalars().of(value) == number.item()


def test_that_a_loss_saved_as_a_tensor_is_told(tmp_path: Path) -> None:
    told = saved(tmp_path / "loss.pt", {"epoch": np.int64(3), "loss": torch.tensor(0.25), "model": {"fc.weight": torch.ones(2, 2)}})
    assert (told.known.epoch, told.known.loss) == (3, 0.25)
