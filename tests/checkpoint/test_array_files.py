"""Files that others read: what numpy, safetensors and a spreadsheet find in them is what torch saved."""

from __future__ import annotations

import json
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ptinspect.checkpoint import extract as module
from ptinspect.checkpoint.extract import extract
from ptinspect.dtypes import BY_NAME
from ptinspect.errors import OutputProblem
from tests.checkpoint.saved import saved
from tests.checkpoint.test_values import PLAIN, of_every_bit
from tests.checkpoint.truth import same, truth

pytestmark = pytest.mark.filterwarnings("ignore")

SHAPES = [(), (5,), (2, 3), (2, 3, 4), (0, 3), (3, 0), (1, 1)]
SINGLE = [name for name in PLAIN if BY_NAME[name].per_item == 1]


def exported(folder: Path, tensor: torch.Tensor, ending: str) -> Path:
    path = folder / f"out{ending}"
    done = extract(saved(folder, {"x": tensor}), "x", str(path), force=True)
    assert done.nbytes == path.stat().st_size
    assert done.name == "x"
    assert done.dtype == str(tensor.dtype).removeprefix("torch.")
    return path


# -- .npy ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("error::RuntimeWarning:ptinspect")
@pytest.mark.parametrize("name", SINGLE)
def test_that_npy_reads_back_as_it_was(name: str, tmp_path: Path) -> None:
    tensor = of_every_bit(name, (3, 7))
    found, expected = np.load(exported(tmp_path, tensor, ".npy"), allow_pickle=False), truth(tensor)
    if expected.dtype.isbuiltin == 1:
        assert same(found, expected)
    else:
        assert found.dtype == np.float32
        assert np.array_equal(found, expected.astype(np.float32), equal_nan=True)
        back = found.astype(expected.dtype).view(f"u{expected.dtype.itemsize}")
        numbers = ~np.isnan(found)
        assert np.array_equal(back[numbers], expected.view(f"u{expected.dtype.itemsize}")[numbers])


@pytest.mark.parametrize("ending", [".npy", ".safetensors"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_that_every_shape_keeps_itself(shape: tuple[int, ...], ending: str, tmp_path: Path) -> None:
    tensor = torch.randn(shape)
    path = exported(tmp_path, tensor, ending)
    assert same(np.load(path) if ending == ".npy" else load_file(path)["x"].numpy(), truth(tensor))


def test_that_the_header_of_npy_is_what_numpy_writes(tmp_path: Path) -> None:
    tensor = torch.randn(4, 5, dtype=torch.float64)
    np.save(tmp_path / "numpy.npy", tensor.numpy())
    assert exported(tmp_path, tensor, ".npy").read_bytes() == (tmp_path / "numpy.npy").read_bytes()


def test_that_turned_quantized_and_sparse_tensors_are_written_as_they_are_read(tmp_path: Path) -> None:
    plain = torch.randn(4, 6)
    for tensor, note in (
        (plain.t(), None),
        (torch.quantize_per_tensor(plain, 0.1, 3, torch.quint8), "quint8 codes were written as the real values"),
        (plain.relu().to_sparse_csr(), "sparse_csr was written out with its zeros"),
    ):
        done = extract(saved(tmp_path, {"x": tensor}), "x", str(tmp_path / "x.npy"), force=True)
        assert same(np.load(tmp_path / "x.npy"), truth(tensor))
        assert (note is None) == (not done.notes)
        assert note is None or note in done.notes[0]


def test_that_four_bit_floats_are_written_value_by_value(tmp_path: Path) -> None:
    tensor = of_every_bit("float4_e2m1fn_x2", (3, 5))
    done = extract(saved(tmp_path, {"x": tensor}), "x", str(tmp_path / "x.npy"))
    packed = tensor.view(torch.uint8).numpy()
    codes = np.stack((packed & 0xF, packed >> 4), axis=-1).reshape(3, 10)
    assert np.array_equal(np.load(tmp_path / "x.npy"), codes.view(ml_dtypes.float4_e2m1fn).astype(np.float32))
    assert done.shape == (3, 10)
    assert len(done.notes) == 2


# -- .safetensors -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in PLAIN if BY_NAME[name].safetensors])
def test_that_safetensors_reads_back_the_same_bytes(name: str, tmp_path: Path) -> None:
    tensor = of_every_bit(name, (3, 8))
    found = load_file(exported(tmp_path, tensor, ".safetensors"))
    assert list(found) == ["x"]
    assert (found["x"].dtype, found["x"].shape) == (tensor.dtype, tensor.shape)
    assert found["x"].view(torch.uint8).tolist() == tensor.view(torch.uint8).tolist()


def test_that_its_numbers_begin_at_a_multiple_of_eight(tmp_path: Path) -> None:
    raw = exported(tmp_path, torch.randn(3), ".safetensors").read_bytes()
    length = int.from_bytes(raw[:8], "little")
    assert (8 + length) % 8 == 0
    assert json.loads(raw[8 : 8 + length]) == {"x": {"dtype": "F32", "shape": [3], "data_offsets": [0, 12]}}
    assert len(raw) == 8 + length + 12


def test_that_what_safetensors_has_no_name_for_is_widened_or_refused(tmp_path: Path) -> None:
    half = torch.randn(4, dtype=torch.complex32)
    done = extract(saved(tmp_path, {"x": half}), "x", str(tmp_path / "x.safetensors"))
    assert done.written_as == "complex64"
    assert load_file(tmp_path / "x.safetensors")["x"].tolist() == half.to(torch.complex64).tolist()
    with pytest.raises(OutputProblem, match="no name for complex128"):
        extract(saved(tmp_path, {"x": torch.randn(2, dtype=torch.complex128)}), "x", str(tmp_path / "y.safetensors"))
    assert not (tmp_path / "y.safetensors").exists()


@pytest.mark.parametrize("name", ["", "__metadata__", "日本", 'a"b\n', "\ud800"])
def test_that_any_name_makes_a_header_that_others_read(name: str, tmp_path: Path) -> None:
    value = {name: torch.ones(2)} if name else torch.ones(2)
    done = extract(saved(tmp_path, value), name, str(tmp_path / "x.safetensors"))
    (found,) = load_file(tmp_path / "x.safetensors")
    assert done.name == name
    assert found == {"": "tensor", "__metadata__": "tensor", "\ud800": "?"}.get(name, name)


# -- .csv ---------------------------------------------------------------------------------------------------------------------


def numbers_of(path: Path, kind: np.dtype) -> np.ndarray:
    """The cells of a table as numbers, by the way of float64 where a spreadsheet would go it."""
    cells = [line.split(",") for line in path.read_text("ascii").splitlines()]
    if kind.kind == "c":
        return np.array([[complex(cell) for cell in row] for row in cells], kind)
    if kind.kind in "iu" and kind.isbuiltin == 1:
        return np.array([[int(cell) for cell in row] for row in cells], kind)
    if kind.kind == "b":
        return np.array([[bool(int(cell)) for cell in row] for row in cells])
    return np.array([[float(cell) for cell in row] for row in cells], np.float64).astype(kind)


@pytest.mark.filterwarnings("error::RuntimeWarning:ptinspect")
@pytest.mark.parametrize("name", SINGLE)
def test_that_a_table_reads_back_to_the_bit(name: str, tmp_path: Path) -> None:
    tensor = of_every_bit(name, (64, 33))
    expected = truth(tensor)
    found = numbers_of(exported(tmp_path, tensor, ".csv"), expected.dtype)
    if expected.dtype.kind in "biu" and expected.dtype.isbuiltin == 1:
        assert same(found, expected)
        return
    numbers = ~np.isnan(expected)
    assert np.array_equal(np.isnan(found), ~numbers)
    assert found[numbers].tobytes() == expected[numbers].tobytes()


@pytest.mark.parametrize(
    ("shape", "lines", "columns"),
    [((), 1, 1), ((5,), 5, 1), ((2, 3), 2, 3), ((2, 3, 4), 6, 4), ((4, 1), 4, 1), ((3, 0), 0, 0), ((0,), 0, 0)],
)
def test_that_a_table_has_a_line_for_each_row_and_a_vector_is_a_column(shape, lines: int, columns: int, tmp_path: Path) -> None:
    text = exported(tmp_path, torch.randn(shape), ".csv").read_text("ascii")
    assert text.count("\n") == lines
    assert [line.count(",") + 1 for line in text.splitlines()] == [columns] * lines


def test_that_rows_longer_and_shorter_than_a_chunk_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.values, "__defaults__", (7,))
    for shape in ((3, 20), (10, 3), (4, 7), (50, 1), (2, 14)):
        tensor = torch.arange(torch.Size(shape).numel()).reshape(shape)
        path = exported(tmp_path, tensor, ".csv")
        assert np.array_equal(np.loadtxt(path, np.int64, delimiter=",", ndmin=2), tensor.numpy())


def test_that_numbers_look_as_people_write_them(tmp_path: Path) -> None:
    text = exported(tmp_path, torch.tensor([[0.5, 1.0, -0.0, float("nan"), float("inf"), 2.0**-149]]), ".csv").read_text("ascii")
    assert text == "0.5,1,-0,nan,inf,1.40129846e-45\n"
    assert exported(tmp_path, torch.tensor([0.1], dtype=torch.float64), ".csv").read_text("ascii") == "0.1\n"
    assert exported(tmp_path, torch.tensor([[1 + 2j, -1j]]), ".csv").read_text("ascii") == "1+2j,-0-1j\n"
    assert exported(tmp_path, torch.tensor([True, False]), ".csv").read_text("ascii") == "1\n0\n"
