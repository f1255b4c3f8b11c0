"""Truncated at any byte: what is whole still opens, what is cut is named, tensor by tensor."""

from __future__ import annotations

import io
import zipfile

import pytest
import torch

from ptinspect.errors import Corrupt, FileProblem, NotACheckpoint, Truncated
from ptinspect.formats.document import Document
from ptinspect.formats.reading import read
from ptinspect.formats.zip_directory import ZipDirectory
from ptinspect.limits import DEFAULT
from ptinspect.pickles.window import Memory

WEIGHTS = {
    "a": torch.arange(6.0).reshape(2, 3),
    "b": torch.ones(5),
    "c": torch.arange(70, dtype=torch.int64),
    "d": torch.zeros(40, dtype=torch.uint8),
}


def saved(content: object, **options: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def rewritten(data: bytes, method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(buffer, "w", method) as made:
        for info in given.infolist():
            made.writestr(info.filename, given.read(info))
    return buffer.getvalue()


def streamed(data: bytes, method: int) -> bytes:
    """Written to something that cannot seek: sizes stand after the bytes, in zeros before them."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.parts: list[bytes] = []

        def writable(self) -> bool:
            return True

        def write(self, part: object) -> int:
            self.parts.append(bytes(part))  # type: ignore[call-overload]
            return len(self.parts[-1])

    pipe = Pipe()
    with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(pipe, "w", method) as made:  # type: ignore[arg-type]
        for info in given.infolist():
            made.writestr(info.filename, given.read(info))
    return b"".join(pipe.parts)


def opened(data: bytes) -> Document | FileProblem:
    try:
        return read(Memory(data))
    except FileProblem as problem:
        return problem


def ends(data: bytes) -> tuple[int, dict[str, int]]:
    """Where the pickle's bytes end, and each tensor's."""
    directory = ZipDirectory(Memory(data), DEFAULT)
    found = {record.name.rpartition("/")[2]: directory.locate(record) + record.stored for record in directory.records.values()}
    document = read(Memory(data))
    return found["data.pkl"], {tensor.name: found[tensor.storage.key.rpartition("/")[2]] for tensor in document.tensors if tensor.storage}


def old_layout() -> bytes:
    """Records side by side as torch 1.6 wrote them, its sizes after the bytes, without the notes of later years."""
    return streamed(saved(WEIGHTS), zipfile.ZIP_STORED)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(saved(WEIGHTS), id="torch"),
        pytest.param(saved(WEIGHTS, pickle_protocol=4), id="protocol 4", marks=pytest.mark.slow),
        pytest.param(rewritten(saved(WEIGHTS), zipfile.ZIP_STORED), id="zipfile", marks=pytest.mark.slow),
        pytest.param(old_layout(), id="sizes after the bytes", marks=pytest.mark.slow),
    ],
)
def test_that_a_zip_cut_at_any_byte_keeps_what_is_whole(data: bytes) -> None:
    pickle_end, tensor_ends = ends(data)
    assert set(tensor_ends) == set(WEIGHTS)
    for cut in range(1, len(data)):
        found = opened(data[:cut])
        if cut < pickle_end:
            assert isinstance(found, (Document, Truncated, NotACheckpoint)), cut
            if isinstance(found, Document):
                assert isinstance(found.problem, Truncated), cut
                assert all(tensor.problem for tensor in found.tensors), cut
            continue
        assert isinstance(found, Document), (cut, found)
        assert isinstance(found.problem, Truncated), cut
        problems = {tensor.name: tensor.problem for tensor in found.tensors}
        assert set(problems) == set(WEIGHTS), cut
        for name, end in tensor_ends.items():
            assert (problems[name] is None) == (end <= cut), (cut, name, problems[name])
        assert [finding.title for finding in found.findings][:1] == ["the file is incomplete"]


@pytest.mark.parametrize("make", [rewritten, streamed])
def test_that_a_deflated_zip_cut_at_any_byte_names_the_tensors_it_cuts(make: object) -> None:
    data = make(saved(WEIGHTS), zipfile.ZIP_DEFLATED)  # type: ignore[operator]
    pickle_end, tensor_ends = ends(data)
    for cut in range(1, len(data)):
        found = opened(data[:cut])
        if cut < pickle_end:
            continue
        assert isinstance(found, Document), (cut, found)
        whole = {tensor.name for tensor in found.tensors if tensor.problem is None}
        assert {name for name, end in tensor_ends.items() if end <= cut} <= whole, cut
        assert not {name for name, end in tensor_ends.items() if end > cut + 9} & whole, cut


def test_that_a_cut_file_says_how_much_of_it_is_there() -> None:
    data = saved({str(i): torch.ones(1_000) for i in range(50)})
    found = opened(data[: len(data) // 2])
    assert isinstance(found, Document)
    assert isinstance(found.problem, Truncated)
    message = found.problem.message
    assert f"{len(data) // 2:,} of about" in message
    about = int(message.split("about ")[1].split(" ")[0].replace(",", ""))
    assert abs(about - len(data)) < 0.02 * len(data)


def test_that_torchscript_writes_its_tensors_first_and_is_found_again() -> None:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.trace(torch.nn.Linear(30, 20), torch.ones(1, 30)), buffer)
    data = buffer.getvalue()
    whole = read(Memory(data))
    found = opened(data[:-60])
    assert isinstance(found, Document)
    assert found.container == whole.container
    assert [tensor.name for tensor in found.tensors] == [tensor.name for tensor in whole.tensors]
    assert not any(tensor.problem for tensor in found.tensors)


def test_that_a_torchscript_archive_cut_at_any_byte_lets_nothing_else_out() -> None:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.trace(torch.nn.Linear(3, 2), torch.ones(1, 3)), buffer)
    data = buffer.getvalue()
    for cut in range(0, len(data), 7):
        found = opened(data[:cut])
        assert not isinstance(found, Document) or isinstance(found.problem, Truncated)


def test_that_a_damaged_directory_is_rebuilt_and_said_so() -> None:
    """S-18"""
    data = bytearray(saved(WEIGHTS))
    at = data.index(b"PK\x01\x02")
    data[at : at + 4] = b"XXXX"
    found = opened(bytes(data))
    assert isinstance(found, Document)
    assert isinstance(found.problem, Corrupt)
    assert not any(tensor.problem for tensor in found.tensors)


def test_that_a_record_with_the_marks_of_another_inside_is_not_cut_in_two() -> None:
    fake = b"PK\x07\x08" + b"\0" * 4 + b"\x08\0\0\0" * 2 + b"PK\x03\x04"
    weights = {"a": torch.frombuffer(bytearray(b"12345678" + fake + b"rest"), dtype=torch.uint8), "b": torch.ones(3)}
    data = saved(weights)
    found = opened(data[: data.index(b"PK\x01\x02")])
    assert isinstance(found, Document)
    assert {tensor.name: tensor.problem for tensor in found.tensors} == {"a": None, "b": None}


def test_that_a_cut_archive_of_checkpoints_is_told_as_cut() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("MAR-INF/MANIFEST.json", "{}")
        archive.writestr("model.pt", saved(WEIGHTS))
    found = opened(buffer.getvalue()[:-200])
    problem = found.problem if isinstance(found, Document) else found
    assert isinstance(problem, Truncated)
