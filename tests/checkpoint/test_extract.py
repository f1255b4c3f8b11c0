"""One tensor as a file of its own: read back by numpy and by safetensors, written whole or not at all."""

from __future__ import annotations

import json
import os
import resource
import tracemalloc
from contextlib import contextmanager
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ptinspect.checkpoint import extract as module
from ptinspect.checkpoint.extract import extract
from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.named_places import nearest, place_of
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.dtypes import BY_NAME
from ptinspect.errors import ChangedOnDisk, InspectError, OutputProblem, Unsupported
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


# -- names --------------------------------------------------------------------------------------------------------------------


def nested(folder: Path) -> Checkpoint:
    sizes = {"layer1.weight": 3, "layer1.bias": 1, "layer2.weight": 4}
    model = {f"module.{name}": torch.zeros(size, 2) for name, size in sizes.items()}
    return saved(folder, {"epoch": 3, "model": model, "ema": {name: one + 1 for name, one in model.items()}, "extra": torch.ones(9)})


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("model.module.layer1.weight", "model.module.layer1.weight"),
        ("ema.module.layer1.bias", "ema.module.layer1.bias"),
        ("module.layer2.weight", "model.module.layer2.weight"),
        ("layer2.weight", "model.module.layer2.weight"),
        ("extra", "extra"),
    ],
)
def test_that_a_path_or_a_name_within_the_main_weights_is_found(name: str, path: str, tmp_path: Path) -> None:
    assert place_of(nested(tmp_path), name).path == path


def test_that_a_name_that_may_mean_two_tensors_is_refused(tmp_path: Path) -> None:
    state = {"module.a": torch.ones(2), "module.module.a": torch.ones(3), "module.b": torch.ones(1)}
    checkpoint = saved(tmp_path, {"model": state})
    assert checkpoint.main.prefix == "module."
    with pytest.raises(InspectError, match="more than one") as caught:
        place_of(checkpoint, "module.a")
    assert "`model.module.a`, `model.module.module.a`" in caught.value.hint
    assert place_of(checkpoint, "model.module.a").tensor.shape == (2,)


@pytest.mark.parametrize(
    ("name", "hinted"),
    [
        ("layer1.wieght", "model.module.layer1.weight"),
        ("MODEL.MODULE.LAYER1.WEIGHT", "model.module.layer1.weight"),
        ("ema.layer2.weight", "ema.module.layer2.weight"),
        ("xtra", "extra"),
    ],
)
def test_that_an_unknown_name_lists_the_nearest(name: str, hinted: str, tmp_path: Path) -> None:
    with pytest.raises(InspectError, match="no tensor") as caught:
        place_of(nested(tmp_path), name)
    assert f"`{hinted}`" in caught.value.hint


def test_that_a_module_is_said_to_hold_tensors(tmp_path: Path) -> None:
    with pytest.raises(InspectError, match=r"`model\.module\.layer1` is no tensor; it holds 2") as caught:
        place_of(nested(tmp_path), "model.module.layer1")
    assert "`model.module.layer1.weight`, `model.module.layer1.bias`" in caught.value.hint


def test_that_a_number_is_no_tensor(tmp_path: Path) -> None:
    with pytest.raises(InspectError, match="no tensor `epoch`"):
        place_of(nested(tmp_path), "epoch")
    with pytest.raises(InspectError, match="has no tensors"):
        place_of(saved(tmp_path, {"epoch": 3}), "epoch")


def test_that_a_lone_tensor_is_found_by_the_name_of_the_root(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, torch.ones(2, 2))
    assert place_of(checkpoint, "(the root)").tensor.shape == place_of(checkpoint, "").tensor.shape == (2, 2)


def test_that_the_nearest_of_very_many_names_are_found_at_once() -> None:
    names = [f"blocks.{number}.attention.{part}.weight" for number in range(30_000) for part in ("query", "key", "value")]
    assert nearest("blocks.20123.atention.query.weight", names)[0] == "blocks.20123.attention.query.weight"
    assert len(nearest("x" * 10_000, names)) == 5


# -- the file on the disk -------------------------------------------------------------------------------------------------------


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def refused(checkpoint: Checkpoint, out: object, said: str, name: str = "x", **options: bool) -> InspectError:
    with pytest.raises(InspectError, match=said) as caught:
        extract(checkpoint, name, str(out), **options)
    assert caught.value.hint
    return caught.value


def test_that_an_existing_file_stays_unless_it_is_forced(tmp_path: Path) -> None:
    checkpoint, out = saved(tmp_path, {"x": torch.ones(3)}), tmp_path / "x.npy"
    out.write_text("mine")
    assert "--force" in refused(checkpoint, out, "exists already").hint
    assert out.read_text() == "mine"
    extract(checkpoint, "x", str(out), force=True)
    assert np.load(out).tolist() == [1, 1, 1]
    assert left(tmp_path) == {"file.pt", "x.npy"}


@pytest.mark.parametrize("make", ["symlink_to", "hardlink_to"])
def test_that_the_checkpoint_itself_is_never_written(make: str, tmp_path: Path) -> None:
    checkpoint, out = saved(tmp_path, {"x": torch.ones(3)}), tmp_path / "x.npy"
    getattr(out, make)(tmp_path / "file.pt")
    before = (tmp_path / "file.pt").read_bytes()
    for force in (False, True):
        refused(checkpoint, out, "is the checkpoint itself", force=force)
    assert (tmp_path / "file.pt").read_bytes() == before


def test_that_a_checkpoint_with_an_ending_of_ours_is_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"x": torch.ones(3)}, tmp_path / "a.safetensors")
    monkeypatch.chdir(tmp_path)
    for out in ("a.safetensors", "./a.safetensors", str(tmp_path / "a.safetensors")):
        refused(open_checkpoint("a.safetensors"), out, "is the checkpoint itself", force=True)


def test_that_a_link_stays_one_and_its_target_is_written(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"x": torch.ones(3)})
    (tmp_path / "link.npy").symlink_to(tmp_path / "real.npy")
    extract(checkpoint, "x", str(tmp_path / "link.npy"))
    assert (tmp_path / "link.npy").is_symlink()
    assert np.load(tmp_path / "real.npy").tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("x.txt", "does not say how"),
        ("x", "does not say how"),
        ("none/x.npy", "no such file"),
        ("folder.npy", "is a folder"),
        ("pipe.npy", "no regular file"),
        ("y" * 300 + ".npy", "name too long"),
        ("file.pt/x.npy", "not a directory"),
        ("a\0.npy", "cannot be used"),
        ("loop.npy", "symbolic links"),
    ],
)
def test_that_a_place_that_cannot_be_written_is_one_clear_error(out: str, said: str, tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"x": torch.ones(3)})
    (tmp_path / "folder.npy").mkdir()
    os.mkfifo(tmp_path / "pipe.npy")
    (tmp_path / "loop.npy").symlink_to(tmp_path / "loop.npy")
    before = left(tmp_path)
    for force in (False, True):
        assert isinstance(refused(checkpoint, tmp_path / out, said, force=force), OutputProblem)
    assert left(tmp_path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_that_a_folder_without_permission_is_told(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"x": torch.ones(3)})
    (tmp_path / "closed").mkdir(mode=0o500)
    refused(checkpoint, tmp_path / "closed" / "x.npy", "permission denied")


@contextmanager
def largest_file(size: int):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("ending", [".npy", ".csv", ".safetensors"])
def test_that_a_write_that_fails_midway_leaves_nothing_behind(ending: str, tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"x": torch.zeros(1_000_000)})
    out = tmp_path / f"x{ending}"
    out.write_text("mine")
    with largest_file(500_000):
        problem = refused(checkpoint, out, "file too large", force=True)
    assert isinstance(problem, OutputProblem)
    assert out.read_text() == "mine"
    assert left(tmp_path) == {"file.pt", out.name}


def test_that_a_tensor_larger_than_the_disk_is_refused_before_it_is_begun(tmp_path: Path) -> None:
    """An expanded tensor of 4 PB takes four bytes in its checkpoint."""
    checkpoint = saved(tmp_path, {"x": torch.ones(1).expand(10**15)})
    for ending in (".npy", ".csv", ".safetensors"):
        refused(checkpoint, tmp_path / f"x{ending}", "are free")
    assert left(tmp_path) == {"file.pt"}


def test_that_an_interruption_leaves_nothing_behind(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"x": torch.zeros(1_000_000)})

    def interrupt(done: int, total: int) -> None:
        assert 0 < done <= total == 4_000_000
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(checkpoint, "x", str(tmp_path / "x.npy"), progress=interrupt)
    assert left(tmp_path) == {"file.pt"}


def test_that_a_checkpoint_that_changes_meanwhile_leaves_nothing_behind(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"x": torch.zeros(1_000_000)})
    with pytest.raises(ChangedOnDisk):
        extract(checkpoint, "x", str(tmp_path / "x.npy"), progress=lambda *_: os.utime(tmp_path / "file.pt", (1, 1)))
    assert left(tmp_path) == {"file.pt"}


def test_that_a_file_that_appears_meanwhile_stays(tmp_path: Path) -> None:
    checkpoint, out = saved(tmp_path, {"x": torch.zeros(9)}), tmp_path / "x.npy"
    with pytest.raises(OutputProblem, match="exists by now"):
        extract(checkpoint, "x", str(out), progress=lambda *_: out.write_text("mine"))
    assert out.read_text() == "mine"
    assert left(tmp_path) == {"file.pt", "x.npy"}


def test_that_a_tensor_without_values_is_named_with_its_reason(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"x": torch.empty(3, device="meta")})
    with pytest.raises(Unsupported, match="`x` cannot be exported: it is on the meta device"):
        extract(checkpoint, "x", str(tmp_path / "x.npy"))
    assert left(tmp_path) == {"file.pt"}


@pytest.mark.parametrize("ending", [".npy", ".csv", ".safetensors"])
def test_that_memory_does_not_grow_with_the_tensor(ending: str, tmp_path: Path) -> None:
    count = 1_000_000 if ending == ".csv" else 40_000_000
    checkpoint = saved(tmp_path, {"x": torch.ones(count, dtype=torch.float16)})
    tracemalloc.start()
    try:
        extract(checkpoint, "x", str(tmp_path / f"x{ending}"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 << 20
