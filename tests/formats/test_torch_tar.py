"""The tar files of torch 0.1: real ones, made ones, cut ones."""

from __future__ import annotations

import io
import pickle
import struct
import tarfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ptinspect.errors import FileProblem, Truncated
from ptinspect.formats.document import Document
from ptinspect.formats.reading import read
from ptinspect.limits import Limits
from ptinspect.pickles.window import Memory
from tests.corpus import FOLDER, needs_corpus
from tests.corpus import rows as corpus_rows
from tests.formats.opened import by_name, opened

SYSTEM = {"protocol_version": 1000, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}


class Reference:
    def __init__(self, number: int) -> None:
        self.number = number


class Pickler(pickle.Pickler):
    def persistent_id(self, value: object) -> object:
        if isinstance(value, Reference):
            return str(value.number)
        if value is not torch.nn.Identity or hasattr(self, "met"):
            return None
        self.met = True
        return value, "net.py", "class Net: ..."


def pickled(value: object) -> bytes:
    buffer = io.BytesIO()
    Pickler(buffer, 2).dump(value)
    return buffer.getvalue()


def made(content: object, storages: list, tensors: list, views: list = (), system: dict = SYSTEM, form: int = tarfile.PAX_FORMAT) -> bytes:
    """Storages as (number, type, elements, bytes), tensors as (number, storage, sizes, strides, offset)."""
    stored = pickled(len(storages))
    for number, kind, count, data in storages:
        stored += pickled((number, "cpu", kind)) + struct.pack("<q", count) + data
    described = pickled(len(tensors))
    for number, storage, sizes, strides, offset in tensors:
        numbers = (*sizes, *strides, offset)
        described += pickled((number, storage, torch.FloatTensor)) + struct.pack(f"<i4x{len(numbers)}q", len(sizes), *numbers)
    members = {"sys_info": pickled(system), "pickle": pickled(content), "tensors": described, "storages": stored + pickled(list(views))}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:", format=form) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def document_of(data: bytes) -> Document:
    return read(Memory(data), "made.pt")


FLOATS = struct.pack("<6f", *range(6))
STORAGES = [(11, torch.FloatStorage, 6, FLOATS), (12, torch.LongStorage, 2, bytes(16))]
TENSORS = [(21, 11, (2, 3), (3, 1), 0), (22, 12, (2,), (1,), 0)]
STATE = OrderedDict([("a.weight", Reference(21)), ("a.tied", Reference(21)), ("b", Reference(22)), ("bare", Reference(11))])


def test_that_a_tensor_by_number_is_one_tensor_under_two_names() -> None:
    """F-05."""
    document = document_of(made(STATE, STORAGES, TENSORS))
    assert document.container == "torch-tar"
    assert document.problem is None
    assert [(found.name, found.shape, found.dtype.name, found.problem) for found in document.tensors] == [
        ("a.weight", (2, 3), "float32", None),
        ("b", (2,), "int64", None),
    ]
    found = by_name(document)
    assert found["a.tied"] is found["a.weight"]
    assert "bare" not in found


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_that_the_bytes_of_a_tensor_lie_where_the_reader_says(tmp_path: Path, form: int) -> None:
    """torch reads a tar only where it may run code, so it is not asked: the bytes are."""
    data = made(STATE, STORAGES, TENSORS, form=form)
    path = tmp_path / "made.tar"
    path.write_bytes(data)
    ref = by_name(opened(path))["a.weight"].storage
    assert ref is not None
    assert ref.offset is not None
    assert data[ref.offset : ref.offset + ref.nbytes] == FLOATS


def test_that_a_view_of_a_storage_is_placed_inside_it() -> None:
    tensors = [(21, 13, (2,), (1,), 1), (22, 13, (3,), (1,), 1)]
    found = by_name(document_of(made([Reference(21), Reference(22)], STORAGES, tensors, [(13, 11, 2, 3)])))
    assert (found["0"].storage_offset, found["0"].problem) == (3, None)
    assert found["1"].problem == "it reaches byte 16 of a storage of 12"


def test_that_a_tensor_on_a_storage_that_is_not_there_is_an_invalid_row() -> None:
    (found,) = document_of(made([Reference(21)], STORAGES, [(21, 99, (2,), (1,), 0)])).tensors
    assert found.problem == "its bytes are missing: the archive lists no such storage"


FORGED = [((2,) * 65, (1,) * 65, 0), ((1 << 40,), (1,), 0), ((-1,), (1,), 0), ((2,), (1,), -1)]


@pytest.mark.parametrize(("sizes", "strides", "offset"), FORGED)
def test_that_a_forged_tensor_does_not_take_the_rest_with_it(sizes: tuple[int, ...], strides: tuple[int, ...], offset: int) -> None:
    """S-30, S-31."""
    tensors = [(31, 11, (6,), (1,), 0), (21, 11, sizes, strides, offset)]
    document = document_of(made({"good": Reference(31), "bad": Reference(21)}, STORAGES, tensors))
    assert by_name(document)["good"].problem is None


@pytest.mark.parametrize("count", [1 << 40, -1, 1 << 62])
def test_that_nothing_is_allocated_from_a_declared_size(count: int) -> None:
    """S-26."""
    document = document_of(made([Reference(21)], [(11, torch.FloatStorage, count, FLOATS)], [(21, 11, (6,), (1,), 0)]))
    assert document.problem is not None


def test_that_code_in_any_member_is_seen() -> None:
    """S-02: CVE-2025-32434 ran what a tar held, in spite of weights_only."""

    class Bad:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return __import__("os").getcwd, ()

    for document in (
        document_of(made(Bad(), STORAGES, TENSORS)),
        document_of(made([], STORAGES, TENSORS, system=SYSTEM | {"bad": Bad()})),
        document_of(made([], [*STORAGES, (Bad(), torch.FloatStorage, 0, b"")], TENSORS)),
    ):
        names = {name for found in document.pickles for name in found.stream.globals}
        assert names & {"posix.getcwd", "nt.getcwd"}


def test_that_a_file_cut_anywhere_opens_or_is_one_file_problem() -> None:
    whole = made(STATE, STORAGES, TENSORS)
    for length in range(1, len(whole), 7):
        try:
            document = document_of(whole[:length])
        except FileProblem:
            continue
        if length < 4 * 1024:
            assert isinstance(document.problem, Truncated) or document.tensors, length


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_that_mutated_files_open_or_are_one_file_problem(data: st.DataObject) -> None:
    whole = bytearray(made(STATE, STORAGES, TENSORS))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        read(Memory(bytes(whole)), limits=Limits(pickles=1_000))
    except FileProblem:
        return


def test_that_a_module_written_with_its_source_shows_class_and_source() -> None:
    document = document_of(made([torch.nn.Identity], STORAGES, TENSORS))
    assert {name: text() for name, text in document.code.items()} == {"torch.nn.modules.linear.Identity": "class Net: ..."}


def test_that_an_ordinary_tar_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "plain.tar"
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("readme"), io.BytesIO())
    with pytest.raises(FileProblem):
        opened(path)


@needs_corpus
def test_that_the_file_of_torchs_own_tests_has_two_tensors_under_four_names() -> None:
    """Empty in the manifest. Six references: two tensors twice each, a storage, and a view of it: elements 1 to 3."""
    document = opened(FOLDER / "files/deepchokshi+pytorch/test/data/legacy_serialized.pt")
    assert document.problem is None
    assert [(place.path, place.tensor.name) for place in document.places] == [("0", "0"), ("1", "1"), ("2", "0"), ("3", "1")]
    assert [(found.shape, found.dtype.name, found.problem) for found in document.tensors] == [((5, 5), "float32", None)] * 2
    assert sum(found.elements for found in document.tensors) == 50


@needs_corpus
@pytest.mark.parametrize("row", [row for row in corpus_rows() if row.container == "torch-tar"], ids=lambda row: row.id)
def test_that_a_tar_of_the_corpus_is_whole(row) -> None:  # type: ignore[no-untyped-def]
    """Six of the seven are imitations that torch cannot load; all their tensors are there."""
    document = opened(row.path)
    assert document.container == "torch-tar"
    assert document.problem is None
    assert document.tensors
    assert [found.problem for found in document.tensors if found.problem] == []
