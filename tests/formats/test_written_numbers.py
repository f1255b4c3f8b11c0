"""Numbers that stand in a pickle, packed as torch stores them."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from ptinspect.dtypes import BY_NAME
from ptinspect.errors import Corrupt, Truncated, Unsupported
from ptinspect.formats.written_numbers import as_stored, converted, packed

KINDS = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]


def bytes_of(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().view(torch.uint8).numpy().tobytes()


@given(some.lists(some.floats(), max_size=20))
def test_that_floats_are_rounded_as_torch_rounds_them(numbers: list[float]) -> None:
    wide = torch.tensor(numbers, dtype=torch.float64)
    for name in ("float64", "float32", "float16"):
        expected = wide.to(getattr(torch, name))
        found = torch.frombuffer(bytearray(packed(numbers, BY_NAME[name])), dtype=expected.dtype) if numbers else expected
        assert torch.equal(found.nan_to_num(7.0), expected.nan_to_num(7.0))
        assert torch.equal(found.isnan(), expected.isnan())


@given(some.lists(some.floats(width=32), max_size=20))
def test_that_brain_floats_are_rounded_as_torch_rounds_them(numbers: list[float]) -> None:
    expected = torch.tensor(numbers, dtype=torch.float32).to(torch.bfloat16)
    raw = packed(numbers, BY_NAME["bfloat16"])
    found = torch.frombuffer(bytearray(raw), dtype=torch.bfloat16) if numbers else expected
    assert torch.equal(found.isnan(), expected.isnan())
    assert bytes_of(found[~found.isnan()]) == bytes_of(expected[~expected.isnan()])


@given(some.lists(some.integers(-(2**63), 2**63 - 1), max_size=20))
def test_that_whole_numbers_go_round_as_in_c(numbers: list[int]) -> None:
    wide = torch.tensor(numbers, dtype=torch.int64)
    for name in ("int64", "int32", "int16", "int8", "uint8", "bool"):
        assert packed(numbers, BY_NAME[name]) == bytes_of(wide.to(getattr(torch, name)))


def test_that_what_is_no_number_is_corrupt() -> None:
    for item in ("1", None, [1], b"1"):
        with pytest.raises(Corrupt, match="no number"):
            packed([1.0, item], BY_NAME["float32"])
    with pytest.raises(Unsupported, match="quint8"):
        packed([1], BY_NAME["quint8"])
    assert packed([math.nan, math.inf, 2**2_000 - 1, True][2:], BY_NAME["int8"]) == b"\xff\x01"
    assert packed([math.nan, -math.inf], BY_NAME["int16"]) == bytes(4)


def test_that_a_number_beyond_any_float_is_infinite() -> None:
    assert struct.unpack("<2d", packed([10**400, -(10**400)], BY_NAME["float64"])) == (math.inf, -math.inf)
    assert struct.unpack("<2f", packed([10**400, 1e300], BY_NAME["float32"])) == (math.inf, math.inf)
    assert struct.unpack("<4f", packed([10**400, -1.5], BY_NAME["complex64"])) == (math.inf, 0, -1.5, 0)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("code", ["f4", "f8", "f2", "i1", "i2", "i4", "i8", "u1", "u2", "b1"])
def test_that_an_array_of_any_type_becomes_any_dtype(code: str, name: str, order: str) -> None:
    array = np.array([0, 1, 3, 100, 7], "f8").astype(code)
    found = converted(array.astype(order + code).tobytes(), array.size, code, order, BY_NAME[name])
    assert found == bytes_of(torch.from_numpy(array.astype("f8")).to(getattr(torch, name)))
    if as_stored(code, order, BY_NAME[name]):
        assert found == array.astype(order + code).tobytes()


def test_that_complex_arrays_keep_both_parts() -> None:
    array = np.array([1 + 2j, -3.5j])
    assert converted(array.tobytes(), 2, "c16", "<", BY_NAME["complex64"]) == array.astype("c8").tobytes()
    assert converted(array.astype(">c8").tobytes(), 2, "c8", ">", BY_NAME["complex128"]) == array.tobytes()
    assert converted(array.tobytes(), 2, "c16", "<", BY_NAME["float32"]) == array.real.astype("f4").tobytes()
    assert converted(array.real.copy().tobytes(), 2, "f8", "<", BY_NAME["complex64"]) == array.real.astype("c8").tobytes()


def test_that_an_array_cut_short_or_of_an_odd_type_is_one_clear_error() -> None:
    with pytest.raises(Truncated, match="ends after 7 bytes of 8"):
        converted(bytes(7), 2, "f4", "<", BY_NAME["float32"])
    for code, name in (("V8", "float32"), ("", "float32"), ("f4", "qint8")):
        with pytest.raises(Unsupported):
            converted(bytes(8), 1, code, "<", BY_NAME[name])
