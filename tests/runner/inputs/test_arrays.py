from __future__ import annotations

import io
import zipfile

import pytest

pytest.importorskip("torch")

import numpy as np
import torch
from torch import nn

from ptinspect.errors import InputDoesNotFit
from ptinspect.runner.inputs.arrays import arrays
from ptinspect.runner.inputs.spec import parse
from ptinspect.runner.inputs.taking import Taking


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Linear(4, 2), nn.Linear(3, 2)

    def forward(self, left, right):
        return self.left(left) + self.right(right)


LINEAR = Taking(nn.Linear(4, 2))
PICTURES = Taking(nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()))
TOKENS = Taking(nn.Embedding(10, 3))
NUMBERS = np.arange(24, dtype=np.float32).reshape(6, 4)


def part_of(path, taking=LINEAR, count=3):
    return arrays(parse(f"tensor:{path}"), count, taking)


@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f8", ">i2", "|u1", "<u2", "<f2", "|b1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_that_the_first_rows_of_an_array_are_read(tmp_path, kind, order):
    np.save(tmp_path / "a.npy", np.asarray(NUMBERS.astype(kind), order=order))
    part = part_of(tmp_path / "a.npy")
    value = part.inputs[0].value
    assert part.count == 3
    assert value.dtype == {"<f2": torch.float16, "|b1": torch.bool}.get(kind, torch.float32)
    assert np.array_equal(value.numpy(), NUMBERS[:3].astype(kind))


def test_that_one_sample_gets_a_batch_dimension(tmp_path):
    np.save(tmp_path / "a.npy", NUMBERS[0])
    part = part_of(tmp_path / "a.npy")
    assert part.inputs[0].value.shape == (1, 4)
    assert "batch dimension" in part.said


def test_that_grey_pictures_without_a_channel_get_one(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((5, 28, 28), np.uint8))
    part = part_of(tmp_path / "a.npy", PICTURES)
    assert part.inputs[0].value.shape == (3, 1, 28, 28)
    assert "channel" in part.said


def test_that_tokens_stay_whole_numbers_and_inside_the_embedding(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[1, 2], [3, 9]], np.uint8))
    assert part_of(tmp_path / "a.npy", TOKENS).inputs[0].value.dtype == torch.int64
    np.save(tmp_path / "b.npy", np.array([[1, 10]]))
    with pytest.raises(InputDoesNotFit, match="10 rows"):
        part_of(tmp_path / "b.npy", TOKENS)


def test_that_an_array_of_objects_is_never_unpickled(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(InputDoesNotFit, match="pickle"):
        part_of(tmp_path / "a.npy")


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 400000000000)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<f3', 'fortran_order': False, 'shape': (2,)}",
        "__import__('os').system('true')",
        "{" * 5000,
        "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 4)}",
    ],
)
def test_that_a_header_that_lies_is_refused(tmp_path, header):
    text = header.encode()
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(12))
    with pytest.raises(InputDoesNotFit):
        part_of(tmp_path / "a.npy")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_that_arrays_named_like_arguments_are_keyword_inputs(tmp_path, save):
    save(tmp_path / "a.npz", right=np.ones((6, 3), np.float32), left=NUMBERS, labels=np.arange(6))
    part = part_of(tmp_path / "a.npz", Taking(Pair()))
    assert {named.name: tuple(named.value.shape) for named in part.inputs} == {"left": (3, 4), "right": (3, 3)}
    assert part.labels == (0, 1, 2)


def test_that_one_array_and_its_labels_need_no_names(tmp_path):
    np.savez(tmp_path / "a.npz", x=NUMBERS, y=np.array([[1], [0], [1], [0], [1], [0]]))
    part = part_of(tmp_path / "a.npz")
    assert part.inputs[0].name is None
    assert part.labels == (1, 0, 1)


def test_that_arrays_are_chosen_by_name(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=NUMBERS + 1, y_train=np.zeros(6, int), x_test=NUMBERS, y_test=np.ones(6, int))
    with pytest.raises(InputDoesNotFit) as caught:
        part_of(tmp_path / "a.npz")
    assert "x_train" in caught.value.message
    part = part_of(f"{tmp_path}/a.npz:x_test=y_test")
    assert np.array_equal(part.inputs[0].value.numpy(), NUMBERS[:3])
    assert part.labels == (1, 1, 1)
    with pytest.raises(InputDoesNotFit) as caught:
        part_of(f"{tmp_path}/a.npz:x_tset")
    assert "x_test" in caught.value.hint


def test_that_arrays_without_names_come_in_order(tmp_path):
    np.savez(tmp_path / "a.npz", NUMBERS, np.ones((6, 3), np.float32))
    part = part_of(tmp_path / "a.npz", Taking(Pair()))
    assert [(named.name, tuple(named.value.shape)) for named in part.inputs] == [(None, (3, 4)), (None, (3, 3))]


def test_that_only_the_first_rows_of_a_packed_array_are_unpacked(tmp_path):
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": (10**7, 4)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", head.getvalue() + NUMBERS.tobytes())  # the rest is missing, and is never asked for
    assert np.array_equal(part_of(tmp_path / "a.npz").inputs[0].value.numpy(), NUMBERS[:3])


def test_that_tensors_of_torch_are_read_as_data(tmp_path):
    torch.save(torch.from_numpy(NUMBERS), tmp_path / "a.pt")
    assert np.array_equal(part_of(tmp_path / "a.pt").inputs[0].value.numpy(), NUMBERS[:3])
    torch.save({"images": torch.from_numpy(NUMBERS).to(torch.bfloat16), "labels": torch.arange(6)}, tmp_path / "b.pt")
    part = part_of(tmp_path / "b.pt")
    assert part.inputs[0].value.dtype == torch.bfloat16
    assert part.labels == (0, 1, 2)
    torch.save(torch.from_numpy(NUMBERS).t(), tmp_path / "c.pt")
    assert np.array_equal(part_of(tmp_path / "c.pt", Taking(nn.Linear(6, 1))).inputs[0].value.numpy(), NUMBERS.T[:3])


def test_that_safetensors_are_read(tmp_path):
    pytest.importorskip("safetensors").torch = pytest.importorskip("safetensors.torch")
    from safetensors.torch import save_file

    save_file({"x": torch.from_numpy(NUMBERS)}, tmp_path / "a.safetensors")
    assert np.array_equal(part_of(tmp_path / "a.safetensors").inputs[0].value.numpy(), NUMBERS[:3])


def test_that_weights_of_a_model_are_no_input(tmp_path):
    torch.save({f"layer.{at}.weight": torch.zeros(2) for at in range(70)}, tmp_path / "a.pt")
    with pytest.raises(InputDoesNotFit, match="as a model's weights do"):
        part_of(tmp_path / "a.pt")


def test_that_a_missing_file_names_what_lies_beside_it(tmp_path):
    np.save(tmp_path / "a.npy", NUMBERS)
    with pytest.raises(InputDoesNotFit) as caught:
        part_of(tmp_path / "b.npy")
    assert "a.npy" in caught.value.hint


def test_that_a_file_that_is_none_of_these_is_told_with_its_path(tmp_path):
    (tmp_path / "a.pt").write_bytes(b"nothing of that kind")
    with pytest.raises(InputDoesNotFit, match=r"a\.pt"):
        part_of(tmp_path / "a.pt")
