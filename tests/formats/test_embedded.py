"""Tensors inside byte strings, and what old and odd writers made of tensors."""

from __future__ import annotations

import io
import pickle
import struct
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from ptinspect.checkpoint.storages import totals_of
from ptinspect.formats.rebuild import READERS
from ptinspect.limits import DEFAULT
from ptinspect.pickles.instructions import EMBEDDED
from tests.formats.opened import by_name, opened
from tests.formats.pickled import document_of, globals_of

PAYLOAD = b"cposix\nsystem\n(S'true'\ntR."

# -- tensors inside byte strings -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("count", [0, 1, 3, 5_000])
def test_that_a_pickled_tensor_is_found_with_its_bytes(tmp_path: Path, protocol: int, count: int) -> None:
    """From protocol 3 on the bytes have a place in the file, however few; before, they are text and held apart."""
    tensor = torch.arange(count, dtype=torch.float32)
    data = pickle.dumps({"a": tensor, "same": tensor, "view": tensor[count // 2 :]}, protocol)
    path = tmp_path / "made.pkl"
    path.write_bytes(data)
    document = opened(path)
    found = by_name(document)
    assert [one.problem for one in document.tensors] == [None, None]
    assert found["a"] is found["same"]
    ref = found["a"].storage
    assert ref is not None
    assert ref.nbytes == ref.present == count * 4
    if ref.offset is not None:
        assert data[ref.offset : ref.offset + ref.nbytes] == tensor.numpy().tobytes()
    elif count:
        assert protocol < 3
        assert document.held[ref.key]() == tensor.numpy().tobytes()
    assert found["view"].storage_offset == count // 2
    assert found["view"].storage != ref


@pytest.mark.filterwarnings("ignore")
def test_that_an_embedded_zip_is_found_with_its_bytes(tmp_path: Path) -> None:
    """No torch writes it, but its loader takes whatever torch.load takes."""
    storage = torch.arange(4.0).untyped_storage()
    buffer = io.BytesIO()
    torch.save(torch.storage.TypedStorage(wrap_storage=storage, dtype=torch.float32), buffer)
    data = made_embedded(buffer.getvalue(), 4)
    path = tmp_path / "made.pkl"
    path.write_bytes(data)
    (found,) = opened(path).tensors
    assert found.problem is None
    assert found.storage is not None
    assert found.storage.offset is not None
    assert struct.unpack("<4f", data[found.storage.offset :][:16]) == (0, 1, 2, 3)


def made_embedded(inner: bytes, count: int) -> bytes:
    module, _, name = EMBEDDED.rpartition(".")
    storage = f"c{module}\n{name}\n".encode() + b"B" + struct.pack("<I", len(inner)) + inner + b"\x85R"
    shape = b"K" + bytes([count]) + b"\x85" + b"K\x01\x85"
    return b"\x80\x03ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00" + shape + b"\x89}tR."


def test_that_a_file_inside_a_file_inside_a_file_ends_at_the_limit(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    torch.save(torch.arange(4.0).untyped_storage(), buffer, _use_new_zipfile_serialization=False)
    inner = buffer.getvalue()
    head = b"".join(pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))
    expected: list[str | None] = []
    for level in range(DEFAULT.nesting + 2):
        path = tmp_path / f"{level}.pkl"
        path.write_bytes(made_embedded(inner, 4))
        (found,) = opened(path).tensors
        expected.append(found.problem)
        if found.storage is not None and found.storage.offset is not None:
            assert path.read_bytes()[found.storage.offset :][:16] == struct.pack("<4f", 0, 1, 2, 3)
        module, _, name = EMBEDDED.rpartition(".")
        call = b"\x80\x03" + f"c{module}\n{name}\n".encode() + b"B" + struct.pack("<I", len(inner)) + inner + b"\x85R."
        inner = head + call + pickle.dumps([], 2)
    assert expected[: DEFAULT.nesting] == [None] * DEFAULT.nesting
    assert "nesting" in (expected[-1] or "")


@pytest.mark.parametrize("inner", [b"", b"\x00" * 50, b"not a file", b"PK\x03\x04 broken", pickle.dumps({"a": 1})])
def test_that_a_broken_file_inside_is_an_invalid_row(inner: bytes) -> None:
    (found,) = document_of(made_embedded(inner, 1)).tensors
    assert found.problem is not None
    assert found.shape == (1,)


def test_that_code_inside_an_embedded_file_is_seen() -> None:
    """S-16: torch.storage._load_from_bytes loads its bytes with everything that they name."""
    head = b"".join(pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))
    document = document_of(made_embedded(head + PAYLOAD + pickle.dumps([], 2), 1))
    assert "posix.system" in globals_of(document)


def test_that_an_embedded_file_in_a_zip_and_in_a_legacy_file_is_found(tmp_path: Path) -> None:
    """Where a pickle with tensors was kept inside an object whose class wrote it so."""

    class Inside:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            buffer = io.BytesIO()
            torch.save(torch.arange(4.0).untyped_storage(), buffer, _use_new_zipfile_serialization=False)
            loaded = Call(torch.storage._load_from_bytes, buffer.getvalue())
            return torch._utils._rebuild_tensor_v2, (loaded, 0, (16,), (1,), False, OrderedDict())

    class Call:
        def __init__(self, fn: object, *args: object) -> None:
            self.fn, self.args = fn, args

        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return self.fn, self.args

    for name, is_zip in (("a.pt", True), ("b.pt", False)):
        content = {"inside": Inside(), "beside": torch.ones(2)}
        torch.save(content, tmp_path / name, _use_new_zipfile_serialization=is_zip, pickle_protocol=3)
        document = opened(tmp_path / name)
        assert {path: (found.shape, found.problem) for path, found in by_name(document).items()} == {
            "inside": ((16,), None),
            "beside": ((2,), None),
        }
        ref = document.tensors[0].storage
        assert ref is not None
        assert ref.offset is not None
        assert (tmp_path / name).read_bytes()[ref.offset :][:16] == struct.pack("<4f", 0, 1, 2, 3)


def test_that_storages_written_number_by_number_have_their_size() -> None:
    """torch before 0.4 in a plain pickle: torch.FloatStorage([...])."""
    storage = b"ctorch\nFloatStorage\n](G?\xf0\x00\x00\x00\x00\x00\x00G@\x00\x00\x00\x00\x00\x00\x00e\x85R"
    document = document_of(b"\x80\x02ctorch._utils\n_rebuild_tensor\n(" + storage + b"K\x00K\x02\x85K\x01\x85tR.")
    (found,) = document.tensors
    assert (found.shape, found.problem, found.storage.nbytes if found.storage else 0) == ((2,), None, 8)


class Made:
    def __init__(self, function: object, *args: object) -> None:
        self.function, self.args = function, args

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.function, self.args


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("count", [6, 6_000])
def test_that_tensors_of_other_devices_written_as_arrays_count_their_bytes(protocol: int, count: int) -> None:
    """XLA and others: the array is converted to the dtype beside it when it is loaded; two tensors on one array share it."""
    array = np.zeros((2, count), dtype=np.float32)
    rebuild = torch._utils._rebuild_device_tensor_from_numpy
    content = [Made(rebuild, array, torch.bfloat16, "cpu", True), Made(rebuild, array, torch.bfloat16, "cpu", False)]
    document = document_of(pickle.dumps(content, protocol))
    assert [(found.shape, found.strides, found.dtype.name, found.problem) for found in document.tensors] == [
        ((2, count), (count, 1), "bfloat16", None)
    ] * 2
    assert [found.requires_grad for found in document.tensors] == [True, False]
    assert totals_of(document, ())[0].stored == 2 * count * 2


def test_that_an_array_with_too_few_bytes_is_an_invalid_row() -> None:
    data = pickle.dumps(Made(torch._utils._rebuild_device_tensor_from_numpy, np.zeros(100, np.int8), torch.int8, "cpu", False), 3)
    assert b"K\x64\x85" in data
    (found,) = document_of(data.replace(b"K\x64\x85", b"K\x65\x85")).tensors
    assert found.problem == "it needs 101 bytes and is given 100"


def test_that_a_model_pickled_by_old_torch_has_its_parameters() -> None:
    """Variable and Parameter of 0.1 to 0.3: made without arguments, then given (data, grad, hooks, requires_grad, volatile)."""
    tensor = b"ctorch._utils\n_rebuild_tensor\n(ctorch\nFloatStorage\n](K\x01K\x02e\x85RK\x00K\x02\x85K\x01\x85tR"
    five = b"ctorch.nn.parameter\nParameter\n)\x81(" + tensor + b"N}\x89\x89tb"
    three = b"ctorch.nn.parameter\nParameter\n" + tensor + b"\x85\x81(\x88\x89}tb"
    two = b"ctorch.nn.parameter\nParameter\n" + tensor + b"\x89\x86R"
    variable = b"ctorch.autograd.variable\nVariable\n" + tensor + b"\x85\x81(\x88\x89}tb"
    document = document_of(b"\x80\x02](" + five + three + two + variable + b"e.")
    assert [(found.shape, found.requires_grad, found.is_parameter) for found in document.tensors] == [
        ((2,), False, True),
        ((2,), True, True),
        ((2,), False, True),
        ((2,), True, False),
    ]


@pytest.mark.parametrize("name", sorted(READERS))
@pytest.mark.parametrize("arguments", [b"N", b")", b"N\x85", b"]\x85", *(b"(" + one * 8 + b"t" for one in (b"N", b"K\x01", b"]"))])
def test_that_a_rebuild_function_given_nonsense_is_an_invalid_row_or_no_tensor(name: str, arguments: bytes) -> None:
    """S-30: and what a BUILD adds to it does not help either."""
    module, _, attribute = name.rpartition(".")
    call = f"c{module}\n{attribute}\n".encode() + arguments + b"R"
    for state in (b"", b"Nb", b"}b", b"(NNNtb", b"(NNNNtb", b"(NNNNNtb"):
        document = document_of(b"\x80\x02]" + call + state + b"a.")
        assert all(found.problem for found in document.tensors)
