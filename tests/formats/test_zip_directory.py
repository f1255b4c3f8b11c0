"""What can be wrong with a zip: each is a finding or a clear refusal, and nothing but a FileProblem leaves the directory."""

from __future__ import annotations

import io
import struct
import time
import zipfile
import zlib
from dataclasses import dataclass, replace
from random import Random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ptinspect.errors import Corrupt, FileProblem, LimitExceeded, Truncated, Unsupported
from ptinspect.formats.document import Document
from ptinspect.formats.reading import read
from ptinspect.formats.zip_directory import ZipDirectory
from ptinspect.limits import DEFAULT
from ptinspect.pickles.window import Memory

WEIGHTS = {"a": torch.arange(6.0), "b": torch.ones(5)}


@dataclass(frozen=True)
class Entry:
    """One record of an archive made by hand; what is None is honest."""

    name: bytes
    data: bytes = b"data"
    local_name: bytes | None = None
    method: int = 0
    flags: int = 0
    local_flags: int | None = None
    size: int | None = None
    stored: int | None = None
    crc: int | None = None
    header: int | None = None
    extra: bytes = b""
    local_sizes: bool = True


def archive(*entries: Entry, count: int | None = None, comment: bytes = b"", tail: bytes = b"", head: bytes = b"") -> bytes:
    data, directory = bytearray(head), bytearray()
    for entry in entries:
        at = len(data) - len(head)
        crc = zlib.crc32(entry.data) if entry.crc is None else entry.crc
        size = len(entry.data) if entry.size is None else entry.size
        stored = len(entry.data) if entry.stored is None else entry.stored
        name = entry.name if entry.local_name is None else entry.local_name
        flags = entry.flags if entry.local_flags is None else entry.local_flags
        sizes = (crc, len(entry.data), min(size, 0xFFFFFFFF)) if entry.local_sizes else (0, 0, 0)
        data += struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, flags, entry.method, 0, 0, *sizes, len(name), 0) + name + entry.data
        where = at if entry.header is None else entry.header
        row = (b"PK\1\2", 20, 20, entry.flags, entry.method, 0, 0, crc, stored, size, len(entry.name), len(entry.extra), 0, 0, 0, 0, where)
        directory += struct.pack("<4sHHHHHHIIIHHHHHII", *row) + entry.name + entry.extra
    begin = len(data) - len(head)
    total = len(entries) if count is None else count
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, total, total, len(directory), begin, len(comment)) + comment
    return bytes(data) + bytes(directory) + end + tail


def directory_of(data: bytes) -> ZipDirectory:
    return ZipDirectory(Memory(data), DEFAULT)


def every_record(data: bytes) -> list[bytes]:
    found = directory_of(data)
    return [found.read(record) for record in found.records.values()]


def titles(found: ZipDirectory | Document) -> list[str]:
    return [finding.title for finding in found.findings]


def saved(content: object, **options: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def with_flags(data: bytes, bit: int, local: bool = True, central: bool = True) -> bytes:
    """A torch file with a flag bit set on every record, in either of the two places."""
    made, at = bytearray(data), 0
    while (at := made.find(b"PK", at)) >= 0:
        if made[at : at + 4] == b"PK\3\4" and local:
            made[at + 6] |= bit
        if made[at : at + 4] == b"PK\1\2" and central:
            made[at + 8] |= bit
        at += 4
    return bytes(made)


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


# -- lengths that lie ----------------------------------------------------------------------------------------------------------


def wide_extra(*values: int) -> bytes:
    return struct.pack(f"<HH{len(values)}Q", 1, 8 * len(values), *values)


def test_that_zip64_sizes_are_read() -> None:
    full = 0xFFFFFFFF
    entry = Entry(b"a", b"payload", size=full, stored=full, extra=wide_extra(7, 7))
    found = directory_of(archive(entry))
    assert found.read(found.records["a"]) == b"payload"


@pytest.mark.parametrize("values", [(), (1 << 64) - 1, ((1 << 64) - 1, (1 << 64) - 1, (1 << 64) - 1), (0, 0)])
def test_that_hostile_zip64_fields_are_findings_or_problems(values: int | tuple[int, ...]) -> None:
    full = 0xFFFFFFFF
    extra = wide_extra(*(values if isinstance(values, tuple) else (values,)))
    data = archive(Entry(b"x/data.pkl", size=full, stored=full, header=full, extra=extra))
    found = directory_of(data)
    with pytest.raises(FileProblem):
        found.read(found.records["x/data.pkl"])
    with pytest.raises(FileProblem):
        read(Memory(data))


def test_that_a_zip64_extra_field_may_be_cut() -> None:
    full = 0xFFFFFFFF
    for length in range(20):
        data = archive(Entry(b"a", size=full, stored=full, extra=wide_extra(7, 7)[:length]))
        with pytest.raises(FileProblem):
            every_record(data)


@pytest.mark.parametrize("count", [2, 1_000, 0xFFFF])
def test_that_an_absurd_count_is_a_contradiction(count: int) -> None:
    with pytest.raises(FileProblem):
        directory_of(archive(Entry(b"a"), count=count))


def test_that_an_absurd_64_bit_count_names_the_limit() -> None:
    data = archive(Entry(b"a"))
    wide = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, 1 << 60, 1 << 60, 1 << 60, 0)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, len(data) - 22, 1)
    with pytest.raises(LimitExceeded, match="zip_entries"):
        directory_of(data[:-22] + wide + locator + data[-22:])


def test_that_a_directory_in_the_wrong_place_is_a_contradiction() -> None:
    data = bytearray(archive(Entry(b"a")))
    struct.pack_into("<I", data, len(data) - 6, 1 << 31)
    found = directory_of(bytes(data)) if data[-22:-18] != b"PK\5\6" else None
    assert found is None
    with pytest.raises(Corrupt):
        ZipDirectory(Memory(bytes(data[:40]) + bytes(data[-22:])), DEFAULT)


def test_that_no_end_is_a_truncated_archive() -> None:
    with pytest.raises(Truncated):
        directory_of(archive(Entry(b"a"))[:-22])


# -- compression ---------------------------------------------------------------------------------------------------------------


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def test_that_a_bomb_is_refused_before_it_is_inflated() -> None:
    """S-23"""
    packed = deflated(bytes(32 << 20))
    found = directory_of(archive(Entry(b"a", packed, method=8, size=32 << 20, crc=1)))
    with pytest.raises(LimitExceeded, match="inflate_ratio"):
        found.read(found.records["a"])
    assert found.read(found.records["a"], 64) == bytes(64)


def test_that_a_bomb_which_hides_its_size_gives_only_what_it_declares() -> None:
    """S-23"""
    packed = deflated(bytes(32 << 20))
    found = directory_of(archive(Entry(b"a", packed, method=8, size=100, crc=1)))
    assert found.read(found.records["a"]) == bytes(100)


def test_that_deflated_weights_are_never_read_in_place() -> None:
    """S-24: torch.load(mmap=True) returns the compressed bytes as floats."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(WEIGHTS))) as theirs, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for info in theirs.infolist():
            made.writestr(info.filename, theirs.read(info))
    found = read(Memory(buffer.getvalue()))
    assert [tensor.problem for tensor in found.tensors] == [None, None]
    assert [tensor.storage.offset for tensor in found.tensors if tensor.storage] == [None, None]
    assert not any(record.is_plain for record in found.records.values() if "/data/" in record.name)


def test_that_an_unknown_method_is_named() -> None:
    found = directory_of(archive(Entry(b"a", method=93)))
    with pytest.raises(Unsupported, match="method 93"):
        found.read(found.records["a"])


def test_that_broken_deflate_is_corrupt() -> None:
    found = directory_of(archive(Entry(b"a", b"\xff" * 40, method=8, size=100)))
    with pytest.raises(Corrupt):
        found.read(found.records["a"])


# -- all at once ---------------------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=60))
def test_that_random_bytes_around_an_archive_let_only_file_problems_out(noise: bytes, more: bytes) -> None:
    base = archive(Entry(b"x/data.pkl", noise), Entry(b"x/data/0", more))
    for data in (b"PK\3\4" + noise, noise + base, base + more, base[: len(base) - len(more)] + more):
        try:
            found = directory_of(data)
            found.check_headers(found.records.values())
            for record in found.records.values():
                found.read(record)
        except FileProblem:
            pass


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_that_bytes_written_over_an_archive_let_only_file_problems_out(at: int, noise: bytes) -> None:
    base = archive(Entry(b"x/data.pkl"), Entry(b"x/data/0", extra=wide_extra(1, 2), size=0xFFFFFFFF), Entry(b"x/version", b"3\n"))
    at %= len(base)
    try:
        found = directory_of(base[:at] + noise + base[at + len(noise) :])
        for record in found.records.values():
            found.read(record)
    except FileProblem:
        pass


def test_that_100_000_entries_are_read_in_a_fraction_of_a_second() -> None:
    data = archive(*(Entry(b"archive/data/%d" % number) for number in range(100_000)), count=0xFFFF)
    began = time.perf_counter()
    found = directory_of(data)
    assert len(found.records) == 100_000
    assert time.perf_counter() - began < 2.0  # 0.17 s here; a test is no benchmark


def test_that_entries_beyond_the_limit_are_refused() -> None:
    data = archive(*(Entry(b"%d" % number) for number in range(50)), count=1)
    with pytest.raises(LimitExceeded, match="zip_entries"):
        ZipDirectory(Memory(data), replace(DEFAULT, zip_entries=20))
