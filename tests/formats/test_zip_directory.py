"""What can be wrong with a zip: each is a finding or a clear refusal, and nothing but a FileProblem leaves the directory."""

from __future__ import annotations

import io
import zipfile
from random import Random

import pytest
import torch

from ptinspect.errors import Corrupt, Unsupported
from ptinspect.formats.reading import read
from ptinspect.pickles.window import Memory
from tests.formats.zips import Entry, archive, directory_of, saved, titles, with_flags

WEIGHTS = {"a": torch.arange(6.0), "b": torch.ones(5)}


# -- ordinary archives -----------------------------------------------------------------------------------------------------


def test_that_entries_are_those_that_zipfile_sees() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name in ("a/data.pkl", "a/täst/中", "a/empty", "b/"):
            made.writestr(name, b"" if name.endswith(("/", "empty")) else name.encode())
    found = directory_of(buffer.getvalue())
    with zipfile.ZipFile(buffer) as theirs:
        assert list(found.records) == theirs.namelist()
        for name, record in found.records.items():
            assert found.read(record) == theirs.read(name)
    assert not found.findings


def test_that_a_torch_file_has_no_findings() -> None:
    """S-36"""
    found = read(Memory(saved(WEIGHTS)))
    assert titles(found) == []


def test_that_names_outside_of_ascii_follow_the_flag() -> None:
    name = "é".encode("cp437")
    found = directory_of(archive(Entry(name), Entry("é".encode(), data=b"utf8", flags=0x800)))
    assert titles(found) == ["a name stands twice in the archive"]
    assert list(found.records) == ["é"]


def test_that_a_checksum_of_zero_means_that_none_was_stored() -> None:
    """S-18"""
    torch.serialization.set_crc32_options(False)
    try:
        found = read(Memory(saved(WEIGHTS)))
    finally:
        torch.serialization.set_crc32_options(True)
    assert titles(found) == []


def test_that_a_wrong_checksum_of_the_pickle_is_told() -> None:
    """S-18"""
    data = saved(WEIGHTS).replace(b"FloatStorage", b"HalfxStorage").replace(b"HalfxStorage", b"FloatStorage")
    at = data.index(b"q\x00")
    changed = data[: at + 1] + b"\x07" + data[at + 2 :]
    assert "a checksum does not fit" in titles(read(Memory(changed)))


# -- S-18: two truths in one archive -----------------------------------------------------------------------------------------


def test_that_a_record_with_two_names_is_told() -> None:
    """S-18"""
    data = saved(WEIGHTS, pickle_protocol=2)
    folder = data[30 : data.index(b"/data.pkl")]
    found = read(Memory(data.replace(folder + b"/data.pkl", folder + b"/data.pkm", 1)))
    assert "a record has two names" in titles(found)
    assert len(found.tensors) == 2


def test_that_of_two_pickles_of_one_name_torchs_is_shown_and_both_are_judged() -> None:
    """S-18: PEERS saw torch take the last of two; in this archive it takes the first, and neither may escape the scan."""
    first, last = saved({"first": torch.ones(2)}), saved({"last": torch.zeros(2)})
    parts: list[Entry] = []
    for whole in (first, last):
        with zipfile.ZipFile(io.BytesIO(whole)) as opened:
            parts += [Entry(info.filename.encode(), opened.read(info)) for info in opened.infolist()]
    data = archive(*parts)
    found = read(Memory(data))
    assert "a name stands twice in the archive" in titles(found)
    assert list(torch.load(io.BytesIO(data), weights_only=True)) == ["first"]
    assert [tensor.name for tensor in found.tensors] == ["first"]
    assert len(found.pickles) == 2


def test_that_the_entry_which_torch_finds_among_many_of_one_name_is_the_one_shown() -> None:
    """S-18: miniz searches by halves in a list that it sorted with an unstable sort."""
    random = Random(1)
    for _ in range(60):
        parts = []
        for number in range(random.randrange(2, 5)):
            with zipfile.ZipFile(io.BytesIO(saved({f"name{number}": torch.ones(2)}))) as opened:
                parts += [Entry(info.filename.encode(), opened.read(info)) for info in opened.infolist()]
        rest = parts[1:]
        random.shuffle(rest)
        data = archive(parts[0], *rest[: random.randrange(len(rest) // 2, len(rest) + 1)])
        try:
            expected = list(torch.load(io.BytesIO(data), weights_only=True))
        except RuntimeError:  # the record of its storage was left out
            continue
        assert [tensor.name for tensor in read(Memory(data)).tensors] == expected


def test_that_a_pickle_in_capitals_is_judged_too() -> None:
    """S-18: torch.load finds DATA.PKL where it looks for data.pkl."""
    with zipfile.ZipFile(io.BytesIO(saved(WEIGHTS))) as opened:
        parts = [Entry(info.filename.encode(), opened.read(info)) for info in opened.infolist()]
    evil = Entry(parts[0].name.replace(b"data.pkl", b"DATA.PKL"), b"\x80\x02cposix\nsystem\nX\x02\0\0\0id\x85R.")
    found = read(Memory(archive(*parts, evil)))
    assert "two pickles whose names differ in case" in titles(found)
    assert any("posix.system" in pickle.stream.globals for pickle in found.pickles)


def test_that_shadowed_entries_are_kept_for_the_scan() -> None:
    """S-18"""
    found = directory_of(archive(Entry(b"x/data.pkl", b"one"), Entry(b"x/data.pkl", b"two")))
    both = [found.records["x/data.pkl"], *found.shadowed]
    assert sorted(found.read(record) for record in both) == [b"one", b"two"]


@pytest.mark.parametrize("bit", [0x01, 0x20, 0x40])
def test_that_encryption_flags_are_refused_as_torch_refuses_them(bit: int) -> None:
    """S-18"""
    data = with_flags(saved(WEIGHTS), bit)
    with pytest.raises(RuntimeError):
        torch.load(io.BytesIO(data), weights_only=True)
    with pytest.raises(Unsupported, match="encrypted"):
        read(Memory(data))


@pytest.mark.parametrize("bit", [0x01, 0x20, 0x40])
def test_that_flags_in_the_local_headers_alone_fool_nobody(bit: int) -> None:
    """S-18: torch goes by the directory and loads the file; so do we, and say that the two differ."""
    data = with_flags(saved(WEIGHTS), bit, central=False)
    assert len(torch.load(io.BytesIO(data), weights_only=True)) == 2
    found = read(Memory(data))
    assert len(found.tensors) == 2
    assert "a record's header contradicts the directory" in titles(found)


def test_that_more_entries_than_counted_are_seen_and_told() -> None:
    found = directory_of(archive(Entry(b"x/data.pkl"), Entry(b"x/hidden.pkl"), count=1))
    assert list(found.records) == ["x/data.pkl", "x/hidden.pkl"]
    assert "the directory holds more entries than it counts" in titles(found)


def test_that_sizes_after_the_bytes_and_zeros_before_them_are_ordinary() -> None:
    """S-18: torch itself writes data descriptors."""
    found = directory_of(archive(Entry(b"x/data.pkl", local_sizes=False, flags=8)))
    found.check_headers(found.records.values())
    assert titles(found) == []


def test_that_a_local_header_of_another_size_is_told() -> None:
    found = directory_of(archive(Entry(b"x/data.pkl", size=2, stored=2)))
    found.check_headers(found.records.values())
    assert titles(found) == ["a record's header contradicts the directory"]


# -- records in wrong places -------------------------------------------------------------------------------------------------


def test_that_overlapping_records_are_told() -> None:
    found = directory_of(archive(Entry(b"a", bytes(100)), Entry(b"b", header=10)))
    assert "records overlap" in titles(found)


def test_that_a_record_past_the_end_of_the_file_is_told_and_not_read() -> None:
    """S-25"""
    found = directory_of(archive(Entry(b"a", header=1 << 30), Entry(b"b")))
    assert "a record reaches past the end of the file" in titles(found)
    with pytest.raises(Corrupt, match="not where the directory says"):
        found.read(found.records["a"])


def test_that_a_tensor_beyond_its_record_is_no_tensor_to_read() -> None:
    """S-25: torch.load(mmap=True) shows the neighbouring bytes as weights."""
    data = saved({"a": torch.arange(4.0)})
    fake = data.replace(b"K\x04tq", b"K\x40tq", 1)
    assert fake != data
    found = read(Memory(fake))
    assert found.tensors[0].storage is not None
    assert found.tensors[0].storage.nbytes == 256
    assert found.tensors[0].storage.present == 16


def test_that_bytes_before_and_after_the_archive_are_told() -> None:
    found = directory_of(archive(Entry(b"a"), head=b"#!/bin/sh\n", tail=b"after"))
    assert sorted(titles(found)) == ["bytes after the archive", "bytes before the archive"]
    assert found.read(found.records["a"]) == b"data"


def test_that_a_comment_is_told_and_may_hold_the_end_mark() -> None:
    found = directory_of(archive(Entry(b"a"), comment=b"hello"))
    assert titles(found) == ["the archive has a comment"]


def test_that_two_directories_are_a_danger_and_torchs_is_taken() -> None:
    """S-20: zipfile counts back from the end, torch believes the offset that is written."""
    honest, evil = archive(Entry(b"x/a.pkl", b"torch sees this")), archive(Entry(b"x/b.pkl", b"zipfile sees this"))
    body, end = honest[:-22], honest[-22:]
    second = evil[evil.index(b"PK\1\2") : -22]
    data = body + second + end
    found = directory_of(data)
    with zipfile.ZipFile(io.BytesIO(data)) as theirs:
        assert theirs.namelist() == ["x/b.pkl"]
    assert list(found.records) == ["x/a.pkl"]
    assert "the archive has two directories" in titles(found)


def test_that_a_zip_behind_a_stacked_pickle_is_told() -> None:
    """S-20: the head decides."""
    data = saved({"legacy": torch.ones(2)}, _use_new_zipfile_serialization=False) + saved(WEIGHTS)
    found = read(Memory(data))
    assert [tensor.name for tensor in found.tensors] == ["legacy"]
    assert "a zip archive hangs at the end of this file" in titles(found)
