"""What can be wrong with a zip: each is a finding or a clear refusal, and nothing but a FileProblem leaves the directory."""

from __future__ import annotations

import io
import struct
import time
import zipfile
import zlib
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ptinspect.errors import Corrupt, FileProblem, LimitExceeded, Truncated, Unsupported
from ptinspect.formats.reading import read
from ptinspect.formats.zip_directory import ZipDirectory
from ptinspect.limits import DEFAULT
from ptinspect.pickles.window import Memory
from tests.formats.zips import Entry, archive, directory_of, every_record, saved

WEIGHTS = {"a": torch.arange(6.0), "b": torch.ones(5)}


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
