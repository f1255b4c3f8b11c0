"""Values that stand in the pickle itself: numbers one by one, numpy arrays, whole files in a text."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.checkpoint.saved import saved
from tests.checkpoint.test_values import LEGACY
from tests.checkpoint.truth import every_value, of, place, same, truth

pytestmark = pytest.mark.filterwarnings("ignore")


def test_that_a_plain_pickle_of_an_old_storage_reads_its_numbers(tmp_path: Path) -> None:
    """torch before 0.4: torch.FloatStorage([1.0, 2.0])."""
    kinds = {"Float": np.float32, "Double": np.float64, "Half": np.float16, "Long": np.int64, "Byte": np.uint8, "Char": np.int8}
    for kind, expected in kinds.items():
        numbers = pickle.dumps([1, 2, 100], 2)[2:-1]
        storage = f"ctorch\n{kind}Storage\n".encode() + numbers + b"\x85R"
        (tmp_path / "x.pkl").write_bytes(b"\x80\x02](ctorch._utils\n_rebuild_tensor\n(" + storage + b"K\x01K\x02\x85K\x01\x85tRe.")
        assert same(every_value(tmp_path / "x.pkl")["0"], np.array([2, 100], expected))


def test_that_numbers_of_several_old_storages_stay_apart(tmp_path: Path) -> None:
    one = b"ctorch._utils\n_rebuild_tensor\n(ctorch\nFloatStorage\n](K%ce\x85RK\x00K\x01\x85K\x01\x85tR"
    (tmp_path / "x.pkl").write_bytes(b"\x80\x02](" + one % 3 + one % 5 + one % 7 + b"e.")
    assert [found.tolist() for found in every_value(tmp_path / "x.pkl").values()] == [[3], [5], [7]]


@pytest.mark.parametrize("options", [{"pickle_protocol": protocol} for protocol in (2, 3, 4, 5)] + [LEGACY], ids=str)
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float16, torch.int8, torch.float64], ids=str)
@pytest.mark.parametrize(
    "array",
    [
        np.linspace(-3, 300, 12, dtype=np.float32).reshape(3, 4),
        np.asfortranarray(np.arange(12, dtype=np.float32).reshape(3, 4)),
        np.arange(6, dtype=">i4"),
        np.array([1e300, -1e-300, np.nan, np.inf]),
        np.arange(70_000, dtype=np.float32),
    ],
    ids=["float", "fortran", "big", "large", "long"],
)
def test_that_an_array_in_place_of_a_storage_reads_as_torch_converts_it(array, kind, options, tmp_path: Path) -> None:
    """As XLA wrote its tensors."""

    class Made:
        def __reduce__(self):
            return torch._utils._rebuild_device_tensor_from_numpy, (array, kind, "cpu", False)

    native = array.astype(array.dtype.newbyteorder("="))
    if kind is torch.int8 and not (np.isfinite(array).all() and np.abs(array).max() < 1e9):
        pytest.skip("what does not fit into an integer is left to the machine")
    expected = torch.from_numpy(native).to(kind)
    checkpoint = saved(tmp_path, {"a": Made(), "beside": torch.ones(2)}, **options)
    assert place(checkpoint, "a").strides == expected.stride()
    found = of(checkpoint, "a")
    assert np.array_equal(found.astype(np.float64), truth(expected).astype(np.float64), equal_nan=True)
    assert found.dtype == truth(expected).dtype
    assert same(of(checkpoint, "beside"), np.ones(2, np.float32))


def test_that_storages_in_a_text_of_an_archive_read_as_they_were(tmp_path: Path) -> None:
    """pickle.dumps(tensor) writes a whole file in place of each storage, up to protocol 2 as text."""
    content = {"a": torch.arange(5.0), "b": torch.randn(3, 2, dtype=torch.float64).t(), "c": torch.tensor([1, 2])}
    for protocol in range(6):
        (tmp_path / "x.pkl").write_bytes(pickle.dumps(content, protocol))
        found = every_value(tmp_path / "x.pkl")
        assert all(same(found[name], truth(tensor)) for name, tensor in content.items())
