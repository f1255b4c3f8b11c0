"""Bytes of storages: plain, deflated, big-endian, inside texts, read by several threads, and in files that lie or change."""

from __future__ import annotations

import io
import os
import pickle
import threading
import tracemalloc
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ptinspect.checkpoint.model import Checkpoint
from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.checkpoint.storage_bytes import StorageBytes, exactly
from ptinspect.checkpoint.values import values, whole
from ptinspect.errors import ChangedOnDisk, Corrupt, FileProblem, Truncated, Unsupported
from tests.checkpoint.saved import saved
from tests.checkpoint.truth import every_value, in_chunks, of, place, same, truth
from tests.formats.opened import members, written
from tests.formats.zips import Entry, archive

pytestmark = pytest.mark.filterwarnings("ignore")


def content() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return {
        "float": torch.randn(40, 50),
        "turned": torch.randn(30, 20).t(),
        "half": torch.randn(9).half(),
        "brain": torch.randn(9).bfloat16(),
        "complex": torch.randn(4, 2, dtype=torch.complex128),
        "long": torch.tensor([2**62, -1]),
        "bytes": torch.arange(7, dtype=torch.uint8),
        "truth": torch.tensor([True, False]),
        "quantized": torch.quantize_per_channel(torch.randn(2, 3), torch.rand(2), torch.zeros(2).long(), 0, torch.qint32),
        "eight": torch.randn(6).to(torch.float8_e5m2),
    }


def deflated(path: Path) -> Path:
    """The same archive, packed once more by a tool that does not know better."""
    return written(path.with_name(f"deflated-{path.name}"), members(path), method=zipfile.ZIP_DEFLATED)


def check(path: Path, expected: dict[str, torch.Tensor]) -> None:
    found = every_value(path)
    for name, tensor in expected.items():
        assert same(found[name], truth(tensor)), name


def test_that_deflated_records_read_like_plain_ones(tmp_path: Path) -> None:
    torch.save(content(), tmp_path / "x.pt")
    check(deflated(tmp_path / "x.pt"), content())


def test_that_a_big_endian_archive_reads_as_torch_reads_it(tmp_path: Path) -> None:
    plain = {name: tensor for name, tensor in content().items() if name != "quantized"}
    torch.save(plain, tmp_path / "x.pt")
    parts = members(tmp_path / "x.pt")
    assert parts["byteorder"] == b"little"
    path = written(tmp_path / "big.pt", parts | {"byteorder": b"big"})
    check(path, torch.load(path))
    check(deflated(path), torch.load(path))


def test_that_what_stands_in_the_pickle_of_a_big_endian_archive_keeps_its_own_order(tmp_path: Path) -> None:
    """A file inside the pickle is a legacy one, and those are little-endian wherever they were written."""

    class Inside:
        def __reduce__(self):
            buffer = io.BytesIO()
            torch.save(torch.arange(4, dtype=torch.int32).untyped_storage(), buffer, _use_new_zipfile_serialization=False)
            return torch._utils._rebuild_tensor_v2, (Called(torch.storage._load_from_bytes, buffer.getvalue()), 4, (4,), (1,), False, {})

    class Called:
        def __init__(self, function: object, *arguments: object) -> None:
            self.reduced = function, arguments

        def __reduce__(self):
            return self.reduced

    torch.save({"inside": Inside(), "beside": torch.arange(3)}, tmp_path / "x.pt", pickle_protocol=3)
    path = written(tmp_path / "big.pt", members(tmp_path / "x.pt") | {"byteorder": b"big"})
    found = every_value(path)
    assert found["inside"].tolist() == [1, 0, 0, 0]
    assert found["beside"].tolist() == [0, 1 << 56, 2 << 56]


def test_that_a_pickle_in_a_deflated_record_gives_the_storages_in_its_texts(tmp_path: Path) -> None:
    class Inside:
        def __reduce__(self):
            return torch._utils._rebuild_device_tensor_from_numpy, (np.arange(9_000, dtype=np.float32), torch.float32, "cpu", False)

    torch.save({"inside": Inside()}, tmp_path / "x.pt", pickle_protocol=4)
    assert every_value(deflated(tmp_path / "x.pt"))["inside"].tolist() == list(range(9_000))


def test_that_two_storages_written_in_two_pickles_are_not_mixed_up(tmp_path: Path) -> None:
    (tmp_path / "x.pkl").write_bytes(pickle.dumps([torch.arange(3), torch.arange(3) + 5, [torch.arange(4.0)]], 2))
    assert [found.tolist() for found in every_value(tmp_path / "x.pkl").values()] == [[0, 1, 2], [5, 6, 7], [0, 1, 2, 3]]


def test_that_threads_may_read_at_once(tmp_path: Path) -> None:
    torch.save(content() | {str(number): torch.full((5_000,), float(number)) for number in range(30)}, tmp_path / "x.pt")
    for path in (tmp_path / "x.pt", deflated(tmp_path / "x.pt")):
        checkpoint = open_checkpoint(path)
        expected = every_value(path)
        barrier = threading.Barrier(8)

        def work(turn: int, checkpoint: Checkpoint = checkpoint, expected: dict = expected, barrier: threading.Barrier = barrier) -> int:
            barrier.wait()
            places = checkpoint.document.places
            with StorageBytes(checkpoint) as storages:
                for found in [*places[turn:], *places[:turn]]:
                    assert same(whole(storages, found.tensor), expected[found.path])
            return len(places)

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(work, range(8))) == {40}


def test_that_threads_share_one_reader(tmp_path: Path) -> None:
    (tmp_path / "x.pkl").write_bytes(pickle.dumps([torch.full((999,), float(number)) for number in range(16)], 2))
    checkpoint = open_checkpoint(tmp_path / "x.pkl")
    with StorageBytes(checkpoint) as storages, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda tensor: whole(storages, tensor), checkpoint.document.tensors * 4))
    assert [int(one[0]) for one in found] == [*range(16)] * 4
    assert all((one == one[0]).all() for one in found)


def test_that_a_deflated_record_can_be_read_in_any_order(tmp_path: Path) -> None:
    tensor = torch.arange(5_000)
    torch.save([tensor], tmp_path / "x.pt")
    checkpoint = open_checkpoint(deflated(tmp_path / "x.pt"))
    raw = tensor.numpy().tobytes()
    with StorageBytes(checkpoint) as storages:
        data = storages.of(place(checkpoint, "0").storage)
        for at, length in ((39_990, 10), (0, 16), (20_000, 100), (20_000, 100), (8, 1)):
            buffer = bytearray(length)
            exactly(data, at, memoryview(buffer))
            assert bytes(buffer) == raw[at : at + length]
        assert data.into(39_992, memoryview(bytearray(100))) == 8
        assert data.into(50_000, memoryview(bytearray(100))) == 0


# -- texts ------------------------------------------------------------------------------------------------------------------


def test_that_program_texts_can_be_read_after_opening(tmp_path: Path) -> None:
    torch.jit.script(nn.Sequential(nn.Linear(2, 2), nn.ReLU())).save(tmp_path / "net.pt")
    checkpoint = open_checkpoint(tmp_path / "net.pt")
    with zipfile.ZipFile(tmp_path / "net.pt") as file:
        expected = {name.partition("/")[2]: file.read(name).decode() for name in file.namelist() if name.endswith(".py")}
    for _ in range(2):
        with checkpoint.source:
            assert {name: text() for name, text in checkpoint.document.code.items()} == expected
    assert any("def forward" in text for text in expected.values())
    os.truncate(tmp_path / "net.pt", 100)
    with pytest.raises(ChangedOnDisk), checkpoint.source:
        pass


# -- files that lie -----------------------------------------------------------------------------------------------------------


def lying(path: Path, data: bytes, **fields: object) -> Checkpoint:
    """A file with one tensor of 100 float32 whose record is told by hand."""
    torch.save([torch.arange(100.0)], path)
    pickled = members(path)["data.pkl"]
    path.write_bytes(archive(Entry(b"x/data.pkl", pickled), Entry(b"x/data/0", data, **fields), Entry(b"x/version", b"3\n")))
    return open_checkpoint(path)


def packed(data: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(data) + stream.flush()


RAW = np.arange(100, dtype=np.float32).tobytes()


def test_that_the_honest_record_of_the_tests_below_reads(tmp_path: Path) -> None:
    assert of(lying(tmp_path / "a.pt", RAW), "0").tolist() == list(range(100))
    assert of(lying(tmp_path / "b.pt", packed(RAW), method=8, size=400), "0").tolist() == list(range(100))


@pytest.mark.parametrize(
    ("data", "fields", "kind"),
    [
        (packed(RAW[:200]), {"method": 8, "size": 400}, Truncated),
        (packed(RAW)[:40], {"method": 8, "size": 400}, Truncated),
        (b"", {"method": 8, "size": 400}, Truncated),
        (b"\xff" * 50, {"method": 8, "size": 400}, Corrupt),
        (packed(RAW), {"method": 8, "size": 1 << 31}, Corrupt),
        (packed(RAW), {"method": 12, "size": 400}, Unsupported),
        (packed(RAW), {"method": 8, "size": 400, "flags": 1}, Unsupported),
        (RAW, {"flags": 0x20}, Unsupported),
        (RAW[:200], {}, Unsupported),
        (RAW[:200], {"size": 400}, Unsupported),
        (RAW[:200], {"size": 400, "stored": 400}, FileProblem),
        (RAW, {"header": 1 << 30}, FileProblem),
        (RAW, {"header": 7}, FileProblem),
    ],
    ids=str,
)
def test_that_a_record_that_lies_is_one_clear_error(data: bytes, fields: dict[str, object], kind: type, tmp_path: Path) -> None:
    checkpoint = lying(tmp_path / "x.pt", data, **fields)
    if fields.get("stored"):  # the bytes behind the record are taken for its own, as torch does
        assert of(checkpoint, "0")[:50].tolist() == list(range(50))
        return
    with pytest.raises(kind) as caught:
        of(checkpoint, "0")
    assert caught.value.hint


def test_that_a_stream_longer_than_its_record_claims_is_not_read_on(tmp_path: Path) -> None:
    assert of(lying(tmp_path / "x.pt", packed(RAW + bytes(1 << 20)), method=8, size=400), "0").tolist() == list(range(100))


def test_that_a_bomb_is_inflated_a_chunk_at_a_time(tmp_path: Path) -> None:
    """128 MB of zeros in 128 KB are honest; only holding them all would be too much."""
    count = 1 << 25
    torch.save([torch.zeros(4)], tmp_path / "x.pt")
    parts = members(tmp_path / "x.pt")
    many = b"J" + count.to_bytes(4, "little")
    parts["data.pkl"] = parts["data.pkl"].replace(b"K\x04\x85", many + b"\x85").replace(b"K\x04t", many + b"t")
    parts["data/0"] = bytes(4 * count)
    written(tmp_path / "bomb.pt", parts, method=zipfile.ZIP_DEFLATED)
    checkpoint = open_checkpoint(tmp_path / "bomb.pt")
    tracemalloc.start()
    try:
        with StorageBytes(checkpoint) as storages:
            total = sum(chunk.size for chunk in values(storages, place(checkpoint, "0")) if not chunk.any())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == count
    assert peak < 16 << 20


# -- files that change ---------------------------------------------------------------------------------------------------------


def opened_one(folder: Path) -> Checkpoint:
    return saved(folder, {"x": torch.arange(1_000_000.0)})


def test_that_a_file_that_shrank_since_it_was_opened_has_changed(tmp_path: Path) -> None:
    checkpoint = opened_one(tmp_path)
    os.truncate(tmp_path / "file.pt", 10_000)
    with pytest.raises(ChangedOnDisk):
        of(checkpoint, "x")


def test_that_a_file_that_was_replaced_since_it_was_opened_has_changed(tmp_path: Path) -> None:
    checkpoint = opened_one(tmp_path)
    torch.save({"x": torch.zeros(1_000_000)}, tmp_path / "new.pt")
    os.replace(tmp_path / "new.pt", tmp_path / "file.pt")
    with pytest.raises(ChangedOnDisk):
        of(checkpoint, "x")


def test_that_a_file_that_is_gone_is_said_to_be_gone(tmp_path: Path) -> None:
    checkpoint = opened_one(tmp_path)
    (tmp_path / "file.pt").unlink()
    with pytest.raises(FileProblem, match="no such file"):
        of(checkpoint, "x")


def test_that_a_file_that_shrinks_while_it_is_read_has_changed(tmp_path: Path) -> None:
    checkpoint = opened_one(tmp_path)

    def read_on() -> None:
        with StorageBytes(checkpoint) as storages:
            for number, _ in enumerate(values(storages, place(checkpoint, "x"), 1_000)):
                if number == 3:
                    os.truncate(tmp_path / "file.pt", 100_000)

    with pytest.raises(ChangedOnDisk):
        read_on()


def test_that_a_file_that_is_replaced_while_it_is_read_is_read_to_its_end_as_it_was(tmp_path: Path) -> None:
    checkpoint = opened_one(tmp_path)
    torch.save({"x": torch.zeros(5)}, tmp_path / "new.pt")
    with StorageBytes(checkpoint) as storages:
        found = values(storages, place(checkpoint, "x"), 1_000)
        first = next(found)
        os.replace(tmp_path / "new.pt", tmp_path / "file.pt")
        together = np.concatenate([first, *found])
    assert (together == np.arange(1_000_000)).all()


def test_that_every_cut_of_a_file_gives_values_or_a_file_problem(tmp_path: Path) -> None:
    """Whatever is left of a file is read or refused, and nothing else happens."""
    torch.save(content(), tmp_path / "x.pt", _use_new_zipfile_serialization=False)
    torch.save(content(), tmp_path / "y.pt")
    for path in (tmp_path / "x.pt", tmp_path / "y.pt", deflated(tmp_path / "y.pt")):
        raw = path.read_bytes()
        for length in range(len(raw) % 371, len(raw), 371):
            path.write_bytes(raw[:length])
            read_all(path)


def test_that_flipped_bytes_give_values_or_a_file_problem(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    torch.save(content(), tmp_path / "y.pt")
    path = deflated(tmp_path / "y.pt")
    raw = np.frombuffer(path.read_bytes(), np.uint8)
    for _ in range(300):
        changed = raw.copy()
        changed[random.integers(0, raw.size, 3)] ^= np.uint8(1) << random.integers(0, 8, 3).astype(np.uint8)
        path.write_bytes(changed.tobytes())
        read_all(path)


def read_all(path: Path) -> None:
    try:
        checkpoint = open_checkpoint(path)
    except FileProblem:
        return
    with StorageBytes(checkpoint) as storages:
        for tensor in checkpoint.document.tensors:
            with suppress(FileProblem):
                whole(storages, tensor)


def test_that_reading_needs_no_more_than_its_chunks(tmp_path: Path) -> None:
    tensor = torch.zeros(4_000, 5_000)
    checkpoint = saved(tmp_path, {"plain": tensor, "turned": tensor.t(), "steps": tensor[:, ::2]})
    for name, most in (("plain", 8 << 20), ("turned", 80 << 20), ("steps", 8 << 20)):
        tracemalloc.start()
        try:
            with StorageBytes(checkpoint) as storages:
                sizes = [chunk.size for chunk in values(storages, place(checkpoint, name))]
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert sum(sizes) == tensor.numel() // (2 if name == "steps" else 1)
        assert peak < most, name


def test_that_neighbours_in_one_storage_come_out_apart(tmp_path: Path) -> None:
    tensor = torch.arange(100.0)
    checkpoint = saved(tmp_path, list(tensor.split(7)))
    found = [of(checkpoint, str(number)) for number in range(15)]
    assert all(one[-1] + 1 == other[0] for one, other in pairwise(found))
    assert len(in_chunks(checkpoint, place(checkpoint, "3"), 2)) == 4
