"""Plain pickles: what is one and what is not, tensors inside byte strings, several in a row, broken ones."""

from __future__ import annotations

import argparse
import decimal
import json
import pathlib
import pickle
import pickletools
import struct
import time
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ptinspect.checkpoint.storages import totals_of
from ptinspect.errors import FileProblem, NotACheckpoint, Truncated, Unsupported
from ptinspect.formats.reading import read
from ptinspect.frozen import replace
from ptinspect.limits import DEFAULT
from ptinspect.pickles.values import Dict, lookup
from tests.corpus import needs_corpus
from tests.corpus import rows as corpus_rows
from tests.formats.opened import by_name, opened
from tests.formats.pickled import document_of, globals_of, is_taken, titles

PAYLOAD = b"cposix\nsystem\n(S'true'\ntR."

# -- what is a pickle ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", [None, 0, 1 << 200, "text", b"bytes", [], {}, (1, (2, [3])), {"a": {"b": [1.5, None]}}])
def test_that_a_pickle_of_any_protocol_is_taken(value: object, protocol: int) -> None:
    document = document_of(pickle.dumps(value, protocol))
    assert document.container == "pickle"
    assert document.problem is None
    assert titles(document) == []


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", [list(range(100_000)), "x" * 60_000 + "y" * 40_000, {"a": b"z" * 200_000}])
def test_that_a_long_pickle_without_names_is_taken(value: object, protocol: int) -> None:
    if protocol == 0 and not isinstance(value, list):
        pytest.skip("a line of protocol 0 has a limit")
    assert document_of(pickle.dumps(value, protocol)).problem is None


@pytest.mark.parametrize(
    "data",
    [
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
        b"<!DOCTYPE html><html></html>",
        b"\n<html>",
        json.dumps({"error": "not found"}).encode(),
        b"[1, 2, 3]",
        b"Entry not found",
        b"404: Not Found",
        b"I am text.\nAnd more.",
        b"import torch\n",
        b"# a comment",
        b"(a, b).",
        b"N.B. this is a note",
        b"abc",
        b"",
        b".",
        bytes(1_000),
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"\x1f\x8b\x08" + bytes(100),
        b"\x80\x02",
        b"\x80\x04\x95",
        b"\x80\x09]q\x00.",
    ],
)
def test_that_text_pages_and_other_files_are_no_pickle(data: bytes) -> None:
    assert not is_taken(data)


@given(st.binary(max_size=200))
@settings(max_examples=500, deadline=None)
def test_that_random_bytes_open_or_are_one_file_problem(data: bytes) -> None:
    for candidate in (data, b"\x80\x04" + data):
        try:
            document_of(candidate)
        except FileProblem:
            continue


def test_that_random_bytes_are_hardly_ever_taken() -> None:
    random = np.random.default_rng(0)
    assert sum(is_taken(random.bytes(300)) for _ in range(3_000)) == 0


@needs_corpus
@pytest.mark.parametrize("row", [row for row in corpus_rows() if row.hostile == "notfile"], ids=lambda row: row.id)
def test_that_what_is_no_checkpoint_is_not_taken_for_a_pickle(row) -> None:  # type: ignore[no-untyped-def]
    assert not is_taken(row.path.read_bytes())


@needs_corpus
@pytest.mark.parametrize("row", [row for row in corpus_rows() if row.path.suffix in (".pkl", ".pickle")], ids=lambda row: row.id)
def test_that_every_pickle_of_the_corpus_opens_and_names_what_it_would_run(row) -> None:  # type: ignore[no-untyped-def]
    """S-01, S-05, S-09 to S-12, S-15."""
    if row.hostile == "notfile":
        pytest.skip("no pickle")
    document = opened(row.path)
    assert document.container in ("pickle", "torch-legacy")
    if row.hostile == "code":
        traces = [found.traces.encoded for found in document.pickles if found.traces is not None]
        assert globals_of(document) or any(traces) or document.pickles[0].stream.byte_strings  # the last three: pickles inside strings


# -- in a row, broken, cut -----------------------------------------------------------------------------------------------


def test_that_the_first_of_several_is_the_content_and_all_are_seen() -> None:
    """S-15."""
    document = document_of(pickle.dumps({"a": 1}) + pickle.dumps([2]) + PAYLOAD)
    assert type(document.root) is Dict
    assert [found.name for found in document.pickles] == ["pickle", "further pickle", "further pickle"]
    assert globals_of(document) == {"posix.system"}
    assert titles(document) == ["2 more pickles follow the first"]


def test_that_text_after_a_pickle_is_a_finding() -> None:
    document = document_of(pickle.dumps({"a": 1}) + b"\xff and so on")
    assert titles(document) == ["bytes after the last pickle"]


def test_that_a_row_of_very_many_pickles_ends_at_the_limit() -> None:
    """S-32: a file of empty pickles is no way around the limits, neither of number nor of time."""
    few = replace(DEFAULT, pickles=2_000)
    document = document_of(pickle.dumps(None, 2) * (few.pickles + 10), limits=few)
    assert len(document.pickles) == few.pickles
    assert "too many pickles in a row" in titles(document)
    short = replace(DEFAULT, seconds=0.2)
    started = time.monotonic()
    document = document_of(pickle.dumps(None, 2) * (DEFAULT.pickles + 10), limits=short)
    assert time.monotonic() - started < 10
    assert 0 < len(document.pickles) < DEFAULT.pickles


def test_that_a_payload_before_a_break_is_named() -> None:
    """S-05: nullifAI, a payload first and then a broken stream."""
    for head in (b"", b"\x80\x02", b"\x80\x04"):
        document = document_of(head + PAYLOAD[:-1] + b"\xff\xfe\xfd broken")
        assert document.problem is not None
        assert globals_of(document) == {"posix.system"}
        assert titles(document) == ["a pickle breaks off"]


@pytest.mark.parametrize("protocol", range(2, 6))
def test_that_a_pickle_cut_anywhere_opens_or_is_one_file_problem(protocol: int) -> None:
    """F-10, S-30."""
    whole = pickle.dumps({"a": torch.ones(3), "b": [1, "two", 3.0], "c": np.ones(3)}, protocol)
    for length in range(len(whole)):
        try:
            document = document_of(whole[:length])
        except FileProblem:
            continue
        assert isinstance(document.problem, Truncated), length


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02]r\xff\xff\xff\x7fj\xff\xff\xff\x7f.",
        b"\x80\x04]\x8d" + struct.pack("<Q", 1 << 40) + b"x.",
        b"\x80\x02]\x8b" + struct.pack("<i", 1 << 30) + b"x.",
        b"\x80\x02]\x8b" + struct.pack("<i", -1) + b"x.",
        b"\x80\x04]\x8e" + struct.pack("<Q", (1 << 64) - 1) + b"x.",
        b"\x80\x02h\x05.",
        b"\x80\x02]R.",
        b"\x80\x02" + b"(" * 1_000,
        b"\x80\x02" + b"I" + b"1" * 70_000 + b"\n.",
        b"\x80\x05\x96" + struct.pack("<Q", 1 << 62) + b"x.",
    ],
)
def test_that_forged_lengths_and_numbers_are_one_file_problem_or_a_tree(data: bytes) -> None:
    """S-30: torch and pickle answer these with five kinds of exceptions."""
    try:
        document_of(data)
    except FileProblem:
        return


def test_that_big_inline_data_is_not_read() -> None:
    """Hundreds of megabytes between the instructions cost a few reads."""

    class Watched:
        def __init__(self, parts: list[tuple[int, bytes]], size: int) -> None:
            self.parts, self.size, self.bytes_read = parts, size, 0

        def read(self, offset: int, length: int) -> bytes:
            self.bytes_read += length
            found = bytearray(min(length, max(0, self.size - offset)))
            for at, data in self.parts:
                low, high = max(at, offset), min(at + len(data), offset + len(found))
                if low < high:
                    found[low - offset : high - offset] = data[low - at : high - at]
            return bytes(found)

    size = 1 << 38
    start = b"\x80\x04\x8e" + struct.pack("<Q", size)
    source = Watched([(0, start), (len(start) + size, b"\x8c\x01x\x86.")], len(start) + size + 5)
    document = read(source, "made.pkl")
    assert document.problem is None
    assert type(document.root) is tuple
    assert document.root[0].length == size
    assert source.bytes_read < 8 << 20


def test_that_a_joblib_file_is_told_by_name() -> None:
    """joblib writes arrays between the instructions, unmarked."""
    data = b"\x80\x04\x8c\x13joblib.numpy_pickle\x8c\x11NumpyArrayWrapper\x93)\x81}\x8c\x05shapeK\x03sb" + np.ones(30).tobytes()
    document = document_of(data)
    assert isinstance(document.problem, Unsupported)
    assert titles(document) == ["a joblib file"]
    assert "joblib.numpy_pickle.NumpyArrayWrapper" in globals_of(document)


# -- trees that trap a walker --------------------------------------------------------------------------------------------


def laughs(levels: int, width: int, tail: bytes) -> bytes:
    """A tuple or list of the one before, many times, on every level."""
    out = b"\x80\x02]q\x00"
    for _ in range(levels):
        out += b"(" + b"h\x00" * width + tail + b"q\x00"
    return out


@pytest.mark.parametrize("tail", [b"t", b"l"])
def test_that_a_small_file_with_endless_leaves_opens_at_once(tail: bytes) -> None:
    """S-27, S-34: 10^39 leaves in about a kilobyte."""
    started = time.monotonic()
    document = document_of(laughs(39, 10, tail) + b".")
    assert document.problem is None
    assert time.monotonic() - started < 2


def test_that_a_nest_of_tuples_as_a_key_is_never_hashed() -> None:
    """S-21: hangs torch.load(weights_only=True)."""
    started = time.monotonic()
    data = laughs(39, 10, b"t").replace(b"\x80\x02]q\x00", b"\x80\x02)q\x00")
    document = document_of(data + b"}h\x00K\x01s.")
    assert type(document.root) is Dict
    assert time.monotonic() - started < 2


@pytest.mark.slow
def test_that_very_deep_nests_open() -> None:
    """S-28."""
    document = document_of(b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".")
    assert document.problem is None


def test_that_cycles_open() -> None:
    """S-29: a list in itself, a dict in itself, a tuple that holds a list that holds it."""
    for data in (b"\x80\x02]q\x00h\x00a.", b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.", b"\x80\x02]q\x00h\x00\x85q\x01a0h\x01."):
        assert document_of(data).problem is None


def test_that_many_keys_long_items_and_odd_names_are_all_there() -> None:
    """F-19, S-32: a thousand keys, ten thousand items, thirty levels, names that mean something elsewhere."""
    deep: object = torch.ones(1)
    for _ in range(30):
        deep = {"d": deep}
    odd = ["new\nline", "nul\x00", "\u202eright to left", "../up", "<img src=x>", "m" * 1_000_000]
    content = {
        "keys": {f"k{index}": torch.tensor(index) for index in range(1_200)},
        "items": [torch.tensor(0)] * 10_000,
        "deep": deep,
        "odd": {name: torch.ones(1) for name in odd},
    }
    found = by_name(document_of(pickle.dumps(content)))
    assert sum(name.startswith("keys.") for name in found) == 1_200
    assert sum(name.startswith("items.") for name in found) == 10_000
    assert "deep" + ".d" * 30 in found
    assert all(f"odd.{name}" in found for name in odd[:-1])
    assert max(map(len, found)) <= DEFAULT.name_chars + 1


def test_that_ten_thousand_views_of_one_storage_count_its_bytes_once(tmp_path: Path) -> None:
    """S-33."""
    base = torch.zeros(10_000)
    torch.save([base[index:] for index in range(10_000)], tmp_path / "views.pt")
    document = opened(tmp_path / "views.pt")
    assert len(document.tensors) == 10_000
    assert totals_of(document, ())[0].stored == 40_000


def test_that_ordinary_python_objects_show_what_they_hold() -> None:
    """F-08, F-09: paths of another system, namespaces, numbers of numpy."""
    content = {
        "path": pathlib.PurePosixPath("/data/run"),
        "windows": pathlib.PureWindowsPath("C:/data"),
        "args": argparse.Namespace(lr=0.1, name="run"),
        "scalar": np.float32(1.5),
        "array": np.arange(6).reshape(2, 3),
        "decimal": decimal.Decimal("0.1"),
        "ordered": OrderedDict(a=1),
    }
    for protocol in range(6):
        document = document_of(pickle.dumps(content, protocol))
        assert document.problem is None
        assert document.tensors == []
        assert lookup(lookup(document.root, "args").state, "lr") == pytest.approx(0.1)


def test_that_an_empty_file_is_no_pickle() -> None:
    with pytest.raises(NotACheckpoint):
        document_of(b"")


def test_that_an_optimized_pickle_is_read() -> None:
    content = {"a": [torch.ones(2)] * 3}
    assert len(document_of(pickletools.optimize(pickle.dumps(content, 4))).tensors) == 1


@pytest.mark.slow
def test_that_100_000_mappings_in_each_other_are_no_matter() -> None:
    """S-28: spelling the way to each of them took 47 s and 1.7 GB."""
    deep = b"}" + b"X\x01\x00\x00\x00a}" * 100_000 + b"s" * 100_000 + b"."
    begin = time.process_time()
    assert document_of(b"\x80\x02" + deep).tensors == []
    assert time.process_time() - begin < 5
