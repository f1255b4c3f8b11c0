"""Statistics of saved tensors against numpy in long doubles: every dtype and layout, both ways of counting, wherever a chunk ends."""

from __future__ import annotations

import os
import struct
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from ptinspect.analysis import portions, stream
from ptinspect.analysis.statistics import Statistics
from ptinspect.analysis.stream import Request, statistics
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.errors import Cancelled, ChangedOnDisk
from tests.analysis.reference import complaints, counted, numbers, of_file, wrong_of
from tests.analysis.tensors import dtypes, everything, shown
from tests.checkpoint.saved import saved
from tests.checkpoint.truth import place

pytestmark = pytest.mark.filterwarnings("ignore")

BOTH = pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "compiled"])
BINS = (1, 2, 7, 72, 500, 4096)
LARGE = 66_001  # sorted whole below 65,536; an odd number leaves the compiled loops a rest


# -- every kind of tensor -----------------------------------------------------------------------------------------------------


def every_tensor(count: int, folder: Path):
    """The file with all of them, and what numpy says of each."""
    tensors = everything(count)
    return saved(folder, tensors), {name: numbers(tensor) for name, tensor in tensors.items()}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory):
    return every_tensor(1_001, tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory):
    return every_tensor(LARGE, tmp_path_factory.mktemp("large"))


@BOTH
def test_that_the_numbers_of_every_large_tensor_are_those_of_numpy(large, compiled: bool) -> None:
    assert wrong_of(*large, compiled) == {}


@pytest.mark.parametrize("bins", BINS)
def test_that_the_numbers_of_every_small_tensor_are_those_of_numpy_in_any_number_of_bins(small, bins: int) -> None:
    assert wrong_of(*small, False, bins) == {}


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("bins", BINS)
@pytest.mark.parametrize("count", [262_143, 262_144, 262_145])
def test_that_many_values_in_any_number_of_bins_are_counted_as_numpy_does(count: int, bins: int, compiled: bool, tmp_path: Path) -> None:
    assert of_file(tmp_path, everything(count), compiled, bins) == {}


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_that_few_values_or_none_have_statistics(count: int, tmp_path: Path) -> None:
    tensors = dtypes(count) | {"scalar": torch.tensor(3.5), "three empty": torch.empty(3, 0, 5)}
    assert of_file(tmp_path, tensors) == {}


# -- where chunks and portions end ----------------------------------------------------------------------------------------------


@pytest.fixture
def tiny_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 64 bytes, three to a portion, and nothing sorted whole."""
    monkeypatch.setattr(portions, "CHUNK_BYTES", 64)
    monkeypatch.setattr(stream, "CHUNK_BYTES", 64)
    monkeypatch.setattr(portions, "PORTION", 3)
    monkeypatch.setattr(stream, "SMALL", 0)


@BOTH
@pytest.mark.usefixtures("tiny_chunks")
def test_that_it_does_not_matter_where_a_chunk_ends(compiled: bool, tmp_path: Path) -> None:
    torch.manual_seed(3)
    kinds = (torch.float32, torch.bfloat16, torch.int8, torch.int32, torch.complex64, torch.bool)
    sizes = (1, 2, 3, 5, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 191, 192, 193)
    tensors = {f"{kind} {size}": (1000 + torch.randn(size)).to(kind) for kind in kinds for size in sizes}
    tensors |= {f"{kind} {size}": torch.randn(size).to(kind) for kind in (torch.float64, torch.int64) for size in (1, 7, 8, 9, 25)}
    tensors["NaN in each chunk"] = torch.where(torch.arange(100) % 5 == 0, torch.nan, torch.randn(100))
    tensors["whole chunks of NaN"] = torch.where(torch.arange(100) % 48 < 20, torch.nan, torch.randn(100))
    tensors["turned"] = torch.randn(13, 11).t()
    assert of_file(tmp_path, tensors, compiled) == {}


@BOTH
@pytest.mark.parametrize("count", [65_536, 65_537, 262_143, 262_145])
def test_that_sizes_beside_a_border_are_counted_whole(count: int, compiled: bool, tmp_path: Path) -> None:
    torch.manual_seed(count)
    tensors = {"float32": torch.randn(count), "bfloat16": torch.randn(count).bfloat16(), "uint8": torch.randint(0, 256, (count,)).byte()}
    tensors["cancelling"] = torch.where(torch.arange(count) % 2 == 0, 1e8, -1e8) + torch.randn(count)
    assert of_file(tmp_path, tensors, compiled) == {}


@pytest.mark.parametrize(("how", "compiled"), [("deflated", True), ("legacy", False), ("big-endian", True), ("big-endian", False)])
def test_that_it_does_not_matter_how_the_file_keeps_the_bytes(how: str, compiled: bool, tmp_path: Path) -> None:
    tensors = dtypes(66_001) | shown(66_004)
    expected = {name: numbers(tensor) for name, tensor in tensors.items()}
    if how == "big-endian":
        expected = {name: values for name, values in expected.items() if name in dtypes(1) and tensors[name].element_size() > 1}
        tensors = {name: swapped(tensors[name]) for name in expected}
        tensors["expanded"] = swapped(torch.randn(4, 30_000))[:, :1].expand(4, 30_000)
        expected["expanded"] = numbers(swapped(tensors["expanded"].contiguous()))
    checkpoint = saved(tmp_path, tensors, **({"_use_new_zipfile_serialization": False} if how == "legacy" else {}))
    if how != "legacy":
        checkpoint = open_checkpoint(rewritten(Path(checkpoint.path), how))
    assert wrong_of(checkpoint, expected, compiled) == {}


def swapped(tensor: torch.Tensor) -> torch.Tensor:
    """The same numbers as a machine with the highest byte first would have written them."""
    half = tensor.element_size() // (2 if tensor.is_complex() else 1)
    raw = tensor.contiguous().view(torch.uint8).numpy().reshape(-1, half)[:, ::-1].copy()
    return torch.from_numpy(raw.reshape(-1)).view(tensor.dtype).reshape(tensor.shape)


def rewritten(path: Path, how: str) -> Path:
    """The archive with deflated records, or one that calls itself big-endian."""
    target = path.with_name("again.pt")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            data = b"big" if how == "big-endian" and info.filename.endswith("byteorder") else old.read(info)
            new.writestr(info.filename, data, zipfile.ZIP_DEFLATED if how == "deflated" else zipfile.ZIP_STORED)
    return target


# -- names, and tensors without values ------------------------------------------------------------------------------------------


def test_that_tied_names_have_the_same_numbers_and_are_read_once(tmp_path: Path) -> None:
    weight = torch.randn(300, 300)
    checkpoint = saved(tmp_path, {"a": weight, "b": weight, "c": weight.t(), "part": weight[:10]})
    told: list[tuple[int, int]] = []
    tensors = [place.tensor for place in checkpoint.document.places]
    found = dict(statistics(Request(checkpoint, tensors, compiled=False), lambda done, total: told.append((done, total))))
    assert found[0] is found[1]
    assert complaints(found[2], numbers(weight), tensors[2].dtype) == []
    assert complaints(found[3], numbers(weight[:10]), tensors[3].dtype) == []
    assert told[-1][0] == told[-1][1] == weight.nbytes * 2 + weight[:10].nbytes


@pytest.mark.parametrize("count", [10, 100_000])
def test_that_a_meta_tensor_has_a_reason_and_no_numbers(count: int, tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"a": torch.empty(count, device="meta"), "b": torch.ones(count)})
    found = counted(checkpoint)
    assert "meta" in found["a"].problem
    assert (found["a"].mean, found["a"].histogram, found["b"].mean) == (None, None, 1)


@BOTH
@pytest.mark.parametrize("count", [1_000, 300_000])
def test_that_a_storage_cut_short_has_a_reason_and_its_neighbours_have_numbers(count: int, compiled: bool, tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"a": torch.ones(count), "b": torch.ones(count) * 2}, _use_new_zipfile_serialization=False)
    path = Path(checkpoint.path)
    os.truncate(path, path.stat().st_size - count * 2)
    found = counted(open_checkpoint(path), compiled)
    cut, whole = sorted(found, key=lambda name: found[name].problem is None)  # a legacy file orders its storages by their names
    assert found[cut] == Statistics(problem=found[cut].problem)
    assert "cut off" in found[cut].problem
    assert found[whole].mean == {"a": 1, "b": 2}[whole]


def test_that_indices_outside_the_shape_are_a_reason(tmp_path: Path) -> None:
    sparse = torch.sparse_coo_tensor(torch.tensor([[1, 7]]), torch.ones(2), (8,))
    checkpoint = saved(tmp_path, {"a": sparse, "b": torch.ones(3)})
    data = Path(checkpoint.path).read_bytes().replace(struct.pack("<qq", 1, 7), struct.pack("<qq", 1, 9))
    Path(checkpoint.path).write_bytes(data)
    found = counted(open_checkpoint(checkpoint.path))
    assert "outside" in found["a"].problem
    assert found["b"].mean == 1


@BOTH
def test_that_many_stored_values_are_counted_one_by_one_only_where_none_are_added_up(
    compiled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portions, "_MOST_COALESCED", 5_000)
    once = torch.sparse_coo_tensor(torch.randperm(9)[None, :4], torch.randn(4, 2_000), (9, 2_000))
    twice = torch.sparse_coo_tensor(torch.tensor([[1, 3, 1]]), torch.randn(3, 2_000), (9, 2_000))
    many = torch.sparse_coo_tensor(torch.arange(6_000)[None], torch.randn(6_000), (90_000,))
    checkpoint = saved(tmp_path, {"once": once, "twice": twice, "many": many})
    found = counted(checkpoint, compiled)
    assert complaints(found["once"], numbers(once), place(checkpoint, "once").dtype) == []
    assert "added up" in found["twice"].problem
    assert "added up" in found["many"].problem


# -- files that change, work that is stopped --------------------------------------------------------------------------------------


def threads_of_ours() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("statistics")]


@BOTH
def test_that_a_file_that_shrinks_while_it_is_counted_is_told_and_no_crash(compiled: bool, tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {str(number): torch.ones(3_000_000) * number for number in range(6)})
    found = {}

    def shrink(done: int, total: int) -> None:
        os.truncate(checkpoint.path, 4_000_000)

    request = Request(checkpoint, [p.tensor for p in checkpoint.document.places], compiled=compiled)
    with pytest.raises(ChangedOnDisk):
        found.update(statistics(request, shrink))  # keeps what came before the end
    assert all(one.problem or one.mean == number for number, one in found.items())
    assert threads_of_ours() == []


def test_that_a_file_that_was_replaced_before_the_count_is_told(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"a": torch.ones(10)})
    other = tmp_path / "other.pt"
    torch.save({"a": torch.zeros(10)}, other)
    os.replace(other, checkpoint.path)
    with pytest.raises(ChangedOnDisk):
        counted(checkpoint)


@BOTH
@pytest.mark.parametrize("count", [100, 400_000])
def test_that_cancelling_ends_the_work_at_once(count: int, compiled: bool, tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {str(number): torch.randn(count) for number in range(20)})
    calls = []

    def stop(done: int, total: int) -> None:
        calls.append(done)
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        list(statistics(Request(checkpoint, [p.tensor for p in checkpoint.document.places], compiled=compiled), stop))
    assert len(calls) == 1
    assert threads_of_ours() == []
    assert counted(checkpoint, compiled)["7"].count == count  # and nothing of it stays in the way of the next


def test_that_who_stops_listening_leaves_no_thread_and_no_open_file(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {str(number): torch.randn(400_000) for number in range(9)})
    found = statistics(Request(checkpoint, [p.tensor for p in checkpoint.document.places], compiled=False))
    next(found)
    found.close()
    assert threads_of_ours() == []
    os.replace(checkpoint.path, tmp_path / "moved.pt")
    assert checkpoint.source._file is None


def test_that_progress_goes_forward_to_the_end(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, {"a": torch.randn(900_000), "b": torch.randn(10), "c": 0.97 + torch.randn(100_000) * 1e-5})
    told: list[tuple[int, int]] = []
    list(statistics(Request(checkpoint, [p.tensor for p in checkpoint.document.places]), lambda *now: told.append(now)))
    done = [now for now, _ in told]
    assert done == sorted(done)
    assert {total for _, total in told} == {done[-1]} == {4 * 1_000_010}


@BOTH
def test_that_several_files_can_be_counted_at_once(compiled: bool, tmp_path: Path) -> None:
    files = []
    for number in range(4):
        (tmp_path / str(number)).mkdir()
        files.append(saved(tmp_path / str(number), {"a": torch.ones(500_000) * number, "b": torch.arange(70_000)}))
    found: dict[int, dict[str, Statistics]] = {}
    threads = [threading.Thread(target=lambda at=at: found.update({at: counted(files[at], compiled)})) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number]["a"].mean for number in range(4)] == [0, 1, 2, 3]
    assert {found[number]["b"].high for number in range(4)} == {69_999}


def test_that_any_number_of_threads_finds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "PORTION", 1)
    checkpoint = saved(tmp_path, {"a": 1000 + 1e-3 * torch.randn(2_500_000)})
    tensor = place(checkpoint, "a")
    (_, one), (_, many) = (next(statistics(Request(checkpoint, [tensor], threads=threads))) for threads in (1, 5))
    assert (one.count, one.mean, one.std, one.quantiles) == (many.count, many.mean, many.std, many.quantiles)
    assert np.array_equal(one.histogram.counts, many.histogram.counts)
