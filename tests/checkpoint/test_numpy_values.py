"""Pickled numpy arrays, scalars and dtypes, as numpy calls them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ptinspect.checkpoint.layer_tree import layer_tree
from ptinspect.checkpoint.numpy_values import array_of, dtype_name
from ptinspect.pickles.values import Call, Global
from tests.checkpoint.saved import saved

ARRAYS = {
    "float": (np.ones((3, 4), "f4"), "shape (3, 4), float32"),
    "one dimension": (np.arange(5), "shape (5,), int64"),
    "no dimension": (np.array(1.5), "shape (), float64"),
    "text": (np.array(["a", "bc"]), "shape (2,), str"),
    "objects": (np.array([None, "x"], dtype=object), "shape (2,), object"),
    "big-endian": (np.arange(5, dtype=">i4"), "shape (5,), int32, big-endian"),
    "fortran": (np.asfortranarray(np.ones((2, 3), "f2")), "shape (2, 3), float16"),
    "dates": (np.array(["2020-01-01"], dtype="M8[D]"), "shape (1,), datetime64"),
    "records": (np.zeros(2, dtype=[("a", "f4")]), "shape (2,), void"),
    "complex": (np.zeros((1, 1), "c16"), "shape (1, 1), complex128"),
}


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("kind", ARRAYS)
def test_that_an_array_has_its_type_shape_and_dtype(kind: str, protocol: int, tmp_path: Path) -> None:
    array, expected = ARRAYS[kind]
    (row,) = layer_tree(saved(tmp_path, {"x": array}, pickle_protocol=protocol)).values
    assert (row.type, row.text) == ("ndarray", expected)


def test_that_scalars_and_dtypes_have_the_names_that_numpy_gives_them(tmp_path: Path) -> None:
    values = {"a": np.float64(1.5), "b": np.int8(3), "c": np.bool_(True), "d": np.dtype("f2"), "e": np.dtype("U5")}
    rows = {row.name: (row.type, row.text) for row in layer_tree(saved(tmp_path, values)).values}
    expected = {"a": ("float64", "1.5"), "b": ("int8", "3"), "c": ("bool", "True"), "d": ("dtype", "float16"), "e": ("dtype", "str")}
    assert rows == expected


@pytest.mark.parametrize("args", [(), ("f4",), (1, 2, 3), ([1], 2, (3, "x")), None])
def test_that_what_nobody_writes_is_no_array(args) -> None:
    for name in ("numpy._core.multiarray._reconstruct", "numpy._core.numeric._frombuffer", "numpy.dtype"):
        call = Call(Global(name), args)
        call.states = (args,)
        assert array_of(call) is None
    assert dtype_name(Call(Global("numpy.dtype"), ([],))) is None
