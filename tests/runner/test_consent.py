"""What a consent is given to: every byte but raw numbers, and what was agreed to is what a loader gets."""

from __future__ import annotations

import io
import os
import random
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from torch import nn

from ptinspect.checkpoint.opening import open_checkpoint
from ptinspect.errors import ChangedOnDisk, FileProblem, NotTrusted
from ptinspect.runner.consent import PIECE, SealedFile, consented, digest_of, sealed
from ptinspect.runner.holes import holes_of
from tests.attacks.payloads import SYSTEM, call


class Net(nn.Module):
    """A class of somebody's own."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x)


def digest(path: Path) -> str:
    checkpoint = open_checkpoint(path)
    with checkpoint.source as source:
        return digest_of(source, checkpoint)


def holes(path: Path) -> list[tuple[int, int]]:
    checkpoint = open_checkpoint(path)
    with checkpoint.source as source:
        return [tuple(hole) for hole in holes_of(source, checkpoint)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    torch.save(Net(), tmp_path / "net.pt")
    return tmp_path / "net.pt"


@pytest.mark.parametrize("form", ["pickled", "scripted"])
def test_that_training_on_keeps_a_consent(tmp_path: Path, form: str) -> None:
    model, found = Net(), set()
    for step in range(3):
        folder = tmp_path / str(step)
        folder.mkdir()
        torch.save(model, folder / "net.pt") if form == "pickled" else torch.jit.script(model).save(str(folder / "net.pt"))
        found.add(digest(folder / "net.pt"))
        with torch.no_grad():
            model.fc.weight.add_(1)
    assert len(found) == 1


def test_that_numbers_of_a_legacy_file_do_not_count(tmp_path: Path) -> None:
    place = tmp_path / "net.pt"
    torch.save(Net(), place, _use_new_zipfile_serialization=False)
    before, found = digest(place), holes(place)
    assert [end - start for start, end in found] in ([48, 12], [12, 48])
    with place.open("r+b") as file:
        file.seek(found[0][0] + 5)
        file.write(b"\x42\x42")
    assert digest(place) == before


def test_that_every_other_byte_counts(path: Path) -> None:
    """Each byte of the pickle, and some of the rest: a changed one makes another digest, or no file at all."""
    data, before, free = path.read_bytes(), digest(path), holes(path)
    with zipfile.ZipFile(path) as archive:
        pickle = archive.getinfo("net/data.pkl")
    begin = data.index(b"data.pkl") + len("data.pkl")
    begin += int.from_bytes(data[pickle.header_offset + 28 : pickle.header_offset + 30], "little")
    assert data[begin : begin + 2] == b"\x80\x02"
    some = random.Random(0).sample(range(len(data)), 150)
    for at in {*range(begin, begin + pickle.file_size, 3), *some}:
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1 :])
        counts = not any(start <= at < end for start, end in free)
        try:
            assert (digest(path) != before) is counts, at
        except FileProblem:
            assert counts, at


def test_that_the_holes_are_the_storages_and_their_checksums(path: Path) -> None:
    sizes = sorted(end - start for start, end in holes(path))
    assert sizes == sorted([48, 12, 40] + 3 * [4, 4, 4])  # a header, a footer and an entry of the directory for each
    assert path.stat().st_size - sum(sizes) > 1_000


def rewritten(path: Path, change: dict[str, bytes], twice: tuple[str, ...] = (), method: int = zipfile.ZIP_STORED) -> Path:
    """The same archive with some records changed or added."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(buffer, "w", method) as new:
        records = {name: old.read(name) for name in old.namelist()} | change
        for name, data in [*records.items(), *((name, records[name]) for name in twice)]:
            new.writestr(name, data)
    path.write_bytes(buffer.getvalue())
    return path


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_that_nothing_is_left_out_where_readers_could_disagree(path: Path) -> None:
    whole = path.read_bytes()
    assert holes(rewritten(path, {}))
    assert not holes(rewritten(path, {}, twice=("net/data/0",)))
    path.write_bytes(whole)
    assert not holes(rewritten(path, {"net/DATA/0": b"other"}))
    path.write_bytes(whole)
    assert not holes(rewritten(path, {}, method=zipfile.ZIP_DEFLATED))
    path.write_bytes(b"PK\x03\x04 something before" + whole)
    assert not holes(path)


def test_that_a_dangerous_file_is_agreed_to_as_a_whole(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        pickle = archive.read("net/data.pkl")
    assert holes(rewritten(path, {"net/data.pkl": pickle}))
    rewritten(path, {"net/other.pkl": SYSTEM})
    assert open_checkpoint(path).safety.verdict == "dangerous"
    assert not holes(path)


def test_that_numbers_count_where_a_function_may_make_a_program_of_them(path: Path) -> None:
    """No name of it is an attack, and one of torch's own functions unpickles the tensor that it is called with."""
    with zipfile.ZipFile(path) as archive:
        pickle = archive.read("net/data.pkl")
    rewritten(path, {"net/data.pkl": pickle[:2] + call("torch.distributed.some_place", "_tensor_to_something") + b"0" + pickle[2:]})
    assert open_checkpoint(path).safety.verdict == "code"
    assert not holes(path)


def test_that_many_layers_of_ones_own_keep_their_holes(path: Path) -> None:
    """Objects that are made empty and given their state are no calls, however many there are."""
    torch.save(nn.Sequential(*(Net() for _ in range(20))), path)
    assert len(holes(path)) == 41 * 4


def test_that_a_legacy_file_that_is_a_tar_too_has_no_holes(tmp_path: Path) -> None:
    """torch would try the tar first, and find pickles between our numbers."""
    place = tmp_path / "net.pt"
    torch.save({"a" * 600: torch.ones(4)}, place, _use_new_zipfile_serialization=False)
    data = bytearray(place.read_bytes())
    at = data.index(b"a" * 500)
    assert holes(place)
    assert at <= 148
    total = sum(data[:148]) + sum(data[156:512]) + 8 * 32
    data[148:156] = f"{total:06o}".encode() + b"\x00 "
    place.write_bytes(data)
    with open_checkpoint(place).source as source:
        assert source.read(148, 6) == f"{total:06o}".encode()
    assert open_checkpoint(place).document.container == "torch-legacy"
    assert not holes(place)


def test_that_a_program_counts_whole(tmp_path: Path) -> None:
    place = tmp_path / "net.pt2"
    torch.export.save(torch.export.export(Net().eval(), (torch.ones(2, 4),)), place)
    assert holes(place) == []


def test_that_a_loader_gets_the_file_as_it_is(path: Path) -> None:
    data, chosen = path.read_bytes(), random.Random(1)
    with consented(open_checkpoint(path), digest(path)) as file:
        assert file.read() == data
        for _ in range(200):
            at, length = chosen.randrange(len(data)), chosen.randrange(300)
            file.seek(at)
            assert file.read(length) == data[at : at + length]
        file.seek(-22, io.SEEK_END)
        assert file.read() == data[-22:]
        with pytest.raises(io.UnsupportedOperation):
            file.fileno()
        file.seek(0)
        assert torch.equal(torch.load(file, weights_only=False).fc.weight, torch.load(path, weights_only=False).fc.weight)


def test_that_a_long_file_is_compared_piece_by_piece(tmp_path: Path) -> None:
    place = tmp_path / "long.pkl"
    place.write_bytes(b"\x80\x04\x8e" + (3 * PIECE).to_bytes(8, "little") + os.urandom(3 * PIECE) + b".")
    checkpoint = open_checkpoint(place)
    with checkpoint.source as source:
        seal = sealed(source, checkpoint)
        assert len(seal.segments) == 4
        file = SealedFile(source, seal)
        assert file.read() == place.read_bytes()


@pytest.mark.parametrize("agreed", [None, "", "0" * 64])
def test_that_nothing_is_handed_out_without_a_consent(path: Path, agreed: str | None) -> None:
    with pytest.raises(NotTrusted), consented(open_checkpoint(path), agreed):
        raise AssertionError("it was handed out")


def test_that_a_file_that_took_the_place_of_another_is_not_trusted(path: Path) -> None:
    agreed = digest(path)
    rewritten(path, {"net/data.pkl": SYSTEM})
    with pytest.raises(NotTrusted, match="changed since"), consented(open_checkpoint(path), agreed):
        raise AssertionError("it was handed out")


def test_that_a_file_swapped_after_it_was_read_is_told(path: Path) -> None:
    agreed, checkpoint = digest(path), open_checkpoint(path)
    other = path.with_name("other.pt")
    other.write_bytes(path.read_bytes())
    rewritten(other, {"net/data.pkl": SYSTEM})
    other.replace(path)
    with pytest.raises(ChangedOnDisk), consented(checkpoint, agreed):
        raise AssertionError("it was handed out")


def tampered(path: Path, old: bytes, new: bytes, load: Callable[[io.BufferedReader, int], object]) -> None:
    """Agree to a file, write into it in place once it is open, set its time back as if nothing had been, and load it."""
    data, status = path.read_bytes(), path.stat()
    with consented(open_checkpoint(path), digest(path)) as file:
        path.write_bytes(data.replace(old, new))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        load(file, data.index(old))


def test_that_bytes_written_in_place_after_the_consent_are_never_handed_out(path: Path) -> None:
    """The descriptor stays the same; what was hashed and what is loaded must too."""
    with pytest.raises(ChangedOnDisk, match="was changed since"):
        tampered(path, b"Net", b"Evi", lambda file, at: (file.seek(at), file.read(3)))


def test_that_a_swap_while_torch_loads_reaches_no_unpickler(path: Path) -> None:
    with pytest.raises(ChangedOnDisk, match="was changed since"):
        tampered(path, b"fc", b"xx", lambda file, _: torch.load(file, weights_only=False))


def test_that_a_loader_that_swallows_the_error_changes_nothing_about_it(path: Path) -> None:
    def swallowing(file: io.BufferedReader, at: int) -> None:
        with suppress(Exception):
            torch.load(file, weights_only=False)

    with pytest.raises(ChangedOnDisk, match="was changed since"):
        tampered(path, b"fc", b"xx", swallowing)
